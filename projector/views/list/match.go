package list

import (
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

// Matches reports whether q selects an order in the given state, which need not be its present one.
// Limit and cursor do not matter.
func (q *Query) Matches(o *statemachine.Order, state *statemachine.State) bool {
	f := FacetOf(o, state)
	return q.Selects(&f) && q.MatchesDetails(o) && q.Modified.told().Includes(ModifiedKey(state.ModifiedOn, state.Dated)) &&
		q.StatusChanged.told().Includes(ModifiedKey(state.StatusSince, state.Status != "")) &&
		(q.Executed == nil || *q.Executed == state.Extent) && q.settles(o.AssetClass(), state) &&
		(len(q.Breaks) == 0 || slices.ContainsFunc(state.Breaks, func(b statemachine.Break) bool { return slices.Contains(q.Breaks, b.Code) }))
}

// MatchesDetails is like Matches, without the conditions that depend on the state of the order.
func (q *Query) MatchesDetails(o *statemachine.Order) bool {
	return (q.AssetClass == 0 || q.AssetClass == o.AssetClass()) && (q.Side == "" || q.Side == o.Detail(statemachine.Side)) &&
		q.holds(o) && q.Created.told().Includes(CreatedKey(o)) && q.Received.received().Includes(ReceivedKey(o.Last.Received))
}
