package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/orderfold/orderfold/projector/views"
)

const (
	// MaxLag is the default ReadyLag. It is longer than the pauses of a healthy projector and the
	// election of another leader of the log, and shorter than the age at which a reader would no
	// longer consider the views current.
	MaxLag = 10 * time.Second
	// logPatience bounds the time that a question about the position waits for the log. The caller
	// watches the service and wants to know if the log does not answer.
	logPatience = 2 * time.Second
)

// Reasons for states without a message of their own.
const (
	noViews    = "nothing has been projected yet"
	unusable   = "the views cannot be used, and are being rebuilt"
	making     = "the views are being made from the log"
	notMade    = "the views cannot be made from the log"
	lostBefore = "the log lost records"
)

// Status contains the positions of log and views. An unknown value is null.
type Status struct {
	Log             LogStatus `json:"log"`
	AppliedSequence uint64    `json:"appliedSequence" doc:"The last record that the views have applied."`
	LagRecords      *uint64   `json:"lagRecords" doc:"Records received but not applied."`
	LagSeconds      *float64  `json:"lagSeconds" doc:"Age of the oldest of them; 0 if there is none. While the log cannot be reached: the time since the views were last known to be current, which is at least when their last record was received; null if they have no records."`
	FeedLagRecords  *uint64   `json:"feedLagRecords" doc:"Records whose order events are not published yet; null: the feed is off, or another process publishes it, see duties."`
	FeedReason      *string   `json:"feedReason" doc:"Why not all events are published, or that orders are being published again; null: all are published, or the feed is off. This does not affect readiness."`
	Generation      *int      `json:"generation" doc:"Generation of the views; each rebuild makes a new one."`
	FoldVersion     *string   `json:"foldVersion" doc:"Version of the rules with which the views were folded."`
	VerifiedSeq     *uint64   `json:"verifiedSequence" doc:"The position at which the views were last compared with the log; null before the first time."`
	VerifiedAt      *string   `json:"verifiedAt" format:"date-time"`
	SyncMode        string    `json:"syncMode" doc:"When the log syncs to disk: always, or what an external server reports."`
	Replicas        int       `json:"replicas" doc:"Configured number of replicas of the log; 0 while it cannot be reached. log.replicas lists them."`
	Ready           bool      `json:"ready" doc:"As in /readyz."`
	Reason          *string   `json:"reason" doc:"Why it is not ready, or why no notification is stored, as in /readyz."`
	Accepts         *bool     `json:"acceptsNotifications" doc:"Whether a notification would be stored now; null: this process does not receive notifications."`
	Rebuild         *Rebuild  `json:"rebuild" doc:"The running rebuild; null if none is running."`
	Platform        *Asking   `json:"platform" doc:"Asking the platform; null: this process does not ask."`
	Duties          []Duty    `json:"duties" doc:"Which process holds each duty. Empty: no process ever did, or the log is embedded; null: unknown."`
	Version         string    `json:"version" doc:"Version of the program."`
	StartedAt       string    `json:"startedAt" format:"date-time"`

	aside string // what is wrong although the service is ready
	// failed states why the last rebuild, or the attempt before the running one, ended without a
	// result.
	failed     string
	verifiedAt time.Time
	different  bool // the last verification found a difference, or was not possible
}

// Duty is work that only one process at a time does.
type Duty struct {
	Duty      string  `json:"duty" enum:"feed,platform" doc:"feed: publish order events. platform: ask the platform about orders and for notifications that it did not deliver."`
	Holder    *string `json:"holder" doc:"The process that holds the duty: its machine, address and process id. null: none."`
	Since     string  `json:"since" format:"date-time" doc:"When the holder began, or the last holder ended, by its clock."`
	RenewedAt string  `json:"renewedAt" format:"date-time" doc:"When the holder last renewed the duty, by the clock of the log's server. If it does not renew it within ten seconds, another process takes the duty."`
}

