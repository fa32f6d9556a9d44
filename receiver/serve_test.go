package receiver_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

func TestASlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	s := start(t, receiver.Options{Log: log, ReadTimeout: shortTime, HeaderTimeout: shortTime, IdleTimeout: shortTime})
	for _, text := range []string{
		strings.TrimSuffix(post(placed), placed[5:]),
		chunked("POST "+order, "5\r\n{\"a\""),
	} {
		conn := s.dial(t)
		_, err := io.WriteString(conn, text)
		require.NoError(t, err)
		r := bufio.NewReader(conn)
		a := readReply(t, r)
		require.Equal(t, http.StatusBadRequest, a.StatusCode)
		require.Equal(t, "TOO_SLOW", a.message.ResponseType)
		require.True(t, a.Close)
		_, err = r.ReadByte()
		require.ErrorIs(t, err, io.EOF, "text that arrives late must not be read as a request")
	}
	// After half a header, and after no text at all, net/http closes the connection. It answers the
	// former itself.
	for text, answer := range map[string]string{"POST " + order: "HTTP/1.1 400 Bad Request", "": ""} {
		conn := s.dial(t)
		_, err := io.WriteString(conn, text)
		require.NoError(t, err)
		got, err := io.ReadAll(conn)
		require.NoError(t, err)
		line, _, _ := strings.Cut(string(got), "\r\n")
		require.Equal(t, answer, line)
	}
	require.Zero(t, lastSequence(t, log))
}

func TestRequestsBeyondTheLimitAreRefused(t *testing.T) {
	log := openLog(t)
	gate := gated(log)
	s := start(t, receiver.Options{Log: gate, MaxWaiting: 2, Auth: credentials(t, "api-key="+key)})
	var waiting []*bufio.Reader
	for range 2 {
		conn := s.dial(t)
		_, err := io.WriteString(conn, post(placed))
		require.NoError(t, err)
		<-gate.entered
		waiting = append(waiting, bufio.NewReader(conn))
	}
	a := s.raw(t, post(placed))
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Equal(t, "BUSY", a.message.ResponseType)
	require.Equal(t, retryAfter, a.Header.Get("Retry-After"))
	require.Equal(t, http.StatusUnauthorized, s.raw(t, request("POST "+order, placed)).StatusCode)
	status, _ := s.health(t, "/healthz")
	require.Equal(t, http.StatusOK, status, "a receiver at its limit is still alive")
	close(gate.gate)
	for _, r := range waiting {
		require.Equal(t, http.StatusOK, readReply(t, r).StatusCode)
	}
	require.Equal(t, http.StatusOK, s.raw(t, post(placed)).StatusCode)
	require.EqualValues(t, 3, lastSequence(t, log))
}

func TestADrainFinishesAcceptedRequests(t *testing.T) {
	log := openLog(t)
	gate := gated(log)
	s := start(t, receiver.Options{Log: gate})
	conn := s.dial(t)
	_, err := io.WriteString(conn, post(placed))
	require.NoError(t, err)
	<-gate.entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	<-s.closed
	_, err = net.Dial("tcp", s.addr)
	require.Error(t, err, "nothing new is accepted")
	close(gate.gate)
	a := readReply(t, bufio.NewReader(conn))
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.True(t, a.Close)
	require.NoError(t, <-stopped)
	require.EqualValues(t, 1, lastSequence(t, log))
}

