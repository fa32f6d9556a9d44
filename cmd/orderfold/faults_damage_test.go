//go:build faults || cluster

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stopped is the data folder of a stopped service, with the notifications that were posted to it.
type stopped struct {
	ledger  *ledger
	data    string
	earlier string // a copy of the folder when half was posted
	held    held
}

const half = 450 // notifications

// fillAndStop makes a log of several blocks.
func fillAndStop(t *testing.T, fault string) *stopped {
	t.Helper()
	l := newLedger(t, fault)
	l.large = 1
	s := &stopped{ledger: l, data: filepath.Join(t.TempDir(), "data"), earlier: filepath.Join(t.TempDir(), "data")}
	for _, again := range []bool{false, true} {
		p := serveOn(t, s.data)
		o := l.post(posters, p.addrs["receiver"])
		o.requireGoesOn(half)
		o.stop()
		log := openLog(t, operatorURL(t, s.data))
		s.held = l.requireKept(log)
		require.NoError(t, log.Close())
		requireFolded(t, p, s.held)
		p.stop()
		if !again {
			require.NoError(t, os.CopyFS(s.earlier, os.DirFS(s.data)))
		}
	}
	require.Greater(t, len(blocks(t, s.data)), 1)
	l.tally.begin()
	return s
}

func serveOn(t testing.TB, data string) *process {
	t.Helper()
	return start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
}

// copied returns a copy of the folder, which the test may damage.
func (s *stopped) copied(t testing.TB) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(data, os.DirFS(s.data)))
	return data
}

// flip changes one bit somewhere between the first and the last tenth of a file.
func (s *stopped) flip(t testing.TB, path string) {
	t.Helper()
	edit(t, path, func(text []byte) []byte {
		at := s.ledger.number(len(text)/10, len(text)/10*9)
		t.Logf("bit flipped at %d of %d of %s", at, len(text), filepath.Base(path))
		text[at] ^= 1 << s.ledger.number(0, 7)
		return text
	})
}

// some returns the numbers of the cases to run: all of them if there are many rounds, otherwise a random few.
func (s *stopped) some(cases, few int) []int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	all := s.ledger.random.Perm(cases)
	if *faultRounds < 10 {
		return all[:few]
	}
	return all
}

func TestFaultDamageThatLosesNothing(t *testing.T) {
	s := fillAndStop(t, "damage, nothing lost")
	liveViews := func(data string) string { return filepath.Join(data, "views", "orders-1.db") }
	tests := []struct {
		name   string
		damage func(t *testing.T, data string)
	}{
		{"half a record after the last one", func(t *testing.T, data string) {
			edit(t, last(blocks(t, data)), func(text []byte) []byte { return append(text, text[:150]...) })
		}},
		{"half a record after the last one, and no index", func(t *testing.T, data string) {
			edit(t, last(blocks(t, data)), func(text []byte) []byte { return append(text, text[:150]...) })
			removeIndex(t, data)
		}},
		{"the index of the log removed", func(t *testing.T, data string) { removeIndex(t, data) }},
		{"the index of the log damaged", func(t *testing.T, data string) { s.flip(t, streamFiles(t, data, "index.db")[0]) }},
		{"the views removed", func(t *testing.T, data string) { removeViews(t, data) }},
		{"older views, of half the log", func(t *testing.T, data string) {
			removeViews(t, data)
			require.NoError(t, os.CopyFS(filepath.Join(data, "views"), os.DirFS(filepath.Join(s.earlier, "views"))))
		}},
		{"the file of the views removed", func(t *testing.T, data string) { require.NoError(t, os.Remove(liveViews(data))) }},
		{"the file of the views empty", func(t *testing.T, data string) { require.NoError(t, os.Truncate(liveViews(data), 0)) }},
		{"the file of the views cut in half", func(t *testing.T, data string) {
			edit(t, liveViews(data), func(text []byte) []byte { return text[:len(text)/2] })
		}},
		{"the file of the views full of noise", func(t *testing.T, data string) {
			edit(t, liveViews(data), func(text []byte) []byte {
				for i := range text {
					text[i] = byte(s.ledger.number(0, 255))
				}
				return text
			})
		}},
		{"the file live removed", func(t *testing.T, data string) {
			require.NoError(t, os.Remove(filepath.Join(data, "views", "live")))
		}},
		{"the file live damaged", func(t *testing.T, data string) {
			s.flip(t, filepath.Join(data, "views", "live"))
		}},
	}
	for _, i := range s.some(len(tests), 4) {
		test := tests[i]
		t.Run(test.name, func(t *testing.T) {
			data := s.copied(t)
			test.damage(t, data)
			p := serveOn(t, data)
			log := openLog(t, operatorURL(t, data))
			h := s.ledger.requireKept(log)
			require.NoError(t, log.Close())
			requireFolded(t, p, h)
			p.stop()
			s.ledger.tally.rounds++
		})
	}
}

