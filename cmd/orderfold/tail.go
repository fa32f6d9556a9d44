package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/receiver"
	"github.com/orderfold/orderfold/receiver/platform"
)

// logLine is one record as tail prints it.
type logLine struct {
	Sequence    uint64          `json:"sequence"`
	ReceivedAt  time.Time       `json:"receivedAt"`
	Source      eventlog.Source `json:"source"`
	Object      string          `json:"object"`
	ContentType string          `json:"contentType,omitempty"`
	RequestID   string          `json:"requestId,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"`
	// BodyBytes is set instead of Body if the body is not JSON in UTF-8.
	BodyBytes []byte `json:"bodyBase64,omitempty"`
}

// tailing contains the settings of tail.
type tailing struct {
	settings      settings
	from, last    uint64
	since         when
	zone          timeZone
	follow        bool
	object, order string
	feed          bool   // print events, not records
	class         string // class of the events
}

// tail prints records of the log or events of the feed, from a running service or from the data
// folder of a stopped one.
func (p *program) tail(ctx context.Context, args []string) error {
	var t tailing
	_, err := p.flags("tail", "", args, func(f *flagSet) {
		t.settings.registerCommon(f)
		t.settings.quiet(f, "error")
		t.settings.registerLog(f, false)
		f.Uint64Var(&t.from, "from", 0, "first sequence to print; 0: the log's first record")
		f.Var(&t.since, "since", "only records received then or later: "+fmt.Sprintf(whenExamples, ownZone)+". Not with --from")
		t.zone.register(f, "of a day in --since,")
		f.Uint64Var(&t.last, "last", 0, "print only the last N of the selected records; 0: all")
		f.BoolVar(&t.follow, "follow", false, "also print new records as they arrive, until interrupted")
		f.StringVar(&t.object, "object", "", "only records of this `object`, for example traditional-asset-order")
		f.StringVar(&t.order, "order", "", "only notifications of the order with this `id`")
		f.BoolVar(&t.feed, "feed", false, "print events of the feed; --from is then a sequence of the feed")
		f.StringVar(&t.class, "asset-class", "", "with --feed: only events of orders of this `class`: traditional, digital, tokenized or other")
		f.BoolFunc("json", "no effect: every line is JSON", func(string) error { return nil })
	})
	if err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	log, err := p.existingLog(ctx, &t.settings, true)
	if err != nil {
		return err
	}
	if t.feed {
		err = t.printFeed(ctx, p, log)
	} else {
		err = t.print(ctx, p, log)
	}
	if ctx.Err() != nil {
		err = nil // an interrupt is the normal end of following
	}
	return errors.Join(err, log.Close())
}

func (t *tailing) check() error {
	if err := t.checkFeed(); err != nil {
		return err
	}
	if t.from > 0 && t.since.given() {
		return usagef("tail: --from and --since both set the beginning: give only one of them")
	}
	if objects := knownObjects(); t.object != "" && !slices.Contains(objects, t.object) {
		// The type of an event resembles its object, however it is spelled.
		word := strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(t.object, "_", "-")), "-notification")
		text := fmt.Sprintf("%q is not an object", t.object)
		if near := nearest(word, objects); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		return usagef("tail: --object: %s (one of %s)", text, strings.Join(objects, ", "))
	}
	return nil
}

// knownObjects returns the objects of which a log has records.
func knownObjects() []string {
	objects := []string{platform.UnknownObject}
	for _, t := range receiver.EventTypes() {
		objects = append(objects, t.Object)
	}
	slices.Sort(objects)
	return objects
}

// wants reports whether the record is to be printed.
func (t *tailing) wants(r *eventlog.Record) bool {
	return (t.object == "" || r.Object == t.object) && (t.order == "" || decode.OrderID(r.Object, r.Body) == t.order) && !r.Received.Before(t.since.in(t.zone.Location))
}

// print prints the records that are wanted.
func (t *tailing) print(ctx context.Context, p *program, log *eventlog.Log) error {
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return err
	}
	first := max(t.from, 1)
	if t.since.given() {
		if first, err = receivedSince(ctx, log, &bounds, t.since.in(t.zone.Location)); err != nil {
			return err
		}
	}
	if t.last > 0 {
		if first, err = t.firstOfLast(ctx, log, &bounds, first); err != nil {
			return err
		}
	}
	after := eventlog.Position{Sequence: first - 1}
	records := log.Read(ctx, after)
	switch {
	case t.follow:
		records = log.Follow(ctx, after)
	// The log has nothing that new. For --from, the log reports it.
	case first > bounds.Last && t.from == 0:
		records = func(func(eventlog.Record, error) bool) {}
	}
	end := uint64(math.MaxUint64)
	if t.last > 0 && !t.follow {
		end = bounds.Last // a record that arrived meanwhile would exceed the number wanted
	}
	printed, err := p.printRecords(records, end, t.wants)
	if err == nil && printed == 0 {
		fmt.Fprintln(p.stderr, "no record matches")
	}
	return err
}

