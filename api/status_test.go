package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
)

func TestStatusAndReadinessFollowLogAndViews(t *testing.T) {
	now := time.Now()
	secret := "dial tcp 10.0.0.1:4222: refused"
	for name, c := range map[string]struct {
		set    func(*testing.T, *world)
		ready  bool
		reason string // part of it
	}{
		"the views of an empty log are ready": {func(*testing.T, *world) {}, true, ""},
		"everything is applied": {func(t *testing.T, w *world) {
			w.receiveRaw(api.Record{Received: now.Add(-time.Hour), Body: []byte(`{"id":"c"}`)})
			w.apply(t)
		}, true, ""},
		"a little behind is ready": {func(t *testing.T, w *world) {
			w.receiveRaw(api.Record{Received: now.Add(-time.Second), Body: []byte(`{"id":"c"}`)})
		}, true, ""},
		"too far behind": {func(t *testing.T, w *world) {
			w.receiveRaw(api.Record{Received: now.Add(-time.Minute), Body: []byte(`{"id":"c"}`)})
		}, false, "1 records behind"},
		"the projector stopped": {func(t *testing.T, w *world) {
			require.NoError(t, w.SetHealth(t.Context(), views.Health{Reason: "the log diverged in /var/lib/secret", At: now}))
		}, false, "the log diverged"},
		"no views yet":             {func(t *testing.T, w *world) { w.viewsErr = views.ErrNoViews }, false, "nothing has been projected yet"},
		"the views cannot be read": {func(t *testing.T, w *world) { w.viewsErr = errors.New("disk I/O error in /secret") }, false, "disk I/O error"},
		"the log is unavailable":   {func(t *testing.T, w *world) { w.logErr = errors.New(secret) }, false, "refused"},
		"the log lost records": {func(t *testing.T, w *world) {
			w.receiveRaw(api.Record{Received: now, Body: []byte(`{"id":"c"}`)})
			w.apply(t)
			w.lose("record 1 is missing", 1, 1)
		}, false, "record 1 is missing"},
		"what is left is applied, and the loss was accepted": {func(t *testing.T, w *world) {
			for i := range 4 {
				w.receiveRaw(api.Record{Received: now.Add(-time.Hour), Body: []byte(`{"id":"c"}`)})
				if i == 1 {
					w.apply(t)
				}
			}
			w.lose("", 3, 4)
		}, true, ""},
		"the views differ":             {func(t *testing.T, w *world) { verified(t, w, "2 orders differ") }, false, "2 orders differ"},
		"the views cannot be compared": {func(t *testing.T, w *world) { verified(t, w, views.UnexaminedPrefix+"it has a hole") }, false, "it has a hole"},
		"the log ends before the views": {func(t *testing.T, w *world) {
			_, err := w.Commit(t.Context(), views.Batch{Checkpoint: views.Checkpoint{Log: "log-1", Sequence: 5}})
			require.NoError(t, err)
		}, false, "ends at 0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.set(t, w)
			s := start(t, w)
			status := into[api.Status](t, s.get(t, "/v1/status"))
			require.Equal(t, c.ready, status.Ready)
			a := s.get(t, "/readyz")
			require.Equal(t, "application/json", a.Header.Get("Content-Type"))
			if c.ready {
				require.Nil(t, status.Reason)
				require.Equal(t, http.StatusOK, a.StatusCode)
				require.JSONEq(t, `{"ready":true}`, string(a.body))
				return
			}
			require.Contains(t, *status.Reason, c.reason)
			require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
			require.Equal(t, api.Health{Reason: status.Reason}, health(t, a), "every answer contains the same reason")
			require.Equal(t, http.StatusOK, s.get(t, "/healthz").StatusCode, "it is still alive")
		})
	}
}

