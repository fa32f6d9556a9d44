package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// Every order that existed when the walk began, and matched until it ended, is returned exactly once.
func TestAWalkOverManyChangingOrdersReturnsEachOnce(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range walked {
		s.receive(order(fmt.Sprint(i), statemachine.Placed, 1, ""), `{}`)
		if i%5_000 == 4_999 {
			s.apply(t)
		}
	}
	for _, query := range []string{"sort=-received", "sort=modified&open=true"} {
		t.Run(query, func(t *testing.T) {
			var churn sync.WaitGroup
			stop := make(chan struct{})
			t.Cleanup(func() { close(stop); churn.Wait() })
			next := make(chan struct{})
			churn.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-next: // as many changes as there are pages, so that changes happen at all stages of the walk
					case <-stop:
						return
					}
					for k := range 40 {
						id := (i*40 + k) * 7919 % (walked + walked/10) // some of the orders are new
						s.receive(order(fmt.Sprint(id), statemachine.Placed, 1+(i+k)%50, ""), `{}`)
					}
					s.apply(t)
				}
			})
			told := make(map[string]bool, walked)
			path := "/v1/orders?limit=500&" + query
			for cursor := ""; ; {
				response, err := http.Get(s.base + path + cursor) // comparing each order with the document would take minutes
				require.NoError(t, err)
				var list api.List[struct{ OrderID string }]
				require.NoError(t, json.NewDecoder(response.Body).Decode(&list))
				require.NoError(t, response.Body.Close())
				for _, o := range list.Data {
					require.False(t, told[o.OrderID], "%s is told twice", o.OrderID)
					told[o.OrderID] = true
				}
				if list.NextCursor == nil {
					break
				}
				cursor = "&cursor=" + url.QueryEscape(*list.NextCursor)
				select {
				case next <- struct{}{}:
				default:
				}
			}
			for i := range walked {
				require.True(t, told[fmt.Sprint(i)], "%d is not told", i)
			}
		})
	}
}
