package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// world is a log and its history in memory, and views on disk. Notifications are received at once, and applied when a
// test requests it.
type world struct {
	*views.Store
	dir string

	mu       sync.Mutex
	records  []api.Record
	said     map[uint64]statemachine.Notification // by sequence, of orders
	applied  uint64
	orders   map[string]*statemachine.Order
	waiting  chan uint64 // gets the sequence of every Wait
	logErr   error
	bounds   api.LogBounds // records that are missing
	viewsErr error
	storage  api.Storage
	now      time.Time // the clock of the API
	hashed   bool      // records have hashes
}

func newWorld(t testing.TB) *world {
	w := &world{dir: t.TempDir(), said: map[uint64]statemachine.Notification{}, waiting: make(chan uint64, 64), now: minute(59),
		storage: api.Storage{SyncMode: "always", Replicas: 1, Wanted: 1, Servers: []api.Replica{{Server: "orderfold", Leader: true, Online: true, SyncMode: "always"}}, Bytes: 700, MaxBytes: -1, Left: -1, DiskFree: -1}}
	w.open(t, "7")
	t.Cleanup(func() { require.NoError(t, w.Store.Close()) })
	return w
}

// store returns the current views: a rebuild replaces them while the API uses them.
func (w *world) store() *views.Store {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Store
}

// open begins empty views of that fold version.
func (w *world) open(t testing.TB, version string) {
	store, err := views.Open(t.Context(), views.Options{Dir: w.dir, FoldVersion: version})
	require.NoError(t, err)
	w.Store, w.applied, w.orders = store, 0, map[string]*statemachine.Order{}
}

// minute is the time n minutes into the test's day.
func minute(n int) time.Time { return time.Date(2026, 3, 2, 9, n, 0, 0, time.UTC) }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// move sets the clock.
func (w *world) move(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
}

// receive appends a notification of an order to the log and returns its sequence.
func (w *world) receive(n statemachine.Notification, body string) uint64 {
	object := strings.ToLower(n.AssetClass.String()) + "-asset-order"
	sequence := w.receiveRaw(api.Record{Object: object, Source: "webhook", ContentType: "application/json", Body: []byte(body)})
	w.mu.Lock()
	defer w.mu.Unlock()
	n.Sequence, n.Received = sequence, w.records[sequence-1].Received
	w.said[sequence] = n
	return sequence
}

func (w *world) receiveRaw(r api.Record) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Sequence = uint64(len(w.records) + 1)
	if w.hashed {
		r.Hash = fmt.Sprintf("%064x", r.Sequence*2654435761)
	}
	if r.Received.IsZero() {
		r.Received = minute(30 + len(w.records))
	}
	w.records = append(w.records, r)
	return r.Sequence
}

// apply brings the views up to the end of the log.
func (w *world) apply(t testing.TB) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.applied == uint64(len(w.records)) {
		return
	}
	var batch views.Batch
	changed := map[string][]uint64{}
	for ; w.applied < uint64(len(w.records)); w.applied++ {
		r := w.records[w.applied]
		batch.Checkpoint = views.Checkpoint{Log: "log-1", Sequence: r.Sequence, Hash: fmt.Sprint(r.Sequence), Received: r.Received}
		if n, ok := w.said[r.Sequence]; ok {
			if w.orders[n.OrderID] == nil {
				w.orders[n.OrderID] = &statemachine.Order{ID: n.OrderID}
			}
			w.orders[n.OrderID].Apply(&n)
			changed[n.OrderID] = append(changed[n.OrderID], n.Sequence)
			continue
		}
		var body struct{ ID string }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			batch.Quarantined = append(batch.Quarantined, views.Quarantined{Sequence: r.Sequence, Received: r.Received,
				Object: r.Object, Class: "not-json", Reason: "The body is not JSON."})
			continue
		}
		batch.Objects = append(batch.Objects, views.Object{Object: r.Object, ID: body.ID, Sequence: r.Sequence, Received: r.Received, Count: 1})
	}
	for id, sequences := range changed {
		batch.Orders = append(batch.Orders, views.Change{Order: w.orders[id], Sequences: sequences})
	}
	_, err := w.Commit(t.Context(), batch)
	require.NoError(t, err)
}

