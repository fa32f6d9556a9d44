//go:build browser

package browser

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// awaitCSV waits for the download of a file into a folder, and returns its lines.
func awaitCSV(t *testing.T, folder string) (lines [][]string) {
	t.Helper()
	require.Eventually(t, func() bool {
		files, err := filepath.Glob(filepath.Join(folder, "*.csv"))
		if err != nil || len(files) != 1 {
			return false
		}
		f, err := os.Open(files[0])
		if err != nil {
			return false
		}
		defer f.Close()
		lines, err = csv.NewReader(f).ReadAll()
		return err == nil && len(lines) > 1
	}, patience, 20*time.Millisecond)
	return lines
}
