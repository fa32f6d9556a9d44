package receiver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/receiver"
)

func serveDirectly(rc *receiver.Receiver, body string) int {
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, httptest.NewRequest("POST", order, strings.NewReader(body)))
	return w.Code
}

// discarding is a ResponseWriter that discards the body.
type discarding struct{ header http.Header }

func (d discarding) Header() http.Header         { return d.header }
func (d discarding) Write(p []byte) (int, error) { return len(p), nil }
func (d discarding) WriteHeader(int)             {}

// BenchmarkHandler measures the handling of one notification, without a network and a real log.
func BenchmarkHandler(b *testing.B) {
	const body = `{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11","externalId":"ord-000123","status":"PARTIALLY_FILLED",
 "notificationType":"UPDATED","modifiedOn":"2026-03-02T09:31:07.214Z","isin":"DE0007164600","tradeSide":"BUY",
 "quantity":100,"executionData":{"quantity":40,"executionPrice":101.25,"executionAmount":4050.00}}`
	rc, err := receiver.New(receiver.Options{
		Log:  failingLog(func() (uint64, error) { return 1, nil }),
		Auth: credentials(b, "api-key="+key, "api-key=other"),
	})
	require.NoError(b, err)
	content := strings.NewReader(body)
	r := httptest.NewRequest("POST", order, content)
	r.Header.Set("Api-Key", key)
	w := discarding{header: http.Header{}}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		content.Reset(body)
		r.Body = io.NopCloser(content)
		rc.ServeHTTP(w, r)
	}
	require.Equal(b, "1", w.header.Get("Log-Sequence"))
}
