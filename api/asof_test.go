package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// life returns the notifications of an order that arrive out of order, include a restatement, and open and close
// breaks.
func life() []statemachine.Notification {
	fetched := order("o-1", statemachine.Canceled, 6, "40")
	fetched.Kind = statemachine.Fetched
	refused := statemachine.Notification{OrderID: "o-1", AssetClass: statemachine.Traditional, At: minute(4), Refused: true,
		Refusal: statemachine.Refusal{ErrorType: "INVALID_LIMIT", Description: "no"}}
	return []statemachine.Notification{
		order("o-1", statemachine.Filled, 3, "100"), order("o-1", statemachine.Placed, 1, ""), order("o-1", statemachine.Placed, 1, ""),
		order("o-1", statemachine.PartiallyFilled, 2, "40"), order("o-1", statemachine.Canceled, 5, "40"), refused,
		order("o-1", "UNHEARD_OF", 5, ""), fetched, order("o-1", statemachine.Settled, 7, "40"),
	}
}

var subjects = []string{"/v1/orders/o-1", "/v1/orders/o-1/history", "/v1/orders/o-1/explain"}

func TestAnOrderAsOfAnEarlierMomentIsShownAsItWasThen(t *testing.T) {
	s := start(t, newWorld(t))
	type shown struct {
		sequence uint64
		received time.Time
		bodies   []string
	}
	var then []shown
	for _, n := range life() {
		s.receive(order("another", statemachine.Placed, 1, ""), `{}`)
		sequence := s.receive(n, `{}`)
		s.apply(t)
		state := shown{sequence: sequence, received: s.records[sequence-1].Received}
		for _, path := range subjects {
			state.bodies = append(state.bodies, string(s.get(t, path).body))
		}
		then = append(then, state)
	}
	for _, state := range then {
		time := state.received.Format(time.RFC3339Nano)
		for i, path := range subjects {
			for _, query := range []string{
				fmt.Sprint("asOfSequence=", state.sequence),
				"asOf=" + time,
				fmt.Sprint("asOfSequence=", state.sequence, "&asOf=2100-01-01T00:00:00Z"),
				fmt.Sprint("asOfSequence=", then[len(then)-1].sequence, "&asOf=", time),
			} {
				a := s.get(t, path+"?"+query)
				require.Equal(t, http.StatusOK, a.StatusCode, string(a.body))
				require.Equal(t, state.bodies[i], string(a.body), "%s %s", path, query)
				require.Equal(t, fmt.Sprint(2*len(then)), a.Header.Get("Log-Sequence"))
			}
		}
	}
	// One nanosecond or one record before a notification, its content was not known.
	last := then[len(then)-1]
	for i, path := range subjects {
		before := last.received.Add(-time.Nanosecond).In(time.FixedZone("", 3600)).Format(time.RFC3339Nano)
		require.Equal(t, then[len(then)-2].bodies[i], string(s.get(t, path+"?asOf="+url.QueryEscape(before)).body))
		require.Equal(t, then[len(then)-2].bodies[i], string(s.get(t, path+fmt.Sprint("?asOfSequence=", last.sequence-1)).body))
	}
}

func TestAMomentBeforeTheFirstNotificationReportsWhenTheOrderBecameKnown(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("another", statemachine.Placed, 1, ""), `{}`)
	for _, n := range life() {
		s.receive(n, `{}`)
	}
	s.apply(t)
	for _, path := range subjects {
		for _, query := range []string{"asOfSequence=1", "asOf=2026-03-02T09:30:59.999999999Z", "asOf=2026-03-02T09:31:00Z&asOfSequence=1"} {
			a := s.get(t, path+"?"+query)
			require.Equal(t, http.StatusNotFound, a.StatusCode)
			code, detail := a.problem(t)
			require.Equal(t, "not-yet-known", code)
			require.Contains(t, detail, `"o-1" became known at 2026-03-02T09:31:00Z, by notification 2`)
			var p api.Problem
			require.NoError(t, json.Unmarshal(a.body, &p))
			require.Equal(t, uint64(2), p.FirstSequence)
			require.Equal(t, "2026-03-02T09:31:00Z", p.FirstReceivedAt)
			require.Equal(t, "10", a.Header.Get("Log-Sequence"))
		}
	}
}

