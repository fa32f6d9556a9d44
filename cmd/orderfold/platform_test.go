package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

// simulated is a platform, and an orderfold process that asks it.
type simulated struct {
	t        testing.TB
	platform *platformtest.Server
	orders   *process
	args     []string
}

// badTraffic configures a platform that loses 5 % of its webhooks, half of them without listing them, repeats 10 %, and
// delivers some out of order.
func badTraffic(seed uint64, orders int) platformtest.Traffic {
	return platformtest.Traffic{Seed: seed, Orders: orders, Repeats: 0.1, Overtaking: 0.2, Lost: 0.05, Listed: 0.5}
}

// hurried contains flags that shorten minutes and days to parts of a second.
func hurried() []string {
	flags := []string{"--ask-after", "100ms", "--ask-every", "150ms", "--recover-every", "200ms", "--platform-rate", "120000"}
	for _, status := range []string{"NONE", "RECEIVED", "PENDING", "PLACED", "PARTIALLY_FILLED", "CORRECTED", "FILLED", "CANCELED",
		"EXPIRED", "REJECTED", "SETTLED"} {
		flags = append(flags, "--quiet-after", status+"=300ms")
	}
	return flags
}

func runPlatform(t testing.TB, o platformtest.ServerOptions) *platformtest.Server {
	t.Helper()
	server, err := platformtest.NewServer(o)
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(server.Close)
	return server
}

func simulate(t testing.TB, o platformtest.ServerOptions, flags ...string) *simulated {
	t.Helper()
	server := runPlatform(t, o)
	dir := t.TempDir()
	id, secret := server.Credentials()
	file := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(file, []byte("\uFEFF"+secret+"\n"), 0o600))
	s := &simulated{t: t, platform: server}
	s.args = append([]string{"serve", "--data", filepath.Join(dir, "data"), "--platform-url", server.URL, "--platform-client-id", id,
		"--platform-client-secret-file", file}, append(flags, freePorts...)...)
	s.start()
	return s
}

func (s *simulated) start() {
	s.t.Helper()
	s.orders = start(s.t, []string{"receiver", "api", "log"}, s.args...)
}

func (s *simulated) play() {
	s.t.Helper()
	result, err := platformtest.Play(s.t.Context(), platformtest.Options{URL: s.orders.addrs["receiver"], Platform: s.platform, Connections: 4})
	require.NoError(s.t, err)
	require.Equal(s.t, result.Totals.Notifications, result.Totals.Acknowledged)
}

// different returns the orders whose shown state differs from that at the platform.
func (s *simulated) different() (differences []string) {
	for want := range s.platform.Orders() {
		code, _, body := s.orders.ask("/v1/orders/" + want.OrderID)
		if code != 200 {
			differences = append(differences, fmt.Sprintf("%s (%s): %d", want.OrderID, want.Scenario, code))
			continue
		}
		got := decoded[struct{ Status, ExecutedQuantity string }](s.t, body)
		if got.Status != want.Status || number(got.ExecutedQuantity).Cmp(number(want.Executed)) != 0 {
			differences = append(differences, fmt.Sprintf("%s (%s): %s %s, want %s %s: %s", want.OrderID, want.Scenario, got.Status,
				got.ExecutedQuantity, want.Status, want.Executed, body))
		}
	}
	return differences
}

func number(text string) *big.Rat {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat)
	}
	return n
}

// requireSame requires that every order is in the same state as at the platform, within many times the configured
// delay.
func (s *simulated) requireSame() {
	s.t.Helper()
	var differences []string
	deadline := time.Now().Add(patience)
	for differences = s.different(); len(differences) > 0 && time.Now().Before(deadline); differences = s.different() {
	}
	require.Empty(s.t, differences, "%s", s.orders.get("/v1/status"))
}

type platformStatus struct {
	Platform struct {
		Enabled                                                 bool
		Pending, Asked, GivenUp, Recovered, RecoveredUnreadable int
		LastError, RecoverError, LastRecoveredAt                *string
	}
	Log struct{ LastSequence int }
}

func (s *simulated) status() platformStatus {
	return decoded[platformStatus](s.t, s.orders.get("/v1/status"))
}

func TestEveryOrderEndsInThePlatformsOwnState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := simulate(t, platformtest.ServerOptions{Traffic: badTraffic(seed, 60)}, hurried()...)
			s.play()
			s.requireSame()
			require.Positive(t, s.status().Platform.Asked)
			eventually(t, "no order is left to ask about", func() bool { return s.status().Platform.Pending == 0 })
			require.Empty(t, s.different(), "even when everything was requested")
			s.orders.stop()
		})
	}
}

