//go:build compose

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

const (
	composeReceiver = "http://127.0.0.1:8080"
	composeAPI      = "http://127.0.0.1:8081"
)

var (
	composeServices         = []string{"nats", "receiver", "projector", "api"}
	composeServers          = []string{"nats-a", "nats-b", "nats-c"}
	composeClusterReceivers = []string{"http://127.0.0.1:8180", "http://127.0.0.1:8280"}
	composeClusterAPIs      = []string{"http://127.0.0.1:8181", "http://127.0.0.1:8281"}
)

// composeSite is a copy of the files that docker-compose.yml needs, with secrets of its own, and its containers.
type composeSite struct {
	t   *testing.T
	dir string
}

// newCompose copies the files that docker-compose.yml needs, and makes the secrets. It needs the binaries in bin.
func newCompose(t *testing.T, options ...string) *composeSite {
	t.Helper()
	s := &composeSite{t, filepath.Join(t.TempDir(), "site")}
	require.NoError(t, os.Mkdir(s.dir, 0o700))
	for _, name := range []string{"docker-compose.yml", ".dockerignore", "contrib", "bin"} {
		out, err := exec.Command("cp", "-r", filepath.Join("../..", name), s.dir).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	out, err := exec.Command(filepath.Join(s.dir, "contrib/compose/make-secrets"), options...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.compose("logs", "--tail", "40"))
		}
		s.compose("--profile", "cluster", "down", "--volumes", "--rmi", "local", "--timeout", "20")
	})
	return s
}

func (s *composeSite) compose(args ...string) string {
	c := exec.Command("docker-compose", append([]string{"--project-name", "orderfold-test"}, args...)...)
	c.Dir = s.dir
	out, err := c.CombinedOutput()
	require.NoError(s.t, err, "docker-compose %s: %s", strings.Join(args, " "), out)
	return string(out)
}

// container is the engine's description of the container of a service.
type container struct {
	State struct {
		Status   string
		ExitCode int
		Health   struct{ Status string }
	}
	Config     struct{ User string }
	HostConfig struct {
		ReadonlyRootfs       bool
		SecurityOpt, CapDrop []string
	}
	raw string
}

func (s *composeSite) inspect(service string) (c container) {
	s.t.Helper()
	out, err := exec.Command("docker", "inspect", "orderfold-test_"+service+"_1").Output()
	require.NoError(s.t, err)
	var found []container
	require.NoError(s.t, json.Unmarshal(out, &found))
	require.Len(s.t, found, 1)
	found[0].raw = string(out)
	return found[0]
}

func (s *composeSite) awaitHealthy(service string) {
	s.t.Helper()
	eventually(s.t, service+" is healthy", func() bool { return s.inspect(service).State.Health.Status == "healthy" })
}

// secret returns the text after prefix in a line of a secret file.
func (s *composeSite) secret(file, prefix string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "secrets", file))
	require.NoError(s.t, err)
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), prefix); found {
			return strings.Trim(value, `"`)
		}
	}
	require.Fail(s.t, "there is no such secret", "%s in %s", prefix, file)
	return ""
}

func (s *composeSite) get(url string) []byte {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	require.NoError(s.t, err)
	request.Header.Set("Authorization", "Bearer "+s.secret("api-keys", "dashboard:reader:"))
	request.Header.Set("Prefer", "wait=30")
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, response.StatusCode, "%s", body)
	return body
}

func TestComposeRunsTheServices(t *testing.T) {
	s := newCompose(t)
	s.compose("up", "--build", "--detach")
	t.Run("every container is confined and shows no secret", func(t *testing.T) { requireConfined(t, s) })
	t.Run("no order is lost while each container is stopped and restarted", func(t *testing.T) { restartEach(t, s) })
}

func requireConfined(t *testing.T, s *composeSite) {
	secrets := []string{s.secret("nats-password", "NATS_PASSWORD: "), s.secret("webhook-auth", "api-key="),
		s.secret("api-keys", "operator:operator:")}
	for _, service := range composeServices {
		s.awaitHealthy(service)
		c := s.inspect(service)
		require.True(t, c.HostConfig.ReadonlyRootfs, service)
		require.Equal(t, []string{"no-new-privileges:true"}, c.HostConfig.SecurityOpt, service)
		require.Equal(t, []string{"ALL"}, c.HostConfig.CapDrop, service)
		require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, c.Config.User, "%s does not run as root", service)
		logs := s.compose("logs", service)
		for _, secret := range secrets {
			require.NotContains(t, c.raw, secret, service)
			require.NotContains(t, logs, secret, service)
		}
	}
	status := decoded[statusAnswer](t, s.get(composeAPI+"/v1/status"))
	require.True(t, status.Ready)
	require.Equal(t, "always", status.SyncMode)
	response, err := http.Post(composeReceiver+"/customer-notification", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
}

