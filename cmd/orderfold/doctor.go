package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/eventlog/embedded"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
)

// finding is the result of one check.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, warn or fail
	Detail string `json:"detail"`
}

// doctor examines a data folder, a running service or a stopped one.
type doctor struct {
	settings *settings
	findings []finding
	log      *eventlog.Log
	at       views.Checkpoint
	hasViews bool
	// lost is the reason why nothing was folded at the last attempt, if the log lost records.
	lost string
	// advised reports whether a finding already states what to do about lost records.
	advised bool
}

func (d *doctor) ok(check, format string, args ...any)   { d.add(check, "ok", format, args...) }
func (d *doctor) warn(check, format string, args ...any) { d.add(check, "warn", format, args...) }
func (d *doctor) fail(check, format string, args ...any) { d.add(check, "fail", format, args...) }

// add records a finding. Several findings may contain what to do about lost records; it is printed
// only once.
func (d *doctor) add(check, result, format string, args ...any) {
	for i, arg := range args {
		err, _ := arg.(error)
		f := eventlog.FaultOf(err)
		if f == nil || f.Hint != eventlog.LossAdvice {
			continue
		}
		if d.advised {
			args[i] = f.Err
		}
		d.advised = true
	}
	d.findings = append(d.findings, finding{check, result, fmt.Sprintf(format, args...)})
}

// doctor checks the conditions of the guarantees, and reports what is wrong. It changes no record
// and no view, and nothing at all unless a flag requests it.
func (p *program) doctor(ctx context.Context, args []string) (err error) {
	var s settings
	var asJSON, acceptLoss bool
	if _, err := p.flags("doctor", "", args, func(f *flagSet) {
		s.registerCommon(f)
		s.quiet(f, "error")
		s.registerLog(f, false)
		s.registerViews(f)
		f.BoolVar(&asJSON, "json", false, "print JSON")
		f.BoolVar(&acceptLoss, "accept-loss", false, "accept the listed losses so that folding can resume; stop the service first")
	}); err != nil {
		return err
	}
	d := &doctor{settings: &s}
	d.folder()
	d.space()
	d.views(ctx)
	d.openLog(ctx, p)
	if d.log != nil {
		defer func() { err = errors.Join(err, d.log.Close()) }()
		if acceptLoss {
			d.acceptLoss(ctx)
		}
		d.examineLog(ctx)
		d.duties(ctx)
		d.fit(ctx)
		d.clock(ctx)
	} else if d.notFolding(false); acceptLoss {
		d.fail("accepted loss", "the log was not examined; stop the service first")
	}
	if err := p.printFindings(d.findings, asJSON); err != nil {
		return err
	}
	warned := false
	for _, f := range d.findings {
		if f.Result == "fail" {
			return &diagnosis{exitUsage, "doctor: something is wrong; see the lines marked fail"}
		}
		warned = warned || f.Result == "warn"
	}
	if warned {
		return &diagnosis{exitFailed, "doctor: it works, with warnings; see the lines marked warn"}
	}
	return nil
}

// diagnosis is the result of an examination, with an exit code of its own.
type diagnosis struct {
	code int
	text string
}

func (d *diagnosis) Error() string { return d.text }

// secretFiles are patterns of the files that only their owner may read.
var secretFiles = []string{"credentials.json", "*.url", "subscribers/*.url"}

func (d *doctor) folder() {
	dir := d.settings.data
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.settings.log.url != "":
		return // the log is elsewhere
	case err != nil:
		d.fail("data folder", "%v", err)
		return
	case info.Mode().Perm()&0o007 != 0:
		d.warn("permissions", "every user can open %s (%v): chmod o= %s", dir, info.Mode().Perm(), dir)
	default:
		d.ok("permissions", "%s is %v", dir, info.Mode().Perm())
	}
	for _, pattern := range secretFiles {
		files, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			d.fail("permissions", "%s: %v", pattern, err)
		}
		for _, file := range files {
			d.secret(filepath.Join(dir, file))
		}
	}
}

func (d *doctor) secret(file string) {
	info, err := os.Stat(file)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		d.fail("permissions", "%s can be read by other users (%v): chmod 600 the file, and delete credentials.json to get new passwords", file, info.Mode().Perm())
	}
}

