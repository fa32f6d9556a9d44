package list

import (
	"errors"
	"fmt"
)

var (
	// ErrCursor occurs when these views did not make the cursor, or not for this query.
	ErrCursor = errors.New("views: the cursor does not belong to this list")
	// ErrCursorExpired occurs when the cursor belongs to this list, and its views were of another lineage: of other rules, of another
	// epoch of the log or of another log. It is an ErrCursor.
	ErrCursorExpired = fmt.Errorf("%w any more: the views were made by other rules, or the log was restored", ErrCursor)
	// ErrTooManyToSort occurs when a list should be sorted by quantity, by which there is no index, and more orders would have to be
	// looked at than are sorted for one page. Nothing was read.
	ErrTooManyToSort = errors.New("views: more orders than are sorted for one page")
	// ErrTooManyToSum occurs when the totals of a list are asked for, and more orders would have to be looked at than are for one
	// answer. Nothing was summed.
	ErrTooManyToSum = errors.New("views: more orders than are summed for one answer")
	// ErrDamaged occurs when the file of the live generation is not what was written. The generation is given up, and the views are made
	// again from the log: it clears by itself, unless the disk damages every file.
	ErrDamaged = errors.New("views: damaged")
)

// BehindError occurs when the views that made the cursor stood at a later record than these do. It clears when these have applied it.
type BehindError struct{ Sequence uint64 }

// Error names the record.
func (e *BehindError) Error() string {
	return fmt.Sprintf("views: the cursor was made when record %d was applied, which these views have not reached", e.Sequence)
}
