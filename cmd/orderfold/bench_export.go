package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/cmd/orderfold/bench"
)

// exportFigure is one row of bench export.
type exportFigure struct {
	Format    string  `json:"format"`
	Orders    int     `json:"orders"`
	PerSecond float64 `json:"perSecond"` // in the median round
	MiB       float64 `json:"mebibytes"`
	Heap      float64 `json:"heapMiB"` // maximum of client and server together
}

// exportGoal is the goal in orders per second.
const exportGoal = 150_000

func (p *program) benchExport(ctx context.Context, args []string) error {
	var dir string
	var orders, rounds int
	var asJSON bool
	if _, err := p.flags("bench export", "", args, func(f *flagSet) {
		f.StringVar(&dir, "dir", filepath.Join(os.TempDir(), "orderfold-bench-export"), "folder of the views to read; created if missing, and kept")
		f.IntVar(&orders, "orders", 300_000, "orders in the views")
		f.IntVar(&rounds, "rounds", 3, "exports of each format; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if orders < 1 || rounds < 1 {
		return usagef("--orders and --rounds must be above 0")
	}
	figures, err := measureExports(ctx, dir, orders, rounds)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.stdout, figures)
	}
	fmt.Fprintf(p.stdout, "%s/%s, %d cores, %s; client and server in one process; %d rounds, medians\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "format\torders\torders per second\tMiB\theap MiB\tgoal\t")
	for _, f := range figures {
		met := "not met"
		if f.PerSecond >= exportGoal {
			met = "met"
		}
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t%d %s\t\n", f.Format, f.Orders, f.PerSecond, f.MiB, f.Heap, exportGoal, met)
	}
	return w.Flush()
}

func measureExports(ctx context.Context, dir string, orders, rounds int) (figures []exportFigure, err error) {
	v, err := serveViews(ctx, dir, orders)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.stop()) }()
	for _, format := range []string{"csv", "ndjson"} {
		var runs []exportFigure
		for range rounds {
			f, err := measureExport(ctx, v.url, format)
			if err != nil {
				return nil, err
			}
			if f.Orders != orders {
				return nil, fmt.Errorf("bench: the export has %d orders of %d", f.Orders, orders)
			}
			runs = append(runs, f)
		}
		slices.SortFunc(runs, func(a, b exportFigure) int { return int(a.PerSecond - b.PerSecond) })
		figures = append(figures, runs[rounds/2])
	}
	return figures, nil
}

// measureExport reads the whole list and counts the lines.
func measureExport(ctx context.Context, server, format string) (f exportFigure, err error) {
	begin := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/v1/orders?format="+format, nil)
	if err != nil {
		return f, fmt.Errorf("bench: %w", err)
	}
	response, err := bench.Client.Do(request)
	if err != nil {
		return f, fmt.Errorf("bench: %w", err)
	}
	defer response.Body.Close()
	f.Format = format
	block := make([]byte, 256<<10)
	lines, read := 0, 0
	for look := time.Now(); ; {
		n, err := response.Body.Read(block)
		lines, read = lines+bytes.Count(block[:n], []byte("\n")), read+n
		if err == io.EOF {
			break
		}
		if err != nil {
			return f, fmt.Errorf("bench: export: %w", err)
		}
		if now := time.Now(); now.Sub(look) > 100*time.Millisecond {
			look = now
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			f.Heap = max(f.Heap, float64(m.HeapAlloc)/(1<<20))
		}
	}
	if f.Orders = lines; format == "csv" {
		f.Orders-- // the header line
	}
	f.PerSecond, f.MiB = float64(f.Orders)/time.Since(begin).Seconds(), float64(read)/(1<<20)
	return f, nil
}
