package rebuild

import (
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync"
)

// lessGarbage counts the rebuilds of the process that run, and whether the percentage is ours.
var lessGarbage struct {
	sync.Mutex
	rebuilds int
	raised   bool
}

const standardPercent = 100 // what GOGC is unless it is set

// collectLess has garbage collected half as often until end is called: a rebuild makes much of it and keeps
// little. The memory limit of the process, and another percentage that an operator has set, stay as they are.
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