func TestAMomentThatTheViewsHaveNotReachedIsWaitedFor(t *testing.T) {
	for _, c := range []struct{ query, later string }{
		{"asOfSequence=2", "asOfSequence=2"},
		{"asOf=2026-03-02T09:31:00Z", "asOf=2026-03-02T09:30:01Z"},
		{"asOf=2100-01-01T00:00:00Z", "asOf=2100-01-01T00:00:00Z&minSequence=1"},
	} {
		for _, path := range subjects {
			t.Run(path+"?"+c.query, func(t *testing.T) {
				s := start(t, newWorld(t))
				s.receive(life()[1], `{}`)
				s.apply(t)
				s.receive(life()[0], `{}`)
				a := s.get(t, path+"?"+c.query, "Prefer: wait=0")
				require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
				code, detail := a.problem(t)
				require.Equal(t, "view-behind", code)
				require.Contains(t, detail, "Record 2 is not applied yet")
				<-s.waiting
				late := s.later(t, path+"?"+c.query, "Prefer: wait=20")
				require.Equal(t, uint64(2), <-s.waiting)
				s.apply(t)
				require.Contains(t, string((<-late).body), "FILLED")
			})
		}
	}
	s := start(t, newWorld(t))
	s.receive(life()[1], `{}`)
	s.apply(t)
	s.receive(life()[0], `{}`)
	require.Equal(t, http.StatusOK, s.get(t, "/v1/orders/o-1?asOfSequence=1").StatusCode)
	require.Equal(t, http.StatusOK, s.get(t, "/v1/orders/o-1?asOf=2026-03-02T09:30:00Z").StatusCode, "everything up to there is applied")
	s.fail(errors.New("gone"), nil)
	for _, path := range subjects {
		code, _ := s.get(t, path+"?asOfSequence=1").problem(t)
		require.Equal(t, "log-unavailable", code)
		code, _ = s.get(t, path+"?asOf=2026-03-02T09:31:00Z").problem(t)
		require.Equal(t, "log-unavailable", code)
	}
	require.Equal(t, http.StatusOK, s.get(t, "/v1/orders/o-1/explain").StatusCode, "the current state needs no log")
}

func TestTheTagOfAnOrderAsOfAMomentDependsOnItsContent(t *testing.T) {
	s := start(t, newWorld(t))
	for _, n := range life()[:2] {
		s.receive(n, `{}`)
	}
	s.apply(t)
	live := s.get(t, "/v1/orders/o-1").Header.Get("ETag")
	path := "/v1/orders/o-1?asOfSequence=2"
	then := s.get(t, path).Header.Get("ETag")
	require.Equal(t, live, then, "nothing has arrived since")
	s.receive(life()[4], `{}`)
	s.apply(t)
	require.Equal(t, http.StatusNotModified, s.get(t, path, "If-None-Match: "+then).StatusCode)
	require.Equal(t, http.StatusOK, s.get(t, "/v1/orders/o-1", "If-None-Match: "+then).StatusCode)
	require.NotEqual(t, then, s.get(t, "/v1/orders/o-1?asOfSequence=3").Header.Get("ETag"))
	s.rebuild(t, "8")
	require.Equal(t, http.StatusOK, s.get(t, path, "If-None-Match: "+then).StatusCode, "other rules")
	s.rebuild(t, "7")
	require.Equal(t, http.StatusNotModified, s.get(t, path, "If-None-Match: "+then).StatusCode, "another generation shows the same")
}

func TestAnExplanationNamesTheFactThatDecides(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Filled, 2, "100"), `{}`)
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.receive(statemachine.Notification{OrderID: "none"}, `{}`)
	s.receive(order("o-1", statemachine.PartiallyFilled, 3, "100"), `{}`)
	s.apply(t)
	a := s.get(t, "/v1/orders/o-1/explain")
	require.Equal(t, "4", a.Header.Get("Log-Sequence"))
	bust := `"PARTIALLY_FILLED after the first FILLED: a trade may have been undone."`
	require.JSONEq(t, `{"orderId":"o-1","status":"FILLED","decidedBy":1,
		"summary":["The order is FILLED since 2026-03-02T09:02:00Z, because notification 1 reported it.","2 facts are outranked.",
			"It no longer trades and awaits settlement.","Executed: 100.",
			"To be looked at: possible_bust (warn). PARTIALLY_FILLED after the first FILLED: a trade may have been undone.",
			"The order was executed on Monday 2 March, T+2, due Wednesday 4 March."],
		"facts":[
			{"sequence":2,"receivedAt":"2026-03-02T09:31:00Z","kind":"reported","status":"PLACED","at":"2026-03-02T09:01:00Z",
			 "executed":null,"verdict":"outranked","why":"FILLED (rank 8) outranks PLACED (rank 4)."},
			{"sequence":1,"receivedAt":"2026-03-02T09:30:00Z","kind":"reported","status":"FILLED","at":"2026-03-02T09:02:00Z",
			 "executed":"100","verdict":"decides","why":"No fact that counts has a higher rank."},
			{"sequence":4,"receivedAt":"2026-03-02T09:33:00Z","kind":"reported","status":"PARTIALLY_FILLED","at":"2026-03-02T09:03:00Z",
			 "executed":"100","verdict":"outranked","why":"FILLED (rank 8) outranks PARTIALLY_FILLED (rank 5)."}],
		"breaks":[{"code":"possible_bust","severity":"warn","openedAt":"2026-03-02T09:03:00Z","openedSequence":4,"sequences":[1,4],
			"rule":`+bust+`}]}`, string(a.body))
	none := into[api.Explanation](t, s.get(t, "/v1/orders/none/explain"))
	require.Nil(t, none.DecidedBy)
	require.Nil(t, none.Status)
	require.Empty(t, none.Facts)
	require.NotEmpty(t, none.Summary)
}
