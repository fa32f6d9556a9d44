package statemachine

import (
	"fmt"
	"strings"
	"time"
)

// SettlementState is the state of an order's settlement as of some day, called today.
type SettlementState string

// The states of a settlement.
const (
	NothingToSettle SettlementState = "none"    // nothing is executed, the order can still trade, or its asset class has no cycle
	SettlesLater    SettlementState = "pending" // it is due later than today
	SettlesToday    SettlementState = "due"     // it is due today
	Overdue         SettlementState = "overdue" // it was due earlier than today
	HasSettled      SettlementState = "settled"
)

// SettlementStates are all settlement states.
var SettlementStates = []SettlementState{SettlesLater, SettlesToday, Overdue, HasSettled, NothingToSettle}

// Settlement is when an order should settle, and the state of its settlement. Before the order has
// traded, or if the notification that completed it is unknown, there are no days and no cycle.
type Settlement struct {
	Trade, Due  Day // 0: unknown
	Days        int // of the cycle, if Trade is known
	State       SettlementState
	OverdueDays int // settlement days after Due, if Overdue
}

// Cycle returns the cycle in the form T+2; "" if no trade date is known.
func (s *Settlement) Cycle() string {
	if s.Trade == 0 {
		return ""
	}
	return cycleName(s.Days)
}

func cycleName(days int) string { return fmt.Sprintf("T+%d", days) }

// AwaitsSettlement reports whether an order in state s can no longer trade, is not final and should settle.
func (s *State) AwaitsSettlement() bool { return s.Status != "" && !s.Open && !s.Final }

// traded returns the day, in Berlin, of the fact that completed or closed the order with something
// executed; 0 if there is none. Among the facts that count, this is the first fill, otherwise the fact
// that closed the order. An order that settled or was corrected was completed before that. If a
// restatement leaves no such fact, earlier facts are used and, if there is none either, the correction.
func (c *counted) traded(s *State) Day {
	if s.Status != Settled && !s.AwaitsSettlement() {
		return 0
	}
	f := completion(c.first[rowFilled], c.closed)
	if f == nil && c.base != nil && (s.Status == Settled || s.Status == Corrected) {
		f = c.order.completed()
	}
	if f == nil && s.Status != Settled {
		f = c.decider
	}
	if f == nil {
		return 0
	}
	return BerlinDay(f.at)
}

// completion returns the fact that completes an order.
func completion(filled, closed *fact) *fact {
	if filled != nil {
		return filled
	}
	return closed
}

// completed returns the fact that completed or closed the order, whether it counts or not.
func (o *Order) completed() *fact {
	var filled, closed *fact
	for i := range o.facts {
		f := &o.facts[i]
		if filled == nil && f.row == rowFilled {
			filled = f
		}
		if closed == nil && f.rank == rankClosed {
			closed = f
		}
	}
	return completion(filled, closed)
}

// TradedAsOf returns Traded of the state immediately after the notification with the given sequence.
// Facts that have been dropped since are not included.
func (o *Order) TradedAsOf(sequence uint64) Day {
	then := o.before(sequence + 1)
	return then.State().Traded
}

// maxNamedDays bounds the number of closed days that a sentence names.
const maxNamedDays = 6

// Explain returns sentences that describe when a traded order should settle, and which closed days delay
// the settlement.
func (s *Schedule) Explain(of *Settlement, today Day) (said []string) {
	if of.Trade == 0 {
		return nil
	}
	sentence := fmt.Sprintf("The order was executed on %s, %s, due %s", dayName(of.Trade, today), of.Cycle(), dayName(of.Due, today))
	if closed := s.between(of); closed != "" {
		sentence += "; TARGET is closed " + closed
	}
	said = append(said, sentence+".")
	switch {
	case of.State == SettlesToday:
		said = append(said, "It should settle today.")
	case of.State == Overdue && of.OverdueDays == 1:
		said = append(said, "It is overdue by 1 settlement day.")
	case of.State == Overdue:
		said = append(said, fmt.Sprintf("It is overdue by %d settlement days.", of.OverdueDays))
	}
	return said
}

// dayName returns the day in the form Wednesday 23 December, with the year if it differs from that
// of today.
func dayName(d, today Day) string {
	layout := "Monday 2 January"
	if d.Date().Year() != today.Date().Year() {
		layout += " 2006"
	}
	return d.Date().Format(layout)
}

// between names the closed days that delay the settlement, as in "on the 25th and at the weekend";
// "" if there are none.
func (s *Schedule) between(of *Settlement) string {
	var dates []string
	weekends := 0
	first := of.Trade + 1
	if of.Days == 0 {
		first = of.Trade
	}
	for _, d := range s.ClosedDays(first, of.Due-1) {
		switch d.Day.Weekday() {
		case time.Saturday:
			weekends++
		case time.Sunday:
			if d.Day == first {
				weekends++
			}
		default:
			dates = append(dates, "the "+ordinal(d.Day.Date().Day()))
		}
	}
	var parts []string
	if len(dates) > maxNamedDays {
		dates = []string{fmt.Sprintf("%d other days", len(dates))}
	}
	if len(dates) > 0 {
		parts = append(parts, "on "+strings.Join(dates, ", "))
	}
	switch weekends {
	case 0:
	case 1:
		parts = append(parts, "at the weekend")
	default:
		parts = append(parts, "at weekends")
	}
	return strings.Join(parts, " and ")
}

func ordinal(n int) string {
	suffix := "th"
	if n < 10 || n > 20 {
		suffix = map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]
	}
	if suffix == "" {
		suffix = "th"
	}
	return fmt.Sprint(n, suffix)
}