func TestAFullLogIsReportedByEveryAnswerAboutTheService(t *testing.T) {
	const full, away = "the log is full: it has 990 bytes of at most 1000", "eventlog: the log is unavailable: no server"
	yes, no := true, false
	for name, c := range map[string]struct {
		receives bool
		refuses  string
		logErr   error
		behind   bool
		ready    bool
		accepts  *bool
		reasons  []string // parts of it
	}{
		"there is room": {receives: true, ready: true, accepts: &yes},
		"there is room, and another process receives": {ready: true},
		"it is full": {receives: true, refuses: full, ready: true, accepts: &no, reasons: []string{full}},
		"it is full, and another process receives":          {refuses: full, ready: true, reasons: []string{full}},
		"it is full, and the views are behind":              {receives: true, refuses: full, behind: true, accepts: &no, reasons: []string{"records behind the log; " + full}},
		"it cannot be reached, which is reported only once": {receives: true, refuses: away, logErr: errors.New(away), accepts: &no, reasons: []string{away}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.logErr = c.logErr
			w.storage = api.Storage{SyncMode: "always", Bytes: 990, MaxBytes: 1000, Left: 10, DiskFree: 5000, Refuses: c.refuses,
				FullAt: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)}
			if c.behind {
				w.receiveRaw(api.Record{Received: time.Now().Add(-time.Minute), Body: []byte(`{"id":"c"}`)})
			}
			s := start(t, w, func(o *api.Options) { o.Receives = c.receives })
			status := into[api.Status](t, s.get(t, "/v1/status"))
			if c.logErr == nil {
				require.JSONEq(t, `{"firstSequence":1,"lastSequence":`+strconv.Itoa(len(w.records))+`,"epoch":1,"bytes":990,"maxBytes":1000,
					"bytesLeft":10,"diskFreeBytes":5000,"replicas":[],"replicasWanted":null,"replicasReason":null,"fullAt":"2027-01-02T03:04:05Z"}`, marshalled(t, status.Log))
			}
			require.Equal(t, c.ready, status.Ready, "readers can be served from a full log")
			require.Equal(t, c.accepts, status.Accepts)
			if c.reasons == nil {
				require.Nil(t, status.Reason)
			}
			for _, part := range c.reasons {
				require.Equal(t, 1, strings.Count(*status.Reason, part), *status.Reason)
			}
			require.Equal(t, api.Health{Ready: c.ready, Accepts: c.accepts, Reason: status.Reason}, health(t, s.get(t, "/readyz")))
		})
	}
}

// health is the body of /readyz, whatever its status.
func health(t *testing.T, a answer) (h api.Health) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, &h), "%s", a.body)
	return h
}

func marshalled(t *testing.T, value any) string {
	t.Helper()
	bytes, err := json.Marshal(value)
	require.NoError(t, err)
	return string(bytes)
}

// verified sets the result of an unfinished verification of the views.
func verified(t *testing.T, w *world, difference string) {
	status, err := w.Store.Status(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.SetVerified(t.Context(), status.Generation, status.Revision.Number, views.Verified{Difference: difference}))
}

func TestStatusContainsThePositionsOfLogAndViews(t *testing.T) {
	s := start(t, newWorld(t))
	s.receiveRaw(api.Record{Body: []byte(`{"id":"c"}`)})
	s.apply(t)
	s.receiveRaw(api.Record{Received: time.Now().Add(-time.Minute), Body: []byte(`{"id":"c"}`)})
	s.receiveRaw(api.Record{Received: time.Now(), Body: []byte(`{"id":"c"}`)})
	a := s.get(t, "/v1/status")
	require.Equal(t, "1", a.Header.Get("Log-Sequence"))
	var got map[string]any
	require.NoError(t, json.Unmarshal(a.body, &got))
	require.Equal(t, map[string]any{"firstSequence": 1.0, "lastSequence": 3.0, "epoch": 1.0, "bytes": 700.0, "maxBytes": nil, "bytesLeft": nil,
		"diskFreeBytes": nil, "replicas": []any{map[string]any{"server": "orderfold", "leader": true, "online": true, "lag": 0.0, "syncMode": "always"}}, "replicasWanted": 1.0,
		"replicasReason": nil, "fullAt": nil}, got["log"])
	require.InDelta(t, 60, got["lagSeconds"], 30)
	_, err := time.Parse(time.RFC3339Nano, got["startedAt"].(string))
	require.NoError(t, err)
	for name, value := range map[string]any{"appliedSequence": 1.0, "lagRecords": 2.0, "generation": 1.0, "foldVersion": "7",
		"syncMode": "always", "ready": false, "rebuild": nil, "version": "1.2.3"} {
		require.Contains(t, got, name)
		require.Equal(t, value, got[name], name)
	}
	s.fail(errors.New("gone"), nil)
	require.NoError(t, json.Unmarshal(s.get(t, "/v1/status").body, &got))
	for name, value := range got["log"].(map[string]any) {
		require.Empty(t, value, name)
	}
	require.Nil(t, got["lagSeconds"])
}

