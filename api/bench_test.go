package api_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// BenchmarkReadAnOrder compares an order, read from the views, with an Echo server that answers a constant of the same size
// and does nothing else, at 16 connections for each processor.
func BenchmarkReadAnOrder(b *testing.B) {
	w := newWorld(b)
	n := order("o-1", statemachine.Placed, 1, "")
	w.receive(n, `{}`)
	for i, quantity := range []statemachine.Decimal{"10", "40", "70"} {
		w.receive(order("o-1", statemachine.PartiallyFilled, 2+i, quantity), `{}`)
	}
	w.receive(order("o-1", statemachine.Filled, 6, "100"), `{}`)
	w.apply(b)
	s := start(b, w)
	body := s.get(b, "/v1/orders/o-1").body

	constant := echo.New()
	constant.GET("/v1/orders/:id", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, body) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := &http.Server{Handler: constant}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.Cleanup(func() {
		require.NoError(b, server.Shutdown(context.Background()))
		<-served
	})
	for _, c := range []struct{ name, base string }{
		{"constant", "http://" + listener.Addr().String()}, {"order", s.base},
	} {
		b.Run(c.name, func(b *testing.B) { hammer(b, c.base+"/v1/orders/o-1") })
		b.Run(c.name+" again", func(b *testing.B) { hammer(b, c.base+"/v1/orders/o-1") })
	}
}

func hammer(b *testing.B, url string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := client.Get(url)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, response.Body)
			if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
				b.Error(response.Status, err)
			}
		}
	})
}

// BenchmarkHandler is the same without a socket, so that a profile distinguishes the parts.
func BenchmarkHandler(b *testing.B) {
	w := newWorld(b)
	w.receive(order("o-1", statemachine.Filled, 6, "100"), `{}`)
	w.apply(b)
	a, err := api.New(options(w))
	require.NoError(b, err)
	for _, path := range []string{"/v1/orders/o-1", "/healthz", "/openapi.json"} {
		b.Run(path, func(b *testing.B) {
			request, err := http.NewRequest(http.MethodGet, path, http.NoBody)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				a.ServeHTTP(&discard{header: http.Header{}}, request)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
