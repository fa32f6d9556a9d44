package api_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// oneStream serves a world with an order to one stream at a time.
func oneStream(t *testing.T, change func(*world, *api.Options)) *server {
	w := newWorld(t)
	for range 3 {
		w.receive(statemachine.Notification{OrderID: "o-1", AssetClass: statemachine.Traditional, Status: statemachine.Placed}, "{}")
	}
	w.apply(t)
	return start(t, w, func(o *api.Options) {
		o.Stream.Readers = 1
		change(w, o)
	})
}

// requirePlace requires that the only place is free, or becomes free.
func (s *server) requirePlace(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { // earlier requests may still occupy it for a moment
		r, err := http.Get(s.base + "/v1/stream")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	}, time.Minute, time.Millisecond, "the place is free again")
	require.Eventually(t, func() bool {
		return strings.Contains(string(s.get(t, "/metrics").body), "\norderfold_api_streams 0\n")
	}, time.Minute, time.Millisecond, "every place is given back")
}

// falling are views that panic when a reader resumes.
type falling struct{ *world }

func (f falling) Recent(ctx context.Context, n int) (uint64, error) {
	if n == 10_000 { // by one reader, not by the hub
		panic("the views fell over")
	}
	return f.world.Recent(ctx, n)
}

func TestAStreamWhoseAnswerFailsReleasesItsPlace(t *testing.T) {
	asIs := func(*world, *api.Options) {}
	for name, test := range map[string]struct {
		change func(*world, *api.Options)
		ask    func(*testing.T, *server)
	}{
		"the log cannot return the record to resume from": {asIs, func(t *testing.T, s *server) {
			s.fail(errors.New("away"), nil)
			code, _ := s.get(t, "/v1/stream", "Last-Event-ID: 1000").problem(t)
			require.Equal(t, "log-unavailable", code)
			s.fail(nil, nil)
		}},
		"the views panic while it resumes": {func(w *world, o *api.Options) {
			o.Feed, o.Stream.Kept = falling{w}, 1
		}, func(t *testing.T, s *server) {
			code, _ := s.get(t, "/v1/stream", "Last-Event-ID: 1").problem(t)
			require.Equal(t, "internal", code)
		}},
		"the request is HEAD": {asIs, func(t *testing.T, s *server) {
			require.Equal(t, http.StatusOK, s.do(t, http.MethodHead, "/v1/stream").StatusCode)
		}},
		"the client disconnects before the first event": {asIs, func(t *testing.T, s *server) {
			for range 20 {
				c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
				require.NoError(t, err)
				_, err = c.Write([]byte("GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"))
				require.NoError(t, err)
				require.NoError(t, c.(*net.TCPConn).SetLinger(0))
				require.NoError(t, c.Close())
			}
		}},
		"a parameter is invalid": {asIs, func(t *testing.T, s *server) {
			code, _ := s.get(t, "/v1/stream?side=HOLD").problem(t)
			require.Equal(t, "bad-parameter", code)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := oneStream(t, test.change)
			test.ask(t, s)
			s.requirePlace(t)
		})
	}
}

// stuck are views that block once, when they are armed and the changes for all readers are read.
type stuck struct {
	*world
	armed, reached, on chan struct{}
	once               sync.Once
}

func (f *stuck) Changes(ctx context.Context, after uint64, limit int) (views.Changes, error) {
	select {
	case <-f.armed:
		if limit == 500 {
			f.once.Do(func() { close(f.reached); <-f.on })
		}
	default:
	}
	return f.world.Changes(ctx, after, limit)
}

func TestANewReaderDoesNotWaitForChangesReadForEarlierReaders(t *testing.T) {
	f := &stuck{armed: make(chan struct{}), reached: make(chan struct{}), on: make(chan struct{})}
	s := oneStream(t, func(w *world, o *api.Options) { f.world, o.Feed = w, f })
	defer close(f.on)
	first := s.listen(t, "")
	first.snapshot(t)
	close(f.armed)
	<-f.reached // and the read stays blocked
	first.close()
	s.requirePlace(t)
}

func TestReadersThatConnectAndDisconnectConstantlyEachGetTheirSnapshot(t *testing.T) {
	s := oneStream(t, func(_ *world, o *api.Options) { o.Stream.Readers = 64 })
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 15 {
				request, err := http.NewRequest(http.MethodGet, s.base+"/v1/stream", nil)
				if err != nil {
					t.Error(err)
					return
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				first := make([]byte, 1)
				if _, err := response.Body.Read(first); err != nil || response.StatusCode != http.StatusOK {
					t.Error(response.Status, err)
				}
				_ = response.Body.Close()
			}
		})
	}
	readers.Wait()
	s.requirePlace(t)
}