const (
	littleSpace = 1 << 30
	noSpace     = 4 << 20
	// soonFull is the remaining time below which doctor warns that a growing log reaches its limit.
	soonFull = 7 * 24 * time.Hour
	// dutyForgotten is much longer than the time that another process needs to take over a duty.
	dutyForgotten = 30 * time.Second
)

func (d *doctor) space() {
	for _, dir := range []string{d.settings.data, d.settings.viewsFolder()} {
		free, err := embedded.FreeDisk(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			d.warn("disk space", "%s: %v", dir, err)
		case free < noSpace:
			d.fail("disk space", "the disk of %s is full, %s left: make room", dir, roughSize(free))
		case free < littleSpace:
			d.warn("disk space", "%s has %s left", dir, roughSize(free))
		default:
			d.ok("disk space", "%s has %s left", dir, roughSize(free))
		}
	}
}

func (d *doctor) views(ctx context.Context) {
	dir := d.settings.viewsFolder()
	store, err := views.Open(ctx, views.Options{Dir: dir, FoldVersion: decode.FoldVersion(), ReadOnly: true})
	if err != nil {
		d.fail("views", "%v", err)
		return
	}
	status, err := store.Status(ctx)
	err = errors.Join(err, store.Close())
	switch {
	case errors.Is(err, views.ErrNoViews):
		d.warn("views", "none in %s yet; they are folded from the log at the next start", dir)
		return
	case errors.Is(err, views.ErrVersion):
		d.warn("views", "%v", err)
		return
	case err != nil:
		d.fail("views", "%v; if they are deleted, they are folded again", err)
		return
	case strings.Contains(status.Health.Reason, eventlog.ErrLost.Error()):
		d.lost = status.Health.Reason // an operator may have accepted the loss since
	case status.Health.Reason != "":
		d.fail("views", "not folding: %s", status.Health.Reason)
	default:
		d.ok("views", "generation %d, fold version %s, at sequence %d", status.Generation, status.FoldVersion, status.Checkpoint.Sequence)
	}
	d.at, d.hasViews = status.Checkpoint, true
}

func (d *doctor) openLog(ctx context.Context, p *program) {
	_, lockErr := os.Stat(filepath.Join(d.settings.data, "operator.url"))
	log, err := p.existingLog(ctx, d.settings, false)
	if errors.Is(err, errNotListening) {
		d.warn("log", "not examined: %v, or use its /v1/status", err)
		return
	}
	if err != nil {
		d.fail("log", "%v", err)
		return
	}
	d.log = log
	switch info, err := log.Info(ctx); {
	case err != nil:
		d.fail("log", "%v", err)
	case d.settings.log.url != "":
		d.ok("lock", "the log is on an external server")
	case info.Embedded:
		d.ok("lock", "free: no orderfold runs on %s", d.settings.data)
	case lockErr == nil:
		d.ok("lock", "held: orderfold runs on %s", d.settings.data)
	}
}

func (d *doctor) examineLog(ctx context.Context) {
	info, err := d.log.Info(ctx)
	if err != nil {
		return // openLog has already reported it
	}
	switch {
	case info.Embedded || info.SyncMode == "always":
		d.ok("sync", "always: a record is on disk before it is acknowledged")
	case d.settings.log.url == "":
		d.ok("sync", "always: the running orderfold process keeps the log")
	case info.SyncMode == "unknown":
		d.warn("sync", "the server does not report its sync mode; check that its configuration has jetstream { sync_interval: always }")
	default:
		d.fail("sync", "%s: an acknowledged record can be lost in a power failure; set sync_interval: always", info.SyncMode)
	}
	d.replicas(&info)
	d.room(&info)
}

// duties reports which process holds each duty.
func (d *doctor) duties(ctx context.Context) {
	holders, err := d.log.Holders(ctx)
	if err != nil {
		d.warn("duties", "the holders are unknown: %v", err)
	}
	for _, h := range holders {
		switch quiet := time.Since(h.Renewed).Round(time.Second); {
		case h.Holder == "":
			d.warn("duty "+string(h.Duty), "no process has had it since %s", h.Since.UTC().Format(time.RFC3339))
		case quiet > dutyForgotten:
			d.warn("duty "+string(h.Duty), "%s had it, and has not renewed it for %s", h.Holder, quiet)
		default:
			d.ok("duty "+string(h.Duty), "%s has had it since %s", h.Holder, h.Since.UTC().Format(time.RFC3339))
		}
	}
}

