package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
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
	BodyBytes   []byte          `json:"bodyBase64,omitempty"` // instead of body when that is not JSON in UTF-8
}

// tail prints records of the log, of a running service or of a stopped one's data folder.
func (p *program) tail(ctx context.Context, args []string) error {
	var s settings
	var from uint64
	var follow bool
	var object, order string
	_, err := p.flags("tail", "", args, func(f *flag.FlagSet) {
		s.registerCommon(f)
		s.quiet(f, "error")
		s.registerLog(f, false)
		f.Uint64Var(&from, "from", 1, "first sequence to print")
		f.BoolVar(&follow, "follow", false, "go on with what arrives, until interrupted")
		f.StringVar(&object, "object", "", "only records of this object, for example traditional-asset-order")
		f.StringVar(&order, "order", "", "only notifications of the order with this id")
		f.BoolFunc("json", "as without: every line is JSON", func(string) error { return nil })
	})
	if err != nil {
		return err
	}
	log, err := p.existingLog(ctx, &s, true)
	if err != nil {
		return err
	}
	err = p.printRecords(ctx, records(ctx, log, from, follow), func(r *eventlog.Record) bool {
		return (object == "" || r.Object == object) && (order == "" || projector.OrderID(r) == order)
	})
	if ctx.Err() != nil {
		err = nil // interrupted: that is how following ends
	}
	return errors.Join(err, log.Close())
}

func records(ctx context.Context, log *eventlog.Log, from uint64, follow bool) iter.Seq2[eventlog.Record, error] {
	after := eventlog.Position{Sequence: max(from, 1) - 1}
	if follow {
		return log.Follow(ctx, after)
	}
	return log.Read(ctx, after)
}

func (p *program) printRecords(ctx context.Context, records iter.Seq2[eventlog.Record, error], wanted func(*eventlog.Record) bool) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	for r, err := range records {
		if err != nil {
			return err
		}
		if !wanted(&r) {
			continue
		}
		line := logLine{Sequence: r.Sequence, ReceivedAt: r.Received, Source: r.Source, Object: r.Object,
			ContentType: r.ContentType, RequestID: r.RequestID}
		if json.Valid(r.Body) && utf8.Valid(r.Body) { // else the line would not be JSON
			line.Body = r.Body
		} else {
			line.BodyBytes = r.Body
		}
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("tail: %w", err)
		}
	}
	return nil
}

// existingLog opens the log of --nats-url, of the service that runs on the data folder, or of a stopped one. readLost reads also
// what is left of a log that lost records.
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
	o.Dir, o.Guest, o.URL = "", true, strings.TrimSpace(string(url))
	// Of this server's sync mode the service that runs knows better than what it tells its clients.
	o.Logger = logger.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))
	return eventlog.Open(ctx, o)
}

// errNotListening: the log of a running service cannot be looked into, which says nothing about it.
var errNotListening = errors.New("does not listen for subscribers")
