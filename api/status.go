package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/orderfold/orderfold/projector/views"
)

const (
	// MaxLag is how old the oldest record that is not applied may be before the service says that it is not ready. Above
	// the pauses of a healthy projector, below what a reader would take for current.
	MaxLag = 10 * time.Second
	// logPatience bounds how long a question about the position waits for the log: whoever asks is watching the service
	// and wants to know that it does not answer.
	logPatience = 2 * time.Second
)

// The words of /readyz, which anybody may ask: fixed texts, the details are in /v1/status.
const (
	readyzNoViews    = "nothing has been projected yet"
	readyzUnusable   = "the views cannot be used, and are made anew"
	readyzMaking     = "the views are being made from the log"
	readyzNotMade    = "the views cannot be made from the log"
	readyzViews      = "the views cannot be read"
	readyzProjection = "the projector has stopped folding"
	readyzLog        = "the log cannot be reached"
	readyzLost       = "the log ends before the views"
	readyzHoles      = "the log lost records"
	readyzDifferent  = "the views differ from the log"
	readyzUnexamined = "the views cannot be compared with the log"
	readyzBehind     = "the views are behind the log"
)

// Status says where log and views stand. A value not known is null.
type Status struct {
	Log             LogStatus `json:"log"`
	AppliedSequence uint64    `json:"appliedSequence" doc:"The last record that the views have applied."`
	LagRecords      *uint64   `json:"lagRecords" doc:"Records received and not applied."`
	LagSeconds      *float64  `json:"lagSeconds" doc:"Age of the oldest of them; 0 when there is none."`
	Generation      *int      `json:"generation" doc:"Of the views: each rebuild makes a new one."`
	FoldVersion     *string   `json:"foldVersion" doc:"Of the rules that the views were folded by."`
	VerifiedSeq     *uint64   `json:"verifiedSequence" doc:"The views were last compared with the log as they stood here; null before the first time."`
	VerifiedAt      *string   `json:"verifiedAt" format:"date-time"`
	SyncMode        string    `json:"syncMode" doc:"When the log is on disk: always, or what an external server tells."`
	Replicas        int       `json:"replicas" doc:"Copies of the log; 0 while it cannot be reached."`
	Ready           bool      `json:"ready" doc:"As /readyz."`
	Reason          *string   `json:"reason" doc:"Why it is not ready."`
	Rebuild         *Rebuild  `json:"rebuild" doc:"The one that runs; null while none runs."`
	Platform        *Asking   `json:"platform" doc:"Asking the platform; null: it is not this process that would."`
	Version         string    `json:"version" doc:"Of the program."`
	StartedAt       string    `json:"startedAt" format:"date-time"`

	failed     string // why the last rebuild ended without result, or the attempt before the one that runs
	brief      string // the reason in the words of /readyz
	verifiedAt time.Time
	different  bool // the last examination found a difference, or was not possible
}

// LogStatus are the ends of the log; null while it cannot be reached.
type LogStatus struct {
	FirstSequence *uint64 `json:"firstSequence"`
	LastSequence  *uint64 `json:"lastSequence"`
}

// where asks views and log how they stand. It never fails: what goes wrong is the answer.
func (a *API) where(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	storage := a.log.Storage(ctx)
	s := Status{SyncMode: storage.SyncMode, Replicas: storage.Replicas, Version: a.version, StartedAt: instant(a.started)}
	if a.rebuilds != nil {
		if b, ok := a.rebuilds.Current(); ok && b.EndedAt == nil {
			s.Rebuild = &b
			s.failed = text(b.PreviousError)
		} else if ok {
			s.failed = text(b.Error)
		}
	}
	if a.platform != nil {
		asking := a.platform.Asking()
		s.Platform = &asking
	}
	// Views first: the log only grows, so it cannot seem shorter than the views.
	position, err := a.position.Status(ctx)
	switch {
	case errors.Is(err, views.ErrNoViews):
		s.notReady(s.making(err))
	case err != nil:
		s.notReady(readyzViews, err.Error())
	default:
		s.AppliedSequence = position.Checkpoint.Sequence
		s.Generation, s.FoldVersion = &position.Generation, known(position.FoldVersion)
		if position.Health.Reason != "" {
			s.notReady(readyzProjection, position.Health.Reason)
		}
		s.verified(&position.Verified)
	}
	bounds, err := a.log.Bounds(ctx)
	if err != nil {
		s.notReady(readyzLog, err.Error())
	} else {
		s.Log = LogStatus{&bounds.First, &bounds.Last}
		if bounds.Lost != "" {
			s.notReady(readyzHoles, readyzHoles+": "+bounds.Lost)
		}
		a.measureLag(ctx, &s, bounds, position.Checkpoint)
	}
	s.Ready = s.Reason == nil
	return s
}

// making says how far the generation is that is made because there is none, or why there is none.
func (s *Status) making(none error) (brief, reason string) {
	brief = readyzNoViews
	if lost := (*views.LostError)(nil); errors.As(none, &lost) {
		defer func() { reason += "; those before cannot be used: " + lost.Reason }()
		brief = readyzUnusable
	}
	if b := s.Rebuild; b != nil {
		brief = fmt.Sprintf("%s: %s, %d of %d records", readyzMaking, b.Phase, b.Records, b.Total)
		if b.SecondsLeft != nil {
			brief += fmt.Sprintf(", about %.0f s left", math.Ceil(*b.SecondsLeft))
		}
	}
	if s.failed == "" {
		return brief, brief
	}
	if s.Rebuild == nil {
		return readyzNotMade, readyzNotMade + ": " + s.failed
	}
	return brief + "; the attempt before failed", brief + "; the attempt before failed: " + s.failed
}

// verified tells what the last examination of the views found.
func (s *Status) verified(v *views.Verified) {
	if !v.At.IsZero() {
		s.verifiedAt, s.VerifiedSeq, s.VerifiedAt = v.At, &v.Sequence, known(instant(v.At))
	}
	switch {
	case v.Unexamined():
		s.different = true
		s.notReady(readyzUnexamined, v.Difference)
	case v.Difference != "":
		s.different = true
		s.notReady(readyzDifferent, v.Difference)
	}
}

// measureLag compares the views with the log.
func (a *API) measureLag(ctx context.Context, s *Status, bounds LogBounds, at views.Checkpoint) {
	var records uint64
	var seconds float64
	switch {
	case at.Sequence > bounds.Last:
		s.notReady(readyzLost, fmt.Sprintf("the log ends at %d, before the views at %d", bounds.Last, at.Sequence))
	case at.Sequence < bounds.Last:
		records = bounds.left(at.Sequence)
	}
	if records > 0 {
		waiting := at.Received // if the log no longer holds the next record
		if next, err := a.log.Record(ctx, max(at.Sequence+1, bounds.First)); err == nil {
			waiting = next.Received
		} else if !errors.Is(err, ErrNoRecord) && !errors.Is(err, ErrMissing) {
			s.notReady(readyzLog, err.Error())
		}
		seconds = max(0, time.Since(waiting).Seconds())
	}
	if seconds > MaxLag.Seconds() {
		s.notReady(readyzBehind, fmt.Sprintf("the views are %.0f s and %d records behind the log", seconds, records))
	}
	s.LagRecords, s.LagSeconds = &records, &seconds
}

// notReady keeps the first reason: those that follow tend to be its consequences.
func (s *Status) notReady(brief, reason string) {
	if s.Reason == nil {
		s.brief, s.Reason = brief, known(cmp.Or(reason, brief))
	}
}
