package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const streamPatience = 8 * time.Minute // with the race detector, on a busy machine

// event is an event of a stream; its data is valid against the document.
type event struct {
	kind string
	id   uint64 // the sequence in it; 0: none
	text string // the whole id
	data []byte
}

// reader is a client of a stream. It fails the test if ids do not increase.
type reader struct {
	s      *server
	body   io.ReadCloser
	lines  *bufio.Reader
	lastID uint64
}

// listen opens a stream with the headers given as "Name: value".
func (s *server) listen(t testing.TB, query string, headers ...string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), streamPatience)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/v1/stream"+query, nil)
	require.NoError(t, err)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	require.NotEmpty(t, response.Header.Get("Log-Sequence"))
	r := &reader{s: s, body: response.Body, lines: bufio.NewReader(response.Body)}
	t.Cleanup(r.close)
	return r
}

func (r *reader) close() { _ = r.body.Close() }

// read returns the next event, or io.EOF if the server has ended the stream.
func (r *reader) read() (e event, err error) {
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case name == "" && e.kind != "":
			if e.id != 0 && e.id <= r.lastID {
				return e, fmt.Errorf("the id %d came after %d", e.id, r.lastID)
			}
			r.lastID = max(r.lastID, e.id)
			if e.kind == "resync" {
				r.lastID = 0
			}
			return e, nil
		case name == "event":
			e.kind = value
		case name == "data":
			e.data = []byte(value)
		case name == "id":
			sequence, _, _ := strings.Cut(value, "-")
			e.text = value
			if e.id, err = strconv.ParseUint(sequence, 10, 64); err != nil {
				return e, err
			}
		}
	}
}

// next returns the next event that is not a heartbeat, checked against the document.
func (r *reader) next(t testing.TB) event {
	t.Helper()
	for {
		e, err := r.read()
		require.NoError(t, err)
		r.s.checkEvent(t, e)
		if e.kind != "heartbeat" {
			return e
		}
	}
}

func (s *server) checkEvent(t testing.TB, e event) {
	t.Helper()
	require.Empty(t, document.validate("urn:openapi#/components/schemas/Stream"+strings.ToUpper(e.kind[:1])+e.kind[1:], e.data))
}

func data[T any](t testing.TB, e event) (value T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(e.data, &value))
	return value
}

// snapshot reads a snapshot to its end and returns its orders.
func (r *reader) snapshot(t testing.TB) (orders []shownOrder) {
	t.Helper()
	for page := 1; ; page++ {
		e := r.next(t)
		require.Equal(t, "snapshot", e.kind)
		part := data[struct {
			Orders  []shownOrder
			Page    int
			Last    bool
			Applied uint64
		}](t, e)
		require.Equal(t, page, part.Page)
		orders = append(orders, part.Orders...)
		if !part.Last {
			require.Zero(t, e.id, "a cut in between starts over")
			continue
		}
		require.Equal(t, part.Applied, e.id)
		return orders
	}
}

// change reads an order event.
func (r *reader) change(t testing.TB) shownChange {
	t.Helper()
	e := r.next(t)
	require.Equal(t, "order", e.kind, "%s", e.data)
	change := data[shownChange](t, e)
	require.Equal(t, e.id, change.Cause.Sequence)
	require.Equal(t, e.id, change.Order.Notifications.LastSequence)
	return change
}

