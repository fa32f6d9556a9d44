package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// partOf returns the notification of the i-th partial fill of an order.
func partOf(order string, i int) string {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond).Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"orderId":%q,"status":"PARTIALLY_FILLED","modifiedOn":%q,"quantity":100000,"execution":{"quantity":%d}}`, order, at, i+1)
}

// postParts posts the partial fills of an order over many connections at once.
func (p *process) postParts(order string, parts int) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	numbers := make(chan int)
	var posting sync.WaitGroup
	for range 64 {
		posting.Go(func() {
			for i := range numbers {
				r, err := client.Post(p.addrs["receiver"]+"/traditional-asset-order-notification", "application/json", strings.NewReader(partOf(order, i)))
				if err != nil {
					p.t.Error(err)
					continue
				}
				if r.Body.Close(); r.StatusCode != http.StatusOK {
					p.t.Error(r.Status)
				}
			}
		})
	}
	for i := range parts {
		numbers <- i
	}
	close(numbers)
	posting.Wait()
}

func TestABusyOrderDoesNotDelayOtherOrders(t *testing.T) {
	t.Parallel()
	p := serving(t)
	const parts = 10_000
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		p.postParts("busy", parts)
	}()
	for i, ended := 0, false; !ended; i++ {
		p.notify(fmt.Sprintf(`{"orderId":"other-%d","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`, i)) // which takes no longer than usual
		select {
		case <-posted:
			ended = true
		default:
		}
	}
	p.notify(partOf("busy", parts))
	busy := decoded[struct {
		ExecutedQuantity string
		Notifications    struct{ Count, DroppedFacts uint64 }
	}](t, p.get("/v1/orders/busy"))
	require.Equal(t, fmt.Sprint(parts+1), busy.ExecutedQuantity)
	require.EqualValues(t, parts+1, busy.Notifications.Count)
	require.EqualValues(t, parts+1-256, busy.Notifications.DroppedFacts)

	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			code, stdout, stderr := execute(t, nil, "order", "busy", "--json", "--api-url", p.addrs["api"])
			if code != exitOK {
				t.Error(stderr)
			}
			entries := decoded[struct {
				History struct {
					Data       []struct{ Sequence uint64 }
					NextCursor *string
				}
			}](t, []byte(stdout)).History
			if len(entries.Data) != parts+1 || entries.NextCursor != nil {
				t.Errorf("the history has %d entries", len(entries.Data))
			}
			for i := 1; i < len(entries.Data); i++ {
				if entries.Data[i].Sequence <= entries.Data[i-1].Sequence {
					t.Error("the pages overlap")
				}
			}
		})
	}
	p.notify(`{"orderId":"another","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	reading.Wait()
	p.stop()
}
