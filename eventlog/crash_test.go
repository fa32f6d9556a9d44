//go:build unix

package eventlog_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// crashing is the variable in the environment of a process that appends until it is killed. It
// contains the folder of the log and the name of the round.
const crashing = "EVENTLOG_TEST_CRASH"

// appendUntilKilled appends records, and prints a line for each one that was acknowledged. The number
// of active callers varies, so that records are appended both singly and in batches.
func appendUntilKilled(t *testing.T, dir, round string) {
	const callers = 64
	l, ctx := open(t, eventlog.Options{Dir: dir, MayCreate: true}), patient(t)
	var active atomic.Int32
	active.Store(callers)
	turn := sync.NewCond(&sync.Mutex{})
	var group sync.WaitGroup
	for c := range int32(callers) {
		random := rand.New(rand.NewPCG(uint64(c), 1))
		group.Go(func() {
			for n := 0; ; n++ {
				turn.L.Lock()
				for c >= active.Load() {
					turn.Wait()
				}
				turn.L.Unlock()
				body := crashBody(round, int(c), n, random.IntN(3000))
				sequence, err := l.Append(ctx, webhook(body))
				if err != nil {
					fmt.Println("error", err)
					return
				}
				fmt.Printf("acked %d %x\n", sequence, sha256.Sum256([]byte(body)))
				if n%50 == 49 {
					active.Store([]int32{callers, 1, 8, callers}[random.IntN(4)])
					turn.Broadcast()
				}
			}
		})
	}
	group.Wait()
}

// crashBody returns a body that ends in the hash of the text before it.
func crashBody(round string, caller, n, padding int) string {
	text := fmt.Sprintf("%s/%d/%d/%s", round, caller, n, strings.Repeat("x", padding))
	return fmt.Sprintf("%s/%x", text, sha256.Sum256([]byte(text)))
}

// whole reports whether a body is a complete crashBody.
func whole(body []byte) bool {
	text := string(body)
	end := strings.LastIndexByte(text, '/')
	return end > 0 && text[end+1:] == fmt.Sprintf("%x", sha256.Sum256([]byte(text[:end])))
}

func TestNoAcknowledgedRecordIsLostWhenTheProcessIsKilled(t *testing.T) {
	if where := os.Getenv(crashing); where != "" {
		dir, round, _ := strings.Cut(where, "\n")
		appendUntilKilled(t, dir, round)
		return
	}
	const rounds = 6 // make faults runs more rounds, with the whole service
	p := embeddedPlace(t)
	random := rand.New(rand.NewPCG(4, 2026))
	acked := map[uint64]string{}
	for round := range rounds {
		killAfter(t, p.options.Dir, fmt.Sprint("round ", round), 1+random.IntN(800), time.Duration(random.IntN(5_000_000)), acked)
		l := open(t, p.options)
		read, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		seen := map[[32]byte]bool{}
		for i, r := range read {
			require.Equal(t, uint64(i+1), r.Sequence)
			require.True(t, whole(r.Body), "record %d is not a complete record", r.Sequence)
			sum := sha256.Sum256(r.Body)
			require.False(t, seen[sum], "record %d is in the log twice", r.Sequence)
			seen[sum] = true
		}
		for sequence, sum := range acked {
			require.LessOrEqual(t, sequence, uint64(len(read)), "an acknowledged record is lost")
			require.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256(read[sequence-1].Body)))
		}
		t.Logf("round %d: all %d records acknowledged so far are in the log, which has %d", round, len(acked), len(read))
		if round == rounds-1 {
			require.NotEmpty(t, batched(t, p.admin(t, l), min(1000, uint64(len(read)))))
		}
		require.NoError(t, l.Close())
	}
}

// killAfter starts a process that appends, and kills it some time after count records were
// acknowledged. It adds the hashes of the acknowledged records to acked, by sequence.
func killAfter(t *testing.T, dir, round string, count int, while time.Duration, acked map[uint64]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), crashing+"="+dir+"\n"+round)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var sequence uint64
		var sum string
		if _, err := fmt.Sscanf(lines.Text(), "acked %d %s", &sequence, &sum); err != nil || len(sum) != 64 {
			require.NotContains(t, lines.Text(), "error")
			continue // the last line may be incomplete
		}
		require.NotContains(t, acked, sequence)
		acked[sequence] = sum
		if count--; count == 0 {
			kill := time.AfterFunc(while, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
	}
	require.Error(t, cmd.Wait(), "the process must have been killed")
	require.LessOrEqual(t, count, 0, "the process must have been killed while it appended")
}