func TestADrainThatTakesTooLongCutsConnectionsAndWaitsForTheLog(t *testing.T) {
	t.Parallel()
	gate := gated(openLog(t))
	s := start(t, receiver.Options{Log: gate, DrainTimeout: shortTime, AppendTimeout: 3 * shortTime, MaxWaiting: 4})
	conn := s.dial(t)
	_, err := io.WriteString(conn, post(placed))
	require.NoError(t, err)
	<-gate.entered
	require.ErrorContains(t, s.stop(), "receiver: drain")
	require.Len(t, gate.left, 1, "no append may still be running")
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestNothingIsAppendedAfterServe(t *testing.T) {
	log := openLog(t)
	rc, err := receiver.New(receiver.Options{Log: log, MaxWaiting: 3})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.ErrorIs(t, rc.Serve(t.Context(), listener), net.ErrClosed)
	require.Equal(t, 503, serveDirectly(rc, placed))
	require.Zero(t, lastSequence(t, log))
}

func TestWithoutCredentialsOnlyLoopbackIsServed(t *testing.T) {
	auth := credentials(t, "api-key=a")
	tests := []struct {
		addr net.Addr
		auth []receiver.Credentials
		fine bool
	}{
		{tcpAddr("127.0.0.1:1"), nil, true},
		{tcpAddr("127.8.8.8:1"), nil, true},
		{tcpAddr("[::1]:1"), nil, true},
		{tcpAddr("[::ffff:127.0.0.1]:1"), nil, true},
		{&net.UnixAddr{Name: "/run/orderfold", Net: "unix"}, nil, true},
		{tcpAddr("0.0.0.0:1"), nil, false},
		{tcpAddr("[::]:1"), nil, false},
		{tcpAddr("192.0.2.1:1"), nil, false},
		{&net.TCPAddr{Port: 1}, nil, false},
		{tcpAddr("0.0.0.0:1"), auth, true},
	}
	for _, test := range tests {
		err := receiver.CheckExposure(test.addr, test.auth)
		if test.fine {
			require.NoError(t, err, test.addr)
			continue
		}
		require.ErrorContains(t, err, "--webhook-auth", test.addr)
		require.NotContains(t, err.Error(), "\n")
	}

	s := start(t, receiver.Options{Log: openLog(t)})
	require.Equal(t, 200, s.raw(t, post(placed)).StatusCode)
	require.Equal(t, 1, s.logged.FilterMessageSnippet("no credentials").Len())

	rc, err := receiver.New(receiver.Options{Log: openLog(t)})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	require.ErrorContains(t, rc.Serve(t.Context(), listener), "anyone could post")
	_, err = listener.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func tcpAddr(text string) net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		panic(err)
	}
	return addr
}

// selfSigned returns the configuration of a server with a certificate for 127.0.0.1, and the pool with which a
// client trusts it.
func selfSigned(tb testing.TB) (config *tls.Config, pool *x509.CertPool) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(tb, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	pool = x509.NewCertPool()
	pool.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}, pool
}

func TestHTTPSIsServedWithACertificate(t *testing.T) {
	config, pool := selfSigned(t)
	log := openLog(t)
	s := start(t, receiver.Options{Log: log, TLS: config, Auth: credentials(t, "api-key="+key)})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: patience}
	for _, test := range []struct {
		key    string
		status int
	}{{key, 200}, {"wrong", 401}} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+s.addr+order, strings.NewReader(placed))
		require.NoError(t, err)
		r.Header.Set("Api-Key", test.key)
		response, err := client.Do(r)
		require.NoError(t, err)
		require.Equal(t, test.status, checkReply(t, response).StatusCode)
		require.Equal(t, 1, response.ProtoMajor)
	}
	require.EqualValues(t, 1, lastSequence(t, log))

	conn := s.dial(t)
	_, err := io.WriteString(conn, post(placed))
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode, "plain HTTP on the HTTPS port")
	require.EqualValues(t, 1, lastSequence(t, log))
}

func TestInvalidOptionsAreRefused(t *testing.T) {
	log := failingLog(func() (uint64, error) { return 0, nil })
	taken := prometheus.NewRegistry()
	_, err := receiver.New(receiver.Options{Log: log, Metrics: taken})
	require.NoError(t, err)
	for name, o := range map[string]receiver.Options{
		"no log":                     {},
		"negative limit":             {Log: log, MaxWaiting: -1},
		"negative timeout":           {Log: log, ReadTimeout: -1},
		"empty credentials":          {Log: log, Auth: make([]receiver.Credentials, 1)},
		"metrics already registered": {Log: log, Metrics: taken},
	} {
		_, err := receiver.New(o)
		require.ErrorContains(t, err, "receiver: ", name)
	}
}

