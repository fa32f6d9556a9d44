package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthReportsWhetherAServiceIsReady(t *testing.T) {
	t.Parallel()
	url := startNATS(t, t.TempDir())
	views := filepath.Join(t.TempDir(), "views")
	api := start(t, []string{"api"}, "api", "--nats-url", url, "--views", views, "--api-addr", "127.0.0.1:0")
	code, stdout, stderr := execute(t, nil, "health", "--api-url", api.addrs["api"])
	require.Equal(t, 1, code, "nothing has been projected")
	require.Empty(t, stdout)
	require.Contains(t, stderr, "answers 503")

	start(t, []string{"metrics"}, "projector", "--nats-url", url, "--views", views, "--metrics-addr", "127.0.0.1:0")
	eventually(t, "the views are ready", func() bool {
		code, stdout, _ = execute(t, nil, "health", "--api-url", api.addrs["api"])
		return code == 0
	})
	require.Equal(t, "ready\n", stdout)
}

func TestHealthExitsWithOneAfterEveryFailure(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing listens":                         {[]string{"--api-url", gone.URL}, "nothing answers"},
		"something else answers":                  {[]string{"--api-url", other.URL}, "answers 404"},
		"the address is not a URL":                {[]string{"--url", "http://[::1"}, "must be an address"},
		"a flag is wrong":                         {[]string{"--no-such-flag"}, "no-such-flag"},
		"there is an argument":                    {[]string{"http://127.0.0.1"}, "argument"},
		"the address has no scheme":               {[]string{"--url", "127.0.0.1:8081"}, "--url"},
		"the answer contains a control character": {[]string{"--url", controlling(t)}, `\x1b`},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := execute(t, nil, append([]string{"health"}, c.args...)...)
			require.Equal(t, 1, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.want)
			require.NotContains(t, stderr, "\x1b")
		})
	}
}

// controlling returns the address of a server whose answer contains control characters for a terminal.
func controlling(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "\x1b[31mred", http.StatusServiceUnavailable)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAVariableMayNameAFileThatContainsTheValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(content string) string {
		path := filepath.Join(dir, "value")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	for name, c := range map[string]struct {
		content string
		environ []string // after the variable that names the file
		code    int
		want    string
	}{
		"a value with a line feed":          {"json\n", nil, 0, "{"},
		"a value after a byte order mark":   {"\ufeffjson", nil, 0, "{"},
		"a value that the flag refuses":     {"yaml", nil, exitUsage, "yaml"},
		"a file of more than 64 KiB":        {strings.Repeat("x", maxValue+1), nil, exitUsage, "more than 65536 bytes"},
		"a file beside the variable itself": {"json", []string{"ORDERFOLD_FORMAT=text"}, exitUsage, "not both"},
		"a missing file":                    {"json", []string{"ORDERFOLD_FORMAT_FILE=" + dir + "/none"}, exitUsage, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			environ := append([]string{"ORDERFOLD_FORMAT_FILE=" + file(c.content)}, c.environ...)
			code, stdout, stderr := execute(t, environ, "states")
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stdout+stderr, c.want)
		})
	}
}

func TestAFileForARepeatableFlagHasOneValuePerLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "webhook-auth")
	require.NoError(t, os.WriteFile(path, []byte("api-key=first\r\napi-key=second\n"), 0o600))
	p := &program{environ: []string{"ORDERFOLD_WEBHOOK_AUTH_FILE=" + path}}
	var s settings
	_, err := p.flags("serve", "", nil, s.registerAll)
	require.NoError(t, err)
	credentials, err := s.receiver.credentials()
	require.NoError(t, err)
	require.Len(t, credentials, 2)
	require.Equal(t, []string{"api-key=first", "api-key=second"}, s.receiver.auth.values)
}