// LogStatus contains the ends of the log and how much more it takes. Its values are null while the
// log cannot be reached.
type LogStatus struct {
	FirstSequence  *uint64   `json:"firstSequence"`
	LastSequence   *uint64   `json:"lastSequence"`
	Epoch          *uint64   `json:"epoch" doc:"Begins at 1 and increases each time orderfold restore restored the log or a loss was accepted: sequences may since belong to other records."`
	Bytes          *int64    `json:"bytes" doc:"Size of the records."`
	MaxBytes       *int64    `json:"maxBytes" doc:"The limit at which the log refuses more; null: no limit."`
	BytesLeft      *int64    `json:"bytesLeft" doc:"Space up to that limit, or to the end of the disk of an embedded log; null: no known limit."`
	DiskFreeBytes  *int64    `json:"diskFreeBytes" doc:"On the disk of an embedded log."`
	Replicas       []Replica `json:"replicas" doc:"The servers that have the log, the leader first; none while it cannot be reached."`
	ReplicasWanted *int      `json:"replicasWanted" doc:"How many servers should have it: three on a cluster, or more if configured."`
	ReplicasReason *string   `json:"replicasReason" doc:"Why the log may not survive the loss of one server of its cluster, and what to do; null: it survives that, or is not on a cluster. This does not affect readiness."`
	FullAt         *string   `json:"fullAt" format:"date-time" doc:"When no space is left at the rate of the last hour; null: the log is not growing, has no limit, or the time is more than a century away."`
}

// Replica is the copy of the log that one server has.
type Replica struct {
	Server   string `json:"server" doc:"Name of the NATS server."`
	Leader   bool   `json:"leader" doc:"Whether it leads: the leader orders the records, and the others copy them."`
	Online   bool   `json:"online" doc:"Whether the leader has heard from it in the last ten seconds."`
	Lag      uint64 `json:"lag" doc:"Entries that it has yet to store. An entry contains one record, or a batch of records."`
	SyncMode string `json:"syncMode" doc:"When this server syncs to disk: always, every 2m0s or the like, or unknown: an external server reports it only if its operator allows that."`
}

// where asks the views and the log for their positions. It never fails: errors are part of the
// answer.
func (a *API) where(ctx context.Context) Status {
	waiting, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	s := Status{Log: LogStatus{Replicas: []Replica{}}, Version: a.version, StartedAt: instant(a.started)}
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
	// The views come first: the log only grows, so it cannot seem shorter than the views, and a log
	// that does not answer takes no time from the views.
	position, err := a.position.Status(ctx)
	switch {
	case errors.Is(err, views.ErrNoViews):
		s.notReady(s.making(err))
	case err != nil:
		s.notReady("the views cannot be read: " + err.Error())
	default:
		s.AppliedSequence = position.Checkpoint.Sequence
		s.Generation, s.FoldVersion = &position.Generation, known(position.FoldVersion)
		if position.Health.Reason != "" {
			s.notReady(position.Health.Reason)
		}
		s.verified(&position.Verified)
	}
	storage := a.log.Storage(waiting)
	s.SyncMode, s.Replicas = storage.SyncMode, storage.Replicas
	bounds, err := a.log.Bounds(waiting)
	if err != nil {
		a.unreachable(&s, position.Checkpoint, err)
	} else {
		s.Log = logStatus(&bounds, &storage)
		if bounds.Lost != "" {
			s.notReady(lostBefore + ": " + bounds.Lost)
		}
		a.measureLag(waiting, &s, bounds, position.Checkpoint)
		s.feed(&bounds, &position)
	}
	s.Ready = s.Reason == nil
	s.also(s.aside)
	s.accepts(a.receives, storage.Refuses)
	return s
}

func logStatus(bounds *LogBounds, storage *Storage) LogStatus {
	s := LogStatus{Replicas: []Replica{}, FirstSequence: &bounds.First, LastSequence: &bounds.Last, Epoch: &bounds.Epoch}
	for _, f := range []struct {
		to    **int64
		value int64
	}{{&s.Bytes, storage.Bytes}, {&s.MaxBytes, storage.MaxBytes}, {&s.BytesLeft, storage.Left}, {&s.DiskFreeBytes, storage.DiskFree}} {
		if f.value >= 0 {
			*f.to = &f.value
		}
	}
	if storage.Servers != nil {
		s.Replicas, s.ReplicasWanted, s.ReplicasReason = storage.Servers, &storage.Wanted, known(storage.TooFew)
	}
	if !storage.FullAt.IsZero() {
		s.FullAt = known(instant(storage.FullAt))
	}
	return s
}

// accepts sets whether notifications are stored. If not, readers can still be served, so the
// service stays ready.
func (s *Status) accepts(receives bool, refuses string) {
	if receives {
		yes := refuses == ""
		s.Accepts = &yes
	}
	s.also(refuses)
}

// also appends to the reason.
func (s *Status) also(text string) {
	switch {
	case text == "":
	case s.Reason == nil:
		s.Reason = &text
	case !strings.Contains(*s.Reason, text):
		s.Reason = known(*s.Reason + "; " + text)
	}
}

