package views

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

var (
	// ErrNotFound: the views hold no such order, object or row.
	ErrNotFound = errors.New("views: not found")
	// ErrCursor: the cursor was not made by these views, or not for this query.
	ErrCursor = errors.New("views: the cursor does not belong to this list")
	// ErrCursorExpired: the cursor belongs to this list as another generation of the views had it. It is an ErrCursor.
	ErrCursorExpired = fmt.Errorf("%w any more: the views were rebuilt", ErrCursor)
	// ErrNoViews: opened for reading, and nothing has been projected there yet.
	ErrNoViews = errors.New("views: nothing has been projected here yet")
	// ErrLocked: another process writes these views.
	ErrLocked = errors.New("views: another process writes here; stop it, or give this one a folder of its own")
	// ErrVersion: opened for reading, and the views were made by another version of the program.
	ErrVersion = errors.New("views: made by another version of the program; read them with the version that writes them")
	// ErrSwitched: another generation is live than the batch was folded for, or orders were redriven. Fold again, from what is
	// stored now.
	ErrSwitched = errors.New("views: another generation was made live")
	// ErrNoPrevious: there is no generation to go back to that this program can serve.
	ErrNoPrevious = errors.New("views: there is no previous generation that this version of the program can serve")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("views: closed")
)

// Checkpoint is the position of the log that the views stand at. The zero value is before the first record.
type Checkpoint struct {
	Log      string
	Sequence uint64
	Hash     string
	Received time.Time // when the record at Sequence was received
}

// Entry is an order with what the views hold of it.
type Entry struct {
	Order *statemachine.Order
	Held  *Held
}

// Held is what the views hold of an order besides its state, so that a commit need not look for it. Load returns it, a commit of
// the order brings it up to date, and one that fails leaves it. The zero value is of an order that the views do not hold.
type Held struct{ is stored }

// Change is an order after a batch, to be written. The last of Sequences is the order's last one.
type Change struct {
	Order     *statemachine.Order
	Sequences []uint64 // the notifications that this batch added, ascending
	Held      *Held    // nil: it is looked up, unless Sequences are all that the order has
	row       *row     // nil: not frozen
}

// Quarantined is a record that could not become part of an order.
type Quarantined struct {
	Sequence uint64
	Received time.Time
	Object   string
	Class    string // stable, one of Classes
	Reason   string // in words, at most 512 bytes
}

// Object is the last notification of an object that is not an order.
type Object struct {
	Object   string // "customer"
	ID       string
	Sequence uint64
	Received time.Time
	Count    uint64
}

// Batch is what one step of the projector changes; it is written whole or not at all.
type Batch struct {
	Orders      []Change
	Objects     []Object // Count is how many notifications of the object the batch adds
	Quarantined []Quarantined
	Checkpoint  Checkpoint
}

// Freeze takes down what is to be written of the orders, which may change again from then on. Commit does so otherwise.
func (b *Batch) Freeze() error {
	rows := make([]row, len(b.Orders))
	var s states
	for i := range b.Orders {
		if err := s.put(&rows[i], b.Orders[i].Order); err != nil {
			return err
		}
		b.Orders[i].row = &rows[i]
	}
	return nil
}

// Query selects orders: those that satisfy every field given. The zero value selects all.
type Query struct {
	Statuses   []statemachine.Status // any of these; "" is an order without a status
	AssetClass statemachine.AssetClass
	Open       *bool
	Final      *bool
	Breaks     []statemachine.Code // any of these is open
	AnyBreak   *bool               // with (true) or without (false) an open break
	Side       string              // "BUY" or "SELL"
	ExternalID string
	ISIN       string
	Symbol     string
	ProductID  string // of the depository, wallet or cash product
	Received   Period // of the last notification
	Modified   Period
	Sort       Sort
	Limit      int    // 1–500; 0 is 100
	Cursor     string // from Page.Next of the same query
}

// Period is from Since to Until, both included; a zero time leaves that end open. Without either it is no restriction;
// with one of them a time that is not known is not in it.
type Period struct{ Since, Until time.Time }

// Sort is the order of a list.
type Sort uint8

// The orders; orders whose time modified is not known count as the ones modified first.
const (
	LatestReceived   Sort = iota // by the last notification, the latest first
	EarliestReceived             // the other way round
	LatestModified               // by the time modified, the latest first
	EarliestModified             // the other way round
)

// Page is one page of a list as the views stood at Applied. A walk from page to page tells every order that matched from its
// first page on exactly once, whatever changes meanwhile; orders that came later need not be told.
type Page struct {
	Orders     []statemachine.Order
	Next       string // "" at the end
	Generation int
	Applied    uint64
}

// Revision says that orders were changed though no notification came for them. The zero value: none ever was.
type Revision struct {
	Number   int64  // rises with each, also from one generation to the next
	Sequence uint64 // where the views stood: what was read of them before, or at it, may be of the time before the revision
	Cause    string // ByRedrive or ByRebuild
}

// What changes orders without a notification.
const (
	ByRedrive = "redrive" // of quarantined records
	ByRebuild = "rebuild" // by other rules, or rules that are not known any more
)

// At says which state of the views an answer was read from.
type At struct {
	Generation int
	Applied    uint64   // the sequence that they stood at
	Revision   Revision // of a list of changes only
}

// Stats are counts over all orders.
type Stats struct {
	Orders       uint64
	Open         uint64
	Final        uint64
	ByStatus     map[statemachine.Status]uint64 // "" counts orders without a status; no entry is none
	ByAssetClass map[statemachine.AssetClass]uint64
	ByBreak      map[statemachine.Code]uint64 // orders with that break open
	Objects      map[string]uint64            // notifications of other objects, by object
	Quarantined  uint64
	ByClass      map[string]uint64 // of those quarantined
	Records      uint64            // log records applied: of orders, of other objects, and quarantined
	Applied      uint64
	Generation   int
}

// Health is what the projector says of itself, for readers in other processes.
type Health struct {
	Reason string // why nothing is folded; "" when all is well
	At     time.Time
}

// Verified is what the last examination of the views against the log found. The zero value: there was none.
type Verified struct {
	Sequence   uint64 // every order was compared as it stood at this record or a later one
	At         time.Time
	Difference string // in words; "" when there was none
}

// UnexaminedPrefix begins a Difference that tells why no comparison was possible since: the log lost records, or does not fit.
// Sequence and At are those of the last one that was, if there was one.
const UnexaminedPrefix = "the views cannot be compared with the log: "

// Unexamined reports whether no comparison was possible since the last one.
func (v *Verified) Unexamined() bool { return strings.HasPrefix(v.Difference, UnexaminedPrefix) }

// Status says where the views stand.
type Status struct {
	Generation  int
	FoldVersion string
	Checkpoint  Checkpoint
	Health      Health
	Verified    Verified
	Revision    Revision
}
