package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"golang.org/x/sync/errgroup"
)

// rebuildFigure is one row of bench rebuild.
type rebuildFigure struct {
	Orders    int     `json:"orders"`
	Records   uint64  `json:"records"`
	Target    string  `json:"target"`
	PerSecond float64 `json:"perSecond"` // records per second in the median round
	Ratio     float64 `json:"ratio"`     // to the records per second of the ordered consumer
	// PeakBytes is the resident memory of the whole process, including the server of the log; 0:
	// this system does not report it.
	PeakBytes int64 `json:"peakBytes"`
}

const orderedConsumer = "ordered consumer"

// rebuildTargets run one after the other on the views of one round: the rebuild uses the views that
// the projection made.
var rebuildTargets = []struct {
	name string
	run  func(ctx context.Context, log *eventlog.Log, dir string) error
}{{orderedConsumer, drain}, {"live projection", projectOnce}, {"rebuild", rebuildOnce}}

func (f rebuildFigure) rate() float64 { return f.PerSecond }

func (p *program) benchRebuild(ctx context.Context, args []string) error {
	var dir, list string
	var rounds int
	var asJSON bool
	if _, err := p.flags("bench rebuild", "", args, func(f *flagSet) {
		f.StringVar(&dir, "dir", os.TempDir(), "folder for the log and the views; the benchmark measures its disk")
		f.StringVar(&list, "orders", "200000", "orders in the log, about five notifications each; several numbers: one log for each")
		f.IntVar(&rounds, "rounds", 3, "measurements of each kind; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if rounds < 1 {
		return usagef("--rounds must be above 0")
	}
	var figures []rebuildFigure
	for text := range strings.SplitSeq(list, ",") {
		orders, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || orders < 1 {
			return usagef("--orders: %q is not a number of orders", text)
		}
		of, err := p.measureRebuild(ctx, dir, orders, rounds)
		if err != nil {
			return err
		}
		figures = append(figures, of...)
	}
	if asJSON {
		return printJSON(p.stdout, figures)
	}
	return p.printRebuilds(figures, rounds)
}

// measureRebuild alternates the targets within each round, so that a moment in which the machine is
// busy affects all of them.
func (p *program) measureRebuild(ctx context.Context, dir string, orders, rounds int) (figures []rebuildFigure, err error) {
	folder, err := os.MkdirTemp(dir, "orderfold-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	log, err := eventlog.Open(ctx, eventlog.Options{Dir: folder, MayCreate: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	fmt.Fprintf(p.stderr, "filling a log with the notifications of %d orders\n", orders)
	if err := fillLog(ctx, log, orders); err != nil {
		return nil, err
	}
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	runs := map[string][]rebuildFigure{}
	for round := range rounds {
		fmt.Fprintf(p.stderr, "round %d of %d\n", round+1, rounds)
		at := filepath.Join(folder, fmt.Sprint("views-", round))
		for _, target := range rebuildTargets {
			f := rebuildFigure{Orders: orders, Records: bounds.Last, Target: target.name}
			forgetPeak()
			begin := time.Now()
			if err := target.run(ctx, log, at); err != nil {
				return nil, err
			}
			f.PerSecond = float64(bounds.Last) / time.Since(begin).Seconds()
			f.PeakBytes = peak()
			runs[target.name] = append(runs[target.name], f)
		}
		if err := os.RemoveAll(at); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	drained := median(runs[orderedConsumer])
	for _, target := range rebuildTargets {
		f := median(runs[target.name])
		f.Ratio = f.PerSecond / drained.PerSecond
		figures = append(figures, f)
	}
	return figures, nil
}

// fillLog appends what a platform would post for that many orders, in the order of arrival.
func fillLog(ctx context.Context, log *eventlog.Log, orders int) error {
	const callers = 1000 // as many as fit into one group commit
	notifications := make(chan platformtest.Notification, callers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(notifications)
		traffic := platformtest.Traffic{Seed: 1, Start: time.Now(), Orders: orders, Parts: 2, Repeats: 0.1, Overtaking: 0.2}
		for n := range traffic.Notifications() {
			select {
			case notifications <- n:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range callers {
		group.Go(func() error {
			for n := range notifications {
				object := strings.TrimSuffix(strings.TrimPrefix(n.Path, "/"), "-notification")
				r := eventlog.Record{Object: object, ContentType: "application/json", Body: n.Body}
				if _, err := log.Append(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("bench: fill the log: %w", err)
	}
	return nil
}

func drain(ctx context.Context, log *eventlog.Log, _ string) error { return log.Drain(ctx) }

// rebuildOnce makes the next generation alongside the live one: read, decode, fold, write, index,
// check, switch.
func rebuildOnce(ctx context.Context, log *eventlog.Log, dir string) (err error) {
	store, err := views.Open(ctx, views.Options{Dir: dir, FoldVersion: decode.FoldVersion()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	rebuilder := &rebuild.Rebuilder{Log: log, Views: store, Dir: dir}
	run, err := rebuilder.Start(ctx, rebuild.Full)
	if err != nil {
		return err
	}
	return run.Wait().Err
}

// projectOnce catches up from the beginning, like a projector that was stopped: one batch after the
// other into live views.
func projectOnce(ctx context.Context, log *eventlog.Log, dir string) (err error) {
	store, err := views.Open(ctx, views.Options{Dir: dir, FoldVersion: decode.FoldVersion()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- projector.New(projector.Options{Log: log, Views: store}).Run(running) }()
	err = store.Wait(ctx, bounds.Last)
	stop()
	return errors.Join(err, <-ended)
}

func (p *program) printRebuilds(figures []rebuildFigure, rounds int) error {
	fmt.Fprintf(p.stdout, "%s/%s, %d cores, %s; log server and projector in one process; %d rounds, medians\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "orders\trecords\ttarget\trecords per second\tof the ordered consumer\tpeak MiB\t")
	for _, f := range figures {
		fmt.Fprintf(w, "%d\t%d\t%s\t%.0f\t%.2f×\t%d\t\n", f.Orders, f.Records, f.Target, f.PerSecond, f.Ratio, f.PeakBytes>>20)
	}
	return w.Flush()
}

// forgetPeak resets the peak. Only Linux supports this.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// peak returns the maximum resident memory in bytes; 0: not known.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}
