package views

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// A page that finds nothing examines a limited number of orders, and the next page continues there.
func TestAPageEndsEarlyWhenTooManyOrdersDoNotMatch(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	for i := range 1000 {
		n := statemachine.Notification{Status: statemachine.Placed, AssetClass: statemachine.AssetClass(1 + i%3),
			At: start.Add(time.Duration(i) * time.Second)}
		n.Details[statemachine.ISIN], n.Details[statemachine.ExchangeCode] = "DE1", "XFRA"
		if i == 0 || i == 999 {
			n.Details[statemachine.ExchangeCode] = "XMUN"
		}
		if i%2 == 0 {
			n.Status = "UNHEARD_OF"
		}
		w.notify(fmt.Sprintf("o-%03d", i), n)
	}
	w.commit(t, s)
	bounds.Orders, bounds.Entries, bounds.InEra, bounds.Looked, bounds.LookedRows = 3, 10, 50, 100, 100
	t.Cleanup(func() { bounds = usual })
	rare := []string{"XMUN"}
	for name, c := range map[string]struct {
		q     Query
		pages int // about
	}{
		"by the last notification":         {Query{ExchangeCodes: rare}, 10},
		"by the earliest notification":     {Query{ExchangeCodes: rare, Sort: EarliestReceived}, 10},
		"by the time modified":             {Query{ExchangeCodes: rare, Sort: LatestModified}, 10},
		"by the earliest time modified":    {Query{ExchangeCodes: rare, Sort: EarliestModified}, 10},
		"with a filter for a value":        {Query{ExchangeCodes: rare, ISINs: []string{"DE1"}}, 10},
		"with a filter for a break":        {Query{ExchangeCodes: rare, Breaks: []statemachine.Code{statemachine.UnknownStatus}}, 5},
		"with a filter for an asset class": {Query{ExchangeCodes: rare, AssetClass: statemachine.Traditional}, 4},
		"of a time that no order has":      {Query{ExchangeCodes: rare, StatusChanged: Period{Since: after(900_000)}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			q, found, pages := c.q, []string{}, 0
			for ; pages == 0 || q.Cursor != ""; pages++ {
				page, err := s.Orders(context.Background(), q)
				require.NoError(t, err)
				for i := range page.Orders {
					found = append(found, page.Orders[i].ID)
				}
				q.Cursor = page.Next
			}
			require.Equal(t, idsOf(w.newestFirst(), c.q), append([]string{}, found...))
			require.InDelta(t, c.pages, pages, 1)
		})
	}
	page, err := s.Orders(context.Background(), Query{Limit: 500})
	require.NoError(t, err)
	require.Len(t, page.Orders, 500, "orders that are shown do not count")
}
