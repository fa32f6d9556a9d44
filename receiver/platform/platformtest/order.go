package platformtest

import (
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// The asset classes. Each has its own order object.
const (
	Traditional = "TRADITIONAL"
	Digital     = "DIGITAL"
	Tokenized   = "TOKENIZED"
)

// The statuses in notifications of orders. The last three are in the schemas of the platform, which
// documents them as unused.
const (
	received               = "RECEIVED"
	invalid                = "INVALID"
	pending                = "PENDING"
	placed                 = "PLACED"
	partiallyFilled        = "PARTIALLY_FILLED"
	corrected              = "CORRECTED"
	canceled               = "CANCELED"
	canceledWithTwoLs      = "CANCELLED"
	expired                = "EXPIRED"
	rejected               = "REJECTED"
	filled                 = "FILLED"
	settled                = "SETTLED"
	cancellationRejected   = "CANCELLATION_REJECTED"
	cancellationAccepted   = "CANCELLATION_ACCEPTED"
	reconciliationCorrects = "RECONCILIATION_CORRECTION"
)

// The notification types.
const (
	typeCreated         = "CREATED"
	typeUpdated         = "UPDATED"
	typeValidationError = "VALIDATION_ERROR"
)

// order is the complete data of one order: its content, and its notifications in the sequence of the
// events. Bodies are generated only when they are posted.
type order struct {
	id         uuid.UUID
	index      int
	assetClass string
	scenario   string
	notes      []note
	other      *other // a notification of another object that the same customer caused
	gone       bool   // the platform's API does not have the order

	side, orderType, exchange string
	isin, symbol              string
	depot, cash               uuid.UUID
	created                   time.Time
	expiry                    time.Time // zero: good for the day, not sent
	notation                  notation
	shape                     shape
}

// shape is the place of the executed quantity in the body of a traditional order.
type shape int

const (
	inExecution shape = iota
	inPartialExecutions
	inBoth
	inExecutionData
	shapes
)

// note is one notification of an order.
type note struct {
	status           string // "": a refused update
	at               time.Time
	digits           int // in the fraction of modifiedOn
	offset           int // of the time zone of modifiedOn, in minutes
	notificationType string
	quantity         amount
	price            amount // limit or stop; zero for a market order
	fills            []fill // up to this notification
	tells            bool   // the body contains the executed quantity
	message          string
	messageField     string
	errorType        string
	errorText        string
	unknown          int // which undocumented field the body contains; 0: none
}

type fill struct {
	id       uuid.UUID
	quantity amount
	price    amount
}

func (n *note) executed() amount {
	sum := amount{scale: n.quantity.scale}
	for _, f := range n.fills {
		sum = sum.plus(f.quantity.units)
	}
	return sum
}

// fact returns the fact in the note.
func (n *note) fact() Fact {
	f := Fact{Status: n.status, At: n.at}
	if n.status == "" {
		return f
	}
	f.Quantity = n.quantity.rat()
	if n.tells {
		f.Executed = n.executed().rat()
	}
	return f
}

// source is a stream of random numbers. Streams with different keys are independent.
type source struct{ *rand.Rand }

func newSource(keys ...uint64) source {
	var hi, lo uint64
	for _, k := range keys {
		hi, lo = scramble(hi^k), scramble(lo+k*golden)
	}
	return source{rand.New(rand.NewPCG(hi, lo))}
}

// golden is 2^64 divided by the golden ratio; its multiples modulo 2^64 are spread evenly.
const golden = 0x9E3779B97F4A7C15

// scramble is the finalizer of SplitMix64. With it, neighbouring seeds do not generate similar orders.
func scramble(x uint64) uint64 {
	x += golden
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func (s source) chance(percent int) bool { return s.IntN(100) < percent }

// between returns a number from low to high, both included.
func (s source) between(low, high int64) int64 { return low + s.Int64N(high-low+1) }

func (s source) uuid() uuid.UUID {
	var u uuid.UUID
	for i, hi, lo := 0, s.Uint64(), s.Uint64(); i < 8; i++ {
		u[i], u[i+8] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // RFC 9562 variant
	return u
}

func oneOf[T any](s source, choices ...T) T { return choices[s.IntN(len(choices))] }
