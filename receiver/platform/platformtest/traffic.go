package platformtest

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"
)

// Traffic determines the notifications of a simulated platform and the faults of their delivery.
// Everything is a function of the fields: the same Traffic always generates the same orders, the same
// bodies and the same sequence of delivery. A different Start generates different orders of the same
// kinds.
type Traffic struct {
	Seed   uint64
	Start  time.Time // all events of orders are in the hour before it, except those of exhibits
	Orders int
	// Parts is the number of additional parts in which orders are executed, if their kind may be
	// executed in several parts. With 0 there are on average slightly more than three notifications
	// per order, with 2 slightly more than four.
	Parts int
	// Repeats is the fraction of notifications that are posted again later, some of them twice.
	Repeats float64
	// Overtaking is the fraction of notifications that are delayed, by up to 15 minutes on the orders'
	// own clock, so that later ones may arrive first. At 1 and above, the whole delivery is shuffled.
	Overtaking float64
	// Lost is the fraction of notifications that are never posted, and Listed the fraction of the lost
	// ones that the platform lists as undelivered. If a loss would leave an order unknown, or make it
	// look final in a wrong state, all lost notifications of that order are listed, because nothing
	// would cause a reader to ask about it.
	Lost, Listed float64
	// Exhibits makes the first few orders examples for a demonstration: the settlement of some is
	// overdue, and some have breaks that asking the platform does not resolve. There is also one
	// notification that cannot be decoded. Nothing of this is lost.
	Exhibits bool
}

// started returns t with Start in UTC; a zero Start becomes the current time.
func (t Traffic) started() Traffic {
	if t.Start.IsZero() {
		t.Start = time.Now()
	}
	t.Start = t.Start.UTC()
	return t
}

func (t Traffic) check() error {
	if t.Orders < 0 || t.Parts < 0 || t.Repeats < 0 || t.Overtaking < 0 || t.Lost < 0 || t.Listed < 0 {
		return errors.New("platformtest: orders, parts, repeats, overtaking, lost and listed cannot be negative")
	}
	if t.Lost > 1 || t.Listed > 1 {
		return errors.New("platformtest: lost and listed are fractions: they cannot exceed 1")
	}
	if year := t.Start.Year(); !t.Start.IsZero() && (year < 1678 || year > 2261) {
		return fmt.Errorf("platformtest: the start is in the year %d; it must be in the years 1678 to 2261", year)
	}
	return nil
}

// Order is one simulated order with all its notifications.
type Order struct {
	ID            string
	AssetClass    string // [Traditional], [Digital] or [Tokenized]
	Scenario      string // the name of the kind of lifecycle
	Notifications []Notification
	Facts         []Fact   // one for each of Notifications, at the same index
	Expected      Expected // after all of Notifications have arrived
}

// Notification is one posting: Body is sent as application/json to Path, which begins with a slash.
type Notification struct {
	Path string
	Body []byte
}

// The times of a traffic.
const (
	Tail    = time.Hour        // from the first order that is not an exhibit to Start
	Arrival = 50 * time.Minute // the part of Tail in which orders are created
)

// Order returns the order with the given index, 0 to Orders-1.
func (t Traffic) Order(index int) Order {
	o := t.order(index)
	made := Order{ID: o.id.String(), AssetClass: o.assetClass, Scenario: o.scenario}
	for i := range o.notes {
		made.Notifications = append(made.Notifications, o.notification(i))
		made.Facts = append(made.Facts, o.notes[i].fact())
	}
	made.Expected = Truth(made.Facts)
	return made
}

// Notifications returns all notifications in the sequence of delivery, including repeats and
// notifications of other objects. It needs memory for the pending notifications or, if the delivery is
// shuffled, 32 bytes for every notification.
func (t Traffic) Notifications() iter.Seq[Notification] {
	return func(yield func(Notification) bool) {
		for d := range t.deliveries() {
			if !yield(t.notification(d.ref)) {
				return
			}
		}
	}
}

func (t Traffic) notification(r ref) Notification {
	o := t.order(int(r.order))
	return o.notification(int(r.note))
}

