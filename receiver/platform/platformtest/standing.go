package platformtest

import (
	"time"

	"github.com/google/uuid"
)

// State is the state of an order at the platform, which may differ from the notifications.
type State struct {
	OrderID    string
	AssetClass string // [Traditional], [Digital] or [Tokenized]
	Scenario   string // the name of the kind of lifecycle
	Status     string // CANCELED even if the platform writes CANCELLED
	ModifiedOn time.Time
	Executed   string // exact decimal; "0" if nothing was executed
}

// standing returns the state of the order after its first count notes, in the form of a note, or nil if
// count is 0. The state is not always that of the last note:
//
//   - A refused update and a refused request (INVALID for an existing order) do not change the order.
//   - An unknown or unused status does not change the status of the order.
//   - A status of lower rank changes only the quantity, the price and the executed quantity: an order
//     that is amended after a partial execution remains partially filled. CORRECTED is an exception.
//   - If notes contradict each other, the last one is right for half of the orders, and an earlier one
//     for the others.
//
// The state has the modifiedOn of the last note that concerns it, so that an answer with this state
// resolves a contradiction.
func (o *order) standing(count int) *note {
	var is *note
	tells := false
	for i := range o.notes[:count] {
		n := &o.notes[i]
		tells = tells || len(n.fills) > 0
		switch {
		case n.status == "", n.status == invalid && is != nil:
		case is == nil:
			first := *n
			is = &first
		default:
			is = o.after(is, n)
		}
	}
	if is == nil {
		return nil
	}
	is.tells = is.tells || tells
	return is
}

// after returns the state of the order after note n, if the state before was is.
func (o *order) after(is, n *note) *note {
	next := *n
	if n.status == corrected || rankOf(n.status) > rankOf(is.status) {
		return &next
	}
	if o.lastIsRight() && contradicts(is.status, n.status) {
		if is.status == filled && rankOf(n.status) == ranks[canceled] {
			next.fills = nil // the trade was cancelled with the order
		}
		return &next
	}
	next.status, next.message = is.status, is.message
	if is.executed().units > n.executed().units {
		next.fills = is.fills
	}
	return &next
}

// contradicts reports whether an order with the status was cannot have the status said now, so that
// either of the two may be wrong.
func contradicts(was, said string) bool {
	switch {
	case rankOf(said) == 0 || was == said:
		return false
	case rankOf(was) == ranks[canceled]:
		return said != partiallyFilled // a late partial fill does not reopen a closed order
	case was == filled:
		return rankOf(said) == ranks[canceled] || said == partiallyFilled
	}
	return false
}

func (o *order) lastIsRight() bool { return o.id[len(o.id)-1]&1 == 1 }

func plainStatus(status string) string {
	if status == canceledWithTwoLs {
		return canceled
	}
	return status
}

func rankOf(status string) int { return ranks[plainStatus(status)] }

func (o *order) state(is *note) State {
	return State{OrderID: o.id.String(), AssetClass: o.assetClass, Scenario: o.scenario, Status: plainStatus(is.status),
		ModifiedOn: is.at.UTC(), Executed: exactText(is.executed().rat())}
}

// happenedBy returns the number of notes up to then, a time in nanoseconds since 1970.
func (o *order) happenedBy(then int64) int {
	count := 0
	for count < len(o.notes) && o.notes[count].at.UnixNano() <= then {
		count++
	}
	return count
}

// answer returns the body of the answer to GET order.
func (o *order) answer(is *note) []byte {
	b := make(object, 0, 1024)
	b.text("orderId", o.id.String())
	if o.assetClass == Traditional && is.unknown != 1 { // this unknown field is an exAnteId, too
		b.text("exAnteId", uuid.NewSHA1(o.id, []byte("ex ante")).String())
	}
	b.text("createdOn", o.created.Format(layouts[3]))
	b.text("modifiedOn", is.modifiedOn())
	b.text("status", is.status)
	b.text("externalId", o.externalID())
	if o.assetClass == Traditional {
		o.traditional(&b, is)
	} else {
		o.digital(&b, is)
	}
	if is.message != "" {
		b.text("message", is.message)
	} else {
		b.text("message", is.errorText)
	}
	writeUnknown(&b, is.unknown)
	b.close()
	return b
}
