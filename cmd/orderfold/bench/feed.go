package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// FeedOptions contains the settings of bench feed.
type FeedOptions struct {
	Place
	Rate        int // notifications per second, for the latency
	Connections int // for the throughput
	Duration    time.Duration
	Rounds      int // of the throughput, with and without the feed in turn; the median counts
	// Follow reads the feed from its first event and calls received with the sequence in the log of
	// each event, until received returns false or ctx ends. The URL is that of the operator.
	Follow func(ctx context.Context, url string, received func(sequence uint64) bool) error
}

// FeedFigures contains the results of bench feed.
type FeedFigures struct {
	Samples int     `json:"samples"`
	P50     float64 `json:"p50Milliseconds"` // from the answer 200 until the event is received
	P99     float64 `json:"p99Milliseconds"`
	Longest float64 `json:"longestMilliseconds"`
	// Without is the number of notifications per second that are answered, without the feed.
	Without   float64 `json:"ingestedPerSecondWithout"`
	With      float64 `json:"ingestedPerSecondWith"`
	Visible   float64 `json:"projectedPerSecondWithout"` // until all of them are in the views
	VisibleOn float64 `json:"projectedPerSecondWith"`    // and published
	// CatchUp is the number of events per second that a subscriber reads if it begins at the first
	// event.
	CatchUp float64 `json:"caughtUpPerSecond"`
}

// The goals.
const (
	feedGoalP50   = 5.0
	feedGoalP99   = 50.0
	feedGoalRatio = 0.8
	feedGoalRead  = 30_000.0
)

// Feed measures the latency of events, and the cost of the feed.
func Feed(ctx context.Context, o FeedOptions) (f FeedFigures, err error) {
	if err := o.latency(ctx, &f); err != nil {
		return f, err
	}
	var with, without []rates
	for range o.Rounds {
		r, err := o.throughput(ctx, false)
		if err != nil {
			return f, err
		}
		without = append(without, r)
		if r, err = o.throughput(ctx, true); err != nil {
			return f, err
		}
		with = append(with, r)
	}
	of := func(all []rates, value func(rates) float64) float64 {
		values := make([]float64, len(all))
		for i, r := range all {
			values[i] = value(r)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	ingested, projected := func(r rates) float64 { return r.ingested }, func(r rates) float64 { return r.projected }
	f.Without, f.With = of(without, ingested), of(with, ingested)
	f.Visible, f.VisibleOn = of(without, projected), of(with, projected)
	f.CatchUp = of(with, func(r rates) float64 { return r.read })
	return f, nil
}

// rates are notifications or events per second.
type rates struct{ ingested, projected, read float64 }

// operatorURL returns the URL at which the streams of a started service can be read.
func (s *service) operatorURL() (string, error) {
	url, err := os.ReadFile(filepath.Join(s.dir, "data", "operator.url"))
	return strings.TrimSpace(string(url)), err
}

func (o *FeedOptions) latency(ctx context.Context, f *FeedFigures) (err error) {
	s, err := o.start(ctx, "--feed", "--nats-addr", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	url, err := s.operatorURL()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	arrived, answered := map[uint64]time.Time{}, map[uint64]time.Time{}
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- o.Follow(following, url, func(sequence uint64) bool {
			now := time.Now()
			mu.Lock()
			defer mu.Unlock()
			arrived[sequence] = now
			return true
		})
	}()
	_, err = postAt(ctx, s.receiver, o.Rate, o.Duration, func(a acknowledged) {
		mu.Lock()
		defer mu.Unlock()
		answered[a.sequence] = a.at
	})
	for missing := len(answered); err == nil && missing > 0; {
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		missing = 0
		for sequence := range answered {
			if _, is := arrived[sequence]; !is {
				missing++
			}
		}
		mu.Unlock()
		select {
		case failure := <-ended:
			err = errors.Join(errors.New("bench: the feed ended"), failure)
		default:
		}
	}
	stop()
	if err != nil {
		return err
	}
	<-ended
	latencies := make([]time.Duration, 0, len(answered))
	for sequence, at := range answered {
		latencies = append(latencies, max(0, arrived[sequence].Sub(at)))
	}
	slices.Sort(latencies)
	f.Samples, f.P50, f.P99, f.Longest = len(latencies), milliseconds(latencies, 0.5), milliseconds(latencies, 0.99), milliseconds(latencies, 1)
	return nil
}

func (o *FeedOptions) throughput(ctx context.Context, on bool) (r rates, err error) {
	flags := []string{"--nats-addr", "127.0.0.1:0"}
	if on {
		flags = append(flags, "--feed")
	}
	s, err := o.start(ctx, flags...)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	latencies, took, err := Post(ctx, s.receiver, o.Connections, o.Duration)
	if err != nil {
		return r, err
	}
	behind, records, err := s.catchUp(ctx)
	if err != nil {
		return r, err
	}
	r.ingested = float64(len(latencies)) / took.Seconds()
	r.projected = float64(len(latencies)) / (took + behind).Seconds()
	if !on {
		return r, nil
	}
	url, err := s.operatorURL()
	if err != nil {
		return r, err
	}
	count, begin := 0, time.Now()
	err = o.Follow(ctx, url, func(sequence uint64) bool {
		count++
		return sequence < records
	})
	r.read = float64(count) / time.Since(begin).Seconds()
	return r, err
}

// PrintFeed prints a table and which goals are met.
func PrintFeed(to io.Writer, f FeedFigures) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "received after ms\tp50 %.2f, p99 %.2f, longest %.2f\tp50 %g %s, p99 %g %s\n", f.P50, f.P99, f.Longest,
		feedGoalP50, verdict(f.P50 <= feedGoalP50), feedGoalP99, verdict(f.P99 <= feedGoalP99))
	fmt.Fprintf(w, "ingested per second\t%.0f with the feed, %.0f without: %.2f×\t%g× %s\n", f.With, f.Without, f.With/f.Without,
		feedGoalRatio, verdict(f.With >= feedGoalRatio*f.Without))
	fmt.Fprintf(w, "projected per second\t%.0f with the feed, %.0f without: %.2f×\t%g× %s\n", f.VisibleOn, f.Visible, f.VisibleOn/f.Visible,
		feedGoalRatio, verdict(f.VisibleOn >= feedGoalRatio*f.Visible))
	fmt.Fprintf(w, "read per second\t%.0f events from the first one on\t%.0f %s\n", f.CatchUp, feedGoalRead, verdict(f.CatchUp >= feedGoalRead))
	return w.Flush()
}
