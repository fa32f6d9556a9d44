package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

const (
	fillBatch = 2_000
	// fillSpread is the number of orders in progress at once, and so the distance between the
	// notifications of one order.
	fillSpread = 500
)

// ISINs from common to rare: of a tenth of all orders, of one in a hundred, and of one in ten
// thousand.
const (
	commonISIN, middleISIN, rareISIN = "DE0000000010", "DE0000000100", "DE0000010000"
)

// fillViews opens views with that many orders, and makes them if there are none. Each order has
// three notifications, or one.
func fillViews(ctx context.Context, dir string, orders int) (s *views.Store, err error) {
	s, err = views.Open(ctx, views.Options{Dir: dir, FoldVersion: decode.FoldVersion()})
	if err != nil {
		return nil, err
	}
	stats, err := s.Stats(ctx)
	switch {
	case err == nil && stats.Orders == uint64(orders):
		return s, nil
	case err == nil && stats.Orders != 0:
		err = usagef("--dir %s contains %d orders: name another folder, or measure with --orders %d", dir, stats.Orders, stats.Orders)
	case err == nil:
		err = fillOrders(ctx, s, orders)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func fillOrders(ctx context.Context, s *views.Store, orders int) error {
	sequence := uint64(0)
	for from := 0; from < orders; from += fillBatch {
		var batch views.Batch
		for first := from; first < min(from+fillBatch, orders); first += fillSpread {
			batch.Orders = append(batch.Orders, fillTogether(first, min(first+fillSpread, from+fillBatch, orders), &sequence)...)
		}
		batch.Checkpoint = views.Checkpoint{Log: "bench", Sequence: sequence, Hash: "bench", Received: fillTime(sequence)}
		if _, err := s.Commit(ctx, batch); err != nil {
			return fmt.Errorf("bench: fill the views: %w", err)
		}
	}
	return nil
}

// fillRecords returns the number of records of the first orders.
func fillRecords(orders int) (records uint64) {
	for i := range orders {
		for _, status := range fillPath(i) {
			if status != "" {
				records++
			}
		}
	}
	return records
}

// fillTime returns when a record was received. There is one record every seven seconds, so that a
// million orders span 230 days and as many trade dates.
func fillTime(sequence uint64) time.Time {
	return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(time.Duration(sequence) * 7 * time.Second)
}

// fillTogether makes orders whose notifications are interleaved.
func fillTogether(from, to int, sequence *uint64) []views.Change {
	changes := make([]views.Change, to-from)
	for step := range 3 {
		for i := range changes {
			status := fillPath(from + i)[step]
			if status == "" {
				continue
			}
			if step == 0 {
				changes[i].Order = &statemachine.Order{ID: fillID(from + i)}
			}
			*sequence++
			n := fillNotification(from+i, status)
			n.OrderID, n.Sequence, n.Received = changes[i].Order.ID, *sequence, fillTime(*sequence)
			n.At = n.Received.Add(-80 * time.Millisecond)
			changes[i].Order.Apply(&n)
			changes[i].Sequences = append(changes[i].Sequences, *sequence)
		}
	}
	return changes
}

// fillPath returns the statuses of an order. Nearly all orders are settled; the rarest status is
// that of one in ten thousand.
func fillPath(i int) [3]statemachine.Status {
	switch {
	case i%10_000 == 17:
		return [3]statemachine.Status{statemachine.Invalid}
	case i%1_000 == 3:
		return [3]statemachine.Status{statemachine.Placed, statemachine.Rejected}
	case i%5_000 == 7:
		// a break
		return [3]statemachine.Status{statemachine.Placed, statemachine.Filled, statemachine.PartiallyFilled}
	case i%20 == 0:
		return [3]statemachine.Status{statemachine.Placed, statemachine.Canceled}
	case i%50 == 1:
		return [3]statemachine.Status{statemachine.Placed}
	}
	return [3]statemachine.Status{statemachine.Placed, statemachine.Filled, statemachine.Settled}
}

func fillNotification(i int, status statemachine.Status) statemachine.Notification {
	n := statemachine.Notification{Status: status, AssetClass: statemachine.Traditional, Type: "UPDATED", Executed: "40"}
	isin := fmt.Sprintf("DE%010d", 1_000_000+i/7)
	switch {
	case i%10_000 == 9:
		isin = rareISIN
	case i%100 == 8:
		isin = middleISIN
	case i%10 == 5:
		isin = commonISIN
	}
	n.Details = [statemachine.Fields]string{statemachine.Side: []string{"BUY", "SELL"}[i%2], statemachine.ISIN: isin,
		statemachine.OrderType: "LIMIT", statemachine.ExchangeCode: "XFRA", statemachine.Quantity: "100", statemachine.LimitPrice: "101.25",
		statemachine.ExternalID: fmt.Sprintf("ord-%09d", i), statemachine.CreatedOn: "2026-03-02T09:00:00Z",
		statemachine.DepositoryProduct: fillProduct(i % 50_000), statemachine.CashProduct: fillProduct(100_000 + i%4)}
	if i%25 == 0 {
		n.AssetClass = statemachine.Digital
		n.Details[statemachine.ISIN], n.Details[statemachine.Symbol] = "", []string{"BTC", "ETH"}[i/25%2]
	}
	return n
}

func fillID(i int) string { return fillUUID(uint64(i), 1) }

// fillProduct returns the id of a product. Products below 50,000 are rare, with twenty orders each.
// A quarter of all orders have one of the four products from 100,000.
func fillProduct(i int) string { return fillUUID(uint64(i), 2) }

func fillUUID(i, kind uint64) string {
	random := rand.New(rand.NewPCG(i, kind))
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", random.Uint32(), i&0xffff, random.Uint64()>>16)
}