// counted returns an answer without the throughput, which depends on the time of the request.
func counted(t *testing.T, a answer) string {
	t.Helper()
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(a.body, &members))
	require.Contains(t, members, "throughput")
	delete(members, "throughput")
	text, err := json.Marshal(members)
	require.NoError(t, err)
	return string(text)
}

func TestStatsCountOrders(t *testing.T) {
	s := start(t, newWorld(t))
	require.JSONEq(t, `{"orders":0,"open":0,"final":0,"byStatus":{},"byAssetClass":{},"byBreak":{},"objects":{},
		"bySettlement":{"pending":0,"due":0,"overdue":0,"settled":0,"none":0},"settlement":{"today":"2026-03-02","nextSettlementDay":"2026-03-03",
		"oldestDueOn":null,"oldestOverdueDays":0,"awaiting":[],"awaitingEarlier":0},"quarantined":0,"quarantinedByClass":{},"records":0}`, counted(t, s.get(t, "/v1/stats")))
	s.receive(order("a", statemachine.Placed, 1, ""), `{}`)
	s.receive(order("b", statemachine.Rejected, 1, ""), `{}`)
	s.receive(order("c", statemachine.Filled, 1, "101"), `{}`)
	s.receive(statemachine.Notification{OrderID: "d"}, `{}`)
	s.receiveRaw(api.Record{Object: "customer", Body: []byte(`{"id":"c"}`)})
	s.receiveRaw(api.Record{Object: "customer", Body: []byte(`not json`)})
	s.apply(t)
	a := s.get(t, "/v1/stats")
	require.JSONEq(t, `{"orders":4,"open":1,"final":1,"byStatus":{"PLACED":1,"REJECTED":1,"FILLED":1,"NONE":1},
		"byAssetClass":{"TRADITIONAL":3,"NONE":1},"byBreak":{"overfill":1},"objects":{"customer":1},
		"bySettlement":{"pending":1,"due":0,"overdue":0,"settled":0,"none":3},"settlement":{"today":"2026-03-02","nextSettlementDay":"2026-03-03",
		"oldestDueOn":null,"oldestOverdueDays":0,"awaiting":[{"dueOn":"2026-03-04","orders":1}],"awaitingEarlier":0},"quarantined":1,"quarantinedByClass":{"not-json":1},"records":6}`,
		counted(t, a))
	require.Equal(t, "6", a.Header.Get("Log-Sequence"))
}

func TestQuarantineIsListedInPages(t *testing.T) {
	s := start(t, newWorld(t))
	require.JSONEq(t, `{"data":[],"nextCursor":null}`, string(s.get(t, "/v1/quarantine").body))
	for range 3 {
		s.receiveRaw(api.Record{Object: "customer", Body: []byte(`not json`)})
	}
	s.apply(t)
	first := into[api.List[api.Quarantined]](t, s.get(t, "/v1/quarantine?limit=1"))
	require.Equal(t, []api.Quarantined{{Sequence: 3, ReceivedAt: "2026-03-02T09:32:00Z", Object: "customer", Class: "not-json",
		Reason: "The body is not JSON.", Raw: "/v1/notifications/3"}}, first.Data)
	require.Equal(t, "not json", string(s.get(t, first.Data[0].Raw).body))
	rest := into[api.List[api.Quarantined]](t, s.get(t, "/v1/quarantine?limit=2&cursor="+url.QueryEscape(*first.NextCursor)))
	require.Len(t, rest.Data, 2)
	require.Nil(t, rest.NextCursor)
	require.Len(t, into[api.List[api.Quarantined]](t, s.get(t, "/v1/quarantine?class=not-json")).Data, 3)
	require.Empty(t, into[api.List[api.Quarantined]](t, s.get(t, "/v1/quarantine?class=no-order-id")).Data)
	unknown := s.get(t, "/v1/quarantine?class=not-jsno")
	refused, _ := unknown.problem(t)
	require.Equal(t, "bad-parameter", refused)
	require.Contains(t, string(unknown.body), "not-json, not-an-object, no-order-id, bad-order-id", "the allowed names are listed")
	code, _ := s.get(t, "/v1/quarantine?class=not-json&cursor="+url.QueryEscape(*first.NextCursor)).problem(t)
	require.Equal(t, "bad-parameter", code, "the cursor is of the list of all")
	code, _ = s.get(t, "/v1/quarantine?cursor=foreign").problem(t)
	require.Equal(t, "bad-parameter", code)
}

