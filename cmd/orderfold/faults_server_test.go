//go:build faults || cluster

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	posters       = 16
	shortPatience = 300 * time.Millisecond // patience of the receiver with the log
	// slack is the time that a busy machine may add.
	slack = 5 * time.Second
)

// requireRefused requires that every poster is refused more than once, and that nothing is acknowledged meanwhile.
func requireRefused(t testing.TB, o *load) {
	t.Helper()
	// Earlier acknowledgements may still be in transit, but only until each poster was refused once.
	await(t, "the posters are refused", o.refused.more(2*posters))
	acknowledged := o.acknowledged.count()
	await(t, "the posters are refused again", o.refused.more(2*posters))
	require.Equal(t, acknowledged, o.acknowledged.count(), "no 200 without a log")
}

func TestFaultTheLogServerIsUnavailable(t *testing.T) {
	tests := []struct {
		name string
		away func(*split, *load)
	}{
		{"paused", func(s *split, o *load) {
			s.nats.signal(s.t, syscall.SIGSTOP)
			requireRefused(s.t, o)
			s.nats.signal(s.t, syscall.SIGCONT)
		}},
		{"slow", func(s *split, o *load) {
			s.proxy.slow(shortPatience / 20)
			o.requireGoesOn(posters)
			s.proxy.slow(0)
		}},
		{"slower than the receiver waits", func(s *split, o *load) {
			s.proxy.slow(2 * shortPatience)
			requireRefused(s.t, o)
			s.proxy.slow(0)
		}},
		{"answers late", func(s *split, o *load) {
			release := s.proxy.holdAnswers()
			requireRefused(s.t, o)
			release()
		}},
		{"cut off", func(s *split, o *load) {
			s.proxy.cutOff()
			requireRefused(s.t, o)
			s.proxy.mend()
		}},
		{"restarted", func(s *split, o *load) {
			s.restartNATS(syscall.SIGTERM)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, "log server "+test.name)
			s := startSplit(t, shortPatience.String())
			unwatch := s.watch()
			for range fewer(10) {
				o := l.post(posters, s.receiver.addrs["receiver"])
				atRandom(o, 500)
				test.away(s, o)
				o.requireGoesOn(100)
				o.stop()
				require.LessOrEqual(t, o.slowest, shortPatience+slack, "a 503 comes in time")
				l.requireAll(s.nats.url, s.api)
				l.tally.rounds++
			}
			unwatch()
		})
	}
}