// recordsBy counts the records of the log by their source, and the records that it has twice.
func (s *simulated) recordsBy() (sources map[string]int, twice []string) {
	s.t.Helper()
	code, stdout, stderr := execute(s.t, nil, "tail", "--data", s.args[2])
	require.Equal(s.t, 0, code, stderr)
	sources = map[string]int{}
	recovered := map[string]bool{}
	for line := range strings.Lines(stdout) {
		r := decoded[logRecord](s.t, []byte(line))
		sources[r.Source]++
		if r.Source == "recovered" {
			key := r.Object + string(r.Body) + r.BodyBytes
			if recovered[key] {
				twice = append(twice, line)
			}
			recovered[key] = true
		}
	}
	return sources, twice
}

type logRecord struct {
	Source, Object string
	Body           json.RawMessage
	BodyBytes      string `json:"bodyBase64"`
}

// The platform is unavailable, then unreliable; a rebuild afterwards gives the same orders and does not ask the
// platform.
func TestAnOutageCausesOnlyDelayAndARebuildDoesNotAskThePlatform(t *testing.T) {
	t.Parallel()
	s := simulate(t, platformtest.ServerOptions{Traffic: badTraffic(77, 150), TokenLifetime: time.Second,
		Faults: platformtest.Faults{API5xxEvery: 7, CutEvery: 11, Token5xxEvery: 5, API429Every: 211}}, hurried()...)
	s.platform.Down(true)
	s.play()
	eventually(t, "the outage is reported", func() bool { return s.status().Platform.LastError != nil })
	require.NotEmpty(t, s.different(), "it is wrong without asking")
	require.Zero(t, s.status().Platform.Asked)
	var ready struct{ Ready bool }
	require.NoError(t, json.Unmarshal(s.orders.get("/v1/status"), &ready))
	require.True(t, ready.Ready, "an unavailable platform is not an error of the service")

	s.platform.Down(false)
	s.requireSame()
	status := s.status()
	require.Positive(t, status.Platform.Recovered)
	require.Zero(t, status.Platform.RecoveredUnreadable)
	require.Contains(t, string(s.orders.get("/metrics")), "orderfold_platform_recovered_total")
	s.orders.stop()

	// A start reads the log, so that nothing is appended for the same list.
	s.start()
	polled := s.status().Platform.LastRecoveredAt
	eventually(t, "the list is read again", func() bool {
		now := s.status().Platform.LastRecoveredAt
		return now != nil && (polled == nil || *now != *polled)
	})
	require.Zero(t, s.status().Platform.Recovered)
	s.orders.stop()
	sources, twice := s.recordsBy()
	require.Empty(t, twice)
	require.Equal(t, status.Platform.Recovered, sources["recovered"])
	require.Positive(t, sources["fetched"])

	requests := s.platform.Requests()
	code, stdout, stderr := execute(t, nil, "rebuild", "--data", s.args[2])
	require.Equal(t, 0, code, stdout+stderr)
	code, stdout, stderr = execute(t, nil, "verify", "--data", s.args[2])
	require.Equal(t, 0, code, stdout+stderr)
	s.orders = start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", s.args[2]}, freePorts...)...)
	require.Empty(t, s.different())
	require.False(t, s.status().Platform.Enabled)
	require.Equal(t, requests, s.platform.Requests(), "the platform was not asked")
	s.orders.stop()
}

func TestEachOrderShowsWhetherARequestIsPendingAnsweredOrGivenUp(t *testing.T) {
	t.Parallel()
	s := simulate(t, platformtest.ServerOptions{Traffic: platformtest.Traffic{Seed: 5, Orders: 1}}, hurried()...)
	s.platform.HappenAll()
	known := s.platform.Final(0)
	object := map[string]string{"TRADITIONAL": "traditional", "DIGITAL": "digital", "TOKENIZED": "tokenized"}[known.AssetClass] + "-asset-order"
	s.platform.Down(true)
	post(t, s.orders.addrs["receiver"], object, fmt.Sprintf(`{"orderId":%q,"status":"RECEIVED"}`, known.OrderID))
	post(t, s.orders.addrs["receiver"], "digital-asset-order", `{"orderId":"nobody-knows-it","status":"PENDING"}`)
	asked := func(id string) api.Asked {
		code, _, body := s.orders.ask("/v1/orders/" + id)
		if code != 200 {
			return api.Asked{}
		}
		if o := decoded[struct{ Asked *api.Asked }](t, body); o.Asked != nil {
			return *o.Asked
		}
		return api.Asked{}
	}
	eventually(t, "it is pending, with the reason", func() bool { a := asked(known.OrderID); return a.State == "pending" && a.Error != nil })
	require.Equal(t, "new", *asked(known.OrderID).Reason)
	s.platform.Down(false)
	eventually(t, "it is answered", func() bool { return asked(known.OrderID).State == "asked" })
	require.Equal(t, "fetched", sourceOf(s.orders, *asked(known.OrderID).Sequence))
	eventually(t, "the other one is given up", func() bool { return asked("nobody-knows-it").State == "gone" })
	require.Equal(t, 5, asked("nobody-knows-it").Attempts)
	require.Equal(t, 1, s.status().Platform.GivenUp)
	s.orders.stop()

	s.start()
	require.Equal(t, "gone", asked("nobody-knows-it").State, "a restart keeps this")
	require.Equal(t, "asked", asked(known.OrderID).State)
	post(t, s.orders.addrs["receiver"], "digital-asset-order", `{"orderId":"nobody-knows-it","status":"PLACED"}`)
	eventually(t, "a notification opens it again", func() bool { return asked("nobody-knows-it").State == "pending" })
	s.orders.stop()
}

