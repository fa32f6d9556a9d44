package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/feed"
)

// eventLine is one event of the feed as tail prints it.
type eventLine struct {
	Sequence    uint64          `json:"sequence"` // sequence in the feed
	StoredAt    time.Time       `json:"storedAt"`
	Type        string          `json:"type"`
	ID          string          `json:"id"`
	Order       string          `json:"order,omitempty"`
	AssetClass  string          `json:"assetClass,omitempty"`
	LogSequence uint64          `json:"logSequence"`
	Revision    uint64          `json:"revision"`
	Digest      string          `json:"digest,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// feedClasses are the second tokens of the subjects of events.
var feedClasses = []string{"traditional", "digital", "tokenized", "other"}

// checkFeed refuses flags that apply only to the log, or only to the feed.
func (t *tailing) checkFeed() error {
	t.class = strings.ToLower(t.class)
	switch {
	case !t.feed && t.class != "":
		return usagef("tail: --asset-class selects events: add --feed")
	case !t.feed:
		return nil
	case t.object != "" || t.since.given():
		return usagef("tail: --object and --since select records of the log: leave them out, or leave out --feed")
	case t.class != "" && !slices.Contains(feedClasses, t.class):
		return usagef("tail: --asset-class: %q is not one of %s", t.class, strings.Join(feedClasses, ", "))
	}
	return nil
}

// wantsEvent reports whether the event is to be printed.
func (t *tailing) wantsEvent(e *eventLine) bool {
	return (t.class == "" || e.AssetClass == t.class) && (t.order == "" || e.Order == t.order)
}

// printFeed prints events of the feed.
func (t *tailing) printFeed(ctx context.Context, p *program, log *eventlog.Log) error {
	f := log.Feed(eventlog.FeedOptions{Keep: true})
	bounds, err := f.Bounds(ctx)
	if err != nil {
		return err
	}
	after := max(t.from, bounds.First, 1) - 1
	if t.last > 0 {
		if after, err = t.beforeLast(f.Read(ctx, after), after); err != nil {
			return err
		}
	}
	events := f.Read(ctx, after)
	if t.follow {
		events = f.Follow(ctx, after)
	}
	printed := 0
	for e, err := range events {
		if err != nil {
			return err
		}
		if t.last > 0 && !t.follow && e.Sequence > bounds.Last {
			break
		}
		line, err := lineOf(&e)
		if err != nil {
			return err
		}
		if !t.wantsEvent(&line) {
			continue
		}
		if err := printJSON(p.stdout, line); err != nil {
			return fmt.Errorf("tail: %w", err)
		}
		printed++
	}
	if printed == 0 {
		fmt.Fprintln(p.stderr, "no event matches")
	}
	return nil
}

// beforeLast returns the sequence of the event after which the last wanted events follow.
func (t *tailing) beforeLast(events iter.Seq2[eventlog.Event, error], after uint64) (uint64, error) {
	var found []uint64 // ascending, at most the number wanted
	for e, err := range events {
		if err != nil {
			return 0, err
		}
		line, err := lineOf(&e)
		if err != nil {
			return 0, err
		}
		after = e.Sequence
		if !t.wantsEvent(&line) {
			continue
		}
		if found = append(found, e.Sequence); uint64(len(found)) > t.last {
			found = found[1:]
		}
	}
	if len(found) == 0 {
		return after, nil
	}
	return found[0] - 1, nil
}

func lineOf(e *eventlog.Event) (line eventLine, err error) {
	header := func(name string) string {
		if values := e.Header[name]; len(values) > 0 {
			return feed.Decode(values[0])
		}
		return ""
	}
	number := func(name string) uint64 {
		n, parseErr := strconv.ParseUint(header(name), 10, 64)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("tail: message %d is not an order event: its header %s is %.40q", e.Sequence, name, header(name))
		}
		return n
	}
	line = eventLine{Sequence: e.Sequence, StoredAt: e.Stored, Type: header(feed.HeaderType), ID: header(feed.HeaderID), Order: header(feed.HeaderSubject),
		LogSequence: number(feed.HeaderSequence), Revision: number(feed.HeaderRevision), Digest: header(feed.HeaderDigest), Data: e.Body}
	if tokens := strings.Split(e.Subject, "."); len(tokens) == 3 {
		line.AssetClass = tokens[1]
	}
	if err == nil && !json.Valid(e.Body) {
		err = fmt.Errorf("tail: message %d is not an order event: its body is not JSON", e.Sequence)
	}
	return line, err
}
