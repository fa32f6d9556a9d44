package list

import (
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// Query selects orders: those that satisfy every field given. The zero value selects all.
type Query struct {
	Statuses   []statemachine.Status // any of these; "" is an order without a status
	AssetClass statemachine.AssetClass
	Open       *bool
	Final      *bool
	Breaks     []statemachine.Code // any of these is open
	AnyBreak   *bool               // with (true) or without (false) an open break
	Side       string              // "BUY" or "SELL"
	IDPrefix   string              // what the id begins with
	// Of each of these, any of the values. ISINs and symbols count in any letter case.
	ExternalIDs []string
	ISINs       []string
	Symbols     []string
	ProductIDs  []string // of the depository, wallet or cash product
	// OrderTypes and ExchangeCodes: any of the values, in any letter case.
	OrderTypes, ExchangeCodes []string

	QuantityMin, QuantityMax statemachine.Decimal // both included; with one of them an order without a quantity is not selected
	Executed                 *statemachine.Extent

	Received      Period // of the last notification
	Modified      Period
	Created       Period // by the platform's time
	StatusChanged Period // since when it has its status

	Settlement []statemachine.SettlementState // any of these, on the day Today
	Due        statemachine.Days              // on which it is due, or was before it settled; the zero value is no restriction
	Settling                                  // needed where one of the two, or a sort by due date, is given

	Sort   Sort
	Limit  int    // 1–500; 0 is 100
	Cursor string // from Page.Next of the same query
	Totals bool   // are wanted with the page
}

// Period is from Since to Until, both included; nil leaves that end open. Without either it is no
// restriction; with one of them a time that is not known is not in it.
type Period struct{ Since, Until *time.Time }

// Sort is the order of a list.
type Sort uint8

// The orders; orders whose time modified is not known count as the ones modified first.
const (
	LatestReceived   Sort = iota // by the last notification, the latest first
	EarliestReceived             // the other way round
	LatestModified               // by the time modified, the latest first
	EarliestModified             // the other way round
	LargestQuantity              // by the ordered quantity, the largest first; Only of lists of few orders, see ErrTooManyToSort
	SmallestQuantity             // the other way round; one that is not known counts as the smallest
	LatestDue                    // by due date, and then by trade date, the latest first; those that are never due come last
	EarliestDue                  // by both, the earliest first; those that are never due come last
)
