package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// examine runs doctor and returns its findings by check.
func examine(t *testing.T, data string) (code int, results map[string]string) {
	code, stdout, stderr := execute(t, nil, "doctor", "--json", "--data", data)
	var findings []finding
	require.NoError(t, json.Unmarshal([]byte(stdout), &findings), "%s", stderr)
	results = map[string]string{}
	for _, f := range findings {
		require.NotEmpty(t, f.Detail)
		if results[f.Check] == "" || f.Result != "ok" {
			results[f.Check] = f.Result
		}
	}
	return code, results
}

func TestDoctorReportsEveryFault(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	requireExpected(t, p, play(t, p.addrs["receiver"], "--orders", "10"))
	p.subscribers("add", "billing", "--stream", "notifications")
	well := map[string]string{"permissions": "ok", "disk space": "ok", "views": "ok", "lock": "ok", "sync": "ok", "log size": "ok",
		"bounds": "ok", "whole log": "ok", "position": "ok", "lag": "ok", "clock": "ok"}
	code, results := examine(t, data)
	require.Equal(t, well, results, "a running service")
	require.Equal(t, 0, code)
	p.stop()
	code, results = examine(t, data)
	require.Equal(t, well, results, "a stopped one")
	require.Equal(t, 0, code)

	for _, secret := range []string{"credentials.json", "subscribers/billing.url"} {
		require.NoError(t, os.Chmod(filepath.Join(data, secret), 0o644))
		code, results = examine(t, data)
		require.Equal(t, "fail", results["permissions"], secret)
		require.Equal(t, 2, code)
		require.NoError(t, os.Chmod(filepath.Join(data, secret), 0o600))
	}

	require.NoError(t, os.Rename(filepath.Join(data, "views"), filepath.Join(data, "views-away")))
	code, results = examine(t, data)
	require.Equal(t, "warn", results["views"])
	require.Equal(t, 1, code)
	require.NoError(t, os.Rename(filepath.Join(data, "views-away"), filepath.Join(data, "views")))

	require.NoError(t, os.RemoveAll(filepath.Join(data, "nats")))
	require.NoError(t, os.RemoveAll(filepath.Join(data, "nats-kept")))
	require.NoError(t, os.Rename(filepath.Join(data, "views"), filepath.Join(data, "views-away")))
	fresh := start(t, []string{"receiver", "log"}, "receiver", "--data", data, "--receiver-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0")
	fresh.stop()
	require.NoError(t, os.Rename(filepath.Join(data, "views-away"), filepath.Join(data, "views")))
	code, results = examine(t, data)
	require.Equal(t, "fail", results["position"], "another log is in its place")
	require.Equal(t, 2, code)

	code, _, stderr := execute(t, nil, "doctor", "--data", filepath.Join(data, "none"))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "something is wrong")
}
