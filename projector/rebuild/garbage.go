package rebuild

import (
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync"
)

// lessGarbage counts the running rebuilds of the process, and records whether we have changed the
// percentage.
var lessGarbage struct {
	sync.Mutex
	rebuilds int
	raised   bool
}

const standardPercent = 100 // the default of GOGC

// collectLess makes the garbage collector run half as often until end is called, because a rebuild
// makes much garbage and keeps little. The memory limit of the process, and a percentage that an
// operator has set, stay unchanged.
func collectLess() (end func()) {
	l := &lessGarbage
	l.Lock()
	defer l.Unlock()
	if l.rebuilds++; l.rebuilds == 1 && collectPercent() == standardPercent {
		l.raised = true
		debug.SetGCPercent(2 * standardPercent)
	}
	return func() {
		l.Lock()
		defer l.Unlock()
		if l.rebuilds--; l.rebuilds == 0 && l.raised {
			l.raised = false
			debug.SetGCPercent(standardPercent)
		}
	}
}

func collectPercent() uint64 {
	percent := []runtimemetrics.Sample{{Name: "/gc/gogc:percent"}}
	runtimemetrics.Read(percent)
	return percent[0].Value.Uint64()
}
