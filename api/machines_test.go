package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// machines are two machines that fold the same log by the same rules. The views of the second one are in their third
// generation.
type machines [2]*server

func newMachines(t testing.TB) machines {
	m := machines{start(t, newWorld(t)), start(t, newWorld(t))}
	m[1].rebuild(t, "8")
	m[1].rebuild(t, "7")
	for i, generation := range []int{1, 3} {
		status, err := m[i].Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, generation, status.Generation)
	}
	return m
}

// receive appends to the log; neither of the machines has applied the record then.
func (m machines) receive(n statemachine.Notification) (sequence uint64) {
	for _, s := range m {
		sequence = s.world.receive(n, `{}`)
	}
	return sequence
}

func (m machines) apply(t testing.TB) {
	for _, s := range m {
		s.apply(t)
	}
}

// fill receives orders that one machine applies in a few batches and the other in many. Each order has an open break,
// which opened at one of a few times.
func (m machines) fill(t testing.TB, orders int) {
	for i := range orders {
		m.receive(order(fmt.Sprint(i), "UNHEARD_OF", 1+i/7%40, ""))
		if i%20_000 == 19_999 {
			m[0].apply(t)
		}
		if i%3_000 == 2_999 {
			m[1].apply(t)
		}
	}
	m.apply(t)
}

type listed struct {
	Data       []struct{ OrderID string }
	NextCursor *string
}

// page requests a page from a machine. If the machine is behind, the answer must wait, and page then makes the
// machine catch up.
func (s *server) page(t testing.TB, path string, behind bool) (page listed) {
	t.Helper()
	answers := make(chan *http.Response, 1)
	go func() {
		defer close(answers)
		request, err := http.NewRequest(http.MethodGet, s.base+path, nil)
		if err != nil {
			return
		}
		request.Header.Set("Prefer", "wait=30")
		if response, err := http.DefaultClient.Do(request); err == nil { // comparing each order with the document would take minutes
			answers <- response
		}
	}()
	if behind {
		<-s.waiting
		s.apply(t)
	}
	response := <-answers
	require.NotNil(t, response)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(&page))
	require.NoError(t, response.Body.Close())
	return page
}

func TestAWalkAcrossTwoMachinesReturnsEachOrderOnce(t *testing.T) {
	m := newMachines(t)
	m.fill(t, walked)
	for _, query := range []string{"/v1/orders?limit=500&sort=-received", "/v1/orders?limit=500&sort=modified&break=any"} {
		t.Run(query, func(t *testing.T) {
			told := make(map[string]bool, walked)
			cursor, behind := "", false
			for i := 0; ; i++ {
				page := m[i%2].page(t, query+cursor, behind)
				for _, o := range page.Data {
					require.False(t, told[o.OrderID], "%s is returned twice", o.OrderID)
					told[o.OrderID] = true
				}
				if page.NextCursor == nil {
					break
				}
				cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
				for k := range 40 { // some of the orders are new
					m.receive(order(fmt.Sprint((i*40+k)*7919%(walked+walked/10)), "UNHEARD_OF", 1+(i+k)%50, ""))
				}
				// The machine that made a cursor is ahead of the other one only for every third page.
				if behind = false; i%3 != 2 {
					m.apply(t)
					continue
				}
				m[(i+2)%2].apply(t)
				again := m[(i+2)%2].page(t, query+cursor, false) // the same page of views that are further ahead
				for _, o := range again.Data {
					require.False(t, told[o.OrderID], "%s is returned twice", o.OrderID)
					told[o.OrderID] = true
				}
				if again.NextCursor == nil {
					break
				}
				cursor, behind = "&cursor="+url.QueryEscape(*again.NextCursor), true
			}
			m.apply(t)
			for i := range walked {
				require.True(t, told[fmt.Sprint(i)], "%d is not returned", i)
			}
		})
	}
}

func TestAWalkInAnyOtherSortContinuesOnAnotherMachine(t *testing.T) {
	m := newMachines(t)
	m.fill(t, 1_500)
	for _, path := range []string{"/v1/breaks?limit=7", "/v1/orders?limit=7&sort=quantity", "/v1/orders?limit=7&sort=-quantity", "/v1/orders?limit=7&sort=due",
		"/v1/orders?limit=7&sort=-modified"} {
		t.Run(path, func(t *testing.T) {
			told := map[string]bool{}
			for i, cursor := 0, ""; ; i++ {
				response, err := http.Get(m[i%2].base + path + cursor)
				require.NoError(t, err)
				var page struct {
					Data []struct {
						OrderID string
						Order   struct{ OrderID string }
					}
					NextCursor *string
				}
				require.NoError(t, json.NewDecoder(response.Body).Decode(&page))
				require.NoError(t, response.Body.Close())
				for _, row := range page.Data {
					id := row.OrderID + row.Order.OrderID
					require.False(t, told[id], "%s is returned twice", id)
					told[id] = true
				}
				if page.NextCursor == nil {
					break
				}
				cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
			}
			require.Len(t, told, 1_500)
		})
	}
}

