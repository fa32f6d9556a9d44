package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireReason requires that a process that ended printed the reason.
func requireReason(t testing.TB, p *process) {
	t.Helper()
	require.Equal(t, exitFailed, p.cmd.ProcessState.ExitCode(), "%s", p.stderr)
	require.NotEmpty(t, lastLine(p.stderr.String()))
	t.Logf("ended: %s", lastLine(p.stderr.String()))
}

func streamFiles(t testing.TB, data, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "nats/jetstream/*/streams/NOTIFICATIONS/msgs", pattern))
	require.NoError(t, err)
	require.NotEmpty(t, found, pattern)
	return found
}

// blocks returns the files of the records, of which there are fewer than ten.
func blocks(t testing.TB, data string) []string { return streamFiles(t, data, "*.blk") }

func removeIndex(t testing.TB, data string) {
	t.Helper()
	require.NoError(t, os.Remove(streamFiles(t, data, "index.db")[0]))
}

func removeViews(t testing.TB, data string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(data, "views")))
}

func edit(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, change(text), 0o600))
}

func last(list []string) string { return list[len(list)-1] }

// operatorURL returns the URL at which the embedded log of a running service can be read.
func operatorURL(t testing.TB, data string) string {
	t.Helper()
	url, err := os.ReadFile(filepath.Join(data, "operator.url"))
	require.NoError(t, err)
	return strings.TrimSpace(string(url))
}

func requireCaughtUp(t testing.TB, api *process, last uint64) {
	t.Helper()
	at := strconv.FormatUint(last, 10)
	eventually(t, "the views are at "+at, func() bool {
		code, _, _ := api.ask("/v1/stats?minSequence=" + at)
		return code == 200
	})
}
