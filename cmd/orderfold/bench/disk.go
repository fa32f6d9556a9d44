package bench

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// syncsPerSecond appends small records to a file in the folder, syncs after each, and returns the
// rate.
func syncsPerSecond(dir string, duration time.Duration) (perSecond float64, err error) {
	f, err := os.CreateTemp(dir, "orderfold-bench-sync-")
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	record := make([]byte, 512)
	begin, syncs := time.Now(), 0
	for ; syncs == 0 || time.Since(begin) < duration; syncs++ {
		if _, err := f.Write(record); err != nil {
			return 0, fmt.Errorf("bench: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("bench: %w", err)
		}
	}
	return float64(syncs) / time.Since(begin).Seconds(), nil
}
