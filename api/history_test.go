package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// filled receives the notifications of an order that is filled in that many parts.
func (s *server) filled(t *testing.T, id string, parts int) {
	t.Helper()
	for i := range parts {
		s.receive(order(id, statemachine.PartiallyFilled, i, statemachine.Decimal(fmt.Sprint(i+1))), `{}`)
	}
	s.apply(t)
}

// historyPages follows the pages of a history, and returns the sequences on each.
func (s *server) historyPages(t *testing.T, path string) (pages [][]uint64) {
	t.Helper()
	for next := path; ; {
		a := s.get(t, next)
		require.Equal(t, http.StatusOK, a.StatusCode, string(a.body))
		list := into[api.List[api.HistoryEntry]](t, a)
		page := []uint64{}
		for _, e := range list.Data {
			page = append(page, e.Sequence)
		}
		if pages = append(pages, page); list.NextCursor == nil {
			return pages
		}
		next = path + "&cursor=" + url.QueryEscape(*list.NextCursor)
	}
}

func TestAHistoryHasPages(t *testing.T) {
	s := start(t, newWorld(t))
	s.filled(t, "a", 7)
	require.Equal(t, [][]uint64{{1, 2, 3}, {4, 5, 6}, {7}}, s.historyPages(t, "/v1/orders/a/history?limit=3"))
	require.Equal(t, [][]uint64{{1, 2, 3, 4, 5, 6, 7}}, s.historyPages(t, "/v1/orders/a/history?limit=7"), "it is not followed by an empty page")
	require.Equal(t, [][]uint64{{1, 2}, {3, 4}, {5}}, s.historyPages(t, "/v1/orders/a/history?limit=2&asOfSequence=5"))
	s.filled(t, "b", 150)
	require.Len(t, s.historyPages(t, "/v1/orders/b/history?minSequence=1")[0], 100, "the default")
}

func TestACursorOfAHistoryStaysValidInTheNextGeneration(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	s.filled(t, "a", 5)
	first := into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/a/history?limit=2"))
	w.rebuild(t, "8")
	rest := into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/a/history?cursor="+*first.NextCursor))
	require.Len(t, rest.Data, 3)
	require.EqualValues(t, 3, rest.Data[0].Sequence)
}

// A client may be sent to a process whose views are behind, so their end is not the end of the history.
func TestAPageOfAHistoryIsNotReadFromViewsThatAreBehindThePreviousPage(t *testing.T) {
	ahead, behind := start(t, newWorld(t)), start(t, newWorld(t))
	ahead.filled(t, "a", 5)
	behind.filled(t, "a", 3)
	first := into[api.List[api.HistoryEntry]](t, ahead.get(t, "/v1/orders/a/history?limit=2"))
	code, _ := behind.get(t, "/v1/orders/a/history?cursor="+*first.NextCursor, "Prefer: wait=0").problem(t)
	require.Equal(t, "view-behind", code)
	behind.filled(t, "a", 2)
	rest := into[api.List[api.HistoryEntry]](t, behind.get(t, "/v1/orders/a/history?cursor="+*first.NextCursor))
	require.Len(t, rest.Data, 3)
}

func TestABadLimitOrCursorOfAHistoryIsRefusedWithAReason(t *testing.T) {
	s := start(t, newWorld(t))
	s.filled(t, "a", 5)
	s.filled(t, "b", 5)
	cursor := *into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/a/history?limit=2")).NextCursor
	list := *into[api.List[shownOrder]](t, s.get(t, "/v1/orders?limit=1")).NextCursor
	for query, location := range map[string]string{
		"limit=0": "query.limit", "limit=501": "query.limit", "limit=ten": "query.limit", "limit=-1": "query.limit",
		"cursor=x": "query.cursor", "cursor=" + list: "query.cursor", "cursor=" + cursor[1:]: "query.cursor", "cursor=" + cursor + "A": "query.cursor",
		"cursor=AAAA": "query.cursor", "cursor=": "query.cursor",
	} {
		a := s.get(t, "/v1/orders/a/history?"+query)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, query)
		require.Contains(t, string(a.body), location, query)
	}
	a := s.get(t, "/v1/orders/b/history?cursor="+cursor)
	require.Equal(t, http.StatusBadRequest, a.StatusCode, "of another order")
	require.Contains(t, string(a.body), "start again without a cursor")
}

func TestAHistoryShowsWhichOfItsRecordsAreLost(t *testing.T) {
	s := start(t, newWorld(t))
	s.filled(t, "a", 5)
	s.lose("records 2 to 3 are missing", 2, 3)
	code, _ := s.get(t, "/v1/orders/a/history").problem(t)
	require.Equal(t, "record-missing", code, "nobody has decided")
	s.lose("", 2, 3)
	list := into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/a/history"))
	require.Len(t, list.Data, 5)
	lost := list.Data[1]
	require.Equal(t, "lost", lost.Effect)
	require.Nil(t, lost.ReceivedAt)
	require.Nil(t, lost.Kind)
	require.Contains(t, lost.Rule, "The log lost this record")
	require.Equal(t, "confirmed", list.Data[3].Effect)
	then := into[shownOrder](t, s.get(t, "/v1/orders/a?asOfSequence=5"))
	require.EqualValues(t, 2, then.Notifications.Lost)
	require.EqualValues(t, 3, then.Notifications.Count)
	why := into[api.Explanation](t, s.get(t, "/v1/orders/a/explain?asOfSequence=5"))
	require.Contains(t, why.Summary[len(why.Summary)-1], "2 of the order's records")
}
