package platformtest

import (
	"time"
)

// life is an order whose lifecycle is being generated.
type life struct {
	*order
	source
	now      time.Time
	quantity amount
	price    amount
	fills    []fill
	parts    int  // Traffic.Parts
	silent   bool // the notifications of this order never contain the executed quantity
	hold     bool // the next notification has the time of the previous one
}

// A step is an event in the life of an order.
type step func(*life)

// maxPause bounds the time between two notifications of an order, so that a whole lifecycle fits in Tail.
const maxPause = 40 * time.Second

// say adds a notification of the current state. Pauses are at least a second, so that cutting off the
// digits of a fraction never makes two notifications of an order swap places.
func (l *life) say(status string) *note {
	n := note{status: status, notificationType: typeUpdated, quantity: l.quantity, price: l.price, fills: l.fills}
	if l.hold {
		before := l.notes[len(l.notes)-1]
		n.at, n.digits, n.offset, l.hold = before.at, before.digits, before.offset, false
	} else {
		l.wait()
		n.digits = oneOf(l.source, 0, 3, 3, 3, 3, 3, 6, 6, 9)
		n.at = l.now.Truncate(precision(n.digits))
		if l.chance(15) {
			n.offset = oneOf(l.source, 60, 120, -300, 330)
		}
	}
	if len(l.notes) == 0 {
		n.notificationType = typeCreated
	}
	if len(l.fills) > 0 {
		n.tells = !l.silent && !l.chance(3)
	} else {
		n.tells = l.chance(8)
	}
	if l.chance(5) {
		n.unknown = 1 + l.IntN(unknownFields)
	}
	l.notes = append(l.notes, n)
	return &l.notes[len(l.notes)-1]
}

// precision returns the duration that the last of the given number of fraction digits represents.
func precision(digits int) time.Duration {
	p := time.Second
	for range digits {
		p /= 10
	}
	return p
}

func (l *life) wait() {
	pause := time.Second + time.Duration(l.ExpFloat64()*float64(12*time.Second))
	l.now = l.now.Add(min(pause, maxPause))
}

func (l *life) remaining() int64 {
	left := l.quantity.units
	for _, f := range l.fills {
		left -= f.quantity.units
	}
	return left
}

// execute adds a fill. Earlier notifications keep their own, shorter slice of fills.
func (l *life) execute(units int64) {
	price := l.price
	if price.units == 0 {
		price = l.instrumentPrice()
	}
	l.fills = append(l.fills, fill{l.uuid(), amount{units, l.quantity.scale}, price})
}

// refill replaces all fills by one, or none if units is 0. It makes a new slice, because earlier
// notifications share the old one.
func (l *life) refill(units int64) {
	l.fills = nil
	if units > 0 {
		l.execute(units)
	}
}

func accept(l *life) {
	if l.assetClass == Digital {
		if l.chance(70) {
			l.say(received)
		}
	} else if l.chance(8) {
		l.say(received)
		l.say(pending)
	}
	place(l)
}

func arrive(l *life) { l.say(received) }

// place adds the notification that the order is at the exchange, with the status of its asset class.
func place(l *life) {
	if l.assetClass == Digital {
		l.say(pending)
		return
	}
	l.say(placed)
}

// partial executes a part of the order. A digital order has no status for this; its next notification
// contains the executed quantity.
func partial(l *life) {
	l.execute(max(1, l.remaining()*l.between(20, 60)/100))
	if l.assetClass != Digital {
		l.say(partiallyFilled)
	}
}

func perhapsPartials(l *life) {
	for i := 0; i < 3 && l.chance(35); i++ {
		partial(l)
	}
	for i := 0; i < l.parts && l.remaining() > 1; i++ {
		partial(l)
	}
}

func fillUp(l *life) {
	if left := l.remaining(); left > 0 {
		l.execute(left)
	}
	l.say(filled)
}

func fillTooMuch(l *life) {
	l.silent = false
	l.execute(l.remaining() + l.between(1, 20))
	l.say(filled).tells = true
}

// bust reverses the last fill without CORRECTED.
func bust(l *life) {
	l.fills = l.fills[: len(l.fills)-1 : len(l.fills)-1]
	l.say(partiallyFilled)
}

// restate corrects the executed quantity: CORRECTED contains a smaller or the same quantity, or none.
func restate(l *life) {
	if l.chance(50) {
		l.refill(l.quantity.units * l.between(50, 100) / 100)
	}
	l.say(corrected)
}

// undo corrects the executed quantity to nothing.
func undo(l *life) {
	l.refill(0)
	l.say(corrected)
}

// amend changes the quantity or the price of an active order.
func amend(l *life) {
	if l.price.units > 0 {
		l.price = l.price.plus(l.between(1, 50) * 10)
	}
	if l.price.units == 0 || l.chance(40) {
		l.quantity = l.quantity.plus(l.between(1, 4) * 5)
	}
	place(l)
}

// refuse adds the notification of a refused update, without status and modifiedOn. The order does not
// change.
func refuse(l *life) {
	n := l.say("")
	n.tells = false
	l.explain(n)
}

// reportInvalid adds the notification of a request that failed validation.
func reportInvalid(l *life) {
	n := l.say(invalid)
	n.tells = false
	l.explain(n)
}

func (l *life) explain(n *note) {
	n.notificationType = typeValidationError
	n.errorType = oneOf(l.source, "VALIDATION_FAILED", "REQUESTOR_NOT_ACTIVE", "LIMIT_OUT_OF_RANGE", "ALREADY_EXISTS_ERROR")
	n.errorText = oneOf(l.source, "Requestor-ID is not an active natural person", "limitPrice is not a multiple of 0.001",
		"Größe der Order überschreitet das Limit", "order can no longer be changed")
}

// cancelInVain is a cancellation that came too late. It causes no notification; only time passes.
func cancelInVain(l *life) { l.wait() }

func cancel(l *life) { l.say(canceled) }

func cancelWithTwoLs(l *life) { l.say(canceledWithTwoLs) }

func expire(l *life) { l.say(expired) }

func reject(l *life) {
	n := l.say(rejected)
	n.message = oneOf(l.source, "Insufficient funds", "Instrument suspended from trading", "Kurs außerhalb des Handelsbandes",
		"Exchange closed")
	n.messageField = oneOf(l.source, "message", "message", "rejectionReason", "rejectReason", "reason")
}

func settle(l *life) { l.say(settled) }

func perhapsSettle(l *life) {
	if l.chance(60) {
		settle(l)
	}
}

// atOnce gives the next notification the modifiedOn of the previous one.
func atOnce(l *life) { l.hold = true }

func sayUnknown(l *life) {
	l.say(oneOf(l.source, "HALTED", "UNDER_REVIEW", "placed"))
}

func sayUnused(l *life) {
	l.say(oneOf(l.source, cancellationRejected, cancellationAccepted, reconciliationCorrects))
}
