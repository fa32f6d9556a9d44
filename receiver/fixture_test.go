package receiver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

const (
	order      = "/traditional-asset-order-notification"
	placed     = `{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11","status":"PLACED"}`
	key        = "s3cret-of-the-platform"
	patience   = 2 * time.Minute // after which a hanging test fails
	shortTime  = time.Second     // a timeout that tests wait for
	retryAfter = "1"
)

func openLog(tb testing.TB) *eventlog.Log {
	tb.Helper()
	log, err := eventlog.Open(tb.Context(), eventlog.Options{Dir: tb.TempDir(), MayCreate: true})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, log.Close()) })
	return log
}

func lastSequence(tb testing.TB, log *eventlog.Log) uint64 {
	tb.Helper()
	bounds, err := log.Bounds(tb.Context())
	require.NoError(tb, err)
	return bounds.Last
}

func credentials(tb testing.TB, texts ...string) []receiver.Credentials {
	tb.Helper()
	var all []receiver.Credentials
	for _, text := range texts {
		c, err := receiver.ParseCredentials(text)
		require.NoError(tb, err)
		all = append(all, c)
	}
	return all
}

// service is a receiver behind a real socket.
type service struct {
	addr   string
	logged *observer.ObservedLogs
	stop   func() error // ends the context of Serve and returns its error
	closed chan struct{}
}

// closingListener closes a channel when it stops accepting connections.
type closingListener struct {
	net.Listener
	closed chan struct{}
}

func (l closingListener) Close() error {
	err := l.Listener.Close()
	close(l.closed)
	return err
}

func start(tb testing.TB, o receiver.Options) *service {
	tb.Helper()
	core, logged := observer.New(zap.DebugLevel)
	o.Logger = zap.New(core)
	rc, err := receiver.New(o)
	require.NoError(tb, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	s := &service{addr: listener.Addr().String(), logged: logged, closed: make(chan struct{})}
	go func() { served <- rc.Serve(ctx, closingListener{listener, s.closed}) }()
	stopped := false
	s.stop = func() error {
		stopped = true
		cancel()
		return <-served
	}
	tb.Cleanup(func() {
		if !stopped {
			require.NoError(tb, s.stop())
		}
	})
	return s
}

// dial opens a connection with a deadline, so that a test fails instead of hanging.
func (s *service) dial(tb testing.TB) *net.TCPConn {
	tb.Helper()
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(tb, err)
	require.NoError(tb, conn.SetDeadline(time.Now().Add(patience)))
	tb.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// reply is an answer, its body, and the ErrorMessage in the body.
type reply struct {
	*http.Response
	body    string
	message struct{ Message, ResponseType, RequestID string }
}

func readReply(tb testing.TB, r *bufio.Reader) reply {
	tb.Helper()
	response, err := http.ReadResponse(r, nil)
	require.NoError(tb, err)
	return checkReply(tb, response)
}

// checkReply reads the body of an answer and checks it: a 200 has no body, any other answer has an
// ErrorMessage.
func checkReply(tb testing.TB, response *http.Response) reply {
	tb.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(tb, err)
	require.NoError(tb, response.Body.Close())
	a := reply{Response: response, body: string(body)}
	if response.StatusCode == http.StatusOK {
		require.Empty(tb, a.body)
		return a
	}
	require.Equal(tb, "application/json", response.Header.Get("Content-Type"))
	var fields map[string]string
	require.NoError(tb, json.Unmarshal(body, &fields))
	require.Len(tb, fields, 3)
	a.message.Message, a.message.ResponseType, a.message.RequestID = fields["message"], fields["responseType"], fields["requestId"]
	require.NotEmpty(tb, a.message.Message)
	require.NotEmpty(tb, a.message.ResponseType)
	require.Equal(tb, response.Header.Get("Request-Id"), a.message.RequestID)
	require.NotEmpty(tb, a.message.RequestID)
	return a
}

// raw sends text unchanged and reads one answer.
func (s *service) raw(tb testing.TB, text string) reply {
	tb.Helper()
	conn := s.dial(tb)
	_, err := io.WriteString(conn, text)
	require.NoError(tb, err)
	return readReply(tb, bufio.NewReader(conn))
}

// rawCut sends text, closes the connection for writing, and reads one answer.
func (s *service) rawCut(tb testing.TB, text string) reply {
	tb.Helper()
	conn := s.dial(tb)
	_, err := io.WriteString(conn, text)
	require.NoError(tb, err)
	require.NoError(tb, conn.CloseWrite())
	return readReply(tb, bufio.NewReader(conn))
}

// request returns the text of a request with a Content-Length. line and headers are used unchanged.
func request(line, body string, headers ...string) string {
	headers = append([]string{line + " HTTP/1.1", "Host: receiver", "Content-Length: " + itoa(len(body))}, headers...)
	return strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

// chunked returns the text of a chunked request; rest follows the headers.
func chunked(line, rest string, headers ...string) string {
	headers = append([]string{line + " HTTP/1.1", "Host: receiver", "Transfer-Encoding: chunked"}, headers...)
	return strings.Join(headers, "\r\n") + "\r\n\r\n" + rest
}

// post returns the text of a request that posts a notification of an order with the right key.
func post(body string, headers ...string) string {
	return request("POST "+order, body, append(headers, "Api-Key: "+key)...)
}

// gatedLog is a real log whose appends wait until the test opens the gate.
type gatedLog struct {
	receiver.Log
	entered chan struct{} // one element for each append that has begun
	gate    chan struct{} // closed by the test to open the gate
	left    chan struct{} // one element for each append that has ended
}

func gated(log receiver.Log) *gatedLog {
	return &gatedLog{Log: log, entered: make(chan struct{}, 64), gate: make(chan struct{}), left: make(chan struct{}, 64)}
}

func (g *gatedLog) Append(ctx context.Context, record eventlog.Record) (uint64, error) {
	g.entered <- struct{}{}
	defer func() { g.left <- struct{}{} }()
	select {
	case <-g.gate:
		return g.Log.Append(ctx, record)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// failingLog is a log whose Append calls the function.
type failingLog func() (uint64, error)

func (f failingLog) Append(context.Context, eventlog.Record) (uint64, error) { return f() }

func (f failingLog) Refuses(context.Context) error { return nil }
