package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// acknowledged is a notification that the receiver has answered.
type acknowledged struct {
	order    string
	sequence uint64
	at       time.Time
}

// rateConnections is the maximum number of requests in flight.
const rateConnections = 16

// postAt posts notifications of new orders at a rate, and calls acked for each answer from several
// goroutines. It returns the latencies in ascending order. Each is measured from the time at which
// the notification was due.
func postAt(ctx context.Context, addr string, rate int, duration time.Duration, acked func(acknowledged)) ([]time.Duration, error) {
	begin, total := time.Now(), int(float64(rate)*duration.Seconds())
	each := make([][]time.Duration, rateConnections)
	group, ctx := errgroup.WithContext(ctx)
	for i := range rateConnections {
		group.Go(func() error {
			c, err := dial(ctx, addr)
			if err != nil {
				return err
			}
			defer c.Close()
			n := newNotification(i)
			for k := i; k < total; k += rateConnections {
				due := begin.Add(time.Duration(k) * time.Second / time.Duration(rate))
				if err := sleepUntil(ctx, due); err != nil {
					return err
				}
				if _, err := c.Write(n.of(k, k)); err != nil {
					return err
				}
				sequence, err := c.answer()
				if err != nil {
					return err
				}
				now := time.Now()
				each[i] = append(each[i], now.Sub(due))
				acked(acknowledged{string(n.id), sequence, now})
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("bench: load: %w", err)
	}
	all := slices.Concat(each...)
	slices.Sort(all)
	return all, nil
}

func sleepUntil(ctx context.Context, due time.Time) error {
	pause := time.Until(due)
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
