package views

import (
	"context"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/projector/views/list"
)

// What lists are asked by and what they answer is defined beside what finds their rows.
type (
	// Query selects orders.
	Query = list.Query
	// Period is from one time to another.
	Period = list.Period
	// Sort is the order of a list of orders.
	Sort = list.Sort
	// Settling tells from a trade date how an order stands with its settlement.
	Settling = list.Settling
	// Totals are of all orders that a query selects.
	Totals = list.Totals
	// BreakQuery selects open breaks.
	BreakQuery = list.BreakQuery
	// BreakPage is one page of open breaks.
	BreakPage = list.BreakPage
	// OpenBreak is a break and the order that has it.
	OpenBreak = list.OpenBreak
	// BehindError occurs when the views have not come as far as those that made a cursor.
	BehindError = list.BehindError
	// Age is how long a break has been open, in steps.
	Age = list.Age
)

// The orders of a list.
const (
	LatestReceived   = list.LatestReceived
	EarliestReceived = list.EarliestReceived
	LatestModified   = list.LatestModified
	EarliestModified = list.EarliestModified
	LargestQuantity  = list.LargestQuantity
	SmallestQuantity = list.SmallestQuantity
	LatestDue        = list.LatestDue
	EarliestDue      = list.EarliestDue
)

// The number of ages, of which the last has no end.
const (
	Ages           = list.Ages
	FiveDaysOrMore = list.FiveDaysOrMore
)

// The errors of lists.
var (
	ErrCursor        = list.ErrCursor
	ErrCursorExpired = list.ErrCursorExpired
	ErrTooManyToSort = list.ErrTooManyToSort
	ErrTooManyToSum  = list.ErrTooManyToSum
	// ErrDamaged occurs when the file of the live generation is not what was written, in lists and elsewhere.
	ErrDamaged = list.ErrDamaged
)

// ParseAge returns the age of that name; ok is false for any other text.
func ParseAge(name string) (a Age, ok bool) { return list.ParseAge(name) }

// AgeOf returns the age at the time now of a break that was opened then.
func AgeOf(opened, now time.Time) Age { return list.AgeOf(opened, now) }

// bounds are those of lists. A variable for tests, to which few are many.
var bounds = list.UsualBounds

// Orders returns one page of the orders that q selects. It returns ErrCursor when the cursor is of another query, ErrCursorExpired
// when it is of views of another lineage, and a BehindError when these views have not come as far as those that made it.
func (s *Store) Orders(ctx context.Context, q Query) (page Page, err error) {
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		page.Generation = g.number
		var feed string
		if err := c.Row(ctx, placeText, nil, &feed); err != nil {
			return err
		}
		var err error
		if page.Feed, err = readFeed(feed); err != nil {
			return err
		}
		at, err := g.position(ctx, c)
		if err != nil {
			return err
		}
		page.Applied, page.Lineage = uint64(at.Applied), at.Lineage
		read := list.Read{Reader: c, Position: at, Bounds: &bounds}
		of, err := read.Orders(ctx, q)
		page.Totals, page.Orders, page.Next = of.Totals, of.Orders, of.Next
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("views: list orders: %w", err)
	}
	return page, nil
}

// Breaks returns one page of the open breaks that q selects, with counts of all of them. Errors are those of Orders.
func (s *Store) Breaks(ctx context.Context, q BreakQuery) (page BreakPage, err error) {
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		at, err := g.position(ctx, c)
		if err != nil {
			return err
		}
		read := list.Read{Reader: c, Position: at, Bounds: &bounds}
		page, err = read.Breaks(ctx, q)
		return err
	})
	if err != nil {
		return BreakPage{}, fmt.Errorf("views: list breaks: %w", err)
	}
	return page, nil
}