func TestStatesAreTheTablesOfTheStateMachine(t *testing.T) {
	s := start(t, newWorld(t))
	states := into[api.States](t, s.get(t, "/v1/states"))
	require.Equal(t, statemachine.Statuses(), states.Statuses)
	require.Len(t, states.Breaks, len(statemachine.Rules()))
	require.Equal(t, "high", states.Breaks[0].Severity)
	for _, a := range []answer{s.get(t, "/v1/states?format=mermaid"), s.get(t, "/v1/states", "Accept: text/vnd.mermaid")} {
		require.Equal(t, "text/vnd.mermaid", a.Header.Get("Content-Type"))
		require.Equal(t, statemachine.Mermaid(), string(a.body))
	}
	require.Equal(t, "application/json",
		s.get(t, "/v1/states?format=json", "Accept: text/vnd.mermaid").Header.Get("Content-Type"))
}

func TestMetricsReportOrdersBreaksAndLag(t *testing.T) {
	s := start(t, newWorld(t))
	bust := order("a", statemachine.Filled, 1, "100")
	s.receive(bust, `{}`)
	bust.Status, bust.At = statemachine.PartiallyFilled, minute(2)
	s.receive(bust, `{}`)
	s.receive(statemachine.Notification{OrderID: "b"}, `{}`)
	s.apply(t)
	s.receiveRaw(api.Record{Received: time.Now(), Body: []byte(`{"id":"c"}`)})
	s.get(t, "/v1/orders/a")
	s.get(t, "/v1/orders/nope?x=1")
	s.get(t, "/made/up/by/the/caller")
	s.get(t, "/v1/orders/a/made-up")
	s.do(t, "MADEUP", "/v1/orders/a")
	text := string(s.get(t, "/metrics").body)
	for _, line := range []string{
		`orderfold_orders{status="FILLED"} 1`, `orderfold_orders{status="NONE"} 1`, `orderfold_orders{status="PLACED"} 0`,
		`orderfold_breaks{code="possible_bust",severity="warn"} 1`, `orderfold_breaks{code="overfill",severity="high"} 0`,
		`orderfold_log_last_sequence 4`, `orderfold_applied_sequence 3`, `orderfold_lag_records 1`, `orderfold_quarantined 0`,
		`orderfold_ready 1`, `orderfold_api_requests_in_flight 1`,
		`orderfold_api_requests_total{code="200",route="/v1/orders/:id"} 1`,
		`orderfold_api_requests_total{code="400",route="/v1/orders/:id"} 1`,
		`orderfold_api_requests_total{code="405",route="/v1/orders/:id"} 1`,
		`orderfold_api_requests_total{code="404",route="none"} 2`,
		`orderfold_api_request_duration_seconds_count{code="200",route="/v1/orders/:id"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.Regexp(t, `(?m)^orderfold_lag_seconds [0-9.e-]+$`, text)
	require.NotContains(t, text, "made")
	require.NotContains(t, text, "MADEUP")
	lint(t, strings.NewReader(text))

	s.fail(errors.New("gone"), errors.New("gone"))
	a := s.get(t, "/metrics")
	require.Equal(t, http.StatusOK, a.StatusCode, "known values are reported")
	require.Contains(t, string(a.body), "orderfold_ready 0\n")
	require.NotContains(t, string(a.body), "orderfold_lag_records ")
	lint(t, strings.NewReader(string(a.body)))
}

func lint(t *testing.T, r io.Reader) {
	t.Helper()
	faults, err := promlint.New(r).Lint()
	require.NoError(t, err)
	require.Empty(t, faults)
}

func TestTheStatusListsTheReplicasOfTheLog(t *testing.T) {
	w := newWorld(t)
	w.storage.Wanted, w.storage.TooFew = 3, "server C does not answer"
	w.storage.Servers = []api.Replica{{Server: "A", Leader: true, Online: true, SyncMode: "always"}, {Server: "C", Lag: 7, SyncMode: "unknown"}}
	status := into[api.Status](t, start(t, w).get(t, "/v1/status"))
	require.Equal(t, w.storage.Servers, status.Log.Replicas)
	require.Equal(t, 3, *status.Log.ReplicasWanted)
	require.Equal(t, "server C does not answer", *status.Log.ReplicasReason)
	require.True(t, status.Ready, "the orders can still be read")
}
