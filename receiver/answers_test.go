package receiver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

func itoa(n int) string { return strconv.Itoa(n) }

const maxBody = 64 << 10

func gzipped(tb testing.TB, text string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.String()
}

func TestTheReceiverAnswersEveryKindOfRequest(t *testing.T) {
	const auth = "Api-Key: " + key
	big := strings.Repeat("x", maxBody+1)
	tests := []struct {
		name   string
		text   string
		cut    bool
		status int
		kind   string
		allow  string
		stored bool
	}{
		{name: "a notification is stored", text: post(placed), status: 200, stored: true},
		{name: "a chunked notification is stored", stored: true, status: 200,
			text: chunked("POST "+order, "7\r\n{\"a\":1,\r\n6\r\n\"b\":2}\r\n0\r\n\r\n", auth)},
		{name: "any path prefix is accepted", stored: true, status: 200,
			text: request("POST /hooks/v1%20x/platform"+order+"?from=there", placed, auth)},
		{name: "a body as large as allowed is stored", stored: true, status: 200,
			text: post(`"` + strings.Repeat("x", maxBody-2) + `"`)},
		{name: "unknown members, statuses and number formats are stored", stored: true, status: 200,
			text: post(`{"orderId":17,"status":"BRAND_NEW","x":{"y":[1e400,-0.0,123456789012345678901234567890]}}`)},
		{name: "JSON that is not an object is stored", stored: true, status: 200, text: post(` [1,2] `)},
		{name: "repeated members and invalid UTF-8 are stored", stored: true, status: 200, text: post("{\"a\":1,\"a\":\"\xff\"}")},
		{name: "text that is not JSON is stored and refused", stored: true, status: 400, kind: "NOT_JSON", text: post("status=FILLED")},
		{name: "JSON followed by other text is stored and refused", stored: true, status: 400, kind: "NOT_JSON", text: post(placed + placed)},
		{name: "truncated JSON is stored and refused", stored: true, status: 400, kind: "NOT_JSON", text: post(placed[:20])},
		{name: "white space alone is stored and refused", stored: true, status: 400, kind: "NOT_JSON", text: post(" \r\n\t")},
		{name: "a compressed body is stored and refused", stored: true, status: 400, kind: "NOT_JSON",
			text: post(gzipped(t, placed), "Content-Encoding: gzip")},
		{name: "an empty body is refused", status: 400, kind: "EMPTY_BODY", text: post("")},
		{name: "an empty chunked body is refused", status: 400, kind: "EMPTY_BODY",
			text: chunked("POST "+order, "0\r\n\r\n", auth)},
		{name: "a body cut short is refused", cut: true, status: 400, kind: "CUT_SHORT",
			text: strings.TrimSuffix(post(placed), placed[10:])},
		{name: "a body of which no byte arrives is refused", cut: true, status: 400, kind: "CUT_SHORT",
			text: strings.TrimSuffix(post(placed), placed)},
		{name: "a chunked body cut short is refused", cut: true, status: 400, kind: "CUT_SHORT",
			text: chunked("POST "+order, "2\r\n{}\r\n", auth)},
		{name: "a body with an invalid chunk is refused", status: 400, kind: "CUT_SHORT",
			text: chunked("POST "+order, "zz\r\n{}\r\n0\r\n\r\n", auth)},
		{name: "a request without a key is refused", status: 401, kind: "UNAUTHORIZED", text: request("POST "+order, placed)},
		{name: "a wrong key is refused", status: 401, kind: "UNAUTHORIZED", text: request("POST "+order, placed, "Api-Key: wrong")},
		{name: "an empty key is refused", status: 401, kind: "UNAUTHORIZED", text: request("POST "+order, placed, "Api-Key:")},
		{name: "an unknown path is not found", status: 404, kind: "NOT_FOUND", text: request("POST /other-notification", placed, auth)},
		{name: "a trailing slash is ignored", status: 200, stored: true,
			text: request("POST "+order+"/", placed, auth)},
		{name: "a trailing slash after a prefixed path is ignored", status: 200, stored: true, text: request("POST /hooks"+order+"/?a=b", placed, auth)},
		{name: "several trailing slashes are ignored", status: 200, stored: true, text: request("POST "+order+"//", placed, auth)},
		{name: "a path of slashes alone is not found", status: 404, kind: "NOT_FOUND", text: request("POST ///", placed, auth)},
		{name: "an unknown path with a trailing slash is not found", status: 404, kind: "NOT_FOUND", text: request("POST /other-notification/", placed, auth)},
		{name: "JSON after a byte order mark is stored", stored: true, status: 200, text: post("\uFEFF" + placed)},
		{name: "a byte order mark alone is stored and refused", stored: true, status: 400, kind: "NOT_JSON", text: post("\uFEFF")},
		{name: "an event type in the middle of the path is not found", status: 404, kind: "NOT_FOUND",
			text: request("POST "+order+"/x", placed, auth)},
		{name: "an unknown path is not found without a key either", status: 404, kind: "NOT_FOUND", text: request("POST /", placed)},
		{name: "reading a notification is not allowed", status: 405, kind: "METHOD_NOT_ALLOWED", allow: "POST", text: request("GET "+order, "")},
		{name: "putting a notification is not allowed", status: 405, kind: "METHOD_NOT_ALLOWED", allow: "POST",
			text: request("PUT "+order, placed, auth)},
		{name: "the method is checked before the path", status: 405, kind: "METHOD_NOT_ALLOWED", allow: "POST", text: request("DELETE /other", "")},
		{name: "posting to the health check is not allowed", status: 405, kind: "METHOD_NOT_ALLOWED", allow: "GET, HEAD",
			text: request("POST /healthz", placed, auth)},
		{name: "a body with too large a Content-Length is refused", status: 413, kind: "TOO_LARGE", text: post(big)},
		{name: "the size is checked before the key", status: 413, kind: "TOO_LARGE", text: request("POST "+order, big)},
		{name: "a chunked body that becomes too large is refused", status: 413, kind: "TOO_LARGE",
			text: chunked("POST "+order, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big), auth)},
	}
	log := openLog(t)
	s := start(t, receiver.Options{Log: log, MaxBody: maxBody, Auth: credentials(t, "api-key="+key)})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := lastSequence(t, log)
			send := s.raw
			if test.cut {
				send = s.rawCut
			}
			a := send(t, test.text)
			require.Equal(t, test.status, a.StatusCode)
			require.Equal(t, test.kind, a.message.ResponseType)
			require.Equal(t, test.allow, a.Header.Get("Allow"))
			require.Empty(t, a.Header.Get("Retry-After"))
			if !test.stored {
				require.Equal(t, before, lastSequence(t, log), "nothing may be stored")
				require.Empty(t, a.Header.Get("Log-Sequence"))
				return
			}
			sequence := fmt.Sprint(before + 1)
			require.Equal(t, before+1, lastSequence(t, log))
			require.Equal(t, sequence, a.Header.Get("Log-Sequence"))
			if test.status != http.StatusOK {
				require.Contains(t, a.message.Message, "sequence "+sequence)
			}
		})
	}
}