// rebuild folds the log again by other rules.
func (w *world) rebuild(t testing.TB, version string) {
	w.mu.Lock()
	require.NoError(t, w.Store.Close())
	w.open(t, version)
	w.mu.Unlock()
	w.apply(t)
}

// lose makes the log report that it lost records, from one sequence to another, and that the loss was accepted if why
// is "".
func (w *world) lose(lost string, from, to uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bounds = api.LogBounds{Lost: lost, Missing: append(w.bounds.Missing, [2]uint64{from, to})}
}

// lost reports whether a record is lost. w.mu is held.
func (w *world) lost(sequence uint64) bool {
	return slices.ContainsFunc(w.bounds.Missing, func(m [2]uint64) bool { return m[0] <= sequence && sequence <= m[1] })
}

// fail makes the log and the views fail.
func (w *world) fail(logErr, viewsErr error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logErr, w.viewsErr = logErr, viewsErr
}

func (w *world) failing() (logErr, viewsErr error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logErr, w.viewsErr
}

func (w *world) Order(ctx context.Context, id string) (statemachine.Order, views.At, error) {
	if id == "panic" {
		panic("the views fell over")
	}
	if _, err := w.failing(); err != nil {
		return statemachine.Order{}, views.At{}, err
	}
	return w.store().Order(ctx, id)
}

func (w *world) Orders(ctx context.Context, q views.Query) (views.Page, error) {
	if _, err := w.failing(); err != nil {
		return views.Page{}, err
	}
	return w.store().Orders(ctx, q)
}

func (w *world) Stats(ctx context.Context) (views.Stats, error) {
	if _, err := w.failing(); err != nil {
		return views.Stats{}, err
	}
	return w.store().Stats(ctx)
}

func (w *world) Status(ctx context.Context) (views.Status, error) {
	if _, err := w.failing(); err != nil {
		return views.Status{}, err
	}
	return w.store().Status(ctx)
}

func (w *world) Wait(ctx context.Context, sequence uint64) error {
	if ctx.Value(http.ServerContextKey) != nil { // a request waits, not the API itself
		select {
		case w.waiting <- sequence:
		default: // a stream waits repeatedly
		}
	}
	return w.store().Wait(ctx, sequence)
}

func (w *world) Record(_ context.Context, sequence uint64) (api.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logErr != nil {
		return api.Record{}, w.logErr
	}
	if sequence == 0 || sequence > uint64(len(w.records)) {
		return api.Record{}, api.ErrNoRecord
	}
	if w.lost(sequence) {
		return api.Record{}, api.ErrMissing
	}
	return w.records[sequence-1], nil
}

func (w *world) Hashes(ctx context.Context, sequences []uint64) (map[uint64]string, error) {
	hashes := map[uint64]string{}
	for _, sequence := range sequences {
		r, err := w.Record(ctx, sequence)
		if err == nil {
			hashes[sequence] = r.Hash
		} else if !errors.Is(err, api.ErrNoRecord) && !errors.Is(err, api.ErrMissing) {
			return hashes, err
		}
	}
	return hashes, nil
}

func (w *world) Bounds(context.Context) (api.LogBounds, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.bounds
	b.Epoch = 1
	b.First, b.Last = 1, uint64(len(w.records))
	return b, w.logErr
}

func (w *world) Storage(context.Context) api.Storage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.storage
}

func (w *world) AsOf(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error) {
	past, err := w.History(ctx, id, statemachine.Stretch{AsOf: asOf, Limit: math.MaxInt})
	past.Entries = nil
	return past, err
}