// tell receives and applies a notification, and returns its sequence.
func (s *server) tell(t testing.TB, n statemachine.Notification) uint64 {
	sequence := s.receive(n, `{}`)
	s.apply(t)
	return sequence
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func TestAStreamBeginsWithTheOrdersAndContinuesWithTheirChanges(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 250 {
		s.receive(order(fmt.Sprintf("o-%d", i), statemachine.Placed, 1, ""), `{}`)
	}
	s.apply(t)
	r := s.listen(t, "")
	orders := r.snapshot(t)
	require.Len(t, orders, 250)
	require.Equal(t, "o-249", orders[0].OrderID, "newest first")
	require.Equal(t, uint64(250), r.lastID)

	for _, c := range []struct {
		said                   statemachine.Notification
		status, before, effect string
	}{
		{order("new", statemachine.Placed, 1, ""), "PLACED", "null", "applied"},
		{order("o-7", statemachine.Filled, 3, "100"), "FILLED", "PLACED", "applied"},
		{order("o-7", statemachine.Filled, 3, "100"), "FILLED", "FILLED", "null"},
		{order("o-7", statemachine.PartiallyFilled, 2, "40"), "FILLED", "FILLED", "late"},
		{statemachine.Notification{OrderID: "o-8", AssetClass: statemachine.Traditional, Refused: true}, "PLACED", "PLACED", "null"},
	} {
		sequence := s.tell(t, c.said)
		change := r.change(t)
		require.Equal(t, sequence, change.Cause.Sequence)
		require.Equal(t, []string{c.said.OrderID, c.status, c.before, c.effect},
			[]string{change.Order.OrderID, text(change.Order.Status), text(change.StatusBefore), text(change.Cause.Effect)})
		require.True(t, change.Matches)
		require.JSONEq(t, string(s.get(t, "/v1/orders/"+c.said.OrderID).body), string(change.Order.raw))
	}
}

func TestAStreamOfNoOrdersHasAnEmptySnapshot(t *testing.T) {
	s := start(t, newWorld(t))
	r := s.listen(t, "?open=true")
	require.Empty(t, r.snapshot(t))
	require.Equal(t, uint64(1), s.tell(t, order("o-1", statemachine.Placed, 1, "")))
	require.Equal(t, "o-1", r.change(t).Order.OrderID)
}

func TestAStreamWithoutSnapshotBeginsNow(t *testing.T) {
	s := start(t, newWorld(t))
	s.tell(t, order("o-1", statemachine.Placed, 1, ""))
	r := s.listen(t, "?snapshot=false")
	e, err := r.read()
	require.NoError(t, err)
	require.Equal(t, "heartbeat", e.kind)
	require.Equal(t, uint64(1), e.id, "an interruption before the first change loses nothing")
	s.tell(t, order("o-2", statemachine.Placed, 1, ""))
	require.Equal(t, "o-2", r.change(t).Order.OrderID)
}

func TestAStreamReportsThatAnOrderLeavesItsFilters(t *testing.T) {
	s := start(t, newWorld(t))
	s.tell(t, order("o-1", statemachine.Placed, 1, ""))
	s.tell(t, order("filled", statemachine.Filled, 1, ""))
	r := s.listen(t, "?status=PLACED&assetClass=TRADITIONAL")
	require.Len(t, r.snapshot(t), 1)
	s.tell(t, order("filled", statemachine.Settled, 2, "")) // never matched
	s.tell(t, order("o-2", statemachine.Placed, 1, ""))
	change := r.change(t)
	require.Equal(t, "o-2", change.Order.OrderID)
	require.True(t, change.Matches)
	// Two changes in one commit: the first one makes the order leave the filter.
	s.receive(order("o-1", statemachine.PartiallyFilled, 2, "40"), `{}`)
	s.tell(t, order("o-1", statemachine.Filled, 3, "100"))
	change = r.change(t)
	require.Equal(t, "o-1", change.Order.OrderID)
	require.False(t, change.Matches)
	require.Equal(t, "FILLED", text(change.Order.Status))
	require.Equal(t, "PARTIALLY_FILLED", text(change.StatusBefore))
	s.tell(t, order("o-1", statemachine.Settled, 4, "")) // has already left
	s.tell(t, order("o-2", statemachine.Filled, 2, ""))
	require.Equal(t, "o-2", r.change(t).Order.OrderID)
}

func TestAStreamResumesAcrossARestartWithoutLossOrRepeat(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	s.tell(t, order("o-1", statemachine.Placed, 1, ""))
	s.tell(t, order("o-2", statemachine.Placed, 1, ""))
	r := s.listen(t, "?status=PLACED")
	require.Len(t, r.snapshot(t), 2)
	s.tell(t, order("o-3", statemachine.Placed, 1, ""))
	last := r.change(t).Cause.Sequence
	s.stop()
	closed := r.next(t)
	require.Equal(t, "closed", closed.kind)
	require.Equal(t, "shutdown", data[api.StreamClosed](t, closed).Reason)
	_, err := r.read()
	require.ErrorIs(t, err, io.EOF)

	s.tell(t, order("o-1", statemachine.PartiallyFilled, 2, "40"))
	s.tell(t, order("o-1", statemachine.Filled, 3, "100"))
	s.tell(t, order("new", statemachine.Filled, 3, "100"))
	s.tell(t, order("o-4", statemachine.Placed, 1, ""))
	for _, how := range []func(*server) *reader{
		func(s *server) *reader { return s.listen(t, "?status=PLACED", fmt.Sprint("Last-Event-ID: ", last)) },
		func(s *server) *reader { return s.listen(t, fmt.Sprint("?status=PLACED&lastEventId=", last)) },
		func(s *server) *reader {
			return s.listen(t, "?status=PLACED&lastEventId=1", fmt.Sprint("Last-Event-ID: ", last))
		},
	} {
		// If only one change is kept, the reader is first served from the views.
		for _, kept := range []int{0, 1} {
			s = start(t, w, func(o *api.Options) { o.Stream.Kept = kept })
			r = how(s)
			change := r.change(t)
			require.Equal(t, "o-1", change.Order.OrderID)
			require.False(t, change.Matches, "two changes come as one, which reports that the order left")
			require.Equal(t, "o-4", r.change(t).Order.OrderID)
			s.stop()
			require.Equal(t, "closed", r.next(t).kind)
		}
	}
}

func TestAResyncContainsTheReasonWhyAStreamCannotContinue(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Stream.CatchUp, o.Stream.Kept = 10, 8 })
	for i := range 30 {
		s.tell(t, order(fmt.Sprint("o-", i), statemachine.Placed, 1, ""))
	}
	for id, reason := range map[string]string{"19": "too-old", "1": "too-old", "31": "unknown", "-1": "unknown", "x": "unknown",
		"99999999999999999999": "unknown"} {
		t.Run(id, func(t *testing.T) {
			r := s.listen(t, "", "Last-Event-ID: "+id)
			e := r.next(t)
			require.Equal(t, "resync", e.kind)
			resync := data[api.StreamResync](t, e)
			require.Equal(t, reason, resync.Reason)
			require.Equal(t, id, resync.LastEventID)
			require.Len(t, r.snapshot(t), 30, "it continues as if it had begun again")
		})
	}
	for _, id := range []uint64{20, 25, 30} {
		r := s.listen(t, "", fmt.Sprint("Last-Event-ID: ", id))
		for sequence := id + 1; sequence <= 30; sequence++ {
			require.Equal(t, sequence, r.change(t).Cause.Sequence)
		}
	}
}

