package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	copierKey = "0123456789abcdef0123456789abcdef"
	readerKey = "fedcba9876543210fedcba9876543210"
)

// readingMachine is a projector and an API over views of their own.
type readingMachine struct{ projector, api *process }

func startReading(t *testing.T, url string, more ...string) readingMachine {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "views")
	projector := start(t, nil, append([]string{"projector", "--nats-url", url, "--views", folder}, more...)...)
	api := start(t, []string{"api"}, "api", "--nats-url", url, "--views", folder, "--api-addr", "127.0.0.1:0",
		"--api-key", "c:operator:"+copierKey, "--api-key", "r:reader:"+readerKey)
	api.key = readerKey
	return readingMachine{projector, api}
}

// requireSame requires that both machines list the same orders, with the whole log folded.
func requireSame(t *testing.T, first, second readingMachine, orders int) {
	t.Helper()
	eventually(t, "both machines are ready", func() bool { return first.api.isReady() && second.api.isReady() })
	status := decoded[statusAnswer](t, first.api.get("/v1/status"))
	eventually(t, "both machines have folded the whole log", func() bool {
		return decoded[statusAnswer](t, second.api.get("/v1/status")).AppliedSequence >= status.Log.LastSequence
	})
	list := string(first.api.get("/v1/orders?format=ndjson"))
	require.Equal(t, orders, strings.Count(list, "\n"))
	require.Equal(t, list, string(second.api.get("/v1/orders?format=ndjson")))
}

func TestANewMachineBeginsWithTheViewsOfAnother(t *testing.T) {
	t.Parallel()
	server := launchNATS(t, t.TempDir())
	receiver := start(t, []string{"receiver"}, "receiver", "--nats-url", server.url, "--data", t.TempDir(), "--receiver-addr", "127.0.0.1:0")
	first := startReading(t, server.url)
	play(t, receiver.addrs["receiver"], "--orders", "300", "--seed", "5")
	last := decoded[statusAnswer](t, first.api.get("/v1/status")).Log.LastSequence
	eventually(t, "the first machine has folded all", func() bool {
		return decoded[statusAnswer](t, first.api.get("/v1/status")).AppliedSequence >= last
	})
	second := startReading(t, server.url, "--views-from", first.api.addrs["api"], "--views-from-key", copierKey,
		"--verify-every", "50ms", "--verify-share", "1")
	requireSame(t, first, second, 300)
	eventually(t, "the copy is verified against the log", func() bool {
		verified := decoded[struct{ VerifiedSequence *uint64 }](t, second.api.get("/v1/status")).VerifiedSequence
		return verified != nil && *verified >= last
	})
	require.Contains(t, second.projector.stderr.String(), "the views of another machine were copied")
	require.NotContains(t, second.projector.stderr.String(), copierKey)

	play(t, receiver.addrs["receiver"], "--orders", "50", "--seed", "6")
	requireSame(t, first, second, 350)
}

func TestANewMachineFoldsTheLogIfItCannotCopy(t *testing.T) {
	t.Parallel()
	server := launchNATS(t, t.TempDir())
	receiver := start(t, []string{"receiver"}, "receiver", "--nats-url", server.url, "--data", t.TempDir(), "--receiver-addr", "127.0.0.1:0")
	play(t, receiver.addrs["receiver"], "--orders", "40", "--seed", "5")
	first := startReading(t, server.url)

	otherServer := launchNATS(t, t.TempDir())
	otherReceiver := start(t, []string{"receiver"}, "receiver", "--nats-url", otherServer.url, "--data", t.TempDir(), "--receiver-addr", "127.0.0.1:0")
	play(t, otherReceiver.addrs["receiver"], "--orders", "40", "--seed", "8")
	other := startReading(t, otherServer.url)
	eventually(t, "the views of the other log exist", other.api.isReady)
	eventually(t, "the views of this log exist", first.api.isReady)

	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	t.Cleanup(page.Close)
	for name, test := range map[string]struct {
		from, key, says string
	}{
		"the other machine does not answer": {"http://127.0.0.1:1", copierKey, "does not answer"},
		"the key is that of a reader":       {first.api.addrs["api"], readerKey, "Changes need a key of the role operator"},
		"the key is wrong":                  {first.api.addrs["api"], strings.Repeat("x", 32), "A valid API key is required"},
		"the views are of another log":      {other.api.addrs["api"], copierKey, "it belongs to the log"},
		"the answer is a web page":          {page.URL, copierKey, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			second := startReading(t, server.url, "--views-from", test.from, "--views-from-key", test.key)
			requireSame(t, first, second, 40)
			said := second.projector.stderr.String()
			require.Contains(t, said, "the log is folded instead")
			require.Contains(t, said, test.says)
			require.NotContains(t, said, test.key)
		})
	}
}

func TestViewsFromIsCheckedBeforeAnythingIsOpened(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--views-from", "no URL"},
		{"--views-from", "http://user:password@127.0.0.1:8081"},
		{"--views-from-key", "k"},
		{"--views-from", "https://127.0.0.1:8081", "--views-from-ca", filepath.Join(t.TempDir(), "missing")},
	} {
		code, _, said := execute(t, nil, append([]string{"projector", "--nats-url", "nats://127.0.0.1:1", "--views", t.TempDir()}, args...)...)
		require.Equal(t, exitUsage, code, said)
		require.Contains(t, said, "--views-from")
		require.NotContains(t, said, "password@")
	}
}
