package platformtest

// scenario is a kind of lifecycle and its weight; weights add up to totalWeight.
type scenario struct {
	name   string
	weight int
	// partly is set if the scenario needs statuses that digital orders do not have.
	partly bool
	steps  []step
}

const totalWeight = 1000

// Common lifecycles come first, then rare ones, then those that a person must look at.
var scenarios = []scenario{
	{"received", 10, false, []step{arrive}},
	{"active", 60, false, []step{accept}},
	{"partially filled", 50, true, []step{accept, partial, perhapsPartials}},
	{"filled", 90, false, []step{accept, perhapsPartials, fillUp}},
	{"settled", 326, false, []step{accept, perhapsPartials, fillUp, settle}},
	{"amended", 60, true, []step{accept, amend, perhapsPartials, amend, fillUp, perhapsSettle}},
	{"amended and active", 20, true, []step{accept, partial, amend}},
	{"canceled", 60, false, []step{accept, cancel}},
	{"canceled after a part", 30, false, []step{accept, partial, perhapsPartials, cancel}},
	{"canceled after a part and settled", 30, false, []step{accept, partial, perhapsPartials, cancel, settle}},
	{"cancellation failed", 40, false, []step{accept, perhapsPartials, cancelInVain, fillUp, perhapsSettle}},
	{"expired", 30, true, []step{accept, expire}},
	{"expired after a part", 15, true, []step{accept, partial, expire}},
	{"rejected", 30, false, []step{accept, reject}},
	{"rejected at once", 12, false, []step{reject}},
	{"invalid", 25, false, []step{reportInvalid}},
	{"update refused", 25, false, []step{accept, refuse, perhapsPartials, fillUp, perhapsSettle}},
	{"request invalid", 8, false, []step{accept, reportInvalid, fillUp, perhapsSettle}},

	{"corrected", 5, false, []step{accept, perhapsPartials, fillUp, restate}},
	{"corrected and canceled", 6, false, []step{accept, perhapsPartials, fillUp, undo, cancel}},
	{"corrected and filled again", 5, false, []step{accept, fillUp, restate, fillUp, settle}},
	{"corrected and settled", 5, false, []step{accept, fillUp, restate, settle}},
	{"two statuses at once", 8, false, []step{accept, atOnce, fillUp, perhapsSettle}},
	{"canceled with two Ls", 4, false, []step{accept, cancelWithTwoLs}},

	{"canceled and then filled", 5, false, []step{accept, cancel, fillUp}},
	{"canceled and then partly filled", 3, true, []step{accept, cancel, partial}},
	{"filled and then canceled", 4, false, []step{accept, perhapsPartials, fillUp, cancel}},
	{"settled and then canceled", 3, false, []step{accept, fillUp, settle, cancel}},
	{"closed twice", 4, true, []step{accept, expire, cancel}},
	{"closed twice at once", 3, true, []step{accept, expire, atOnce, cancel}},
	{"busted", 3, true, []step{accept, partial, fillUp, bust}},
	{"rejected after a part", 3, true, []step{accept, partial, reject}},
	{"invalid and then placed", 3, false, []step{reportInvalid, place, fillUp}},
	{"reopened", 3, false, []step{accept, cancel, place}},
	{"placed after the fill", 3, false, []step{fillUp, place}},
	{"overfilled", 2, false, []step{accept, fillTooMuch}},
	{"settled without a fill", 2, false, []step{accept, settle}},
	{"of an unknown status", 3, false, []step{accept, sayUnknown}},
	{"of an unused status", 2, false, []step{accept, sayUnused, fillUp}},
}

// pickScenario steps through the weights by multiples of the golden ratio, so that every scenario
// occurs in any 2,000 consecutive orders, whatever the seed. Random choices could not guarantee that.
func pickScenario(seed uint64, index int) *scenario {
	x := scramble(seed) + uint64(index)*golden
	weight := int(x >> 32 * totalWeight >> 32)
	for i := range scenarios {
		if weight -= scenarios[i].weight; weight < 0 {
			return &scenarios[i]
		}
	}
	panic("platformtest: the weights of the scenarios do not add up")
}
