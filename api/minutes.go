package api

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	minutesKept = 24 * 60
	// latencyPause is the pause after each latency measured, which bounds the cost when records
	// arrive fast.
	latencyPause = 100 * time.Millisecond
)

// Throughput contains the measurements of this process, minute by minute.
type Throughput struct {
	Since   string   `json:"since" format:"date-time" doc:"The start of the process; nothing is known about the time before."`
	Minutes []Minute `json:"minutes" doc:"Earliest first; the last one is incomplete."`
}

// Minute contains the measurements of one minute. An unknown value is null.
type Minute struct {
	At         string   `json:"at" format:"date-time" doc:"The beginning of the minute."`
	Received   *uint64  `json:"received" doc:"Records appended to the log; null while it cannot be reached."`
	Applied    uint64   `json:"applied" doc:"Records that the views applied."`
	LatencyP50 *float64 `json:"latencyP50" doc:"Median of the seconds from receipt of a record until it can be read here, sampled from at most ten records per second; null if there was none."`
	LatencyP99 *float64 `json:"latencyP99" doc:"99th percentile of the same."`
	LagRecords *uint64  `json:"lagRecords" doc:"The greatest number of records received but not applied, sampled every 5 s."`
}

type throughputInput struct {
	Last int `query:"minutes" minimum:"1" maximum:"1440" default:"1440" doc:"How many minutes to return, up to now."`
}

type throughputOutput struct{ Body Throughput }

// minutes contains the minutes of the last day. The zero value is empty.
type minutes struct {
	mu    sync.Mutex
	kept  []measured // in ascending order
	at    time.Time  // time of the previous look
	last  uint64     // end of the log at that time
	known bool       // whether the log could be reached at that time
	stood uint64     // position of the views at that time
}

// measured is one minute.
type measured struct {
	at                     time.Time
	received, applied, lag uint64
	reached                bool            // whether the log was reached at any look
	latencies              []time.Duration // until the minute ends
	p50, p99               *float64        // of the latencies, once the minute has ended
}

// end replaces the latencies by their percentiles: the latencies of a day would take seven
// megabytes.
func (k *measured) end() {
	k.p50, k.p99, k.latencies = k.percentile(50), k.percentile(99), nil
}

// of returns the minute of a time, and drops minutes older than a day.
func (m *minutes) of(at time.Time) *measured {
	at = at.Truncate(time.Minute)
	n := len(m.kept)
	if n == 0 || m.kept[n-1].at.Before(at) {
		if n > 0 {
			m.kept[n-1].end()
		}
		m.kept = append(m.kept, measured{at: at})
		if n = len(m.kept); n > minutesKept {
			m.kept = slices.Delete(m.kept, 0, n-minutesKept)
		}
		n = len(m.kept)
	}
	return &m.kept[n-1]
}

// look records the ends of the log and the position of the views; bounds is nil if the log cannot
// be reached. The records since the previous look are counted in the minute midway between the two
// looks.
func (m *minutes) look(at time.Time, bounds *LogBounds, stands uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, knew, last, stood := m.at, m.known, m.last, m.stood
	m.at, m.stood, m.known = at, stands, bounds != nil
	if bounds != nil {
		m.last = bounds.Last
	}
	if before.IsZero() {
		return
	}
	minute := m.of(before.Add(at.Sub(before) / 2))
	if stands > stood { // a lower position means that the views were rebuilt
		minute.applied += stands - stood
	}
	if bounds == nil {
		return
	}
	minute.reached = true
	minute.lag = max(minute.lag, bounds.left(stands))
	if knew && bounds.Last > last {
		minute.received += bounds.Last - last
	}
}

// took records the latency of a record, from its receipt until it can be read.
func (m *minutes) took(at time.Time, latency time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	minute := m.of(at)
	minute.latencies = append(minute.latencies, max(latency, 0))
}

// tell returns the last count minutes.
func (m *minutes) tell(count int) []Minute {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.kept[max(0, len(m.kept)-count):]
	all := make([]Minute, len(kept))
	for i := range kept {
		k := &kept[i]
		all[i] = Minute{At: instant(k.at), Applied: k.applied, LatencyP50: k.p50, LatencyP99: k.p99}
		if len(k.latencies) > 0 {
			all[i].LatencyP50, all[i].LatencyP99 = k.percentile(50), k.percentile(99)
		}
		if k.reached {
			all[i].Received, all[i].LagRecords = new(k.received), new(k.lag)
		}
	}
	return all
}

// percentile returns, in seconds, the least latency that is not exceeded by the given percentage.
func (k *measured) percentile(of int) *float64 {
	n := len(k.latencies)
	if n == 0 {
		return nil
	}
	slices.Sort(k.latencies)
	return new(k.latencies[(n*of+99)/100-1].Seconds())
}

func (a *API) registerThroughput() {
	get(a, huma.Operation{OperationID: "get-throughput", Path: "/v1/throughput", Tags: []string{"operations"},
		Summary: "Records received and applied, and their latency, by minute"}, []int{http.StatusServiceUnavailable}, a.getThroughput)
}

func (a *API) getThroughput(_ context.Context, in *throughputInput) (*throughputOutput, error) {
	return &throughputOutput{Throughput{Since: instant(a.started), Minutes: a.minutes.tell(in.Last)}}, nil
}

// watchLatency records the time since the last applied record was received, each time that the
// views advance.
func (a *API) watchLatency(ctx context.Context) {
	for ctx.Err() == nil {
		status, err := a.position.Status(ctx)
		if err == nil {
			err = a.position.Wait(ctx, status.Checkpoint.Sequence+1)
		}
		if err == nil {
			now := time.Now()
			if status, err = a.position.Status(ctx); err == nil && now.After(a.started) {
				a.minutes.took(now, now.Sub(status.Checkpoint.Received))
			}
		}
		pause := latencyPause
		if err != nil {
			pause = throughputEvery
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
