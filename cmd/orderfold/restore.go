package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/eventlog"
)

// restoration is the JSON output of restore.
type restoration struct {
	Log           string  `json:"log"` // identity of the log
	Epoch         uint64  `json:"epoch"`
	FirstSequence uint64  `json:"firstSequence"`
	LastSequence  uint64  `json:"lastSequence"`
	Lost          string  `json:"lost,omitempty"` // records that the log lost before the backup
	Seconds       float64 `json:"seconds"`
}

// restore restores the log from a backup into an empty data folder.
func (p *program) restore(ctx context.Context, args []string) error {
	var s settings
	var asJSON bool
	operands, err := p.flags("restore", "BACKUP", args, func(f *flagSet) {
		s.registerCommon(f)
		s.quiet(f, "error")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	logger, err := p.logger(s.logLevel)
	if err != nil {
		return err
	}
	begin, line := time.Now(), newLine(p.stderr)
	defer line.end()
	b, err := eventlog.Restore(ctx, eventlog.RestoreOptions{Backup: operands[0], Dir: s.data, Logger: logger,
		Report: func(done, total int64) {
			line.show(false, fmt.Sprintf("restoring: %d of %d MiB", done>>20, total>>20))
		}})
	if err != nil {
		return err
	}
	r := restoration{Log: b.Log, Epoch: b.Epoch, FirstSequence: b.First, LastSequence: b.Last, Seconds: time.Since(begin).Seconds()}
	if b.Lost != nil {
		r.Lost = b.Lost.Error()
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(r)
	}
	fmt.Fprintf(p.stdout, "restored: records %d to %d of the log %s, now in epoch %d, in %.1f s\n", r.FirstSequence, r.LastSequence, r.Log,
		r.Epoch, r.Seconds)
	if r.Lost != "" {
		fmt.Fprintf(p.stdout, "the log had already lost records before the backup: %s\n", r.Lost)
	}
	fmt.Fprintf(p.stdout, "start orderfold serve --data %s: it makes the views from the log\n", s.data)
	return nil
}
