package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/views"
)

// finding is the result of one examination.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, warn or fail
	Detail string `json:"detail"`
}

// doctor is an examination of a data folder, of a running service or of a stopped one.
type doctor struct {
	settings *settings
	findings []finding
	log      *eventlog.Log
	at       views.Checkpoint
	hasViews bool
	lost     string // why the views were not folded when they were last: the log lost records
}

func (d *doctor) ok(check, format string, args ...any)   { d.add(check, "ok", format, args...) }
func (d *doctor) warn(check, format string, args ...any) { d.add(check, "warn", format, args...) }
func (d *doctor) fail(check, format string, args ...any) { d.add(check, "fail", format, args...) }

func (d *doctor) add(check, result, format string, args ...any) {
	d.findings = append(d.findings, finding{check, result, fmt.Sprintf(format, args...)})
}

// doctor examines what keeps the promises and says what is wrong. It changes no record and no
// view; what it changes it was asked to by a flag.
func (p *program) doctor(ctx context.Context, args []string) (err error) {
	var s settings
	var asJSON, acceptLoss bool
	if _, err := p.flags("doctor", "", args, func(f *flag.FlagSet) {
		s.registerCommon(f)
		s.quiet(f, "error")
		s.registerLog(f, false)
		s.registerViews(f)
		f.BoolVar(&asJSON, "json", false, "print JSON")
		f.BoolVar(&acceptLoss, "accept-loss", false, "have a log that lost records folded again, as far as it is left; of a stopped service")
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
		d.fit(ctx)
		d.clock(ctx)
	} else if d.notFolding(""); acceptLoss {
		d.fail("accepted loss", "the log was not examined: stop the service first")
	}
	if err := p.printFindings(d.findings, asJSON); err != nil {
		return err
	}
	warned := false
	for _, f := range d.findings {
		if f.Result == "fail" {
			return &diagnosis{exitUsage, "doctor: something is wrong; the lines that say fail tell what"}
		}
		warned = warned || f.Result == "warn"
	}
	if warned {
		return &diagnosis{exitFailed, "doctor: it works, and the lines that say warn deserve a look"}
	}
	return nil
}

// diagnosis is the outcome of an examination that has an exit code of its own.
type diagnosis struct {
	code int
	text string
}

func (d *diagnosis) Error() string { return d.text }

// secret files, which only their owner may read.
var secretFiles = []string{"credentials.json", "operator.url", "subscriber.url"}

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
		d.warn("permissions", "%s is open to every user (%v): chmod o= %s", dir, info.Mode().Perm(), dir)
	default:
		d.ok("permissions", "%s is %v", dir, info.Mode().Perm())
	}
	for _, name := range secretFiles {
		info, err := os.Stat(filepath.Join(dir, name))
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			d.fail("permissions", "%s can be read by others (%v): chmod 600, and delete credentials.json for new passwords", name, info.Mode().Perm())
		}
	}
}

const littleSpace = 1 << 30

func (d *doctor) space() {
	for _, dir := range []string{d.settings.data, d.settings.viewsFolder()} {
		free, err := eventlog.FreeDisk(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			d.warn("disk space", "%s: %v", dir, err)
		case free < littleSpace:
			d.warn("disk space", "%s has %d MiB left", dir, free>>20)
		default:
			d.ok("disk space", "%s has %d MiB left", dir, free>>20)
		}
	}
}

func (d *doctor) views(ctx context.Context) {
	dir := d.settings.viewsFolder()
	store, err := views.Open(ctx, views.Options{Dir: dir, FoldVersion: projector.FoldVersion(), ReadOnly: true})
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
		d.fail("views", "%v; they are folded again when they are deleted", err)
		return
	case strings.Contains(status.Health.Reason, eventlog.ErrLost.Error()):
		d.lost = status.Health.Reason // which an operator may have accepted since
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
		d.warn("log", "not examined: %v, or ask its /v1/status", err)
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
		d.ok("lock", "the log is on a server of its own")
	case info.Embedded:
		d.ok("lock", "free: no orderfold runs on %s", d.settings.data)
	case lockErr == nil:
		d.ok("lock", "held: orderfold runs on %s", d.settings.data)
	}
}

func (d *doctor) examineLog(ctx context.Context) {
	info, err := d.log.Info(ctx)
	if err != nil {
		return // told by openLog
	}
	switch {
	case info.Embedded || info.SyncMode == "always":
		d.ok("sync", "always: a record is on disk before it is acknowledged")
	case d.settings.log.url == "":
		d.ok("sync", "always: the running orderfold keeps the log")
	case info.SyncMode == "unknown":
		d.warn("sync", "the server does not tell; set jetstream { sync_interval: always } there")
	default:
		d.fail("sync", "%s: an acknowledged record can be lost with the machine's power; set sync_interval: always", info.SyncMode)
	}
	if info.MaxBytes > 0 && info.Bytes > uint64(info.MaxBytes)/10*9 {
		d.warn("log size", "%d of %d MiB are used; raise --log-max-bytes before it refuses", info.Bytes>>20, info.MaxBytes>>20)
	} else {
		d.ok("log size", "%d MiB, %d replica(s)", info.Bytes>>20, info.Replicas)
	}
}

func (d *doctor) acceptLoss(ctx context.Context) {
	switch missing, err := d.log.AcceptLoss(ctx); {
	case err != nil:
		d.fail("accepted loss", "%v", err)
	case missing == "":
		d.ok("accepted loss", "nothing is missing")
	default:
		d.warn("accepted loss", "it is folded again as far as it is left; orderfold rebuild takes what is gone out of the views. It was: %s", missing)
	}
}

// notFolding tells that nothing was folded because the log lost records. It is no fault any more when nothing is lost now.
func (d *doctor) notFolding(lost string) {
	switch {
	case d.lost == "":
	case d.log != nil && lost == "":
		d.warn("views", "nothing was folded when they were last: records were lost, which is accepted by now")
	default:
		d.fail("views", "not folding: %s", d.lost)
	}
}

// fit checks the views' position against the log, as the projector does before it folds.
func (d *doctor) fit(ctx context.Context) {
	b, err := d.log.Bounds(ctx)
	if err != nil {
		d.fail("bounds", "%v", err)
		return
	}
	d.ok("bounds", "records %d to %d of the log made at %s", b.First, b.Last, b.Log)
	d.notFolding(b.Lost)
	switch {
	case b.Lost != "":
		d.fail("whole log", "records are missing: %s", b.Lost)
	case len(b.Missing) > 0:
		d.warn("whole log", "%s, and that was accepted", b.Missing.Words())
	default:
		d.ok("whole log", "no record is known to be missing; orderfold verify reads each of them")
	}
	if !d.hasViews {
		return
	}
	for _, err := range d.log.Read(ctx, eventlog.Position{Log: d.at.Log, Sequence: d.at.Sequence, Hash: d.at.Hash}) {
		if err != nil {
			d.fail("position", "%v", err)
			return
		}
		break
	}
	d.ok("position", "record %d is the one that the views were made from", d.at.Sequence)
	if lag := b.Last - min(b.Last, d.at.Sequence) - b.Missing.Between(d.at.Sequence, b.Last); lag > 0 {
		d.warn("lag", "%d records are not in the views yet", lag)
	} else {
		d.ok("lag", "none")
	}
}

// clock compares the clock with the last record's: a clock that was set back makes times received wrong.
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
		return json.NewEncoder(p.stdout).Encode(findings)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Result, f.Check, f.Detail)
	}
	return w.Flush()
}
