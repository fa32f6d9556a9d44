package feed_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func minute(m int) time.Time { return time.Date(2026, 3, 2, 9, m, 0, 0, time.UTC) }

func notified(sequence uint64, status statemachine.Status, at int, executed statemachine.Decimal) *statemachine.Notification {
	return &statemachine.Notification{OrderID: "a b", Sequence: sequence, Received: minute(at), At: minute(at), AssetClass: statemachine.Digital,
		Status: status, Executed: executed}
}

// shown renders a few members of an order.
func shown(b []byte, o *statemachine.Order) []byte {
	text, err := json.Marshal(map[string]any{"orderId": o.ID, "status": o.State().Status, "count": o.Count})
	if err != nil {
		panic(err)
	}
	return append(b, text...)
}

func TestEachNotificationWithNewContentIsAnEvent(t *testing.T) {
	o := &statemachine.Order{ID: "a b"}
	steps := []struct {
		name string
		give *statemachine.Notification
		want string // "": no event
	}{
		{"the first notification has no state before it", notified(3, statemachine.Placed, 1, ""),
			`{"order":{"count":1,"orderId":"a b","status":"PLACED"},"cause":{"sequence":3,"effect":"applied","rule":"PLACED is the first status known."},"before":null}`},
		{"a repeat is not an event", notified(4, statemachine.Placed, 1, ""), ""},
		{"the next notification counts the repeat", notified(7, statemachine.Filled, 2, "10"),
			`{"order":{"count":3,"orderId":"a b","status":"FILLED"},"cause":{"sequence":7,"effect":"applied","rule":"FILLED (rank 8) outranks PLACED (rank 4)."},` +
				`"before":{"status":"PLACED","executedQuantity":null,"breaks":[]}}`},
		{"a notification that opens a break", notified(8, statemachine.Canceled, 3, ""),
			`{"order":{"count":4,"orderId":"a b","status":"FILLED"},"cause":{"sequence":8,"effect":"late","rule":"FILLED (rank 8) of notification 7 outranks CANCELED (rank 7)."},` +
				`"before":{"status":"FILLED","executedQuantity":"10","breaks":[]}}`},
		{"a notification after a break was opened", notified(9, statemachine.Settled, 4, "10"),
			`{"order":{"count":5,"orderId":"a b","status":"SETTLED"},"cause":{"sequence":9,"effect":"applied","rule":"SETTLED (rank 9) outranks FILLED (rank 8)."},` +
				`"before":{"status":"FILLED","executedQuantity":"10","breaks":["close_after_fill"]}}`},
	}
	for _, step := range steps {
		e, ok := feed.Apply(o, step.give, shown)
		require.Equal(t, step.want != "", ok, step.name)
		if !ok {
			continue
		}
		require.JSONEq(t, step.want, string(e.Body), step.name)
		require.Equal(t, feed.Event{Type: feed.Changed, Order: "a b", Class: "digital", Sequence: step.give.Sequence, Time: step.give.Received,
			Digest: e.Digest, Body: e.Body}, e, step.name)
		sum := sha256.Sum256(shown(nil, o))
		require.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:16]), e.Digest, step.name)
	}
	require.Equal(t, uint64(9), o.Changed)
}

func TestHeadersAreThoseOfCloudEvents(t *testing.T) {
	o := &statemachine.Order{ID: "a b"}
	e, _ := feed.Apply(o, notified(3, statemachine.Placed, 1, ""), shown)
	place := feed.Place{Log: "LOG", Revision: 5, Sequence: 17, Position: 3}
	want := map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"3.5.a%20b"}, "ce-source": {"urn:orderfold:LOG"}, "ce-type": {"orderfold.order.changed.v1"},
		"ce-subject": {"a%20b"}, "ce-time": {"2026-03-02T09:01:00Z"}, "ce-datacontenttype": {"application/json"},
		"Content-Type": {"application/json"}, "ce-dataschema": {feed.Schema}, "ce-sequence": {"00000000000000000017"},
		"Orderfold-Sequence": {"3"}, "Orderfold-Revision": {"5"}, "Orderfold-Digest": {e.Digest},
	}
	require.Equal(t, want, e.Headers(&place))

	e, place.Position = feed.Correct(o, o, minute(9), shown), 8
	want["ce-type"], want["ce-time"], want["Orderfold-Position"] = []string{"orderfold.order.corrected.v1"}, []string{"2026-03-02T09:09:00Z"}, []string{"8"}
	require.Equal(t, want, e.Headers(&place))
	require.JSONEq(t, `{"order":{"count":1,"orderId":"a b","status":"PLACED"},"cause":null,"before":{"status":"PLACED","executedQuantity":null,"breaks":[]}}`, string(e.Body))

	e = feed.Withdraw("a b", 8, nil, minute(9))
	require.Equal(t, "8.5.a%20b", e.Headers(&place)["ce-id"][0])
	require.JSONEq(t, `{"order":null,"cause":null,"before":null}`, string(e.Body))
	require.Equal(t, "other", e.Class)
	require.Equal(t, "digital", feed.Withdraw("a b", 8, o, minute(9)).Class)

	e = feed.Revise(feed.Revision{Revision: 5, State: feed.Started, Cause: "rebuild", FoldVersions: [2]string{"a", "b"}}, 8, minute(9))
	h := e.Headers(&place)
	require.Equal(t, "8.5.revision:started", h["ce-id"][0])
	require.NotContains(t, h, "ce-subject")
	require.NotContains(t, h, "Orderfold-Digest")
	require.JSONEq(t, `{"revision":5,"state":"started","cause":"rebuild","foldVersions":["a","b"],"at":"2026-03-02T09:09:00Z"}`, string(e.Body))
}

func TestAnOrderThatIsTooLargeIsLeftOut(t *testing.T) {
	o := &statemachine.Order{ID: "a b"}
	e, _ := feed.Apply(o, notified(3, statemachine.Placed, 1, ""), shown)
	whole := e
	e.Fit(len(e.Body))
	require.Equal(t, whole, e)
	e.Fit(len(e.Body) - 1)
	require.Equal(t, whole.Digest, e.Digest)
	require.JSONEq(t, `{"order":null,"cause":{"sequence":3,"effect":"applied","rule":"PLACED is the first status known."},"before":null}`, string(e.Body))
}

func TestAnyIDIsEncodedForAHeaderAndDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,40}`), rapid.SampledFrom([]string{"100%", "a%20b", "ü\r\n", "%", "%4", "%zz"})).Draw(t, "id")
		e := feed.Withdraw(id+"x", 1, nil, time.Time{})
		value := e.Headers(&feed.Place{})["ce-subject"][0]
		require.Equal(t, id+"x", feed.Decode(value))
		require.False(t, strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }), "%q", value)
	})
}
