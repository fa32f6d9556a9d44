package platformtest

import "time"

// exhibit is an order with a prescribed lifecycle, for demonstrations.
type exhibit struct {
	scenario
	daysAgo int  // before the start; a day on a weekend is moved to the Friday before
	gone    bool // the platform's API no longer has the order, so that asking does not resolve a contradiction
}

// exhibits are the first orders of a traffic with Exhibits, oldest first.
var exhibits = []exhibit{
	{scenario{name: "filled long ago", steps: []step{accept, fillUp}}, 14, false},
	{scenario{name: "filled long ago in parts", steps: []step{accept, partial, partial, fillUp}}, 12, false},
	{scenario{name: "filled long ago", steps: []step{accept, fillUp}}, 11, false},
	{scenario{name: "canceled long ago after a part", steps: []step{accept, partial, cancel}}, 9, false},
	{scenario{name: "filled long ago", steps: []step{accept, fillUp}}, 8, false},
	{scenario{name: "filled after its cancellation, and gone", steps: []step{accept, cancel, fillUp}}, 0, true},
	{scenario{name: "canceled after its fill, and gone", steps: []step{accept, partial, fillUp, cancel}}, 0, true},
	{scenario{name: "overfilled, and the platform confirms it", steps: []step{accept, fillTooMuch}}, 0, false},
	{scenario{name: "of an unknown status, and gone", steps: []step{accept, sayUnknown}}, 0, true},
}

func (t Traffic) isExhibit(index int) bool { return t.Exhibits && index < len(exhibits) }

// exhibit returns an order with a prescribed lifecycle. The first one also causes a notification that
// cannot be decoded.
func (t Traffic) exhibit(index int) *order {
	e := &exhibits[index]
	l := t.birth(index)
	if e.daysAgo > 0 {
		day := t.Start.UTC().Add(-Tail).AddDate(0, 0, -e.daysAgo)
		for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			day = day.AddDate(0, 0, -1)
		}
		l.now = day.Add(time.Duration(index) * time.Second) // so that their times ascend, even on the same day
		l.created = l.now.Truncate(time.Millisecond)
	}
	l.gone, l.silent, l.scenario = e.gone, false, e.name
	l.trade(Traditional)
	for _, happen := range e.steps {
		happen(l)
	}
	if index == 0 {
		l.other = &other{at: l.now, broken: true}
	}
	return l.order
}
