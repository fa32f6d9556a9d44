package platformtest

import (
	"time"

	"github.com/google/uuid"
)

// State is what an order is at the platform, whatever was notified of it.
type State struct {
	OrderID    string
	AssetClass string // [Traditional], [Digital] or [Tokenized]
	Scenario   string // the kind of life it had, in words
	Status     string // CANCELED also where the platform writes CANCELLED
	ModifiedOn time.Time
	Executed   string // exact decimal; "0" when nothing was
}

// standing returns what the order is once the first count of its notes have happened, as a note that says so: nil before the
// first. Not everything that is notified is so:
//
//   - a refused update and a refused request (INVALID when there is an order already) leave the order untouched;
//   - a status that is unknown or unused tells that something was done, and not what the order is;
//   - a status of lower rank changes quantity, price and what is executed: an order that was amended after a part is
//     partially filled. The exception is CORRECTED;
//   - notifications that contradict each other leave open which is right. Of every second order it is the last.
//
// The modifiedOn is never older than the last notification, so that who asks gets an answer to a contradiction.
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

// after returns what the order is when it was is and n happens.
func (o *order) after(is, n *note) *note {
	next := *n
	if n.status == corrected || rankOf(n.status) > rankOf(is.status) {
		return &next
	}
	if o.lastIsRight() && contradicts(is.status, n.status) {
		if is.status == filled && rankOf(n.status) == ranks[canceled] {
			next.fills = nil // the trade was taken back with the order
		}
		return &next
	}
	next.status, next.message = is.status, is.message
	if is.executed().units > n.executed().units {
		next.fills = is.fills
	}
	return &next
}

// contradicts says whether an order cannot be what it was and what is said of it now, and both may be right.
func contradicts(was, said string) bool {
	switch {
	case rankOf(said) == 0 || was == said:
		return false
	case rankOf(was) == ranks[canceled]:
		return said != partiallyFilled // a late fill of an order that is closed leaves it closed
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

// happenedBy counts the notes that have happened by then, in nanoseconds since 1970.
func (o *order) happenedBy(then int64) int {
	count := 0
	for count < len(o.notes) && o.notes[count].at.UnixNano() <= then {
		count++
	}
	return count
}

// answer is the body of GET order.
func (o *order) answer(is *note) []byte {
	b := make(object, 0, 1024)
	b.text("orderId", o.id.String())
	if o.assetClass == Traditional && is.unknown != 1 { // which is one, too
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
