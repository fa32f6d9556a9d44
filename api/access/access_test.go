package access_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/api/access"
)

func key(t testing.TB, text string) access.Key {
	k, err := access.ParseKey(text)
	require.NoError(t, err)
	return k
}

func TestChangesOfAKeyFileAreApplied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	core, lines := observer.New(zap.DebugLevel)
	registry := prometheus.NewRegistry()
	write("\uFEFFmarked:reader:by-an-editor\n")
	_, keys, err := access.OpenKeyFile(path, nil, zap.New(core), prometheus.NewRegistry())
	require.NoError(t, err)
	require.Equal(t, []access.Key{key(t, "marked:reader:by-an-editor")}, keys, "a byte order mark is not part of a key")
	write("# ours\n\n  a:reader:one#two \r\nb:operator:s:t\n")
	file, keys, err := access.OpenKeyFile(path, []access.Key{key(t, "fixed:reader:f")}, zap.New(core), registry)
	require.NoError(t, err)
	require.Equal(t, []access.Key{key(t, "fixed:reader:f"), key(t, "a:reader:one#two"), key(t, "b:operator:s:t")}, keys)

	var replaced [][]access.Key
	replace := func(keys []access.Key) error {
		replaced = append(replaced, keys)
		return nil
	}
	refresh := func() (calls int, valid float64) {
		replaced = nil
		for range 3 {
			file.Refresh(replace)
		}
		families, err := registry.Gather()
		require.NoError(t, err)
		require.Equal(t, "orderfold_api_key_file_valid", families[0].GetName())
		return len(replaced), families[0].GetMetric()[0].GetGauge().GetValue()
	}
	wants := func(wantCalls int, wantValid float64, what string) {
		t.Helper()
		calls, valid := refresh()
		require.Equal(t, wantCalls, calls, what)
		require.Equal(t, wantValid, valid, what)
	}
	wants(0, 1, "the file has not changed")

	write("a:reader:half-a-secr")
	file.Refresh(replace)
	require.Empty(t, replaced, "the file may still be incomplete")
	write("c:reader:secret-three\n")
	wants(1, 1, "a change is applied once")
	require.Equal(t, []access.Key{key(t, "fixed:reader:f"), key(t, "c:reader:secret-three")}, replaced[0])

	for _, broken := range []string{"c:reader:secret-three\nc:boss:secret-four\n", "secret-five", "a:reader:x\nb:reader:x\n", "a:reader:f",
		strings.Repeat("#", 1<<20+1)} {
		write(broken)
		wants(0, 0, "an invalid file changes nothing: "+broken[:8])
	}
	require.NoError(t, os.Remove(path))
	wants(0, 0, "a missing file changes nothing")
	write("c:reader:secret-three\n")
	wants(0, 1, "the file contains the keys in force again")
	require.NoError(t, os.Chmod(path, 0o604))
	write("d:reader:secret-six\n")
	wants(1, 1, "a repaired file is applied")

	require.Len(t, lines.FilterLevelExact(zap.ErrorLevel).All(), 6, "each fault is logged once")
	require.Len(t, lines.FilterMessageSnippet("every user of this machine").All(), 1)
	for _, line := range lines.All() {
		require.NotContains(t, fmt.Sprint(line.Message, line.ContextMap()), "secret-")
	}
	require.Contains(t, fmt.Sprint(lines.FilterLevelExact(zap.ErrorLevel).All()[0].ContextMap()), "line 2")
}

func TestAnInvalidKeyFileCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"line 1": "a:reader", "contains no key": "# none\n", "the same secret": "a:reader:x\nb:reader:x"} {
		path := filepath.Join(dir, "keys")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, _, err := access.OpenKeyFile(path, nil, zap.NewNop(), prometheus.NewRegistry())
		require.ErrorContains(t, err, name)
	}
	_, _, err := access.OpenKeyFile(filepath.Join(dir, "none"), nil, zap.NewNop(), prometheus.NewRegistry())
	require.ErrorContains(t, err, "no such file")
	_, _, err = access.OpenKeyFile(dir, nil, zap.NewNop(), prometheus.NewRegistry())
	require.Error(t, err)
}

func TestCallersAreRememberedInBoundedMemory(t *testing.T) {
	remembered, wait := access.Remembered(5 * access.MaxCallers)
	require.LessOrEqual(t, remembered, 2*access.MaxCallers)
	require.Positive(t, wait("often"), "a caller that keeps sending requests is not forgotten")
	require.Zero(t, wait("10.0.0.0"), "a caller that has been idle for long is forgotten")
	require.Equal(t, "192.0.2.1", access.CallerOf(access.Key{}, "[::ffff:192.0.2.1]:80"))
	require.Equal(t, "2001:db8:1:2::/64", access.CallerOf(access.Key{}, "[2001:db8:1:2:3::9]:80"))
	require.Equal(t, "key a", access.CallerOf(key(t, "a:reader:x"), "192.0.2.1:80"))
	require.Equal(t, "@", access.CallerOf(access.Key{}, "@"))
}
