package list

import (
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// Query selects the orders that satisfy every given field. The zero value selects all.
type Query struct {
	Statuses   []statemachine.Status // any of these; "" is an order without a status
	AssetClass statemachine.AssetClass
	Open       *bool
	Final      *bool
	Breaks     []statemachine.Code // at least one of these is open
	AnyBreak   *bool               // true: with an open break; false: without
	Side       string              // "BUY" or "SELL"
	IDPrefix   string              // the beginning of the id
	// An order matches a field below if it has any of the values. ISINs and symbols are compared
	// without regard to case.
	ExternalIDs []string
	ISINs       []string
	Symbols     []string
	ProductIDs  []string // of the depository, wallet or cash product
	// OrderTypes and ExchangeCodes match any of the values, without regard to case.
	OrderTypes, ExchangeCodes []string

	QuantityMin, QuantityMax statemachine.Decimal // both included; either one excludes orders without a quantity
	Executed                 *statemachine.Extent

	Received      Period // of the last notification
	Modified      Period
	Created       Period // the platform's time
	StatusChanged Period // when the order got its status

	Settlement []statemachine.SettlementState // any of these, on Today
	Due        statemachine.Days              // the due date, also of settled orders; zero value: no restriction
	Settling                                  // required for these two fields and for a sort by due date

	Sort   Sort
	Limit  int    // 1–500; 0 is 100
	Cursor string // from Page.Next of the same query
	Totals bool   // the page must contain the totals
}

// Period is the time from Since to Until, both included. Nil leaves that end open. Without either
// there is no restriction; with either, an unknown time is not in the period.
type Period struct{ Since, Until *time.Time }

// Sort is the order of a list.
type Sort uint8

// The sort orders. Orders whose time modified is not known count as modified first.
const (
	LatestReceived   Sort = iota // by the last notification, the latest first
	EarliestReceived             // the other way round
	LatestModified               // by the time modified, the latest first
	EarliestModified             // the other way round
	LargestQuantity              // by ordered quantity, largest first; short lists only, see ErrTooManyToSort
	SmallestQuantity             // the other way round; an unknown quantity counts as the smallest
	LatestDue                    // by due date, then trade date, latest first; never due comes last
	EarliestDue                  // by both, earliest first; never due comes last
)