func (w *world) History(ctx context.Context, id string, stretch statemachine.Stretch) (past statemachine.Past, err error) {
	if err, _ := w.failing(); err != nil {
		return past, fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	sequences, _, err := w.SequencesAfter(ctx, id, 0, math.MaxInt)
	if err != nil {
		return past, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	past.Order.ID = id
	observer := statemachine.NewObserver(&past.Order)
	for i, sequence := range sequences {
		lost := w.lost(sequence)
		if lost && w.bounds.Lost != "" {
			return past, fmt.Errorf("record %d: %w", sequence, api.ErrMissing)
		}
		n := w.said[sequence]
		at := statemachine.Arrival{Sequence: n.Sequence, Received: n.Received}
		if i == 0 {
			past.First = at
		}
		if !stretch.Includes(at) {
			continue
		}
		if past.More = len(past.Entries) == stretch.Limit; past.More {
			break
		}
		var e statemachine.Entry
		if lost {
			e = observer.LostEntry(sequence)
			past.Lost++
		} else {
			e = observer.Observe(&n)
		}
		if sequence > stretch.After {
			past.Entries = append(past.Entries, e)
		}
	}
	return past, nil
}

// server is an API over a world on a real socket. Every answer is compared with the OpenAPI document, see documented.
type server struct {
	*world
	base string
	key  string
	stop func() // drains the server; a second call does nothing
}

func options(w *world) api.Options {
	return api.Options{Views: w, Objects: w, Position: w, Log: w, History: w, Feed: w, Version: "1.2.3", Clock: w.clock}
}

func start(t testing.TB, w *world, change ...func(*api.Options)) *server {
	t.Helper()
	o := options(w)
	for _, c := range change {
		c(&o)
	}
	a, err := api.New(o)
	require.NoError(t, err)
	return serve(t, w, a)
}

// serve serves a on a real socket.
func serve(t testing.TB, w *world, a *api.API) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, listener) }()
	s := &server{world: w, base: "http://" + listener.Addr().String()}
	s.stop = sync.OnceFunc(func() {
		stop()
		require.NoError(t, <-served)
	})
	t.Cleanup(s.stop)
	return s
}

type answer struct {
	*http.Response
	body []byte
}

// problem returns the code of a problem and its detail.
func (a answer) problem(t testing.TB) (code, detail string) {
	t.Helper()
	var p api.Problem
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), string(a.body))
	require.NoError(t, json.Unmarshal(a.body, &p))
	require.Equal(t, a.StatusCode, p.Status)
	require.Equal(t, "urn:orderfold:problem:"+p.Code, p.Type)
	require.Equal(t, a.Header.Get("Request-Id"), p.RequestID)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	if a.StatusCode == http.StatusServiceUnavailable {
		require.NotEmpty(t, a.Header.Get("Retry-After"))
	}
	return p.Code, p.Detail
}

func into[T any](t testing.TB, a answer) (value T) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.StatusCode, string(a.body))
	require.NoError(t, json.Unmarshal(a.body, &value))
	return value
}

// get sends a request with the headers given as "Name: value".
func (s *server) get(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, headers...)
}

func (s *server) do(t testing.TB, method, path string, headers ...string) answer {
	t.Helper()
	return s.doVia(t, http.DefaultTransport, method, path, headers...)
}

func (s *server) doVia(t testing.TB, via http.RoundTripper, method, path string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, s.base+path, nil)
	require.NoError(t, err)
	if s.key != "" {
		request.Header.Set("Authorization", "Bearer "+s.key)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if request.Header.Set(name, value); name == "Host" {
			request.Host = value // the client reads only this field
		}
	}
	response, err := (&http.Client{Transport: via}).Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	a := answer{response, body}
	require.NotEmpty(t, a.Header.Get("Request-Id"))
	require.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
	_, failed := s.failing()
	switch a.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests:
		require.Empty(t, a.Header.Get("Log-Sequence"), "a refused caller learns nothing about the log")
	default:
		probe := strings.Contains(path, "/healthz") || strings.Contains(path, "/readyz")
		preflight := a.Header.Get("Access-Control-Max-Age") != ""
		if !probe && !preflight && failed == nil {
			require.NotEmpty(t, a.Header.Get("Log-Sequence"), "every answer contains its freshness")
		}
	}
	return a
}

// later sends a request in the background; the channel is closed without an answer if the request failed.
func (s *server) later(t testing.TB, path string, headers ...string) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		defer close(answers)
		answers <- s.get(t, path, headers...)
	}()
	return answers
}