func TestACursorOfAMachineThatIsAheadWaitsOrIsAnsweredViewBehind(t *testing.T) {
	m := newMachines(t)
	m.receive(order("0", "UNHEARD_OF", 1, ""))
	m.apply(t)
	for i := range 3 {
		m.receive(order(fmt.Sprint(i), "UNHEARD_OF", 1, ""))
		for _, s := range m {
			s.receiveRaw(api.Record{Object: "customer", Body: []byte(`not json`)})
			s.receiveRaw(api.Record{Object: "customer", Body: fmt.Appendf(nil, `{"ID":"c-%d"}`, i)})
		}
	}
	m[0].apply(t)
	for _, path := range []string{"/v1/orders?limit=1", "/v1/breaks?limit=1", "/v1/quarantine?limit=1", "/v1/objects/customer?limit=1"} {
		page := into[api.List[any]](t, m[0].get(t, path))
		path += "&cursor=" + url.QueryEscape(*page.NextCursor)
		a := m[1].get(t, path, "Prefer: wait=0")
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode, path)
		code, detail := a.problem(t)
		require.Equal(t, "view-behind", code)
		require.Contains(t, detail, "Record 10 is not applied yet")
	}
	page := into[api.List[any]](t, m[0].get(t, "/v1/orders?limit=1"))
	next := m[1].later(t, "/v1/orders?limit=1&cursor="+url.QueryEscape(*page.NextCursor), "Prefer: wait=30")
	for <-m[1].waiting != 10 { // the earlier requests waited too
	}
	m[1].apply(t)
	require.Equal(t, "10", (<-next).Header.Get("Log-Sequence"))
}

func TestMachinesShareATagOnlyWithTheSameContentRulesAndEpoch(t *testing.T) {
	paths := []string{"/v1/orders?limit=2", "/v1/stats", "/v1/orders/1", "/v1/orders/1?asOfSequence=2"}
	m := newMachines(t)
	m.fill(t, 5)
	require.NoError(t, m[1].SetHealth(t.Context(), views.Health{Epoch: 1}))
	tags := make([]string, len(paths))
	for i, path := range paths {
		tags[i] = m[0].get(t, path).Header.Get("ETag")
	}
	known := func(status int, why string) {
		t.Helper()
		for i, path := range paths {
			require.Equal(t, status, m[1].get(t, path, "If-None-Match: "+tags[i]).StatusCode, "%s: %s", path, why)
		}
	}
	known(http.StatusNotModified, "the same content")
	require.NoError(t, m[1].SetHealth(t.Context(), views.Health{Epoch: 2}))
	known(http.StatusOK, "another epoch")
	m[1].rebuild(t, "8")
	known(http.StatusOK, "other rules")
	m[1].rebuild(t, "7")
	known(http.StatusNotModified, "another generation")
	m.receive(order("1", statemachine.Placed, 50, ""))
	m[1].apply(t)
	paths, tags = paths[:3], tags[:3] // the state as of that moment does not change
	known(http.StatusOK, "other content")
}

func TestACursorOfAnotherEpochHasExpired(t *testing.T) {
	m := newMachines(t)
	m.fill(t, 3)
	next := "/v1/orders?limit=1&cursor=" + url.QueryEscape(*into[api.List[any]](t, m[0].get(t, "/v1/orders?limit=1")).NextCursor)
	require.Equal(t, http.StatusOK, m[1].get(t, next).StatusCode)
	for _, epoch := range []uint64{1, 2} {
		require.NoError(t, m[1].SetHealth(t.Context(), views.Health{Epoch: epoch}))
	}
	code, _ := m[1].get(t, next).problem(t)
	require.Equal(t, "cursor-expired", code)
}

func TestAStreamContinuesOnAnotherMachine(t *testing.T) {
	m := newMachines(t)
	for _, s := range m { // as of a log on disk
		s.mu.Lock()
		s.hashed = true
		s.mu.Unlock()
	}
	m.fill(t, 300)
	r := m[0].listen(t, "")
	require.Len(t, r.snapshot(t), 300)
	for turn := range 6 {
		here, there := m[turn%2], m[(turn+1)%2]
		sequence := m.receive(order("1", "UNHEARD_OF", 41+turn, ""))
		here.apply(t)
		e := r.next(t)
		require.Equal(t, "order", e.kind)
		require.Equal(t, sequence, e.id)
		require.Regexp(t, `^[0-9]+-[0-9a-f]{8}$`, e.text)
		r.close()
		missed := map[uint64]bool{}
		for i := range 20 { // changes of orders that had not changed before
			missed[m.receive(order(fmt.Sprint(10+turn*20+i), "UNHEARD_OF", 45, ""))] = true
		}
		if turn%3 != 0 { // otherwise the machine has not yet reached the event when the stream resumes
			there.apply(t)
		}
		r = there.listen(t, "", "Last-Event-ID: "+e.text)
		requireResumed(t, r)
		there.apply(t)
		here.apply(t)
		for len(missed) > 0 {
			change := r.change(t)
			if change.Cause.Sequence == sequence {
				t.Fatalf("%d comes twice", sequence)
			}
			require.True(t, missed[change.Cause.Sequence], "%d is an event that was missed", change.Cause.Sequence)
			delete(missed, change.Cause.Sequence)
		}
	}
}
