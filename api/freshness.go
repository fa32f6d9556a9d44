package api

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

const (
	defaultWait = 2 * time.Second
	maxWait     = 30 * time.Second
)

// AtLeast contains the parameters of every question to the views that say how new the answer has to
// be.
type AtLeast struct {
	MinSequence uint64 `query:"minSequence" doc:"Answer only when the views have applied this record of the log, for example the Log-Sequence of the receiver's answer; waits 2 s for it."`
	Prefer      string `header:"Prefer" example:"wait=10" doc:"wait=<seconds> (RFC 7240): how long to wait for minSequence, at most 30."`
}

// As is embedded in every answer that was read from the views.
type As struct {
	Applied uint64 `header:"Log-Sequence"`
}

type asker interface{ asked() AtLeast }

func (q AtLeast) asked() AtLeast { return q }

type answerer interface{ applied() uint64 }

func (s As) applied() uint64 { return s.Applied }

// await returns nil as soon as the views have applied the record that the caller asks for, or a
// problem if they do not do so in time.
func (a *API) await(ctx context.Context, q AtLeast) error {
	if q.MinSequence == 0 {
		return nil
	}
	status, err := a.position.Status(ctx)
	if err != nil {
		return err
	}
	if status.Checkpoint.Sequence >= q.MinSequence {
		return nil
	}
	defer noteWait(ctx, q.MinSequence, time.Now())
	patience, cancel := context.WithTimeout(ctx, preferredWait(q.Prefer))
	defer cancel()
	if server, ok := ctx.Value(stopping{}).(context.Context); ok {
		defer context.AfterFunc(server, cancel)() // a draining server does not keep callers waiting
	}
	err = a.position.Wait(patience, q.MinSequence)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return behind(q.MinSequence)
	}
	return err
}

func behind(wanted uint64) *Problem {
	return problem(codeViewBehind, "Record %d is not applied yet; Log-Sequence is the position of the views. "+
		"Repeat the request in a moment, or wait longer with Prefer: wait=<seconds>, at most %d.", wanted, maxWait/time.Second)
}

// preferredWait reads wait=<seconds> of a Prefer header. A preference that cannot be parsed is
// ignored (RFC 7240).
func preferredWait(prefer string) time.Duration {
	for part := range strings.SplitSeq(prefer, ",") {
		name, value, _ := strings.Cut(part, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); err == nil {
			return min(time.Duration(seconds)*time.Second, maxWait)
		}
	}
	return defaultWait
}