// room reports how much more the log takes.
func (d *doctor) room(info *eventlog.Info) {
	size := roughSize(info.Bytes)
	if info.MaxBytes > 0 {
		size += " of at most " + roughSize(uint64(info.MaxBytes))
	}
	soon := !info.FullAt.IsZero() && time.Until(info.FullAt) < soonFull
	switch {
	case info.Refuses != nil:
		d.fail("log size", "%s: %v", size, info.Refuses)
	case soon:
		d.warn("log size", "%s; at the rate of the last hour it is full at %s: raise the limit with orderfold log limit, or get a larger disk",
			size, info.FullAt.UTC().Format(time.RFC3339))
	case info.MaxBytes > 0 && info.Left < info.MaxBytes/10:
		d.warn("log size", "%s, and %s left: raise the limit with orderfold log limit, or get a larger disk", size, roughSize(uint64(info.Left)))
	default:
		d.ok("log size", "%s, %d replica(s)", size, info.Replicas)
	}
}

func (d *doctor) acceptLoss(ctx context.Context) {
	switch missing, err := d.log.AcceptLoss(ctx); {
	case err != nil:
		d.fail("accepted loss", "%v", err)
	case missing == "":
		d.ok("accepted loss", "nothing is missing")
	default:
		d.warn("accepted loss", "folding resumes with what is left; orderfold rebuild removes the lost records from the views. Lost: %s", missing)
	}
}

// notFolding reports that nothing was folded because the log lost records. This is no longer a
// fault if nothing is lost now.
func (d *doctor) notFolding(lost bool) {
	switch {
	case d.lost == "":
	case d.log != nil && !lost:
		d.warn("views", "nothing was folded when the views were last written: records were lost, and the loss is accepted now")
	case lost:
		d.fail("views", "not folding: the log lost records")
	default:
		d.fail("views", "not folding: %s", d.lost)
	}
}

// fit checks the position of the views against the log, as the projector does before it folds.
func (d *doctor) fit(ctx context.Context) {
	b, err := d.log.Bounds(ctx)
	if err != nil {
		d.fail("bounds", "%v", err)
		return
	}
	d.ok("bounds", "records %d to %d of the log %s, epoch %d", b.First, b.Last, b.Log, b.Epoch)
	d.notFolding(b.Lost != nil)
	switch {
	case b.Lost != nil:
		d.fail("whole log", "records are missing: %v", b.Lost)
	case len(b.Missing) > 0:
		d.warn("whole log", "%s; the loss was accepted", b.Missing.Words())
	default:
		d.ok("whole log", "no record is known to be missing; orderfold verify reads every record")
	}
	if !d.hasViews {
		return
	}
	if b.Lost != nil {
		d.fail("position", "not compared with the log, because the log lost records")
		return
	}
	for _, err := range d.log.Read(ctx, eventlog.Position{Log: d.at.Log, Sequence: d.at.Sequence, Hash: d.at.Hash}) {
		if err != nil {
			d.fail("position", "%v", err)
			return
		}
		break
	}
	d.ok("position", "record %d is the one at the position of the views", d.at.Sequence)
	if lag := b.Last - min(b.Last, d.at.Sequence) - b.Missing.Between(d.at.Sequence, b.Last); lag > 0 {
		d.warn("lag", "%d records are not in the views yet", lag)
	} else {
		d.ok("lag", "none")
	}
}

// clock compares the clock with the last record. If the clock was set back, times received are
// wrong.
func (d *doctor) clock(ctx context.Context) {
	b, err := d.log.Bounds(ctx)
	if err != nil || b.Last < b.First || b.Missing.Contains(b.Last) {
		return
	}
	last, err := d.log.Get(ctx, b.Last)
	if err != nil {
		d.fail("last record", "%v", err)
		return
	}
	if ahead := time.Until(last.Received); ahead > time.Second {
		d.warn("clock", "the last record was received %s in the future: the clock was set back", ahead.Round(time.Second))
	} else {
		d.ok("clock", "the last record was received %s ago", (-ahead).Round(time.Second))
	}
}

func (p *program) printFindings(findings []finding, asJSON bool) error {
	if asJSON {
		return printJSON(p.stdout, findings)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Result, f.Check, f.Detail)
	}
	return w.Flush()
}
