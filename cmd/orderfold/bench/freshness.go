package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// RateOptions contains the settings of bench freshness and bench stream.
type RateOptions struct {
	Place
	Rate     int   // notifications per second
	Readers  []int // numbers of readers, measured one after the other
	Duration time.Duration
}

// FreshnessFigure is one row of bench freshness.
type FreshnessFigure struct {
	Readers  int     `json:"readers"`
	Samples  int     `json:"samples"`
	P50      float64 `json:"p50Milliseconds"` // from the answer 200 until an order is visible
	P99      float64 `json:"p99Milliseconds"`
	Longest  float64 `json:"longestMilliseconds"`
	PostP50  float64 `json:"postP50Milliseconds"`
	PostP99  float64 `json:"postP99Milliseconds"`
	CPU      float64 `json:"cpu"` // processors that the service keeps busy
	Peak     float64 `json:"peakMiB"`
	Answered int     `json:"posted"`
}

// The goals from the answer 200 to visible, in milliseconds.
const (
	freshGoalP50 = 5.0
	freshGoalP99 = 50.0
)

// Freshness measures the time from the receiver's answer until GET /v1/orders/{id}?minSequence=
// returns the order.
func Freshness(ctx context.Context, o RateOptions) (figures []FreshnessFigure, err error) {
	for _, readers := range o.Readers {
		f, err := o.freshness(ctx, readers)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func (o *RateOptions) freshness(ctx context.Context, readers int) (f FreshnessFigure, err error) {
	s, err := o.start(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	m, err := s.meter(ctx)
	if err != nil {
		return f, err
	}
	fresh := make(chan acknowledged)
	each := make([][]time.Duration, readers)
	reading, readCtx := errgroup.WithContext(ctx)
	for i := range readers {
		reading.Go(func() (err error) {
			each[i], err = readFresh(readCtx, s.api, fresh)
			return err
		})
	}
	posts, err := postAt(readCtx, s.receiver, o.Rate, o.Duration, func(a acknowledged) {
		select {
		case fresh <- a:
		default: // every reader is already waiting for an order
		}
	})
	close(fresh)
	if err = errors.Join(reading.Wait(), err); err != nil {
		return f, err
	}
	f = FreshnessFigure{Readers: readers, Answered: len(posts), PostP50: milliseconds(posts, 0.5), PostP99: milliseconds(posts, 0.99)}
	if _, f.CPU, f.Peak, err = m.end(ctx); err != nil {
		return f, err
	}
	all := slices.Concat(each...)
	slices.Sort(all)
	f.Samples, f.P50, f.P99, f.Longest = len(all), milliseconds(all, 0.5), milliseconds(all, 0.99), milliseconds(all, 1)
	return f, nil
}

// readFresh requests orders that were just acknowledged, on one connection.
func readFresh(ctx context.Context, addr string, fresh <-chan acknowledged) (latencies []time.Duration, err error) {
	c, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for a := range fresh {
		if _, err := c.getAt(a.order, a.sequence); err != nil {
			return nil, fmt.Errorf("bench: read order %s: %w", a.order, err)
		}
		latencies = append(latencies, time.Since(a.at))
	}
	return latencies, nil
}

// getAt reads an order as soon as the views have applied a sequence, and returns their position.
func (c *connection) getAt(order string, sequence uint64) (at uint64, err error) {
	return c.get(fmt.Sprintf("/v1/orders/%s?minSequence=%d", order, sequence))
}

// PrintFreshness prints a table and which goals are met.
func PrintFreshness(to io.Writer, figures []FreshnessFigure) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "readers\tvisible after ms: p50\tp99\tlongest\tgoals\tposts ms: p50\tp99\tprocessors busy\tpeak MiB\t")
	for _, f := range figures {
		fmt.Fprintf(w, "%d\t%.2f\t%.2f\t%.2f\tp50 %g %s, p99 %g %s\t%.2f\t%.2f\t%.2f\t%.0f\t\n", f.Readers, f.P50, f.P99, f.Longest,
			freshGoalP50, verdict(f.P50 <= freshGoalP50), freshGoalP99, verdict(f.P99 <= freshGoalP99), f.PostP50, f.PostP99, f.CPU, f.Peak)
	}
	return w.Flush()
}
