package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
)

var (
	sample     = regexp.MustCompile(`(?m)^([a-z_]+)[{ ]`)
	metricName = regexp.MustCompile(`\b(?:orderfold|go|process)_[a-z_]+\b`)
	alertName  = regexp.MustCompile(`\bOrderfold[A-Z][A-Za-z]+\b`)
)

// The metrics of a service with orders, faults and subscribers have good names, and include all metrics that the
// alerts, the dashboard and the pages use. clusterMetrics returns the metrics of a process that shares its duties
// with others.
func clusterMetrics(t *testing.T) string {
	t.Helper()
	p := start(t, []string{"receiver", "api"}, "serve", "--nats-url", startNATS(t, t.TempDir()), "--data", t.TempDir(), "--receiver-addr", "127.0.0.1:0",
		"--api-addr", "127.0.0.1:0", "--feed")
	return string(p.get("/metrics"))
}

func TestAlertsAndDashboardUseExistingMetrics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	require.NoError(t, os.WriteFile(keys, []byte("ops:operator:s3cret\n"), 0o600))
	p := start(t, []string{"receiver", "api"}, "serve", "--data", filepath.Join(dir, "data"), "--receiver-addr", "127.0.0.1:0",
		"--api-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0", "--feed", "--api-key-file", keys, "--verify-share", "1", "--verify-every", "50ms",
		"--platform-url", "http://127.0.0.1:1", "--platform-client-id", "nobody", "--platform-client-secret", "none") // a request that failed
	play(t, p.addrs["receiver"], "--orders", "20")
	code, body := p.request(http.MethodPost, "/v1/rebuilds?mode=dry-run", "s3cret")
	require.Equal(t, http.StatusAccepted, code, body)
	code, body = p.request(http.MethodPost, "/v1/subscribers?name=billing&stream=notifications", "s3cret")
	require.Equal(t, http.StatusOK, code, body)
	var text string
	eventually(t, "the views are verified", func() bool {
		_, body := p.request(http.MethodGet, "/metrics", "s3cret")
		text = string(body)
		return strings.Contains(text, "\norderfold_verified_sequence ")
	})
	p.stop()

	faults, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, faults)
	told := map[string]bool{}
	for _, m := range sample.FindAllStringSubmatch(text+clusterMetrics(t), -1) {
		told[m[1]] = true
	}
	require.Greater(t, len(told), 60)
	for name := range told {
		require.Regexp(t, `^(orderfold|go|process)_`, name)
	}
	for _, name := range []string{"alerts.yml", "alerts_test.yml", "grafana.json"} {
		page, err := os.ReadFile("../../docs/" + name)
		require.NoError(t, err)
		asked := metricName.FindAllString(string(page), -1)
		require.NotEmpty(t, asked)
		for _, metric := range asked {
			require.True(t, told[metric], "%s asks for %s, which nobody tells", name, metric)
		}
	}
	page, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	for name := range told {
		name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "orderfold_") {
			require.True(t, strings.Contains(string(page), "`"+name), "operating.md does not explain %s", name)
		}
	}
}

func TestEveryAlertIsTestedAndExplained(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		page, err := os.ReadFile("../../docs/" + name)
		require.NoError(t, err)
		return string(page)
	}
	rules, page := read("alerts.yml"), read("operating.md")
	alerts := regexp.MustCompile(`(?m)^ +- alert: (.+)$`).FindAllStringSubmatch(rules, -1)
	require.Greater(t, len(alerts), 10)
	known := map[string]bool{}
	for _, a := range alerts {
		known[a[1]] = true
		require.True(t, strings.Contains(page, "| `"+a[1]+"` |"), "operating.md does not say what to do about %s", a[1])
	}
	require.Equal(t, len(alerts), strings.Count(rules, "severity: "))
	require.Equal(t, len(alerts), strings.Count(rules, "summary: "))
	for _, text := range []string{page, read("alerts_test.yml")} {
		for _, name := range alertName.FindAllString(text, -1) {
			require.True(t, known[name], "there is no alert %s", name)
		}
	}
}

func TestTheGrafanaDashboardIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/grafana.json")
	require.NoError(t, err)
	type target struct {
		Expr       string
		RefID      string `json:"refId"`
		Datasource struct{ UID string }
	}
	var dashboard struct {
		UID, Title    string
		SchemaVersion int
		Templating    struct{ List []struct{ Name, Type string } }
		Panels        []struct {
			ID          int
			Type, Title string
			Description string
			GridPos     struct{ H, W, X, Y int }
			Targets     []target
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	require.Equal(t, "datasource", dashboard.Templating.List[0].Type)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, taken[at], "%s lies on another panel", p.Title)
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Description, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			require.Equal(t, "${datasource}", target.Datasource.UID, p.Title)
			require.Contains(t, target.Expr, `instance=~"$instance"`, p.Title)
			for _, pair := range []string{"()", "{}", "[]"} {
				require.Equal(t, strings.Count(target.Expr, pair[:1]), strings.Count(target.Expr, pair[1:]), target.Expr)
			}
		}
	}
}

func TestAChangedKeyFileTakesEffectWhileServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	write := func(text string) { // in one step, because the service may read the file at any time
		require.NoError(t, os.WriteFile(keys+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(keys+".new", keys))
	}
	write("# rotated in spring\na:reader:the-first-key\n")
	p := start(t, []string{"receiver", "api"}, "serve", "--data", filepath.Join(dir, "data"), "--receiver-addr", "127.0.0.1:0",
		"--api-addr", "127.0.0.1:0", "--nats-addr", "", "--api-key-file", keys, "--api-rate", "1000",
		"--api-cors-origin", "https://dashboard.example.com")
	status := func(key string) int {
		code, _ := p.request(http.MethodGet, "/v1/stats", key)
		return code
	}
	require.Equal(t, http.StatusOK, status("the-first-key"))
	write("a:reader:the-second-key\n")
	eventually(t, "the second key", func() bool { return status("the-second-key") == http.StatusOK })
	require.Equal(t, http.StatusUnauthorized, status("the-first-key"))
	write("a:reader:the-third-key\nb:king:s3cret\n")
	eventually(t, "the fault is reported", func() bool {
		_, text := p.request(http.MethodGet, "/metrics", "the-second-key")
		return strings.Contains(string(text), "orderfold_api_key_file_valid 0")
	})
	require.Equal(t, []int{200, 401}, []int{status("the-second-key"), status("the-third-key")})
	require.Contains(t, p.stderr.String(), "THE KEY FILE HAS A FAULT")
	p.stop()
	for _, secret := range []string{"the-first-key", "the-second-key", "the-third-key", "s3cret"} {
		require.NotContains(t, p.stderr.String(), secret)
	}

	code, _, stderr := execute(t, nil, "serve", "--data", filepath.Join(dir, "data"), "--receiver-addr", "127.0.0.1:0",
		"--api-addr", "127.0.0.1:0", "--nats-addr", "", "--api-key-file", keys)
	require.Equal(t, exitFailed, code)
	require.Contains(t, lastLine(stderr), "key file: line 2")
	require.NotContains(t, stderr, "s3cret")
	code, _, stderr = execute(t, []string{"ORDERFOLD_API_CORS_ORIGIN=*"}, "serve", "--data", filepath.Join(dir, "data"),
		"--receiver-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0", "--nats-addr", "")
	require.Equal(t, exitUsage, code)
	require.Contains(t, lastLine(stderr), "is not an origin")
}