// making returns the progress of the generation that is being made because there is none, or the
// reason why there is none.
func (s *Status) making(none error) (reason string) {
	reason = noViews
	if lost := (*views.LostError)(nil); errors.As(none, &lost) {
		defer func() { reason += "; the previous ones cannot be used: " + lost.Reason }()
		reason = unusable
	}
	if b := s.Rebuild; b != nil {
		reason = fmt.Sprintf("%s: %s, %d of %d records", making, b.Phase, b.Records, b.Total)
		if b.SecondsLeft != nil {
			reason += fmt.Sprintf(", about %.0f s left", math.Ceil(*b.SecondsLeft))
		}
	}
	if s.failed == "" {
		return reason
	}
	if s.Rebuild == nil {
		return notMade + ": " + s.failed
	}
	return reason + "; the previous attempt failed: " + s.failed
}

// verified adds the result of the last verification of the views.
func (s *Status) verified(v *views.Verified) {
	if !v.At.IsZero() {
		s.verifiedAt, s.VerifiedSeq, s.VerifiedAt = v.At, &v.Sequence, known(instant(v.At))
	}
	switch {
	case v.Unexamined():
		s.different = true
		s.notReady(v.Difference)
	case v.Difference != "":
		s.different = true
		s.notReady("the views differ from the log: " + v.Difference)
	}
}

// measureLag compares the position of the views with the end of the log.
func (a *API) measureLag(ctx context.Context, s *Status, bounds LogBounds, at views.Checkpoint) {
	var records uint64
	var seconds float64
	switch {
	case at.Sequence > bounds.Last:
		s.notReady(fmt.Sprintf("the log ends at %d, before the views at %d", bounds.Last, at.Sequence))
	case at.Sequence < bounds.Last:
		records = bounds.left(at.Sequence)
	}
	if records > 0 {
		waiting := at.Received // if the log no longer has the next record
		if next, err := a.log.Record(ctx, max(at.Sequence+1, bounds.First)); err == nil {
			waiting = next.Received
		} else if !errors.Is(err, ErrNoRecord) && !errors.Is(err, ErrMissing) {
			a.unreachable(s, at, err) // the log became unreachable after it returned its bounds
			s.LagRecords = &records
			return
		}
		seconds = max(0, time.Since(waiting).Seconds())
	}
	a.current.Store(new(time.Now().Add(-time.Duration(seconds * float64(time.Second)))))
	if seconds > a.readyLag.Seconds() {
		s.notReady(fmt.Sprintf("the views are %.0f s and %d records behind the log", seconds, records))
	}
	s.LagRecords, s.LagSeconds = &records, &seconds
}

// unreachable sets the age of the views if the log does not answer. The views may be served as long
// as they may be behind a log that answers, because the servers of the log may be electing another
// leader. If this process never compared the views with the log, they are as old as their last
// record.
func (a *API) unreachable(s *Status, at views.Checkpoint, err error) {
	current := a.current.Load()
	switch {
	case !errors.Is(err, ErrUnavailable):
		current = nil
		s.notReady(err.Error())
	case current != nil && time.Since(*current) <= a.readyLag:
		s.aside = err.Error()
	default:
		s.notReady(err.Error())
		if current == nil && !at.Received.IsZero() {
			current = &at.Received
		}
	}
	if current != nil {
		s.LagSeconds = new(max(0, time.Since(*current).Seconds()))
	}
	if s.Generation == nil { // nothing can be made from a log that cannot be reached
		s.also(err.Error())
	}
}

// feed sets how far the feed of order events is behind the log, and whether it was published from
// these views.
func (s *Status) feed(bounds *LogBounds, position *views.Status) {
	f := &position.Feed
	if !f.On || f.Elsewhere {
		return
	}
	lag := bounds.left(f.Through)
	s.FeedLagRecords, s.FeedReason = &lag, known(f.Reason)
	switch {
	case s.FeedReason != nil:
	case f.Pass != nil:
		s.FeedReason = known(fmt.Sprintf("orders are being published again under revision %d, %d so far", f.Revision, f.Pass.Corrected))
	case f.Generation != position.Generation || f.Revised != position.Revision.Number:
		s.FeedReason = known("orders are about to be published again: the views are not those from which the feed was published")
	}
}

// notReady keeps the first reason, because later ones are usually its consequences.
func (s *Status) notReady(reason string) {
	if s.Reason == nil {
		s.Reason = &reason
	}
}
