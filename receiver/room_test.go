package receiver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

// crowded returns a receiver whose pool has memory for three bodies of 1 MiB, its log, whose appends
// wait, and a function that returns how many bytes of the pool are in use.
func crowded(t *testing.T) (*service, *gatedLog, func() float64) {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: t.TempDir(), MayCreate: true, MaxRecord: 8 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	gate, registry := gated(log), prometheus.NewRegistry()
	s := start(t, receiver.Options{Log: gate, MaxWaiting: 64, MaxWaitingBytes: 4 << 20, MaxBody: 8 << 20, Metrics: registry,
		Auth: credentials(t, "api-key="+key)})
	return s, gate, func() float64 { return gather(t, registry)["orderfold_receiver_waiting_bytes"] }
}

func large(mebibytes int) string { return `"` + strings.Repeat("x", mebibytes<<20-1000) + `"` }

func inChunks(body string) string {
	return chunked("POST "+order, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), "Api-Key: "+key)
}

// send sends text without waiting for an answer.
func (s *service) send(t *testing.T, text string) *bufio.Reader {
	t.Helper()
	conn := s.dial(t)
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	return bufio.NewReader(conn)
}

func TestLargeBodiesThatDoNotFitAreRefusedAndSmallOnesAreNot(t *testing.T) {
	for name, form := range map[string]func(string) string{"with a Content-Length": func(body string) string { return post(body) }, "chunked": inChunks} {
		t.Run(name, func(t *testing.T) {
			s, gate, taken := crowded(t)
			var waiting []*bufio.Reader
			for range 2 {
				waiting = append(waiting, s.send(t, form(large(1))))
				<-gate.entered
			}
			require.Positive(t, taken())
			a := s.raw(t, form(large(2)))
			require.Equal(t, 503, a.StatusCode)
			require.Equal(t, "BUSY", a.message.ResponseType)
			require.Equal(t, retryAfter, a.Header.Get("Retry-After"))
			for range 20 {
				waiting = append(waiting, s.send(t, post(placed)))
				<-gate.entered
			}
			close(gate.gate)
			for _, r := range waiting {
				require.Equal(t, 200, readReply(t, r).StatusCode)
			}
			require.Zero(t, taken(), "all memory is released")
			require.Equal(t, 200, s.raw(t, form(large(2))).StatusCode)
		})
	}
}

func TestABodyLargerThanThePoolIsAcceptedWhenItIsTheOnlyOne(t *testing.T) {
	s, gate, taken := crowded(t)
	close(gate.gate)
	for _, text := range []string{post(large(7)), inChunks(large(7))} {
		require.Equal(t, 200, s.raw(t, text).StatusCode)
		require.Zero(t, taken())
	}
}

func TestClientsThatSendAlmostNothingHoldNoMemory(t *testing.T) {
	s, gate, taken := crowded(t)
	close(gate.gate)
	for range 30 { // together, the bodies are ten times as large as the pool
		conn := s.dial(t)
		_, err := io.WriteString(conn, strings.TrimSuffix(post(large(1)), large(1)[1:]))
		require.NoError(t, err)
	}
	require.Equal(t, 200, s.raw(t, post(large(2))).StatusCode)
	require.Zero(t, taken())
}

func TestMemoryIsReleasedHoweverABodyEnds(t *testing.T) {
	s, gate, taken := crowded(t)
	close(gate.gate)
	half := large(1)[len(large(1))/2:]
	for name, text := range map[string]string{
		"cut short":             strings.TrimSuffix(post(large(1)), half),
		"chunked and cut short": strings.TrimSuffix(inChunks(large(1)), half+"\r\n0\r\n\r\n"),
	} {
		require.Equal(t, 400, s.rawCut(t, text).StatusCode, name)
		require.Zero(t, taken(), name)
	}
	require.Equal(t, 413, s.raw(t, inChunks(large(9))).StatusCode)
	require.Zero(t, taken())
	conn := s.dial(t)
	_, err := io.WriteString(conn, strings.TrimSuffix(post(large(1)), half))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return taken() > 0 }, patience, time.Millisecond)
	require.NoError(t, net.Conn(conn).Close())
	require.Eventually(t, func() bool { return taken() == 0 }, patience, time.Millisecond, "the client disconnected")
}