func sourceOf(p *process, sequence uint64) string {
	_, header, _ := p.ask(fmt.Sprintf("/v1/notifications/%d", sequence))
	return header.Get("Notification-Source")
}

func TestTheClientSecretAppearsNowhere(t *testing.T) {
	t.Parallel()
	const secret = "the-secret-of-the-partner"
	s := simulate(t, platformtest.ServerOptions{Traffic: badTraffic(3, 5), ClientSecret: secret}, append(hurried(), "--log-level", "debug")...)
	s.play()
	s.requireSame()
	require.NotContains(t, s.orders.stdout.String()+s.orders.stderr.String()+string(s.orders.get("/v1/status"))+string(s.orders.get("/metrics")), secret)
	s.orders.stop()
	for _, args := range [][]string{
		{"serve", "--platform-url", "http://platform.example", "--platform-client-id", "a", "--platform-client-secret", secret},
		{"serve", "--platform-url", "https://user:" + secret + "@platform.example", "--platform-client-id", "a", "--platform-client-secret", secret},
		{"serve", "--platform-url", "https://platform.example", "--platform-client-secret", secret},
		{"serve", "--platform-url", "https://platform.example", "--platform-client-id", "a"},
		{"serve", "--platform-url", "https://platform.example", "--platform-client-id", "a", "--platform-client-secret", secret, "--quiet-after", "SLEEPING=1h"},
		{"serve", "--platform-url", "https://platform.example", "--platform-client-id", "a", "--platform-client-secret", secret, "--quiet-after", "PLACED"},
	} {
		code, stdout, stderr := execute(t, nil, append(args, append(freePorts, "--data", filepath.Join(t.TempDir(), "data"))...)...)
		require.Equal(t, 2, code, stderr)
		require.NotContains(t, stdout+stderr, secret)
	}
}

// A separate receiver asks about orders if it can read the views, and warns if it cannot.
func TestASeparateReceiverAsksAboutOrdersInTheViewsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	server := runPlatform(t, platformtest.ServerOptions{Traffic: badTraffic(9, 40)})
	id, secret := server.Credentials()
	url, folder := startNATS(t, t.TempDir()), filepath.Join(t.TempDir(), "views")
	args := append([]string{"receiver", "--nats-url", url, "--views", folder, "--data", filepath.Join(t.TempDir(), "data"), "--receiver-addr",
		"127.0.0.1:0", "--platform-url", server.URL, "--platform-client-id", id}, hurried()...)
	receiver := exec.Command(binaries.orderfold, args...)
	receiver.Env = append(os.Environ(), "ORDERFOLD_PLATFORM_CLIENT_SECRET="+secret)
	s := &simulated{t: t, platform: server, orders: startCommand(t, []string{"receiver"}, receiver)}
	eventually(t, "it warns", func() bool {
		return strings.Contains(s.orders.stderr.String(), "name the projector's views with --views")
	})
	projector := start(t, nil, "projector", "--nats-url", url, "--views", folder)
	api := start(t, []string{"api"}, "api", "--nats-url", url, "--views", folder, "--api-addr", "127.0.0.1:0")
	s.play()
	s.orders.addrs["api"] = api.addrs["api"]
	eventually(t, "the projector has begun", func() bool { code, _, _ := api.ask("/readyz"); return code == 200 })
	s.requireSame()
	require.Nil(t, decoded[struct{ Platform *struct{} }](t, api.get("/v1/status")).Platform)
	for _, p := range []*process{s.orders, projector, api} {
		p.stop()
	}
}