func restartEach(t *testing.T, s *composeSite) {
	for _, service := range composeServices {
		s.awaitHealthy(service)
	}
	auth := "api-key=" + s.secret("webhook-auth", "api-key=")
	var reports []platformtest.Report
	for seed, service := range composeServices {
		played := playBeside(t, composeReceiver, "--webhook-auth", auth, "--orders", "400", "--rate", "100", "--seed", strconv.Itoa(seed+1))
		began := time.Now()
		s.compose("stop", "--timeout", "20", service)
		require.Less(t, s.inspect(service).State.ExitCode, 2, "%s was killed", service)
		s.compose("start", service)
		s.awaitHealthy(service)
		s.compose("restart", "--timeout", "20", service)
		s.awaitHealthy(service)
		report, done := <-played
		require.True(t, done, "orders were not played while %s was stopped", service)
		require.Equal(t, report.Totals.Notifications, report.Totals.Acknowledged, service)
		t.Logf("%s: stopped, started and restarted in %v; %d notifications of %d orders", service, time.Since(began).Round(time.Second),
			report.Totals.Notifications, report.Totals.Orders)
		reports = append(reports, report)
	}
	compared := 0
	for _, report := range reports {
		compared += requireReported(t, s, composeAPI, report)
	}
	require.Equal(t, 4*400, compared)
}

// playBeside runs simulate in the background. If that fails, it closes the channel without a report.
func playBeside(t *testing.T, receiver string, args ...string) <-chan platformtest.Report {
	played := make(chan platformtest.Report, 1)
	go func() {
		defer close(played)
		played <- play(t, receiver, args...)
	}()
	return played
}

// requireReported requires that an API has every order of the report in its expected state, and returns the number of
// orders.
func requireReported(t *testing.T, s *composeSite, api string, report platformtest.Report) int {
	t.Helper()
	s.get(api + "/v1/stats?minSequence=" + strconv.FormatUint(report.Totals.HighestLogSequence, 10))
	for _, o := range report.Orders {
		require.Empty(t, platformtest.Compare(o.Expected, s.get(api+"/v1/orders/"+o.OrderID)), "%s, %s", o.OrderID, o.Scenario)
	}
	return len(report.Orders)
}

// TestComposeRunsACluster stops each server of the log in turn, including the leader, and then a receiver and a reading
// machine, while orders are posted to both receivers.
func TestComposeRunsACluster(t *testing.T) {
	s := newCompose(t, "--cluster")
	s.compose("--profile", "cluster", "up", "--build", "--detach", "receiver-1", "receiver-2", "api-1", "api-2")
	for _, service := range []string{"api-1", "api-2"} {
		s.awaitHealthy(service)
	}
	auth := "api-key=" + s.secret("webhook-auth", "api-key=")
	var reports []platformtest.Report
	for step, stopped := range [][]string{{"nats-a"}, {"nats-b"}, {"nats-c"}, {"receiver-1", "projector-2", "api-2"}} {
		var playing []<-chan platformtest.Report
		for i, url := range composeClusterReceivers {
			playing = append(playing, playBeside(t, url, "--webhook-auth", auth, "--orders", "200", "--rate", "50", "--seed", strconv.Itoa(10*step+i+1)))
		}
		s.compose(append([]string{"stop", "--timeout", "20"}, stopped...)...)
		s.get(composeClusterAPIs[0] + "/v1/orders?limit=1")
		s.compose(append([]string{"start"}, stopped...)...)
		for _, service := range stopped {
			s.awaitHealthy(service)
		}
		for _, played := range playing {
			report, done := <-played
			require.True(t, done, "orders were not played while %s was stopped", stopped)
			require.Equal(t, report.Totals.Notifications, report.Totals.Acknowledged, stopped)
			reports = append(reports, report)
		}
	}
	for _, api := range composeClusterAPIs {
		compared := 0
		for _, report := range reports {
			compared += requireReported(t, s, api, report)
		}
		require.Equal(t, 2*4*200, compared)
	}
	require.Equal(t, string(s.get(composeClusterAPIs[0]+"/v1/orders?format=ndjson")), string(s.get(composeClusterAPIs[1]+"/v1/orders?format=ndjson")))
}