func TestAStreamWaitsUntilTheViewsHaveReachedItsIDAgain(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	for i := range 5 {
		s.tell(t, order(fmt.Sprint("o-", i), statemachine.Placed, 1, ""))
	}
	s.stop()
	require.NoError(t, w.Store.Close())
	w.open(t, "8") // by other rules: the stream starts over
	s = start(t, w)
	r := s.listen(t, "", "Last-Event-ID: 3")
	s.apply(t)
	require.Equal(t, uint64(4), r.change(t).Cause.Sequence)
	require.Equal(t, uint64(5), r.change(t).Cause.Sequence)
}

func TestHeartbeatsContainThePositionOfAStream(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Stream.Heartbeat = 10 * time.Millisecond })
	s.tell(t, order("o-1", statemachine.Placed, 1, ""))
	r := s.listen(t, "?status=FILLED")
	require.Empty(t, r.snapshot(t))
	s.tell(t, order("o-2", statemachine.Placed, 1, "")) // does not concern the reader
	for {
		e, err := r.read()
		require.NoError(t, err)
		require.Equal(t, "heartbeat", e.kind)
		s.checkEvent(t, e)
		if data[api.StreamHeartbeat](t, e).Applied == 2 {
			require.Equal(t, uint64(2), e.id, "so that a resume does not repeat it")
			break
		}
		require.Zero(t, e.id)
	}
	e, err := r.read()
	require.NoError(t, err)
	require.Zero(t, e.id, "an id is not repeated")
	require.Equal(t, 1, data[api.StreamHeartbeat](t, e).Generation)
}

