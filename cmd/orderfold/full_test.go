package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// postCustomer posts a notification of some kilobytes and returns the answer.
func postCustomer(t testing.TB, p *process) (status int, body string) {
	t.Helper()
	response, err := http.Post(p.addrs["receiver"]+"/customer-notification", "application/json",
		strings.NewReader(`{"customerId":"c","text":"`+strings.Repeat("x", 8<<10)+`"}`))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// postUntilFull posts until a notification is refused, and returns the number of stored notifications.
func postUntilFull(t testing.TB, p *process) (stored int) {
	t.Helper()
	for status, body := postCustomer(t, p); ; status, body = postCustomer(t, p) {
		if status != http.StatusOK {
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Contains(t, body, "it is not stored")
			return stored
		}
		stored++
	}
}

// readiness requests /readyz from a listener of p.
func readiness(t testing.TB, p *process, listener string) (status int, members map[string]any) {
	t.Helper()
	response, err := http.Get(p.addrs[listener] + "/readyz")
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(&members))
	return response.StatusCode, members
}

// tidings is what a service reports about its log in each of its answers.
type tidings struct {
	Receiver     int  // status of its /readyz
	Accepts      bool // there
	API, Status  bool // acceptsNotifications
	Up, FullSoon bool // in the metrics
	LimitIs      int64
	DoctorFails  bool
	Reasons      []string
}

func tidingsOf(t *testing.T, p *process, data string) (n tidings) {
	t.Helper()
	var members map[string]any
	reason := func(m map[string]any) {
		if text, ok := m["reason"].(string); ok && text != "" {
			n.Reasons = append(n.Reasons, text)
		}
	}
	n.Receiver, members = readiness(t, p, "receiver")
	n.Accepts = members["acceptsNotifications"].(bool)
	reason(members)
	code, members := readiness(t, p, "api")
	require.Equal(t, http.StatusOK, code, "readers are served from a full log")
	n.API = members["acceptsNotifications"].(bool)
	reason(members)
	members = decoded[map[string]any](t, p.get("/v1/status"))
	n.Status = members["acceptsNotifications"].(bool)
	reason(members)
	log := members["log"].(map[string]any)
	n.LimitIs = int64(log["maxBytes"].(float64))
	require.InDelta(t, log["maxBytes"].(float64)-log["bytes"].(float64), log["bytesLeft"], 0)
	require.Positive(t, log["diskFreeBytes"])
	text := string(p.get("/metrics"))
	n.Up = strings.Contains(text, "\norderfold_log_up 1\n")
	require.Contains(t, text, "\norderfold_log_left_bytes ")
	n.FullSoon = strings.Contains(text, "\norderfold_log_full_timestamp_seconds ")
	_, results := examine(t, data)
	n.DoctorFails = results["log size"] == "fail"
	return n
}

func TestAFullLogIsReportedEverywhereAndItsLimitIsRaisedWithoutARestart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data, "--log-max-bytes", "100KiB"}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	require.Equal(t, tidings{Receiver: 200, Accepts: true, API: true, Status: true, Up: true, LimitIs: 100 << 10}, tidingsOf(t, p, data))

	stored := postUntilFull(t, p)
	require.Positive(t, stored)
	var full tidings
	eventually(t, "the receiver reports that it is full", func() bool {
		full = tidingsOf(t, p, data)
		return !full.Accepts
	})
	reasons := full.Reasons
	full.Reasons = nil
	require.Equal(t, tidings{Receiver: 503, LimitIs: 100 << 10, FullSoon: true, DoctorFails: true}, full)
	require.Len(t, reasons, 3)
	require.Contains(t, reasons[0], "the log is full")
	require.Contains(t, reasons[0], "orderfold log limit")
	require.Equal(t, []string{reasons[0], reasons[0]}, reasons[1:], "every answer contains the same reason")

	code, _, stderr := execute(t, nil, "log", "limit", "50KiB", "--data", data)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "too low")
	code, stdout, stderr := execute(t, nil, "log", "limit", "10MiB", "--data", data)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "of at most 10.0 MiB")
	status, body := postCustomer(t, p)
	require.Equal(t, http.StatusOK, status, "the next notification is stored: %s", body)
	eventually(t, "everything works again", func() bool {
		n := tidingsOf(t, p, data)
		n.FullSoon = false
		return n.Reasons == nil && n.Accepts && n.API && n.Status && n.Up && !n.DoctorFails && n.LimitIs == 10<<20
	})
	p.stop()

	// The flag still has the old value.
	p = start(t, []string{"receiver", "api", "log"}, args...)
	status, body = postCustomer(t, p)
	require.Equal(t, http.StatusOK, status, body)
	p.stop()
	code, _, stderr = execute(t, nil, "log", "limit", "1GiB", "--data", data)
	require.Equal(t, exitOK, code, "of a stopped service: %s", stderr)
}

