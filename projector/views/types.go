package views

import (
	"strings"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// Checkpoint is the position of the log that the views stand at. The zero value is before the first
// record.
type Checkpoint struct {
	Log      string
	Sequence uint64
	Hash     string
	Received time.Time // when the record at Sequence was received
}

// Entry is an order with its row.
type Entry struct {
	Order *statemachine.Order
	Held  Held
}

// Held is the row of an order at one moment, without its state. Load and Commit return it, and the
// next commit of the order takes it, so that the row is not looked up again. It is a value: nothing
// changes it. The zero value is a row that is not known.
type Held struct{ row *stored }

// Change is an order after a batch, to be written. The last of Sequences is the order's last one.
type Change struct {
	Order     *statemachine.Order
	Sequences []uint64 // the notifications that this batch added, ascending
	Held      Held     // zero: the row is looked up, unless Sequences are all that the order has
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
	Feed        *Feed // where the feed stands with this batch; nil: where it stood
}

// Freeze takes down what is to be written of the orders, which may change again from then on.
// Commit does so otherwise.
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

// Page is one page of a list as the views stood at Applied. A walk from page to page tells every
// order that matched from its first page on exactly once, whatever changes meanwhile; orders that
// came later need not be told. A page ends early, with fewer orders than the limit or none, when
// many were looked at that do not match.
type Page struct {
	Totals     *Totals // when they are wanted; at Applied, whatever the cursor
	Orders     []statemachine.Order
	Next       string // "" at the end
	Generation int
	Lineage    uint32 // see list.Lineage
	Applied    uint64
	Feed       Feed // as it stood then
}

// Revision says that orders were changed though no notification came for them. The zero value: none
// ever was.
type Revision struct {
	Number   int64  // rises with each, also from one generation to the next
	Sequence uint64 // where the views stood: what was read of them before, or at it, may be of the time before the revision
	Cause    string // ByRedrive, ByRebuild or ByEpoch
}

// What changes orders without a notification.
const (
	ByRedrive = "redrive" // of quarantined records
	ByRebuild = "rebuild" // by other rules, or rules that are not known any more
	ByEpoch   = "epoch"   // nothing may have changed, but sequences after the position may be given to other records than before
)

// At says which state of the views an answer was read from.
type At struct {
	Generation int
	Lineage    uint32   // see list.Lineage
	Applied    uint64   // the sequence that they stood at
	Revision   Revision // of a list of changes and of sequences only
}

// Stats are counts over all orders.
type Stats struct {
	Orders       uint64
	Open         uint64
	Final        uint64
	ByStatus     map[statemachine.Status]uint64 // "" counts orders without a status; no entry is none
	ByAssetClass map[statemachine.AssetClass]uint64
	ByBreak      map[statemachine.Code]uint64 // orders with that break open
	Settled      map[statemachine.AssetClass]uint64
	Awaiting     map[Traded]uint64 // orders that await their settlement
	Objects      map[string]uint64 // notifications of other objects, by object
	Quarantined  uint64
	ByClass      map[string]uint64 // of those quarantined
	Records      uint64            // log records applied: of orders, of other objects, and quarantined
	Applied      uint64
	Generation   int
	Lineage      uint32 // see list.Lineage
}

// Health is what the projector says of itself, for readers in other processes.
type Health struct {
	Reason string // why nothing is folded; "" when all is well
	At     time.Time
	// Epoch of the log that is folded; 0: not known. Another one than before is a revision: whoever
	// followed the views may know records that are not in the log any more.
	Epoch uint64
}

// Verified is what the last examination of the views against the log found. The zero value: there
// was none.
type Verified struct {
	Sequence   uint64 // every order was compared as it stood at this record or a later one
	At         time.Time
	Difference string // in words; "" when there was none
}

// UnexaminedPrefix begins a Difference that tells why no comparison was possible since: the log
// lost records, or does not fit. Sequence and At are those of the last one that was, if there was
// one.
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
	Epoch       uint64 // of the log when it was read last; 0: not known
	Feed        Feed
	Lineage     uint32 // see list.Lineage
}
