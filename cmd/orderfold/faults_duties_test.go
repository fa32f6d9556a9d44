//go:build faults

package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// takenOverIn is the time within which another process takes over the duty of a killed one.
const takenOverIn = 10 * time.Second

func TestFaultADutyIsTakenOverByAProcessWithAnotherClock(t *testing.T) {
	binary := buildMovable(t)
	clocks := []string{"0s", "1h", "8760h"}
	s := share(t, func(machine int, args ...string) *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Env = append(os.Environ(), movedClock+"="+clocks[machine])
		return cmd
	})
	anybody := func(int) bool { return true }
	asks := s.work(0, anybody)
	var gone []int
	for range 2 {
		gone = append(gone, asks)
		s.machines[asks].kill()
		began := time.Now()
		asks = s.work(other(gone...), func(machine int) bool { return !slices.Contains(gone, machine) })
		taken := time.Since(began)
		t.Logf("machine %d, whose clock is %s ahead, was killed; machine %d, %s ahead, asks %v later", gone[len(gone)-1],
			clocks[gone[len(gone)-1]], asks, clocks[asks], taken)
		require.LessOrEqual(t, taken, takenOverIn+slack)
	}
	s.requireOne()
	s.requirePublishedOnce(asks)
}
