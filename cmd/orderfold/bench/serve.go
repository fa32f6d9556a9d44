package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// ServeOptions contains the settings of bench serve.
type ServeOptions struct {
	Place
	Connections []int
	Duration    time.Duration // of one measurement
	Rounds      int           // measurements of each kind; the median counts
}

// The targets: the service as it is, and the service with one publish for each request.
const (
	Service    = "serve"
	OnePublish = "one publish per request"
)

// ServeFigure is one row of bench serve.
type ServeFigure struct {
	Target      string  `json:"target"`
	Connections int     `json:"connections"`
	PerSecond   float64 `json:"perSecond"` // in the median round
	P50         float64 `json:"p50Milliseconds"`
	P99         float64 `json:"p99Milliseconds"`
	// CPU is the processor time of the service for each notification, including the views.
	CPU  float64 `json:"cpuMicroseconds"`
	Peak float64 `json:"peakMiB"`
	// Behind is the time from the last answer until the views contain everything.
	Behind  float64 `json:"behindMilliseconds"`
	Ratio   float64 `json:"ratio"` // to one publish per request
	Goal    float64 `json:"goalRatio,omitempty"`
	GoalP99 float64 `json:"goalP99Milliseconds,omitempty"`
	Syncs   float64 `json:"syncsPerSecond,omitempty"` // of the disk alone, with one writer
}

var (
	serveGoals = map[int]float64{1: 1, 16: 2, 64: 4, 256: 6}
	p99Goals   = map[int]float64{1: 4, 256: 30}
)

// syncsGoal is the goal of one connection as a share of the disk's own syncs.
const syncsGoal = 0.45

// Serve measures the targets in turn within each round, so that a moment in which the machine is
// busy affects both.
func Serve(ctx context.Context, o ServeOptions) (figures []ServeFigure, err error) {
	for _, n := range o.Connections {
		runs := map[string][]ServeFigure{}
		var syncs []float64
		for range o.Rounds {
			if n == 1 {
				s, err := syncsPerSecond(o.Dir, o.Duration/3)
				if err != nil {
					return nil, err
				}
				syncs = append(syncs, s)
			}
			for _, target := range []string{Service, OnePublish} {
				f, err := o.measure(ctx, target, n)
				if err != nil {
					return nil, err
				}
				runs[target] = append(runs[target], f)
			}
		}
		slices.Sort(syncs)
		base := median(runs[OnePublish])
		for _, f := range []ServeFigure{median(runs[Service]), base} {
			f.Ratio = f.PerSecond / base.PerSecond
			if f.Target == Service {
				f.Goal, f.GoalP99 = serveGoals[n], p99Goals[n]
			}
			if n == 1 {
				f.Syncs = syncs[len(syncs)/2]
			}
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// median returns the run with the median rate.
func median(runs []ServeFigure) ServeFigure {
	slices.SortFunc(runs, func(a, b ServeFigure) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	return runs[len(runs)/2]
}

func (o *ServeOptions) measure(ctx context.Context, target string, connections int) (f ServeFigure, err error) {
	var flags []string
	if target == OnePublish {
		flags = []string{"--publish-singly"}
	}
	s, err := o.start(ctx, flags...)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	m, err := s.meter(ctx)
	if err != nil {
		return f, err
	}
	latencies, took, err := Post(ctx, s.receiver, connections, o.Duration)
	if err != nil {
		return f, err
	}
	behind, records, err := s.catchUp(ctx)
	if err != nil {
		return f, err
	}
	if records != warmUp+uint64(len(latencies)) {
		return f, fmt.Errorf("bench: %d notifications were answered 200, and the log has %d records", warmUp+len(latencies), records)
	}
	cpu, _, peak, err := m.end(ctx)
	if err != nil {
		return f, err
	}
	return ServeFigure{Target: target, Connections: connections, PerSecond: float64(len(latencies)) / took.Seconds(),
		P50: milliseconds(latencies, 0.5), P99: milliseconds(latencies, 0.99), CPU: cpu / float64(len(latencies)) * 1e6,
		Peak: peak, Behind: behind.Seconds() * 1e3}, nil
}

// PrintServe prints a table and which goals are met.
func PrintServe(to io.Writer, figures []ServeFigure) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "connections\ttarget\tper second\tp50 ms\tp99 ms\tCPU µs each\tpeak MiB\tviews behind ms\tratio\tgoal\t")
	for _, f := range figures {
		goal := ""
		if f.Goal > 0 {
			goal = fmt.Sprintf("%g× %s", f.Goal, verdict(f.Ratio >= f.Goal))
		}
		if f.GoalP99 > 0 {
			goal += fmt.Sprintf(", p99 %g ms %s", f.GoalP99, verdict(f.P99 <= f.GoalP99))
		}
		fmt.Fprintf(w, "%d\t%s\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.2f×\t%s\t\n", f.Connections, f.Target, f.PerSecond, f.P50, f.P99,
			f.CPU, f.Peak, f.Behind, f.Ratio, goal)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range figures {
		if f.Target == Service && f.Syncs > 0 {
			share := f.PerSecond / f.Syncs
			fmt.Fprintf(to, "\nThe disk alone syncs %.0f times per second; one connection reaches %.2f× of that, goal %g× %s.\n", f.Syncs,
				share, syncsGoal, verdict(share >= syncsGoal))
		}
	}
	return nil
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