func TestASlowReaderIsCutOffAndDelaysNoOtherReader(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Stream.WriteTimeout, o.Logger = 2*time.Second, zap.New(core)
	})
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	_, err = connection.Write([]byte("GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	require.NoError(t, err) // and the client never reads
	r := s.listen(t, "")
	require.Empty(t, r.snapshot(t))
	long := strings.Repeat("x", 200_000)
	cut := func() bool {
		return strings.Contains(string(s.get(t, "/metrics").body), `orderfold_api_streams_ended_total{reason="slow"} 1`)
	}
	for i := 0; !cut(); i++ {
		if i >= 100 { // more than fits in the buffers of the connection
			continue
		}
		n := order(fmt.Sprint("o-", i), statemachine.Placed, 1, "")
		n.Details[statemachine.Message] = long
		sequence := s.tell(t, n)
		require.Equal(t, sequence, r.change(t).Cause.Sequence)
	}
	require.Equal(t, "slow", logged.FilterMessage("a stream was ended").All()[0].ContextMap()["reason"])
}

func TestAReaderThatFallsTooFarBehindIsClosedAsSlow(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Stream.Kept = 4 })
	r := s.listen(t, "")
	require.Empty(t, r.snapshot(t))
	long := strings.Repeat("x", 100_000)
	// 200 changes in one commit are more than are kept, and more than the reader could have read.
	for i := range 200 {
		n := order(fmt.Sprint("o-", i), statemachine.Placed, 1, "")
		n.Details[statemachine.Message] = long
		s.receive(n, `{}`)
	}
	s.apply(t)
	e := r.next(t)
	require.Equal(t, "closed", e.kind)
	require.Equal(t, "slow", data[api.StreamClosed](t, e).Reason)
	r = s.listen(t, "", fmt.Sprint("Last-Event-ID: ", r.lastID))
	for i := range 200 {
		require.Equal(t, uint64(i+1), r.change(t).Cause.Sequence, "nothing is lost")
	}
}

func TestStreamsAreBoundedAndNeedAKey(t *testing.T) {
	key, err := access.ParseKey("desk:reader:secret")
	require.NoError(t, err)
	s := start(t, newWorld(t), func(o *api.Options) { o.Stream.Readers, o.Access.Keys = 1, []access.Key{key} })
	code, _ := s.get(t, "/v1/stream").problem(t)
	require.Equal(t, "unauthorized", code)
	s.key = "secret"
	code, _ = s.get(t, "/v1/stream?colour=red").problem(t)
	require.Equal(t, "bad-parameter", code)
	code, _ = s.get(t, "/v1/stream?minSequence=1", "Prefer: wait=0").problem(t)
	require.Equal(t, "view-behind", code)
	require.Equal(t, http.StatusOK, s.do(t, http.MethodHead, "/v1/stream").StatusCode)
	r := s.listen(t, "", "Authorization: Bearer secret")
	require.Empty(t, r.snapshot(t))
	code, _ = s.get(t, "/v1/stream").problem(t)
	require.Equal(t, "busy", code)
	r.close()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/v1/stream", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer secret")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, streamPatience, 5*time.Millisecond, "who leaves makes room")
}

func TestAStreamWithoutViewsIsAProblem(t *testing.T) {
	s := start(t, newWorld(t))
	s.fail(nil, fmt.Errorf("the disk is gone"))
	code, _ := s.get(t, "/v1/stream").problem(t)
	require.Equal(t, "internal", code)
	s.fail(fmt.Errorf("the log is gone"), nil)
	code, _ = s.get(t, "/v1/stream", "Last-Event-ID: 7").problem(t)
	require.Equal(t, "log-unavailable", code)
}

func TestChangesGatherForAReaderWithAnInterval(t *testing.T) {
	s := start(t, newWorld(t))
	r := s.listen(t, "?interval=1000&snapshot=false")
	began := time.Now()
	s.receive(order("o-0", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	require.Equal(t, "o-0", r.change(t).Order.OrderID)
	for i := 1; i < 4; i++ {
		s.receive(order(fmt.Sprint("o-", i), statemachine.Placed, 1, ""), `{}`)
		s.apply(t)
	}
	for i := 1; i < 4; i++ {
		require.Equal(t, fmt.Sprint("o-", i), r.change(t).Order.OrderID, "no change is left out")
		require.GreaterOrEqual(t, time.Since(began), 750*time.Millisecond, "readers are spread over half an interval")
	}
	for _, bad := range []string{"-1", "1001", "soon"} {
		require.Equal(t, http.StatusBadRequest, s.get(t, "/v1/stream?interval="+bad).StatusCode, bad)
	}
}
