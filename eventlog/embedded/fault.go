package embedded

import "errors"

// Fault is an error with the information that an operator needs to act on it. The comment of each
// error that is a Fault says when it occurs and what may already have happened.
type Fault struct {
	Err    error  // what is wrong
	Hint   string // what an operator should do; "" if only waiting helps
	Clears bool   // the fault clears by itself: the same call can succeed later
}

// Error returns the error followed by the hint.
func (f *Fault) Error() string {
	if f.Hint == "" {
		return f.Err.Error()
	}
	return f.Err.Error() + ": " + f.Hint
}

// Unwrap returns the error without the hint.
func (f *Fault) Unwrap() error { return f.Err }

var (
	// ErrLocked occurs when another process has the data folder open at a start or a restore.
	// Nothing was changed.
	ErrLocked = errors.New("eventlog: the data folder is in use by another process")
	// ErrNoStream occurs when there is no log at a start, and creating one was not allowed or would
	// bury the remains of an older one. Nothing was changed.
	ErrNoStream = errors.New("eventlog: there is no log")
)
