package embedded

import "errors"

// Fault is an error with what an operator needs to know in order to act on it. Each error that is a Fault says
// in its own comment when it occurs and what may already have happened.
type Fault struct {
	Err    error  // what is wrong
	Hint   string // what an operator should do; "" when waiting is all there is to do
	Clears bool   // the fault clears by itself: the same call can succeed later with nobody acting
}

// Error returns what is wrong, and the hint after it.
func (f *Fault) Error() string {
	if f.Hint == "" {
		return f.Err.Error()
	}
	return f.Err.Error() + ": " + f.Hint
}

// Unwrap returns what is wrong without the hint.
func (f *Fault) Unwrap() error { return f.Err }

var (
	// ErrLocked occurs at the start and at a restore when another process has the data folder open. Nothing was
	// changed.
	ErrLocked = errors.New("eventlog: the data folder is in use by another process")
	// ErrNoStream occurs at the start when there is no log and creating one was not allowed, or would bury what is
	// left of an older one. Nothing was changed.
	ErrNoStream = errors.New("eventlog: there is no log")
)
