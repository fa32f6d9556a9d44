package eventlog

import (
	"errors"
	"fmt"
)

// notAppended returns the error of Append for a record that is certainly not in the log.
func notAppended(err error) error {
	return fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrNotAppended, err)
}

// outcomeUnknown returns the error of Append for a record that may be in the log.
func outcomeUnknown(err error) error {
	return fmt.Errorf("%w: whether the record was appended is unknown: %w", ErrUnavailable, err)
}

var (
	errClosed         = errors.New("the log is closed")
	errCrowded        = errors.New("too many records are waiting")
	errConnectionLost = errors.New("the connection to the server was lost")
	errSilent         = errors.New("the server does not answer")
	errFull           = &Fault{Err: errors.New("the log is full"), Hint: limitHint}
)