func TestFaultDamageThatLosesRecords(t *testing.T) {
	s := fillAndStop(t, "damage, records lost")
	tests := []struct {
		name   string
		damage func(t *testing.T, data string)
	}{
		{"a bit flipped in the first block", func(t *testing.T, data string) { s.flip(t, blocks(t, data)[0]) }},
		{"a bit flipped in the last block", func(t *testing.T, data string) { s.flip(t, last(blocks(t, data))) }},
		{"the last record torn", func(t *testing.T, data string) {
			edit(t, last(blocks(t, data)), func(text []byte) []byte { return text[:len(text)-20] })
		}},
		{"the first block removed", func(t *testing.T, data string) { require.NoError(t, os.Remove(blocks(t, data)[0])) }},
		{"the last block removed", func(t *testing.T, data string) { require.NoError(t, os.Remove(last(blocks(t, data)))) }},
		{"the log removed", func(t *testing.T, data string) {
			require.NoError(t, os.RemoveAll(filepath.Join(data, "nats")))
		}},
		{"an older copy of the log", func(t *testing.T, data string) {
			require.NoError(t, os.RemoveAll(filepath.Join(data, "nats")))
			require.NoError(t, os.CopyFS(filepath.Join(data, "nats"), os.DirFS(filepath.Join(s.earlier, "nats"))))
		}},
	}
	removals := []struct {
		name   string
		remove []func(testing.TB, string)
	}{
		{"", nil},
		{", and no index", []func(testing.TB, string){removeIndex}},
		{", and no views", []func(testing.TB, string){removeViews}},
		{", and neither index nor views", []func(testing.TB, string){removeIndex, removeViews}},
	}
	for _, test := range tests {
		for _, i := range s.some(len(removals), 1) {
			if test.name == "the log removed" {
				i &^= 1 // there is no index to remove
			}
			without := removals[i]
			t.Run(test.name+without.name, func(t *testing.T) {
				for range fewer(25) {
					data := s.copied(t)
					test.damage(t, data)
					for _, remove := range without.remove {
						remove(t, data)
					}
					s.requireTold(t, data)
					s.ledger.tally.rounds++
				}
			})
		}
	}
}

// Texts with which the service reports a log and views that do not fit each other.
var finalReasons = []string{"the log does not fit the views", "the log ends at", "the log lost records"}

// requireTold starts the service on a damaged folder. The service may end and report the reason. It may not be ready
// and report the reason, with views of an earlier log or without views. Or it is ready after it has compared its
// views with the log; then no acknowledged record is missing in the views or in the log. All records that can be read
// from the log are as they were sent.
func (s *stopped) requireTold(t *testing.T, data string) {
	t.Helper()
	// The server finds some kinds of damage only when it reads the records, which a comparison does.
	args := append([]string{"serve", "--data", data, "--verify-every", "50ms", "--verify-share", "1"}, freePorts...)
	p, listens := launch(t, []string{"receiver", "api", "log"}, exec.Command(binaries.orderfold, args...))
	if !listens {
		requireReason(t, p)
		return
	}
	defer p.kill()
	var status verifiedAnswer
	eventually(t, "it is ready, or reports why not", func() bool {
		status = decoded[verifiedAnswer](t, p.get("/v1/status"))
		settled := status.Ready && status.VerifiedAt != nil && status.VerifiedSequence == status.Log.LastSequence
		return settled || !status.Ready && slices.ContainsFunc(finalReasons, func(r string) bool { return strings.Contains(*status.Reason, r) })
	})
	code, _, _ := p.ask("/readyz")
	require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[status.Ready], code)
	if status.Ready {
		log := openLog(t, operatorURL(t, data))
		requireFolded(t, p, s.ledger.requireKept(log))
		require.NoError(t, log.Close())
		require.Equal(t, s.held.last, status.AppliedSequence, "no loss of records was reported")
	} else {
		require.Contains(t, *status.Reason, "orderfold doctor --accept-loss", "what to do")
		code, stdout, _ := execute(t, nil, "doctor", "--data", data)
		require.Equal(t, exitUsage, code, stdout)
	}
	if status.Generation == 0 { // views that cannot be made from the remaining log are not shown at all
		code, _, _ := p.ask("/v1/stats")
		require.Equal(t, http.StatusServiceUnavailable, code)
	} else {
		requireViews(t, p, s.held.upTo(status.AppliedSequence))
	}
	s.requireExactOrError(t, data)
}

// requireExactOrError reads every record and requires that it is as it was sent, or cannot be read.
func (s *stopped) requireExactOrError(t *testing.T, data string) {
	t.Helper()
	log := openLog(t, operatorURL(t, data))
	defer log.Close()
	var c tally
	for i, p := range s.held.records {
		r, err := log.Get(t.Context(), uint64(i+1))
		p.found = err == nil
		if p.found && !bytes.Equal(r.Body, p.body) {
			c.invent("record %d is %.200q", i+1, r.Body)
		}
	}
	require.Zero(t, c.invented, "%v", c.complaints)
	c.count(s.ledger.sent)
	all := s.ledger.tally
	all.acknowledged, all.found, all.told = all.acknowledged+c.acknowledged, all.found+c.found, all.told+c.lost
}

func TestFaultASecondProcessOnTheDataFolder(t *testing.T) {
	l := newLedger(t, "second process")
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	o := l.post(posters, p.addrs["receiver"])
	o.requireGoesOn(100)
	for _, command := range []string{"serve", "receiver"} {
		args := []string{command, "--data", data, "--receiver-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0"}
		if command == "serve" {
			args = append(args, "--api-addr", "127.0.0.1:0")
		}
		second, listens := launch(t, []string{"receiver", "log"}, exec.Command(binaries.orderfold, args...))
		require.False(t, listens)
		requireReason(t, second)
		require.Contains(t, lastLine(second.stderr.String()), "another process")
		o.requireGoesOn(100)
		l.tally.rounds++
	}
	o.stop()
	l.requireAll(operatorURL(t, data), p)
	p.stop()
}
