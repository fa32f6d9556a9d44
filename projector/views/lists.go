package views

import (
	"context"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/projector/views/list"
)

// Package list defines the queries and results of lists, beside the code that finds their rows.
type (
	// Query selects orders.
	Query = list.Query
	// Period is the time from one moment to another.
	Period = list.Period
	// Sort is the order of a list of orders.
	Sort = list.Sort
	// Settling derives the settlement of an order from a trade date.
	Settling = list.Settling
	// Totals are the totals of all orders that a query selects.
	Totals = list.Totals
	// BreakQuery selects open breaks.
	BreakQuery = list.BreakQuery
	// BreakPage is one page of open breaks.
	BreakPage = list.BreakPage
	// OpenBreak is a break and the order that has it.
	OpenBreak = list.OpenBreak
	// BehindError occurs when these views have not reached the position of the views that made a
	// cursor.
	BehindError = list.BehindError
	// Age is how long a break has been open, in steps.
	Age = list.Age
)

// The sort orders of lists.
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

// The number of ages, and the last age, which has no end.
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
	// ErrDamaged occurs when the contents of the live generation's file were not written by this
	// program. Lists and other reads return it.
	ErrDamaged = list.ErrDamaged
)

// ParseAge returns the age of that name; ok is false for any other text.
func ParseAge(name string) (a Age, ok bool) { return list.ParseAge(name) }

// AgeOf returns the age, at the time now, of a break that was opened at the given time.
func AgeOf(opened, now time.Time) Age { return list.AgeOf(opened, now) }

// bounds are the bounds of lists. It is a variable for tests, which reach small bounds with few
// orders.
var bounds = list.UsualBounds

// Orders returns one page of the orders that q selects. It returns ErrCursor when the cursor
// belongs to another query, ErrCursorExpired when it belongs to views of another lineage, and a
// BehindError when these views have not reached the position of the views that made it.
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

// Breaks returns one page of the open breaks that q selects, with counts of all of them. Errors are
// those of Orders.
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
