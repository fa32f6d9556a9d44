package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// mirror contains the data that a dashboard keeps from a stream.
type mirror struct {
	query  string
	orders map[string]json.RawMessage // as sent
	lastID uint64
}

// take applies an event.
func (m *mirror) take(e event) error {
	switch e.kind {
	case "snapshot":
		var part struct {
			Orders []json.RawMessage
			Page   int
		}
		if err := json.Unmarshal(e.data, &part); err != nil {
			return err
		}
		if part.Page == 1 {
			m.orders = map[string]json.RawMessage{}
		}
		for _, o := range part.Orders {
			m.keep(o, true)
		}
	case "order":
		var change struct {
			Order   json.RawMessage
			Matches bool
		}
		if err := json.Unmarshal(e.data, &change); err != nil {
			return err
		}
		m.keep(change.Order, change.Matches)
	case "resync":
		return errors.New("the stream did not go on where it was")
	}
	m.lastID = max(m.lastID, e.id)
	return nil
}

func (m *mirror) keep(order json.RawMessage, matches bool) {
	var o struct{ OrderID string }
	_ = json.Unmarshal(order, &o) // the event was read before
	delete(m.orders, o.OrderID)
	if matches {
		m.orders[o.OrderID] = order
	}
}

// follow takes events until the mirror has reached sequence, or has taken that many.
func (m *mirror) follow(t testing.TB, s *server, sequence uint64, most int) {
	query := m.query
	if m.lastID > 0 {
		query += fmt.Sprint("&lastEventId=", m.lastID)
	}
	r := s.listen(t, query)
	r.lastID = m.lastID
	defer r.close()
	for taken := 0; m.lastID < sequence && taken < most; taken++ {
		e, err := r.read()
		require.NoError(t, err)
		require.NoError(t, m.take(e))
	}
}