func TestMetricsCountEveryAnswer(t *testing.T) {
	log := openLog(t)
	registry := prometheus.NewRegistry()
	gate := gated(log)
	s := start(t, receiver.Options{Log: gate, Metrics: registry, Auth: credentials(t, "api-key="+key)})
	conn := s.dial(t)
	_, err := io.WriteString(conn, post(placed))
	require.NoError(t, err)
	<-gate.entered
	require.Equal(t, 1.0, gather(t, registry)["orderfold_receiver_waiting_requests"])
	close(gate.gate)
	readReply(t, bufio.NewReader(conn))
	s.raw(t, post("not JSON"))
	s.raw(t, request("POST "+order, placed))
	s.raw(t, request("POST /x", placed))
	s.health(t, "/healthz")
	s.health(t, "/readyz")
	got := gather(t, registry)
	require.Equal(t, map[string]float64{
		"orderfold_receiver_requests_total 200": 1, "orderfold_receiver_requests_total 400": 1,
		"orderfold_receiver_requests_total 401": 1, "orderfold_receiver_requests_total 404": 1,
		"orderfold_receiver_requests_total 405": 0, "orderfold_receiver_requests_total 413": 0,
		"orderfold_receiver_requests_total 500": 0, "orderfold_receiver_requests_total 503": 0,
		"orderfold_receiver_body_bytes":       float64(len(placed) + len("not JSON")),
		"orderfold_receiver_append_seconds":   got["orderfold_receiver_append_seconds"],
		"orderfold_receiver_waiting_requests": 0, "orderfold_receiver_waiting_bytes": 0,
	}, got)
	require.Positive(t, got["orderfold_receiver_append_seconds"])

	families, err := registry.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

// gather returns the value of each metric (the sum, for a histogram) by its name and code.
func gather(tb testing.TB, registry *prometheus.Registry) map[string]float64 {
	tb.Helper()
	families, err := registry.Gather()
	require.NoError(tb, err)
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	return values
}

func TestARefusalIsLoggedInOneLineWithoutSecrets(t *testing.T) {
	s := start(t, receiver.Options{Log: openLog(t), Auth: credentials(t, "api-key="+key)})
	const wrong = "wrong-but-secret"
	path := "/" + strings.Repeat("p", 1000)
	s.raw(t, post(placed))
	s.raw(t, request("POST "+path+"?token="+wrong, placed, "Api-Key: "+key, "Request-Id: r1"))
	s.raw(t, request("POST "+order, placed, "Api-Key: "+wrong, "Request-Id: r2"))
	lines := s.logged.All()
	require.Len(t, lines, 2)
	require.Equal(t, "refused: NOT_FOUND", lines[0].Message)
	require.Equal(t, path[:200], lines[0].ContextMap()["path"])
	require.Equal(t, "refused: UNAUTHORIZED", lines[1].Message)
	require.Equal(t, "r2", lines[1].ContextMap()["requestId"])
	require.Contains(t, lines[1].ContextMap()["remote"], "127.0.0.1:")
	for _, line := range lines {
		text := fmt.Sprint(line.Message, line.ContextMap())
		require.NotContains(t, text, key)
		require.NotContains(t, text, wrong)
	}
}

func TestAnAttackCannotFillTheDiskWithLogLines(t *testing.T) {
	config, _ := selfSigned(t)
	plain := start(t, receiver.Options{Log: openLog(t), Auth: credentials(t, "api-key="+key)})
	encrypted := start(t, receiver.Options{Log: openLog(t), TLS: config})
	for range 100 {
		plain.raw(t, request("POST "+order, placed))
		conn := encrypted.dial(t)
		_, err := io.WriteString(conn, "no TLS\r\n\r\n")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, conn)
	}
	// The limit is 20 lines in ten seconds; the hundred requests may span two such periods.
	require.InDelta(t, 30, plain.logged.FilterMessage("refused: UNAUTHORIZED").Len(), 10)
	require.InDelta(t, 30, encrypted.logged.FilterMessage("connection failed").Len(), 10)
}

func TestThePanicOfAHandlerIsLoggedWithItsStack(t *testing.T) {
	s := start(t, receiver.Options{Log: failingLog(func() (uint64, error) { panic(errors.New("a cause")) })})
	require.NotContains(t, s.raw(t, post(placed)).body, "a cause")
	lines := s.logged.FilterMessage("refused: INTERNAL").All()
	require.Len(t, lines, 1)
	require.Contains(t, lines[0].ContextMap()["error"], "failingLog")
}

var _ receiver.Log = (*eventlog.Log)(nil)
