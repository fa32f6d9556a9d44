package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/cmd/orderfold/bench"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

// ingestFigure is one row of bench ingest.
type ingestFigure struct {
	Target      string  `json:"target"`
	Connections int     `json:"connections"`
	PerSecond   float64 `json:"perSecond"` // of the median round
	P50         float64 `json:"p50Milliseconds"`
	P99         float64 `json:"p99Milliseconds"`
	Ratio       float64 `json:"ratio"` // of group commit to this target
}

// The targets: the receiver as it is, the receiver with one publish for each request, and the same
// handler without a log.
const (
	groupCommit = "group commit"
	onePublish  = "one publish per request"
	noLog       = "no log"
)

func (p *program) benchIngest(ctx context.Context, args []string) error {
	var dir, list string
	var duration time.Duration
	var rounds int
	var asJSON bool
	if _, err := p.flags("bench ingest", "", args, func(f *flagSet) {
		f.StringVar(&dir, "dir", os.TempDir(), "folder for the logs; the benchmark measures its disk")
		f.StringVar(&list, "connections", "1,16,64,256", "connections to measure with")
		f.DurationVar(&duration, "duration", 3*time.Second, "duration of one measurement")
		f.IntVar(&rounds, "rounds", 3, "measurements of each kind; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	connections, err := parseCounts("connections", list)
	if err != nil {
		return err
	}
	if rounds < 1 || duration <= 0 {
		return usagef("--rounds and --duration must be above 0")
	}
	figures, err := measureIngest(ctx, dir, connections, duration, rounds)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.stdout, figures)
	}
	return p.printIngest(figures, duration, rounds)
}

// measureIngest alternates the targets within each round, so that a moment in which the machine is
// busy affects all of them.
func measureIngest(ctx context.Context, dir string, connections []int, duration time.Duration, rounds int) (figures []ingestFigure, err error) {
	folder, err := os.MkdirTemp(dir, "orderfold-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	targets := []string{groupCommit, onePublish, noLog}
	for _, n := range connections {
		runs := map[string][]ingestFigure{}
		for round := range rounds {
			for _, target := range targets {
				at := filepath.Join(folder, fmt.Sprintf("%d-%d-%d", n, round, len(runs[target])))
				f, err := measureTarget(ctx, target, at, n, duration)
				if err != nil {
					return nil, err
				}
				runs[target] = append(runs[target], f)
			}
		}
		first := median(runs[groupCommit])
		for _, target := range targets {
			f := median(runs[target])
			f.Ratio = first.PerSecond / f.PerSecond
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// median returns the run with the median rate.
func median[F interface{ rate() float64 }](runs []F) F {
	slices.SortFunc(runs, func(a, b F) int { return cmp.Compare(a.rate(), b.rate()) })
	return runs[len(runs)/2]
}

func (f ingestFigure) rate() float64 { return f.PerSecond }

func measureTarget(ctx context.Context, target, dir string, connections int, duration time.Duration) (f ingestFigure, err error) {
	var log receiver.Log = &countingLog{}
	if target != noLog {
		l, err := eventlog.Open(ctx, eventlog.Options{Dir: dir, MayCreate: true, PublishSingly: target == onePublish})
		if err != nil {
			return f, err
		}
		defer func() { err = errors.Join(err, l.Close(), os.RemoveAll(dir)) }()
		log = l
	}
	rc, err := receiver.New(receiver.Options{Log: log})
	if err != nil {
		return f, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return f, fmt.Errorf("bench: %w", err)
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- rc.Serve(serving, listener) }()
	latencies, took, err := bench.Post(ctx, listener.Addr().String(), connections, duration)
	stop()
	if err := errors.Join(err, <-served); err != nil {
		return f, err
	}
	at := func(q float64) float64 {
		return latencies[int(q*float64(len(latencies)-1))].Seconds() * 1e3
	}
	return ingestFigure{Target: target, Connections: connections, PerSecond: float64(len(latencies)) / took.Seconds(),
		P50: at(0.5), P99: at(0.99)}, nil
}

// countingLog is a log that only counts records.
type countingLog struct{ last atomic.Uint64 }

func (l *countingLog) Append(context.Context, eventlog.Record) (uint64, error) {
	return l.last.Add(1), nil
}

func (l *countingLog) Refuses(context.Context) error { return nil }

func (p *program) printIngest(figures []ingestFigure, duration time.Duration, rounds int) error {
	fmt.Fprintf(p.stdout, "%s/%s, %d cores, %s; client and server in one process; %d rounds of %s, medians\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds, duration)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "connections\ttarget\tper second\tp50 ms\tp99 ms\tgroup commit is\t")
	for _, f := range figures {
		fmt.Fprintf(w, "%d\t%s\t%.0f\t%.2f\t%.2f\t%.2f×\t\n", f.Connections, f.Target, f.PerSecond, f.P50, f.P99, f.Ratio)
	}
	return w.Flush()
}
