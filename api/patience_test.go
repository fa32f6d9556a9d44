package api

import (
	"testing"
	"time"
)

// SetExportPatience changes it for the time of a test.
func SetExportPatience(t testing.TB, d time.Duration) {
	before := exportPatience
	exportPatience = d
	t.Cleanup(func() { exportPatience = before })
}