func TestTheHealthCheckNeedsNoKey(t *testing.T) {
	s := start(t, receiver.Options{Log: openLog(t), Auth: credentials(t, "api-key="+key)})
	status, _ := s.health(t, "/healthz")
	require.Equal(t, http.StatusOK, status)
	response, err := http.Head("http://" + s.addr + "/healthz")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestAnswersToWrongCredentialsAreIdentical(t *testing.T) {
	s := start(t, receiver.Options{Log: openLog(t), Auth: credentials(t, "api-key=a,x-tenant=b", "api-key=c")})
	var bodies []string
	for _, headers := range [][]string{
		{}, {"Api-Key: a"}, {"X-Tenant: b"}, {"Api-Key: a", "X-Tenant: c"}, {"Api-Key: b", "X-Tenant: a"}, {"Api-Key: C"},
		{"Api-Key: " + strings.Repeat("a", 1000)}, {"Authorization: Bearer a"},
	} {
		a := s.raw(t, request("POST "+order, placed, append(headers, "Request-Id: same")...))
		require.Equal(t, http.StatusUnauthorized, a.StatusCode)
		a.Header.Del("Date")
		bodies = append(bodies, fmt.Sprint(a.Header, a.body))
	}
	for _, body := range bodies {
		require.Equal(t, bodies[0], body)
	}
	require.Equal(t, 200, s.raw(t, request("POST "+order, placed, "Api-Key: c")).StatusCode)
	require.Equal(t, 200, s.raw(t, request("POST "+order, placed, "x-tenant:  b ", "API-KEY: a")).StatusCode)
}

func TestTwoKeysAreAcceptedDuringARotation(t *testing.T) {
	log := openLog(t)
	statuses := func(s *service) (old, fresh int) {
		return s.raw(t, request("POST "+order, placed, "Api-Key: old")).StatusCode,
			s.raw(t, request("POST "+order, placed, "Api-Key: new")).StatusCode
	}
	for _, step := range []struct {
		entries    []string
		old, fresh int
	}{
		{[]string{"api-key=old"}, 200, 401},
		{[]string{"api-key=old", "api-key=new"}, 200, 200},
		{[]string{"api-key=new"}, 401, 200},
	} {
		s := start(t, receiver.Options{Log: log, Auth: credentials(t, step.entries...)})
		old, fresh := statuses(s)
		require.Equal(t, step.old, old)
		require.Equal(t, step.fresh, fresh)
		require.NoError(t, s.stop())
	}
}

func TestAClientThatSendsTheWholeBodyBeforeItReadsGetsTheRefusal(t *testing.T) {
	const size = 3 << 20
	log := openLog(t)
	body := strings.Repeat("x", size)
	var chunks strings.Builder
	for rest := body; rest != ""; rest = rest[1<<16:] {
		fmt.Fprintf(&chunks, "%x\r\n%s\r\n", 1<<16, rest[:1<<16])
	}
	chunks.WriteString("0\r\n\r\n")
	tests := []struct {
		name    string
		maxBody int64
		text    string
		status  int
	}{
		{"too large by its Content-Length", 1 << 20, post(body), 413},
		{"too large when chunked", 1 << 20, chunked("POST "+order, chunks.String(), "Api-Key: "+key), 413},
		{"without a key", 4 << 20, request("POST "+order, body), 401},
		{"chunked and without a key", 4 << 20, chunked("POST "+order, chunks.String()), 401},
		{"to an unknown path", 1 << 20, request("POST /other", body), 404},
		{"with a wrong method", 1 << 20, request("PUT "+order, body), 405},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, receiver.Options{Log: log, MaxBody: test.maxBody, Auth: credentials(t, "api-key="+key)})
			conn := s.dial(t)
			require.NoError(t, conn.SetWriteBuffer(64<<10)) // otherwise the kernel buffers the whole body even if the receiver does not read it
			_, err := io.WriteString(conn, test.text)
			require.NoError(t, err)
			require.Equal(t, test.status, readReply(t, bufio.NewReader(conn)).StatusCode)
		})
	}
	require.Zero(t, lastSequence(t, log))
}

