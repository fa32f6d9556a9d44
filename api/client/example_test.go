package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orderfold/orderfold/api/client"
)

// An order is read after a notification was posted: the receiver answers with the sequence to wait for.
func ExampleClient_Order() {
	s := newService() // an API in this process; elsewhere: client.New(client.Options{URL: "http://127.0.0.1:8081"})
	defer s.close()
	sequence := s.post(`{"orderId":"4711","status":"FILLED","modifiedOn":"2026-03-02T09:31:07Z","execution":{"quantity":"100"}}`)

	o, err := s.Order(context.Background(), "4711", client.AsOf{AtLeast: client.AtLeast{MinSequence: sequence}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Status, "since", o.StatusSince, "executed", o.ExecutedQuantity)

	_, err = s.Order(context.Background(), "4712", client.AsOf{})
	fmt.Println("unknown:", errors.Is(err, client.ErrNotFound))
	// Output:
	// FILLED since 2026-03-02T09:31:07Z executed 100
	// unknown: true
}

// A list is read page by page while it is ranged over.
func ExampleClient_Orders() {
	s := newService()
	defer s.close()
	s.post(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	s.post(`{"orderId":"b","status":"FILLED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	last := s.post(`{"orderId":"c","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)

	for o, err := range s.Orders(context.Background(), client.OrderQuery{
		OrderFilter: client.OrderFilter{Statuses: []string{"PLACED"}},
		AtLeast:     client.AtLeast{MinSequence: last},
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(o.OrderID, o.Status)
	}
	// Output:
	// c PLACED
	// a PLACED
}

// A dashboard keeps the orders that match: those of the snapshot, then every change.
func ExampleClient_Watch() {
	s := newService()
	defer s.close()
	last := s.post(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)

	open := true
	shown := map[string]client.Order{}
	for e, err := range s.Watch(context.Background(), client.WatchQuery{
		OrderFilter: client.OrderFilter{Open: &open},
		AtLeast:     client.AtLeast{MinSequence: last},
	}) {
		switch {
		case err != nil: // an error that a repetition would not resolve
			log.Fatal(err)
		case e.Snapshot != nil:
			if e.Snapshot.Page == 1 {
				clear(shown)
			}
			for _, o := range e.Snapshot.Orders {
				shown[o.OrderID] = o
			}
			fmt.Println("shown:", len(shown))
			s.post(`{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z"}`)
		case e.Change != nil && e.Change.Matches:
			shown[e.Change.Order.OrderID] = e.Change.Order
		case e.Change != nil:
			delete(shown, e.Change.Order.OrderID)
			fmt.Println(e.Change.StatusBefore, "became", e.Change.Order.Status)
		}
		if len(shown) == 0 {
			break
		}
	}
	// Output:
	// shown: 1
	// PLACED became FILLED
}