// receivedSince returns the sequence of the first record that was received at or after a time. It
// uses binary search: times received ascend, except where a clock was set back.
func receivedSince(ctx context.Context, log *eventlog.Log, b *eventlog.Bounds, since time.Time) (uint64, error) {
	low, high := b.First, b.Last+1
	for low < high {
		middle := low + (high-low)/2
		at, err := presentAt(ctx, log, middle, high)
		switch {
		case err != nil:
			return 0, err
		case at == nil || !at.Received.Before(since): // there is no record, or it is late enough
			high = middle
		default:
			low = at.Sequence + 1
		}
	}
	return max(low, 1), nil
}

// presentAt returns the first record whose sequence is at least from and less than below. It
// returns nil if there is none, because the log may have lost records.
func presentAt(ctx context.Context, log *eventlog.Log, from, below uint64) (*eventlog.Record, error) {
	for r, err := range log.Read(ctx, eventlog.Position{Sequence: from - 1}) {
		if err != nil || r.Sequence >= below {
			return nil, err
		}
		return &r, nil
	}
	return nil, nil
}

// stretch is the number of records in the first look back. Each look further back reads twice as
// many. It is a variable for tests.
var stretch uint64 = 4096

// firstOfLast returns the sequence of the first of the last records wanted, but at least first. It
// looks back stretch by stretch, so that the last records of a long log are found quickly.
func (t *tailing) firstOfLast(ctx context.Context, log *eventlog.Log, b *eventlog.Bounds, first uint64) (uint64, error) {
	first = max(first, b.First)
	var found []uint64 // descending by stretch, ascending within each
	end := b.Last
	for length := stretch; end >= first && end > 0 && uint64(len(found)) < t.last; length *= 2 {
		begin := max(first, end-min(end-1, length-1))
		var here []uint64
		for r, err := range log.Read(ctx, eventlog.Position{Sequence: begin - 1}) {
			if err != nil {
				return 0, err
			}
			if r.Sequence > end {
				break
			}
			if t.wants(&r) {
				here = append(here, r.Sequence)
			}
		}
		found = append(here, found...)
		end = begin - 1
	}
	if uint64(len(found)) > t.last {
		found = found[uint64(len(found))-t.last:]
	}
	if len(found) == 0 {
		return b.Last + 1, nil
	}
	return found[0], nil
}

// printRecords prints the wanted records up to the sequence end.
func (p *program) printRecords(records iter.Seq2[eventlog.Record, error], end uint64, wanted func(*eventlog.Record) bool) (printed int, err error) {
	for r, err := range records {
		if err != nil || r.Sequence > end {
			return printed, err
		}
		if !wanted(&r) {
			continue
		}
		line := logLine{Sequence: r.Sequence, ReceivedAt: r.Received, Source: r.Source, Object: r.Object,
			ContentType: r.ContentType, RequestID: r.RequestID}
		if json.Valid(r.Body) && utf8.Valid(r.Body) { // otherwise the line would not be JSON
			line.Body = r.Body
		} else {
			line.BodyBytes = r.Body
		}
		if err := printJSON(p.stdout, line); err != nil {
			return printed, fmt.Errorf("tail: %w", err)
		}
		printed++
	}
	return printed, nil
}

// existingLog opens the log of --nats-url, of the service that runs on the data folder, or of a
// stopped one. With readLost, it also reads what is left of a log that lost records.
func (p *program) existingLog(ctx context.Context, s *settings, readLost bool) (*eventlog.Log, error) {
	logger, err := p.logger(s.logLevel)
	if err != nil {
		return nil, err
	}
	o := eventlog.Options{URL: s.log.url, CredentialsFile: s.log.credentials, ReadLost: readLost, Logger: logger}
	if o.URL != "" {
		return eventlog.Open(ctx, o)
	}
	if _, err := os.Stat(filepath.Join(s.data, "nats")); err != nil {
		return nil, fmt.Errorf("there is no log in %s; name its folder with --data or its server with --nats-url", s.data)
	}
	o.Dir = s.data
	log, err := eventlog.Open(ctx, o)
	if !errors.Is(err, eventlog.ErrLocked) {
		return log, err
	}
	url, err := os.ReadFile(filepath.Join(s.data, "operator.url"))
	if err != nil {
		return nil, fmt.Errorf("orderfold runs on %s and %w; start it with --nats-addr", s.data, errNotListening)
	}
	o.Dir, o.Guest, o.URL = "", true, strings.TrimSpace(strings.TrimPrefix(string(url), byteOrderMark))
	// The running service knows the sync mode of its server better than the server reports it to
	// clients.
	o.Logger = logger.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))
	return eventlog.Open(ctx, o)
}

// errNotListening means that tail cannot read the log of a running service. It does not mean that
// the log has a problem.
var errNotListening = errors.New("does not listen for subscribers")
