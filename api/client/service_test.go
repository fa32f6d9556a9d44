package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// service is a log, a projector and an API in this process, all of them real.
type service struct {
	*client.Client
	url     string
	dir     string
	log     *eventlog.Log
	views   *views.Store
	serving sync.WaitGroup
	stopAPI func()
	close   func() error
}

// must is for examples, which have no testing.T.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newService(options ...func(*api.Options)) *service {
	s := &service{dir: must(os.MkdirTemp("", "orderfold-client-"))}
	s.log = must(eventlog.Open(context.Background(), eventlog.Options{Dir: filepath.Join(s.dir, "data"), MayCreate: true}))
	s.views = must(views.Open(context.Background(), views.Options{Dir: filepath.Join(s.dir, "views"), FoldVersion: decode.FoldVersion()}))
	ctx, stop := context.WithCancel(context.Background())
	var projecting sync.WaitGroup
	projecting.Go(func() { _ = projector.New(projector.Options{Log: s.log, Views: s.views}).Run(ctx) })
	s.serve("127.0.0.1:0", options...)
	s.Client = must(client.New(client.Options{URL: s.url}))
	s.close = func() error {
		s.stopAPI()
		stop()
		projecting.Wait()
		return errors.Join(s.views.Close(), s.log.Close(), os.RemoveAll(s.dir))
	}
	return s
}

// serve starts an API at addr.
func (s *service) serve(addr string, options ...func(*api.Options)) {
	o := api.Options{Views: s.views, Objects: s.views, Position: s.views, Feed: s.views, Log: logOf{s.log},
		History: projector.NewHistorian(s.log, s.views)}
	for _, change := range options {
		change(&o)
	}
	a := must(api.New(o))
	listener := must(net.Listen("tcp", addr))
	s.url = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	s.serving.Go(func() { _ = a.Serve(ctx, listener) })
	s.stopAPI = func() { stop(); s.serving.Wait() }
}

// restart ends the API and starts another one at the same address.
func (s *service) restart() {
	s.stopAPI()
	s.serve(s.url[len("http://"):])
}

// post appends a notification of a traditional order and returns its sequence.
func (s *service) post(format string, args ...any) uint64 {
	return s.append("traditional-asset-order", fmt.Sprintf(format, args...))
}

func (s *service) append(object, body string) uint64 {
	return must(s.log.Append(context.Background(), eventlog.Record{Object: object, ContentType: "application/json", Body: []byte(body)}))
}

func startService(t testing.TB, options ...func(*api.Options)) *service {
	s := newService(options...)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	return s
}

type logOf struct{ *eventlog.Log }

func (l logOf) Record(ctx context.Context, sequence uint64) (api.Record, error) {
	r, err := l.Get(ctx, sequence)
	if errors.Is(err, eventlog.ErrNotFound) {
		return api.Record{}, api.ErrNoRecord
	}
	return api.Record{Sequence: r.Sequence, Received: r.Received, Source: string(r.Source), Object: r.Object,
		ContentType: r.ContentType, RequestID: r.RequestID, Hash: r.Position().Hash, Body: r.Body}, err
}

func (l logOf) Bounds(ctx context.Context) (api.LogBounds, error) {
	b, err := l.Log.Bounds(ctx)
	return api.LogBounds{First: b.First, Last: b.Last, Epoch: b.Epoch}, err
}

func (l logOf) Storage(context.Context) api.Storage {
	return api.Storage{SyncMode: "always", Replicas: 1, MaxBytes: -1, Left: -1, DiskFree: -1}
}