func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	tests := []struct {
		name   string
		head   string
		status int
	}{
		{"too large by its Content-Length", strings.TrimSuffix(post(strings.Repeat("x", 2000)), "x"), 413},
		{"far too large", "POST " + order + " HTTP/1.1\r\nHost: receiver\r\nApi-Key: " + key + "\r\nContent-Length: 99999999999\r\n\r\n", 413},
		{"too large in chunks without an end", chunked("POST "+order, fmt.Sprintf("7d0\r\n%s\r\n", strings.Repeat("x", 2000)), "Api-Key: "+key), 413},
		{"without a key", strings.TrimSuffix(request("POST "+order, placed), placed[1:]), 401},
		{"chunked and without a key", chunked("POST "+order, "1\r\n{\r\n"), 401},
		{"to an unknown path", strings.TrimSuffix(request("POST /other", placed), placed), 404},
		{"with a wrong method", strings.TrimSuffix(request("PUT "+order, placed), placed), 405},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			log := openLog(t)
			// With this timeout, an answer that waited for the body would come after the deadline of
			// the connection.
			s := start(t, receiver.Options{Log: log, MaxBody: 1000, ReadTimeout: 2 * patience,
				Auth: credentials(t, "api-key="+key)})
			conn := s.dial(t)
			_, err := io.WriteString(conn, test.head)
			require.NoError(t, err)
			r := bufio.NewReader(conn)
			require.Equal(t, test.status, readReply(t, r).StatusCode)
			require.NoError(t, conn.CloseWrite())
			_, err = r.ReadByte()
			require.ErrorIs(t, err, io.EOF, "the rest of the body must not be read as a request")
			require.Zero(t, lastSequence(t, log))
		})
	}
}

