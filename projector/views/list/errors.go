package list

import (
	"errors"
	"fmt"
)

var (
	// ErrCursor occurs when the cursor was not made by these views, or not for this query.
	ErrCursor = errors.New("views: the cursor does not belong to this list")
	// ErrCursorExpired occurs when the cursor belongs to this list, but to views of another
	// lineage: of other rules, of another epoch of the log or of another log. It is an ErrCursor.
	ErrCursorExpired = fmt.Errorf("%w any more: the views were made by other rules, or the log was restored", ErrCursor)
	// ErrTooManyToSort occurs when a list by quantity, which has no index, would examine more
	// orders than may be sorted for one page. Nothing was read.
	ErrTooManyToSort = errors.New("views: more orders than are sorted for one page")
	// ErrTooManyToSum occurs when the totals of a list would examine more orders than is allowed
	// for one answer. Nothing was summed.
	ErrTooManyToSum = errors.New("views: more orders than are summed for one answer")
	// ErrDamaged occurs when the contents of the live generation's file were not written by this
	// program. The generation is given up, and the views are made again from the log. The error
	// clears by itself, unless the disk damages every file.
	ErrDamaged = errors.New("views: damaged")
)

// BehindError occurs when the views that made the cursor were at a later record than these views.
// It clears when these have applied that record.
type BehindError struct{ Sequence uint64 }

// Error reports the record.
func (e *BehindError) Error() string {
	return fmt.Sprintf("views: the cursor was made when record %d was applied, which these views have not reached", e.Sequence)
}
