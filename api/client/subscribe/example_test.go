package subscribe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/orderfold/orderfold/api/client/subscribe"
	"github.com/orderfold/orderfold/eventlog"
)

// The service prints each filled order once.
func ExampleRun() {
	s := newService(eventlog.FeedOptions{}) // a service in this process; elsewhere: orderfold serve --feed
	defer s.stop()
	s.post("4711", "PLACED", 1)
	s.post("4711", "FILLED", 2)
	s.post("4711", "FILLED", 2) // a repeat does not cause an event
	s.post("4712", "PLACED", 3)

	done := errors.New("done")
	err := subscribe.Run(context.Background(), subscribe.Options{
		URL:   s.natsURL, // as in data/subscribers/billing.url
		Name:  "billing", // orderfold subscribers add billing
		API:   s.orders,  // client.New(client.Options{URL: "http://127.0.0.1:8081"})
		Store: &subscribe.Memory{},
	}, func(_ context.Context, events []subscribe.Event) error {
		for _, e := range events {
			if e.Type == subscribe.SnapshotBegins {
				continue // discard the known orders
			}
			var order struct{ Status string }
			if err := json.Unmarshal(e.State, &order); err != nil {
				return err
			}
			if order.Status == "FILLED" {
				fmt.Println(e.Order, "is filled; before it was", *e.Before.Status)
			}
			if e.Order == "4712" {
				return done
			}
		}
		return nil
	})
	if !errors.Is(err, done) {
		log.Fatal(err)
	}
	// Output:
	// 4711 is filled; before it was PLACED
}
