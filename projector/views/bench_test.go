package views

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

const (
	benchOrders = 100_000
	benchBatch  = 1_000
)

func benchID(i int) string {
	random := rand.New(rand.NewPCG(uint64(i), 9))
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", random.Uint32(), random.Uint64()>>16)
}

// benchNotify makes one record of order i, with the details of a real record. The status depends on the age of the
// order: the latest orders are open, one in a thousand is rejected, and one in five thousand has a break.
func benchNotify(w *world, i int) {
	n := statemachine.Notification{Status: statemachine.Settled, AssetClass: statemachine.AssetClass(1 + i%3), Executed: "40"}
	switch {
	case i%5_000 == 0:
		n.Status = "UNHEARD_OF"
	case i%1_000 == 1:
		n.Status = statemachine.Rejected
	case i > benchOrders*9/10:
		n.Status = statemachine.Placed
	}
	n.Details = [statemachine.Fields]string{
		statemachine.Side: "BUY", statemachine.ISIN: "DE0007164600", statemachine.OrderType: "LIMIT",
		statemachine.ExchangeCode: "XFRA", statemachine.Quantity: "100", statemachine.LimitPrice: "101.25",
		statemachine.ExternalID: fmt.Sprintf("ord-%09d", i), statemachine.CashProduct: benchID(i + 1<<30),
		statemachine.DepositoryProduct: benchID(i + 1<<29),
	}
	w.notify(benchID(i), n)
}

func fillBench(b *testing.B, s *Store, orders int) *world {
	w := newWorld()
	for i := range orders {
		benchNotify(w, i)
		if i%benchBatch == benchBatch-1 {
			w.commit(b, s)
		}
	}
	return w
}

func BenchmarkCommit(b *testing.B) {
	run := func(name string, pick func(batch, i int) int) {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir())
			w := fillBench(b, s, benchOrders)
			batch := 0
			for b.Loop() {
				b.StopTimer()
				for i := range benchBatch {
					benchNotify(w, pick(batch, i))
				}
				batch++
				next := w.batch()
				b.StartTimer()
				require.NoError(b, failure(s.Commit(context.Background(), next)))
			}
			b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "orders/s")
		})
	}
	run("new orders", func(batch, i int) int { return benchOrders + batch*benchBatch + i })
	run("recent orders", func(batch, i int) int { return benchOrders - 1 - i*5 })
	run("any orders", func(batch, i int) int { return (batch*benchBatch + i) * 7919 % benchOrders })
}

func BenchmarkRead(b *testing.B) {
	ctx := context.Background()
	dir := b.TempDir()
	w := fillBench(b, open(b, dir), benchOrders)
	s := openReadOnly(b, dir)
	b.Run("one order", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, _, err := s.Order(ctx, benchID(i*7919%benchOrders))
			require.NoError(b, err)
		}
	})
	b.Run("one order, 32 readers", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.IntN(benchOrders); pb.Next(); i++ {
				_, _, err := s.Order(ctx, benchID(i*7919%benchOrders))
				require.NoError(b, err)
			}
		})
	})
	b.Run("stats", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Stats(ctx)
			require.NoError(b, err)
		}
	})
	first, err := s.Orders(ctx, Query{})
	require.NoError(b, err)
	last := list.EncodeCursor(positionOf(b, s), listOf(b, first.Next), "", int64(w.at), int64(w.at), int64(w.at/1000))
	for name, q := range map[string]Query{
		"all":            {},
		"a status":       {Statuses: []statemachine.Status{statemachine.Settled}},
		"a rare status":  {Statuses: []statemachine.Status{statemachine.Rejected}},
		"an asset class": {AssetClass: statemachine.Digital},
		"open":           {Open: flag(true)},
		"not open":       {Open: flag(false)},
		"a break":        {Breaks: []statemachine.Code{statemachine.UnknownStatus}},
		"any break":      {AnyBreak: flag(true)},
		"external id":    {ExternalIDs: []string{"ord-000000077"}},
		"the last page":  {Cursor: last},
	} {
		b.Run("list/"+name, func(b *testing.B) {
			for b.Loop() {
				page, err := s.Orders(ctx, q)
				require.NoError(b, err)
				require.NotEmpty(b, page.Orders)
			}
		})
	}
}

// BenchmarkBreaks lists 100,000 open breaks, a third of them of the last five days.
func BenchmarkBreaks(b *testing.B) {
	s := open(b, b.TempDir())
	w := newWorld()
	for i := range benchOrders {
		at := start.Add(-time.Duration(i) * (15 * day / benchOrders))
		w.notify(benchID(i), statemachine.Notification{Status: "UNHEARD_OF", At: at})
		if i%3 == 0 {
			w.notify(benchID(i), statemachine.Notification{Status: statemachine.Filled, At: at, Executed: "5"})
			w.notify(benchID(i), statemachine.Notification{Status: statemachine.Canceled, At: at, Executed: "3"})
		}
		if i%benchBatch == benchBatch-1 {
			w.commit(b, s)
		}
	}
	middle, err := s.Breaks(b.Context(), BreakQuery{Now: start, Ages: []Age{list.ThreeToFive}, Limit: 500})
	require.NoError(b, err)
	for name, q := range map[string]BreakQuery{
		"all":                       {Now: start},
		"one code":                  {Now: start, Codes: []statemachine.Code{statemachine.CloseAfterFill}},
		"one age":                   {Now: start, Ages: []Age{list.ThreeToFive}},
		"later page":                {Now: start, Ages: []Age{list.ThreeToFive}, Cursor: middle.Next},
		"all are in the oldest age": {Now: start.Add(5 * day)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				page, err := s.Breaks(b.Context(), q)
				require.NoError(b, err)
				require.Len(b, page.Breaks, 100)
			}
		})
	}
}
