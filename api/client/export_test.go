package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/orderfold/orderfold/api/client"
	"github.com/stretchr/testify/require"
)

func TestAnExportContainsAllOrdersAndTheirPlaceInTheFeed(t *testing.T) {
	s := newService()
	defer func() { require.NoError(t, s.close()) }()
	last := s.post(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	_, err := s.Order(t.Context(), "a", client.AsOf{AtLeast: client.AtLeast{MinSequence: last}})
	require.NoError(t, err)
	e, err := s.Export(t.Context())
	require.NoError(t, err)
	count := 0
	for order, err := range e.Orders() {
		require.NoError(t, err)
		require.Contains(t, string(order), `"orderId":"a"`)
		count++
	}
	require.NoError(t, e.Close())
	require.Equal(t, []any{1, last, uint64(0), false}, []any{count, e.LogSequence, e.Revision, e.Fed})
}

func TestAnIncompleteOrInvalidExportIsAnError(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"no revision": func(w http.ResponseWriter, _ *http.Request) {},
		"no feed sequence": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Orderfold-Revision", "1")
			w.Header().Set("Orderfold-Feed-Sequence", "x")
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Orderfold-Revision", "1")
			_, _ = w.Write([]byte("{}\n"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			c, err := client.New(client.Options{URL: server.URL})
			require.NoError(t, err)
			e, err := c.Export(context.Background())
			if name == "cut" {
				require.NoError(t, err)
				for _, err = range e.Orders() {
				}
				require.NoError(t, e.Close())
			}
			require.Error(t, err)
		})
	}
}