func TestABodyThatArrivesTooLateIsNotReadAsARequest(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	s := start(t, receiver.Options{Log: log, ReadTimeout: shortTime, Auth: credentials(t, "api-key="+key)})
	conn := s.dial(t)
	_, err := io.WriteString(conn, strings.TrimSuffix(request("POST "+order, post(placed)), post(placed)))
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	require.Equal(t, http.StatusUnauthorized, readReply(t, r).StatusCode)
	_, err = r.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	_, _ = io.WriteString(conn, post(placed)) // the body, which looks like a request; the connection may be gone already
	_, err = r.ReadByte()
	require.Error(t, err)
	require.Zero(t, lastSequence(t, log))
}

func TestAConnectionRemainsUsableAfterARefusal(t *testing.T) {
	s := start(t, receiver.Options{Log: openLog(t), Auth: credentials(t, "api-key="+key)})
	conn := s.dial(t)
	r := bufio.NewReader(conn)
	for _, step := range []struct {
		text   string
		status int
	}{
		{request("POST "+order, placed), 401}, {post("not JSON"), 400}, {request("POST /x", placed), 404}, {post(placed), 200},
	} {
		_, err := io.WriteString(conn, step.text)
		require.NoError(t, err)
		require.Equal(t, step.status, readReply(t, r).StatusCode)
	}
}

func TestTheReceiverSends100ContinueOnlyAfterTheChecks(t *testing.T) {
	s := start(t, receiver.Options{Log: openLog(t), Auth: credentials(t, "api-key="+key)})
	head := func(headers ...string) string {
		return strings.TrimSuffix(request("POST "+order, placed, append(headers, "Expect: 100-continue")...), placed)
	}
	require.Equal(t, 401, s.raw(t, head()).StatusCode)

	conn := s.dial(t)
	_, err := io.WriteString(conn, head("Api-Key: "+key))
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	_, err = r.ReadString('\n')
	require.NoError(t, err)
	_, err = io.WriteString(conn, placed)
	require.NoError(t, err)
	require.Equal(t, 200, readReply(t, r).StatusCode)
}

func TestANotificationThatTheLogDoesNotConfirmIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		log    func(testing.TB) receiver.Log
		status int
		kind   string
		retry  string
	}{
		{"the log is stopped", func(tb testing.TB) receiver.Log {
			log := openLog(tb)
			require.NoError(tb, log.Close())
			return log
		}, 503, "LOG_UNAVAILABLE", retryAfter},
		{"the log is too slow", func(tb testing.TB) receiver.Log { return gated(openLog(tb)) }, 503, "LOG_UNAVAILABLE", retryAfter},
		{"the log is full", func(testing.TB) receiver.Log {
			return failingLog(func() (uint64, error) { return 0, fmt.Errorf("full: %w", eventlog.ErrUnavailable) })
		}, 503, "LOG_UNAVAILABLE", retryAfter},
		{"the log returns an unknown error", func(testing.TB) receiver.Log {
			return failingLog(func() (uint64, error) { return 0, errors.New("new") })
		}, 503, "LOG_UNAVAILABLE", retryAfter},
		{"the log will never accept the record", func(tb testing.TB) receiver.Log {
			log, err := eventlog.Open(tb.Context(), eventlog.Options{Dir: tb.TempDir(), MayCreate: true, MaxRecord: 1})
			require.NoError(tb, err)
			tb.Cleanup(func() { require.NoError(tb, log.Close()) })
			return log
		}, 500, "NOT_STORED", ""},
		{"the log panics", func(testing.TB) receiver.Log {
			return failingLog(func() (uint64, error) { panic("a fault") })
		}, 500, "INTERNAL", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, receiver.Options{Log: test.log(t), AppendTimeout: shortTime, MaxWaiting: 1})
			for range 2 { // the second request takes the place that the first one released
				a := s.raw(t, post(`"`+strings.Repeat("x", 500<<10)+`"`))
				require.Equal(t, test.status, a.StatusCode)
				require.Equal(t, test.kind, a.message.ResponseType)
				require.Equal(t, test.retry, a.Header.Get("Retry-After"))
				require.Empty(t, a.Header.Get("Log-Sequence"))
			}
		})
	}
}
