package views

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound occurs when the views contain no such order, object or row.
	ErrNotFound = errors.New("views: not found")
	// ErrNoViews occurs when nothing has been projected yet. It clears by itself when a projector
	// runs. Nothing was changed.
	ErrNoViews = errors.New("views: nothing has been projected here yet")
	// ErrLocked occurs in Open when another process writes these views. Nothing was changed. It
	// does not clear by itself.
	ErrLocked = errors.New("views: another process writes here")
	// ErrVersion occurs when the views were opened for reading and were made by another version of
	// the program. It clears when the process that writes them makes them again with this version.
	ErrVersion = errors.New("views: made by another version of the program")
	// ErrSwitched occurs when a batch is committed that was folded for a generation that is no
	// longer live, or before orders were redriven. Nothing was written. The caller folds again,
	// from what is stored now.
	ErrSwitched = errors.New("views: another generation was made live")
	// ErrNoPrevious occurs when the views are to be rolled back and there is no earlier generation
	// that this program can serve. Nothing was changed.
	ErrNoPrevious = errors.New("views: there is no previous generation that this version of the program can serve")
	// ErrClosed occurs after Close. Nothing was read or written.
	ErrClosed = errors.New("views: closed")
)

// otherVersion returns an ErrVersion with a hint for the operator. how describes the difference in
// words; "" when it is not known.
func otherVersion(how string) error {
	err := ErrVersion
	if how != "" {
		err = fmt.Errorf("%w: %s", ErrVersion, how)
	}
	return fmt.Errorf("%w: read them with the version that writes them", err)
}
