package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
)

// redriveStroke is the maximum duration of one redrive request, well below the timeout of a client.
const redriveStroke = 3 * time.Second

// apiRedrives adapts the redriver to the API.
type apiRedrives struct{ redriver *projector.Redriver }

func (r apiRedrives) Redrive(ctx context.Context, s api.RedriveSelection) (api.Redrive, error) {
	done, err := r.redriver.Redrive(ctx, projector.Selection{Class: string(s.Class), Sequences: s.Sequence, After: s.After, DryRun: s.DryRun,
		For: redriveStroke})
	switch {
	case errors.Is(err, fold.ErrHeldBack):
		err = fmt.Errorf("%w: %w", api.ErrHeldBack, err)
	case errors.Is(err, eventlog.ErrUnavailable):
		err = fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	return newRedrive(&done, s.DryRun), err
}

func newRedrive(done *projector.Redrive, dryRun bool) api.Redrive {
	r := api.Redrive{DryRun: dryRun, Examined: done.Examined, Redriven: done.Redriven, Remain: done.Examined - done.Redriven,
		Orders: done.Orders, Records: []api.RedrivenRecord{}}
	for i := range done.Notes {
		n := &done.Notes[i]
		record := api.RedrivenRecord{Sequence: n.Sequence, Object: n.Object, Redriven: n.Class == ""}
		for _, field := range []struct {
			to    **string
			value *string
		}{{&record.ID, &n.ID}, {&record.Class, &n.Class}, {&record.Reason, &n.Reason}} {
			if *field.value != "" {
				*field.to = field.value
			}
		}
		r.Records = append(r.Records, record)
	}
	if done.Next > 0 {
		r.Next = &done.Next
	}
	return r
}

// redriving is one run of the command redrive.
type redriving struct {
	settings  settings
	api       *client.Client // nil: redrive in this process
	selection api.RedriveSelection
	json      bool
}

// redrive decodes quarantined records again: those of a running service through its API, or else in
// this process.
func (p *program) redrive(ctx context.Context, args []string) error {
	var r redriving
	var sequences texts
	var service apiAccess
	var class string
	if _, err := p.flags("redrive", "", args, func(f *flagSet) {
		r.settings.registerCommon(f)
		r.settings.quiet(f, "warn")
		r.settings.registerLog(f, false)
		r.settings.registerViews(f)
		service.registerAs(f, "", "`URL` of the API of a running service; empty: redrive in this process, with the service stopped", "key of the role operator for --api-url")
		f.StringVar(&class, "reason", "", "only records of this class, one of "+strings.Join(views.Classes(), ", ")+"; empty: any")
		f.Var(&sequences, "sequence", "only this record; repeatable")
		f.BoolVar(&r.selection.DryRun, "dry-run", false, "report what would happen, and change nothing")
		f.BoolVar(&r.json, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if class != "" && !slices.Contains(views.Classes(), class) {
		return usagef("redrive: --reason: %s", unknownName("a class", class, views.Classes(), ""))
	}
	r.selection.Class = api.QuarantineClass(class)
	for _, text := range sequences.values {
		sequence, err := strconv.ParseUint(text, 10, 63)
		if err != nil || sequence == 0 {
			return usagef("redrive: --sequence: %q is not the sequence of a record", text)
		}
		r.selection.Sequence = append(r.selection.Sequence, sequence)
	}
	run := r.here
	if service.url != "" {
		var err error
		if r.api, err = service.client(); err != nil {
			return err
		}
		run = r.there
	}
	done, err := run(ctx, p)
	if done.Examined > 0 || err == nil {
		// Print what was done, even after an error.
		err = errors.Join(err, p.printRedrive(&done, r.json))
	}
	return err
}

// here redrives in this process. A dry run is allowed alongside a running service.
func (r *redriving) here(ctx context.Context, p *program) (done api.Redrive, err error) {
	log, err := p.existingLog(ctx, &r.settings, false)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	store, err := views.Open(ctx, views.Options{Dir: r.settings.viewsFolder(), FoldVersion: decode.FoldVersion(),
		ReadOnly: r.selection.DryRun, FirstByPromotion: true})
	if errors.Is(err, views.ErrLocked) {
		return done, fmt.Errorf("orderfold runs on these views; name its API with --api-url: %w", err)
	}
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	redriver := projector.Redriver{Log: log, Views: store}
	result, err := redriver.Redrive(ctx, projector.Selection{Class: string(r.selection.Class), Sequences: r.selection.Sequence,
		DryRun: r.selection.DryRun})
	if errors.Is(err, views.ErrNoViews) || errors.Is(err, views.ErrVersion) {
		err = fmt.Errorf("no views can be used by this version of the program; the next start makes them, and reads every "+
			"record again: %w", err)
	}
	return newRedrive(&result, r.selection.DryRun), err
}

// there redrives in a running service, request by request.
func (r *redriving) there(ctx context.Context, _ *program) (done api.Redrive, err error) {
	done = api.Redrive{DryRun: r.selection.DryRun, Records: []api.RedrivenRecord{}}
	for {
		answer, err := r.api.Redrive(ctx, client.RedriveQuery{Class: string(r.selection.Class), Sequences: r.selection.Sequence,
			After: r.selection.After, DryRun: r.selection.DryRun})
		if err != nil {
			return done, hinted(err)
		}
		var stroke api.Redrive
		if err := json.Unmarshal(answer.Raw, &stroke); err != nil {
			return done, fmt.Errorf("redrive: the API's answer cannot be read: %w", err)
		}
		done.Examined, done.Redriven = done.Examined+stroke.Examined, done.Redriven+stroke.Redriven
		done.Remain, done.Orders = done.Remain+stroke.Remain, done.Orders+stroke.Orders
		done.Records = append(done.Records, stroke.Records[:min(len(stroke.Records), projector.MaxRedriveNotes-len(done.Records))]...)
		if stroke.Next == nil {
			return done, nil
		}
		r.selection.After = *stroke.Next
	}
}

func (p *program) printRedrive(done *api.Redrive, asJSON bool) error {
	if asJSON {
		return printJSON(p.stdout, done)
	}
	for _, r := range done.Records {
		switch {
		case !r.Redriven:
			fmt.Fprintf(p.stdout, "record %d stays: %s: %s\n", r.Sequence, *r.Class, *r.Reason)
		case r.ID == nil:
			fmt.Fprintf(p.stdout, "record %d: %s\n", r.Sequence, r.Object)
		default:
			fmt.Fprintf(p.stdout, "record %d: %s %q\n", r.Sequence, r.Object, *r.ID)
		}
	}
	if more := done.Examined - uint64(len(done.Records)); more > 0 {
		fmt.Fprintf(p.stdout, "and %d more\n", more)
	}
	verb := "redriven"
	if done.DryRun {
		verb = "would be redriven"
	}
	_, err := fmt.Fprintf(p.stdout, "%d of %d records %s, into %d orders and other objects; %d still cannot be read\n",
		done.Redriven, done.Examined, verb, done.Orders, done.Remain)
	return err
}