func TestTheLimitOfALogOnASeparateServerIsRaisedByLogLimitAndByStreamEdit(t *testing.T) {
	t.Parallel()
	url := startNATS(t, t.TempDir())
	p := start(t, []string{"receiver", "metrics"}, "receiver", "--nats-url", url, "--data", filepath.Join(t.TempDir(), "data"),
		"--receiver-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--log-max-bytes", "100KiB")
	js := jetStreamAt(t, url)
	for name, raise := range map[string]func(bytes int64){
		"by orderfold log limit": func(bytes int64) {
			code, _, stderr := execute(t, nil, "log", "limit", sizeText(bytes), "--nats-url", url)
			require.Equal(t, exitOK, code, stderr)
		},
		"by nats stream edit": func(bytes int64) {
			stream, err := js.Stream(t.Context(), "NOTIFICATIONS")
			require.NoError(t, err)
			config := stream.CachedInfo().Config
			config.MaxBytes = bytes
			_, err = js.UpdateStream(t.Context(), config)
			require.NoError(t, err)
		},
	} {
		postUntilFull(t, p)
		eventually(t, "the receiver reports that it is full", func() bool {
			code, members := readiness(t, p, "receiver")
			return code == http.StatusServiceUnavailable && strings.Contains(members["reason"].(string), "the log is full")
		})
		stream, err := js.Stream(t.Context(), "NOTIFICATIONS")
		require.NoError(t, err)
		raise(stream.CachedInfo().Config.MaxBytes + 100<<10)
		status, body := postCustomer(t, p)
		require.Equal(t, http.StatusOK, status, "%s: %s", name, body)
		eventually(t, "the receiver accepts notifications", func() bool {
			code, _ := readiness(t, p, "receiver")
			return code == http.StatusOK
		})
	}
	p.stop()
}

func TestAReceiverReportsThatItsLogIsUnavailable(t *testing.T) {
	t.Parallel()
	server := launchNATS(t, t.TempDir())
	p := start(t, []string{"receiver"}, "receiver", "--nats-url", server.url, "--data", filepath.Join(t.TempDir(), "data"),
		"--receiver-addr", "127.0.0.1:0", "--webhook-auth", "api-key=s3cret")
	code, members := readiness(t, p, "receiver")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, map[string]any{"acceptsNotifications": true}, members)
	server.end(t, syscall.SIGKILL)
	eventually(t, "the receiver reports that the log is unavailable", func() bool {
		code, members = readiness(t, p, "receiver")
		return code == http.StatusServiceUnavailable
	})
	require.Equal(t, map[string]any{"acceptsNotifications": false}, members, "unauthorized callers do not get the reason")
	request, err := http.NewRequest(http.MethodGet, p.addrs["receiver"]+"/readyz", nil)
	require.NoError(t, err)
	request.Header.Set("Api-Key", "s3cret")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(&members))
	require.Contains(t, members["reason"], "unavailable")
}
