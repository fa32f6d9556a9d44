package views

import (
	"strings"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// Checkpoint is the position of the views in the log. The zero value is before the first record.
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

// Held is the row of an order at one moment, without its state. Load and Commit return it. The next
// commit of the order takes it, so that the row is not looked up again. It is never changed. The
// zero value is an unknown row.
type Held struct{ row *stored }

// Change is an order after a batch, to be written. The last of Sequences is the order's last one.
type Change struct {
	Order     *statemachine.Order
	Sequences []uint64 // the notifications added by this batch, ascending
	Held      Held     // zero: the row is looked up, unless Sequences are all of the order's
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

// Batch contains the changes of one step of the projector. It is written as a whole or not at all.
type Batch struct {
	Orders      []Change
	Objects     []Object // Count is the number of notifications that the batch adds
	Quarantined []Quarantined
	Checkpoint  Checkpoint
	Feed        *Feed // the position of the feed with this batch; nil: unchanged
}

// Freeze computes the rows of the orders, which may change again afterwards. Otherwise Commit
// computes them.
func (b *Batch) Freeze() error {
	rows := make([]row, len(b.Orders))
	var s states
	for i := range b.Orders {
		if err := s.put(&rows[i], b.Orders[i].Order, len(b.Orders)-1-i); err != nil {
			return err
		}
		b.Orders[i].row = &rows[i]
	}
	return nil
}

// Page is one page of a list as the views were at Applied. A walk from page to page returns every
// order that matched from its first page on exactly once, whatever changes meanwhile. It may omit
// orders that matched later. A page ends early, with fewer orders than the limit or none, after
// examining many orders that do not match.
type Page struct {
	Totals     *Totals // if the query wants them; at Applied, whatever the cursor
	Orders     []statemachine.Order
	Next       string // "" at the end
	Generation int
	Lineage    uint32 // see list.Lineage
	Applied    uint64
	Feed       Feed // as it was at Applied
}

// Revision is a change of orders without a notification. The zero value means that there never was
// one.
type Revision struct {
	Number   int64  // rises with each revision, even across generations
	Sequence uint64 // of the views when they were revised; an answer read at this sequence or earlier may not show the revision
	Cause    string // ByRedrive, ByRebuild or ByEpoch
}

// The causes of a change of orders without a notification.
const (
	ByRedrive = "redrive" // of quarantined records
	ByRebuild = "rebuild" // folded by other rules, or it is not known by which rules they were folded before
	ByEpoch   = "epoch"   // perhaps no change, but later sequences may belong to other records
)

// At identifies the state of the views from which an answer was read.
type At struct {
	Generation int
	Lineage    uint32   // see list.Lineage
	Applied    uint64   // the sequence of the views
	Revision   Revision // only for Changes and SequencesAfter
}

// Stats are counts over all orders.
type Stats struct {
	Orders       uint64
	Open         uint64
	Final        uint64
	ByStatus     map[statemachine.Status]uint64 // "" counts orders without a status; no entry: 0
	ByAssetClass map[statemachine.AssetClass]uint64
	ByBreak      map[statemachine.Code]uint64 // orders that have the break open
	Settled      map[statemachine.AssetClass]uint64
	Awaiting     map[Traded]uint64 // orders that await their settlement
	Objects      map[string]uint64 // notifications of other objects, by object
	Quarantined  uint64
	ByClass      map[string]uint64 // quarantined records
	Records      uint64            // log records applied: of orders, of other objects, and quarantined
	Applied      uint64
	Generation   int
	Lineage      uint32 // see list.Lineage
}

// Health is the projector's report about itself, for readers in other processes.
type Health struct {
	Reason string // why nothing is folded; "" when all is well
	At     time.Time
	// Epoch is that of the log that is folded; 0: not known. A new epoch is a revision, because a
	// follower of the views may know records that are no longer in the log.
	Epoch uint64
}

// Verified is the result of the last examination of the views against the log. The zero value means
// that there was none.
type Verified struct {
	Sequence   uint64 // every order was compared as it was at this record or a later one
	At         time.Time
	Difference string // in words; "" when there was none
}

// UnexaminedPrefix begins a Difference that reports why no comparison has been possible since the
// last one: the log lost records, or does not fit. Sequence and At are those of the last
// comparison, if there was one.
const UnexaminedPrefix = "the views cannot be compared with the log: "

// Unexamined reports whether no comparison has been possible since the last one.
func (v *Verified) Unexamined() bool { return strings.HasPrefix(v.Difference, UnexaminedPrefix) }

// Status is the position and the condition of the views.
type Status struct {
	Generation  int
	FoldVersion string
	Checkpoint  Checkpoint
	Health      Health
	Verified    Verified
	Revision    Revision
	Epoch       uint64 // of the log when it was last read; 0: not known
	Feed        Feed
	Lineage     uint32 // see list.Lineage
}
