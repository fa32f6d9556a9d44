package main

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

// simulated is a platform and an orderfold that asks it.
type simulated struct {
	t        testing.TB
	platform *platformtest.Server
	orders   *process
	args     []string
}

// badTraffic is a platform that loses 5 % of its webhooks, half of them without a word, repeats 10 %, and is overtaken.
func badTraffic(seed uint64, orders int) platformtest.Traffic {
	return platformtest.Traffic{Seed: seed, Orders: orders, Repeats: 0.1, Overtaking: 0.2, Lost: 0.05, Listed: 0.5}
}

// hurried are the flags that let minutes and days be parts of a second.
func hurried() []string {
	flags := []string{"--ask-after", "100ms", "--ask-every", "150ms", "--recover-every", "200ms", "--platform-rate", "120000"}
	for _, status := range []string{"NONE", "RECEIVED", "PENDING", "PLACED", "PARTIALLY_FILLED", "CORRECTED", "FILLED", "CANCELED",
		"EXPIRED", "REJECTED", "SETTLED"} {
		flags = append(flags, "--quiet-after", status+"=300ms")
	}
	return flags
}

func simulate(t testing.TB, o platformtest.ServerOptions, flags ...string) *simulated {
	t.Helper()
	server, err := platformtest.NewServer(o)
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	id, secret := server.Credentials()
	file := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
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

// different returns the orders that are shown in another state than the platform's own.
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

func (s *simulated) requireSame(within time.Duration) {
	s.t.Helper()
	var differences []string
	deadline := time.Now().Add(within)
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
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			began := time.Now()
			s := simulate(t, platformtest.ServerOptions{Traffic: badTraffic(seed, 60)}, hurried()...)
			s.play()
			s.requireSame(10 * time.Second)
			t.Log(time.Since(began), strings.Count(string(s.orders.get("/v1/stats")), ""), s.status())
			s.orders.stop()
		})
	}
}