// order generates one order. It is fast enough to be called again for each notification of the order.
func (t Traffic) order(index int) *order {
	if t.isExhibit(index) {
		return t.exhibit(index)
	}
	l := t.birth(index)
	s := pickScenario(t.Seed, index)
	l.scenario = s.name
	switch draw := l.IntN(100); {
	case draw < 60:
		l.trade(Traditional)
	case draw < 85 && !s.partly:
		l.trade(Digital)
	default:
		l.trade(Tokenized)
	}
	if l.assetClass == Digital {
		l.depot = t.wallet(index / ordersPerWallet)
	}
	l.notes = make([]note, 0, 8)
	for _, happen := range s.steps {
		happen(l)
	}
	if l.chance(15) {
		l.other = &other{at: l.now, seed: l.Uint64()}
	}
	return l.order
}

// ordersPerWallet is the number of consecutive orders whose digital orders have the same wallet. A quarter
// of all orders are digital.
const ordersPerWallet = 50

// wallet returns the id of a customer product by which digital orders are listed.
func (t Traffic) wallet(number int) uuid.UUID {
	return newSource(t.Seed, uint64(t.Start.UnixNano()), uint64(number), 'w').uuid()
}

func (t Traffic) birth(index int) *life {
	s := newSource(t.Seed, uint64(t.Start.UnixNano()), uint64(index))
	slot := Arrival / time.Duration(max(t.Orders, 1))
	born := t.Start.UTC().Add(-Tail).Add(time.Duration(index)*slot + time.Duration(s.Float64()*float64(slot)))
	o := &order{id: s.uuid(), index: index, created: born.Truncate(time.Millisecond)}
	return &life{order: o, source: s, now: born, silent: s.chance(5), parts: t.Parts}
}

// instrument is something that can be traded.
type instrument struct {
	name  string // ISIN or symbol
	kind  string // assetType of a symbol
	price amount
	scale int   // digits after the decimal point of a quantity
	most  int64 // units of the largest quantity; price × quantity must fit in 64 bits
}

var instruments = map[string][]instrument{
	Traditional: {
		{"DE0007164600", "", amount{101250, 3}, 0, 2_000}, {"DE000BASF111", "", amount{47310, 3}, 0, 5_000},
		{"US0378331005", "", amount{189400, 3}, 0, 1_000}, {"IE00B4L5Y983", "", amount{92765, 3}, 4, 9_000_000},
		{"DE0005140008", "", amount{15082, 3}, 0, 10_000}, {"LU0908500753", "", amount{243100, 3}, 3, 400_000},
	},
	Digital: {
		{"BTC", "CRYPTO", amount{5_812_345, 2}, 8, 200_000_000}, {"ETH", "CRYPTO", amount{312_050, 2}, 8, 3_000_000_000},
		{"ADA", "CRYPTO", amount{4512, 4}, 6, 9_000_000_000},
	},
	Tokenized: {
		{"RE-MUC-01", "REAL_ESTATE", amount{50_000, 3}, 0, 400}, {"RE-BER-07", "REAL_ESTATE", amount{102_500, 3}, 2, 90_000},
	},
}

func (l *life) instrumentPrice() amount {
	for _, i := range instruments[l.assetClass] {
		if i.name == l.isin || i.name == l.symbol {
			return i.price
		}
	}
	return amount{}
}

// trade generates the content of the order: instrument, side, quantity, price and so on.
func (l *life) trade(assetClass string) {
	l.assetClass = assetClass
	thing := oneOf(l.source, instruments[assetClass]...)
	l.quantity = amount{l.between(40, thing.most), thing.scale}
	l.side = oneOf(l.source, "BUY", "BUY", "SELL")
	l.depot, l.cash = l.uuid(), l.uuid()
	l.orderType = "MARKET"
	if l.chance(6) {
		l.notation = notation(l.IntN(int(notations)))
	}
	if assetClass != Traditional {
		l.symbol = thing.name
		if assetClass == Tokenized && l.chance(20) {
			l.side = map[string]string{"BUY": "buy", "SELL": "sell"}[l.side]
		}
		return
	}
	l.isin = thing.name
	l.exchange = oneOf(l.source, "XFRA", "XFRA", "TGAT")
	l.shape = shape(l.IntN(int(shapes)))
	if l.orderType = oneOf(l.source, "LIMIT", "LIMIT", "MARKET", "STOP"); l.orderType != "MARKET" {
		l.price = thing.price.plus(l.between(-500, 500))
	}
	if l.chance(40) {
		l.expiry = l.created.AddDate(0, 0, int(l.between(1, 30)))
	}
}
