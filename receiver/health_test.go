package receiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

// health requests a path of the receiver. headers alternates names and values.
func (s *service) health(tb testing.TB, path string, headers ...string) (status int, body map[string]any) {
	tb.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+s.addr+path, nil)
	require.NoError(tb, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(tb, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(text, &body), "%s", text)
	return response.StatusCode, body
}

func TestReadyzReportsWhetherNotificationsAreAccepted(t *testing.T) {
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: t.TempDir(), MayCreate: true, MaxBytes: 64 << 10})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	s := start(t, receiver.Options{Log: log, Auth: credentials(t, "api-key="+key)})
	status, body := s.health(t, "/readyz")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"acceptsNotifications": true}, body)

	large := `"` + strings.Repeat("x", 8<<10) + `"`
	var refused reply
	for refused = s.raw(t, post(large)); refused.StatusCode == http.StatusOK; refused = s.raw(t, post(large)) {
	}
	require.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
	require.Contains(t, refused.message.Message, "is not stored")
	require.NotContains(t, refused.message.Message, "or not")

	accepts := func(headers ...string) (status int, body map[string]any) {
		require.Eventually(t, func() bool { // the last answer of the log is reused for a moment
			status, body = s.health(t, "/readyz", headers...)
			return body["acceptsNotifications"] == false
		}, patience, time.Millisecond)
		return status, body
	}
	status, body = accepts("Api-Key", key)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body["reason"], "the log is full")
	for _, headers := range [][]string{nil, {"Api-Key", "wrong"}} {
		status, body = accepts(headers...)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, map[string]any{"acceptsNotifications": false}, body, "a caller without credentials does not get the reason")
	}
	status, body = s.health(t, "/healthz")
	require.Equal(t, http.StatusOK, status, "a full log is no reason to kill the process")
	require.Equal(t, map[string]any{"alive": true}, body)

	require.NoError(t, log.SetLimit(t.Context(), 1<<20))
	require.Equal(t, http.StatusOK, s.raw(t, post(large)).StatusCode)
	require.Eventually(t, func() bool {
		status, _ := s.health(t, "/readyz")
		return status == http.StatusOK
	}, patience, time.Millisecond)
}

// Whatever the cause, the answer distinguishes a record that is not in the log from one that may be.
func TestTheAnswerReportsWhetherTheNotificationIsStored(t *testing.T) {
	const notStored, unknown = "it is not stored", "it may or may not be stored"
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"the server refused it":     {fmt.Errorf("%w: %w: limits", eventlog.ErrUnavailable, eventlog.ErrNotAppended), notStored},
		"the server did not answer": {fmt.Errorf("%w: silence", eventlog.ErrUnavailable), unknown},
		"another error":             {io.ErrUnexpectedEOF, unknown},
		"the record was never sent": {fmt.Errorf("crowded: %w", eventlog.ErrNotAppended), notStored},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, receiver.Options{Log: failingLog(func() (uint64, error) { return 0, test.err })})
			require.Contains(t, s.raw(t, post(placed)).message.Message, test.want)
		})
	}
}

// countingLog counts the calls of Refuses.
type countingLog struct {
	receiver.Log
	asked atomic.Int64
}

func (l *countingLog) Refuses(ctx context.Context) error {
	l.asked.Add(1)
	return l.Log.Refuses(ctx)
}

func TestManyReadinessRequestsCauseFewQuestionsToTheLog(t *testing.T) {
	log := &countingLog{Log: openLog(t)}
	s := start(t, receiver.Options{Log: log})
	began, requests := time.Now(), int64(200)
	for range requests {
		status, _ := s.health(t, "/readyz")
		require.Equal(t, http.StatusOK, status)
	}
	require.LessOrEqual(t, log.asked.Load(), 1+time.Since(began).Milliseconds()/250)
}