// requireSame compares the mirror with the list of the same filters.
func (m *mirror) requireSame(t testing.TB, s *server) {
	want := map[string]string{}
	cursor := ""
	for {
		response, err := http.Get(s.base + "/v1/orders" + m.query + "&limit=500" + cursor)
		require.NoError(t, err)
		var page api.List[json.RawMessage]
		require.NoError(t, json.NewDecoder(response.Body).Decode(&page))
		require.NoError(t, response.Body.Close())
		for _, o := range page.Data {
			var id struct{ OrderID string }
			require.NoError(t, json.Unmarshal(o, &id))
			want[id.OrderID] = string(o)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	got := map[string]string{}
	for id, o := range m.orders {
		got[id] = string(o)
	}
	require.Equal(t, want, got, m.query)
}

// anyChange returns a random notification of one of a few orders.
func anyChange(random *rand.Rand, orders int) statemachine.Notification {
	statuses := []statemachine.Status{statemachine.Placed, statemachine.Placed, statemachine.PartiallyFilled, statemachine.Filled,
		statemachine.Canceled, statemachine.Settled, "", "MYSTERY"}
	n := order(fmt.Sprint("o-", random.IntN(orders)), statuses[random.IntN(len(statuses))], random.IntN(30), "")
	n.AssetClass = statemachine.AssetClass(1 + (len(n.OrderID)+int(n.OrderID[2]))%2)
	return n
}

// Whatever happens, and however often its stream is interrupted, a reader that applies all events has the orders of
// the list.
func TestAReaderOfEachFilterHasTheSameOrdersAsTheList(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 3 {
		w := newWorld(t)
		change := func(o *api.Options) {
			o.Stream = api.StreamOptions{Heartbeat: 5 * time.Millisecond, Kept: []int{0, 8, 40}[round%3]}
		}
		s := start(t, w, change)
		mirrors := []*mirror{{query: "?open=true"}, {query: "?status=PLACED"}, {query: "?status=FILLED&status=SETTLED"},
			{query: "?status=NONE"}, {query: "?assetClass=DIGITAL"}, {query: "?break=settled_without_fill&break=reopened"}, {query: "?break=unknown_status&open=false"}}
		for range stirs {
			for commits := random.IntN(4); commits >= 0; commits-- {
				for range 1 + random.IntN(25) {
					s.receive(anyChange(random, 40), `{}`)
				}
				s.apply(t)
			}
			if random.IntN(8) == 0 { // more than one page, read at once
				for range 800 {
					s.receive(anyChange(random, 900), `{}`)
				}
				s.apply(t)
			}
			if random.IntN(4) == 0 {
				s.stop()
				s = start(t, w, change)
			}
			for _, m := range mirrors {
				switch random.IntN(4) {
				case 0:
				case 1: // interrupted anywhere, and perhaps resumed at another server
					m.follow(t, s, w.applied, random.IntN(20))
				default:
					m.follow(t, s, w.applied, math.MaxInt)
					m.requireSame(t, s)
				}
			}
		}
	}
}

// The views are read in pages of 500: an order that changes twice between two reads may move from one page to the next.
func TestAnOrderThatMovesBetweenPagesIsNotLost(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 700 {
		s.receive(order(fmt.Sprint("o-", i), statemachine.Placed, 1, ""), `{}`)
	}
	s.apply(t)
	r := s.listen(t, "?status=PLACED")
	require.Len(t, r.snapshot(t), 700)
	s.receive(order("o-0", statemachine.Filled, 2, ""), `{}`)
	for i := range 699 {
		s.receive(order(fmt.Sprint("o-", i+1), statemachine.Placed, 2, ""), `{}`)
	}
	last := s.receive(order("o-0", statemachine.Settled, 3, ""), `{}`)
	s.apply(t)
	for range 699 {
		require.True(t, r.change(t).Matches)
	}
	left := r.change(t)
	require.Equal(t, last, left.Cause.Sequence)
	require.False(t, left.Matches)
}

func TestManyReadersGetEveryChange(t *testing.T) {
	const readers, orders, rounds = listeners, 10, 4
	w := newWorld(t)
	s := start(t, w, func(o *api.Options) {
		o.Stream.Heartbeat = 500 * time.Millisecond // which inform readers that a change does not concern
		// With the race detector, two thousand goroutines may wait longer for a processor than a reader may be idle.
		o.Stream.WriteTimeout = 5 * time.Minute
	})
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		s.receive(anyChange(random, orders), `{}`)
	}
	s.apply(t)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := heap()
	streams, mirrors := make([]*reader, readers), make([]mirror, readers)
	for i := range readers {
		mirrors[i].query = []string{"?open=true", "?status=FILLED", "?assetClass=DIGITAL", "?"}[i%4]
		streams[i] = s.listen(t, mirrors[i].query)
	}
	var took sync.WaitGroup
	failures := make(chan error, 2*readers)
	follow := func(until uint64) {
		for i := range readers {
			took.Go(func() {
				for mirrors[i].lastID < until {
					e, err := streams[i].read()
					if err == nil {
						err = mirrors[i].take(e)
					}
					if err != nil {
						failures <- err
						return
					}
				}
			})
		}
	}
	follow(w.applied)
	took.Wait()
	t.Logf("%d readers: %d bytes each, both ends", readers, (heap()-before)/readers)
	begin := time.Now()
	follow(w.applied + rounds*4) // a reader that does not read while orders change is slow
	for range rounds {
		for range 4 {
			s.receive(anyChange(random, orders), `{}`)
		}
		s.apply(t)
	}
	took.Wait()
	t.Logf("%d changes to %d readers in %s", rounds*4, readers, time.Since(begin))
	close(failures)
	for err := range failures {
		t.Logf("%s", regexp.MustCompile("orderfold_api_streams_ended_total.*").FindAll(s.get(t, "/metrics").body, -1))
		require.NotErrorIs(t, err, io.EOF)
		require.NoError(t, err)
	}
	for i := range 4 {
		mirrors[i].requireSame(t, s)
	}
}
