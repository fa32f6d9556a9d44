//go:build unix

package eventlog_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// inItsOwnProcess reports whether this process was started to run only this test. Otherwise it starts
// such a process, and fails the test if the test fails there.
func inItsOwnProcess(t *testing.T) bool {
	t.Helper()
	const variable = "EVENTLOG_TEST_PROCESS"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name(), "the test must have run")
	return false
}

// largestFile limits the size of every file that this process writes. A write beyond it fails as on a
// full disk.
func largestFile(t *testing.T, bytes uint64) {
	t.Helper()
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	limit.Cur = min(bytes, limit.Max)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
}

// load appends from several goroutines until it is stopped, and records the results.
type load struct {
	mu      sync.Mutex
	sent    map[string]bool
	acked   map[uint64]string // bodies by sequence
	failure error             // the last one
	failed  int

	stop  context.CancelFunc
	group sync.WaitGroup
}

func startLoad(t *testing.T, l *eventlog.Log, callers int) *load {
	ctx, stop := context.WithCancel(t.Context())
	d := &load{sent: map[string]bool{}, acked: map[uint64]string{}, stop: stop}
	padding := strings.Repeat("x", 500)
	for c := range callers {
		d.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				body := fmt.Sprintf(`{"orderId":"%d-%d","padding":%q}`, c, n, padding)
				d.note(func() { d.sent[body] = true })
				sequence, err := l.Append(ctx, webhook(body))
				d.note(func() {
					if err == nil {
						d.acked[sequence] = body
						return
					}
					if ctx.Err() == nil {
						d.failure = err
						d.failed++
					}
				})
				if err != nil { // the platform would repeat the request later
					select {
					case <-time.After(20 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	t.Cleanup(d.end)
	return d
}

func (d *load) end() {
	d.stop()
	d.group.Wait()
}

func (d *load) note(what func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what()
}

func (d *load) counts() (acked, failed int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.acked), d.failed
}

func TestTheLogContinuesWhenTheDiskHasRoomAgain(t *testing.T) {
	if !inItsOwnProcess(t) {
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // makes the write fail with an error instead
	const room, last = 4 << 20, "the last record"
	p := embeddedPlace(t)
	l := open(t, p.options)
	ctx, cancel := context.WithCancel(t.Context())
	var followed []eventlog.Record
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	following.Go(func() {
		for r, err := range l.Follow(ctx, eventlog.Position{}) {
			if err != nil && ctx.Err() == nil {
				t.Error("the follower ended", err)
			}
			if err == nil {
				followed = append(followed, r)
			}
			if string(r.Body) == last {
				return
			}
		}
	})
	largestFile(t, room)
	d := startLoad(t, l, 64)
	// So many failures include a second restart, and so a first one that did not help.
	eventually(t, func() bool { _, failed := d.counts(); return failed > 1000 })
	full, _ := d.counts()
	require.NotZero(t, full)
	eventually(t, func() bool { return strings.Contains(fmt.Sprint(l.Refuses(ctx)), "the log accepts no records") })

	largestFile(t, ^uint64(0))
	eventually(t, func() bool { acked, _ := d.counts(); return acked > full+1000 })
	d.end()
	require.ErrorIs(t, d.failure, eventlog.ErrUnavailable)
	// All earlier records precede this one in the log.
	appendAll(t, l, last)
	d.sent[last] = true
	require.NoError(t, l.Refuses(ctx))

	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	requireExactly(t, read, d)
	following.Wait()
	require.Len(t, followed, len(read))
	for i, r := range followed {
		require.Equal(t, read[i].Position(), r.Position())
	}
	require.NoError(t, l.Close())
	reopened, err := readAll(t.Context(), open(t, p.options), eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, reopened, len(read))
}

// requireExactly checks that the log contains each acknowledged record at its sequence, and no record
// that was not sent.
func requireExactly(t *testing.T, read []eventlog.Record, d *load) {
	t.Helper()
	seen := map[[32]byte]uint64{}
	for i, r := range read {
		require.Equal(t, uint64(i+1), r.Sequence)
		require.True(t, d.sent[string(r.Body)], "record %d was never sent: %.80q", r.Sequence, r.Body)
		sum := sha256.Sum256(r.Body)
		require.Zero(t, seen[sum], "record %d is in the log twice", r.Sequence)
		seen[sum] = r.Sequence
	}
	for sequence, body := range d.acked {
		require.LessOrEqual(t, sequence, uint64(len(read)), "an acknowledged record is lost")
		require.True(t, bytes.Equal([]byte(body), read[sequence-1].Body), "another record is at sequence %d", sequence)
	}
}
