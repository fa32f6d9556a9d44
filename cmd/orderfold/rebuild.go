package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
)

// rebuilding is one run of the command rebuild.
type rebuilding struct {
	settings settings
	api      *client.Client // nil: rebuild in this process
	mode     rebuild.Mode
	json     bool
	line     *statusLine
	stdout   io.Writer
}

// rebuild rebuilds the views alongside the live ones: those of a running service through its API,
// or else in this process. An interrupt cancels the rebuild.
func (p *program) rebuild(ctx context.Context, args []string) error {
	r := rebuilding{mode: rebuild.Full, line: newLine(p.stderr), stdout: p.stdout}
	var dryRun, rollback bool
	var service apiAccess
	if _, err := p.flags("rebuild", "", args, func(f *flagSet) {
		r.settings.registerCommon(f)
		r.settings.quiet(f, "error")
		f.Lookup("log-level").DefValue = "warn"
		r.settings.logLevel = "warn"
		r.settings.registerLog(f, false)
		r.settings.registerViews(f)
		service.registerAs(f, "", "`URL` of the API of a running service; empty: rebuild in this process, with the service stopped", "key of the role operator for --api-url")
		f.BoolVar(&dryRun, "dry-run", false, "report which orders would change and the cost, and change nothing")
		f.BoolVar(&rollback, "rollback", false, "bring the previous generation up to date and serve it")
		f.BoolVar(&r.json, "json", false, "print JSON lines: progress, and the result last")
	}); err != nil {
		return err
	}
	if dryRun && rollback {
		return usagef("rebuild: --dry-run and --rollback cannot be combined")
	}
	switch {
	case dryRun:
		r.mode = rebuild.DryRun
	case rollback:
		r.mode = rebuild.Rollback
	}
	run := r.here
	if service.url != "" {
		var err error
		if r.api, err = service.client(); err != nil {
			return err
		}
		run = r.there
	}
	b, err := run(ctx, p)
	r.line.end()
	if err != nil {
		return err
	}
	return p.printRebuild(&b, r.json)
}

// here rebuilds in this process.
func (r *rebuilding) here(ctx context.Context, p *program) (result api.Rebuild, err error) {
	log, err := p.existingLog(ctx, &r.settings, false)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	rebuilder := &rebuild.Rebuilder{Log: log, Dir: r.settings.viewsFolder()}
	if r.mode != rebuild.DryRun { // a dry run is allowed alongside a running service
		store, err := views.Open(ctx, views.Options{Dir: r.settings.viewsFolder(), FoldVersion: decode.FoldVersion(),
			FirstByPromotion: true})
		if errors.Is(err, views.ErrLocked) {
			return result, fmt.Errorf("orderfold runs on these views; name its API with --api-url: %w", err)
		}
		if err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		rebuilder.Views = store
	}
	rebuilder.Report = func(rebuild.Progress) {
		b, _ := rebuilder.Current()
		r.show(newRebuild(&b))
	}
	run, err := rebuilder.Start(ctx, r.mode)
	if err != nil {
		return result, err
	}
	b := run.Wait()
	return newRebuild(&b), nil
}

// there starts the rebuild in a running service and shows its progress.
func (r *rebuilding) there(ctx context.Context, _ *program) (api.Rebuild, error) {
	b, err := answered(r.api.Rebuild(ctx, string(r.mode)))
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for err == nil && b.EndedAt == nil {
		r.show(b)
		select {
		case <-ticker.C:
			b, err = answered(r.api.CurrentRebuild(ctx))
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return answered(r.api.CancelRebuild(context.WithoutCancel(ctx)))
		}
	}
	return b, err
}

// answered converts a rebuild of the API to the type of one in this process, so that both are
// printed alike.
func answered(r client.Rebuild, err error) (b api.Rebuild, _ error) {
	if err == nil {
		err = json.Unmarshal(r.Raw, &b)
	}
	return b, hinted(err)
}

func (r *rebuilding) show(b api.Rebuild) {
	if r.json {
		// The result goes to the same writer, and its failure is reported.
		_ = printJSON(r.stdout, b)
		return
	}
	at := rebuild.Progress{Phase: rebuild.Phase(b.Phase), Records: b.Records, Total: b.Total, PerSecond: b.RecordsPerSecond}
	if b.SecondsLeft != nil {
		at.Left = time.Duration(*b.SecondsLeft * float64(time.Second))
	}
	r.line.show(false, progressText(at))
}

func (p *program) printRebuild(b *api.Rebuild, asJSON bool) error {
	if asJSON {
		if err := printJSON(p.stdout, b); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
	}
	switch {
	case b.State == "canceled":
		return errors.New("rebuild: canceled; the views are unchanged")
	case b.Error != nil:
		return fmt.Errorf("rebuild: the views are unchanged: %s", *b.Error)
	case asJSON:
	case b.Changes != nil:
		p.printChanges(b)
	case b.Generation != nil && b.Bytes != nil:
		fmt.Fprintf(p.stdout, "generation %d is live: %d records in %.1f s (%.0f/s), %.1f MB\n", *b.Generation, b.Total, b.Seconds,
			float64(b.Total)/max(b.Seconds, 1e-9), float64(*b.Bytes)/1e6) // for the whole rebuild
	}
	return nil
}

func (p *program) printChanges(b *api.Rebuild) {
	c := comparison{Equal: b.Changes.Different == 0 && len(b.Changes.Others) == 0, Sequence: b.Changes.Sequence, Orders: b.Changes.Orders,
		Different: b.Changes.Different, Others: b.Changes.Others, Seconds: b.Seconds}
	fmt.Fprintf(p.stdout, "a rebuild would fold %d records, take about %.1f s and %.1f MB of disk, and change %d of %d orders\n",
		c.Sequence, c.Seconds, float64(*b.Bytes)/1e6, c.Different, c.Orders)
	for _, d := range b.Changes.Differences {
		o := client.OrderChange{OrderID: d.OrderID, Missing: d.Missing}
		for _, f := range d.Fields {
			o.Fields = append(o.Fields, client.FieldChange(f))
		}
		c.Differences = append(c.Differences, o)
	}
	p.printDifferences(&c, "a rebuild gives")
}
