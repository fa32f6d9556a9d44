package api

import (
	"testing"
	"time"
)

// SetExportPatience changes the patience of exports during a test.
func SetExportPatience(t testing.TB, d time.Duration) {
	before := exportPatience
	exportPatience = d
	t.Cleanup(func() { exportPatience = before })
}
