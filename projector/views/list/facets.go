package list

import (
	"context"
	"database/sql"
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

// Facet contains all properties of an order that have few values and by which lists select. There
// are about a hundred facets at most. Each has a row that counts its orders.
type Facet struct {
	Status     statemachine.Status
	AssetClass statemachine.AssetClass
	Open       bool
	Final      bool
	Broken     bool // with an open break
	Side       Side
}

// Side is the side of an order, as far as lists select by it.
type Side uint8

const (
	noSide Side = iota
	buy
	sell
	otherSide // the platform reports another side
)

func sideOf(text string) Side {
	switch text {
	case "":
		return noSide
	case "BUY":
		return buy
	case "SELL":
		return sell
	}
	return otherSide
}

// FacetOf returns the facet of an order in that state.
func FacetOf(o *statemachine.Order, state *statemachine.State) Facet {
	return Facet{state.Status, o.AssetClass(), state.Open, state.Final, len(state.Breaks) > 0,
		sideOf(o.Detail(statemachine.Side))}
}

// CountedFacet is a facet as it is stored.
type CountedFacet struct {
	Facet
	Number int64
	Orders uint64
}

const facetsText = `SELECT facet, status, asset_class, open, final, broken, side, orders FROM facets`

// ReadFacets returns all stored facets, including those that no order has any more.
func ReadFacets(ctx context.Context, c Reader) (found []CountedFacet, err error) {
	err = c.Each(ctx, facetsText, nil, func(rows *sql.Rows) error {
		var f CountedFacet
		err := rows.Scan(&f.Number, &f.Status, &f.AssetClass, &f.Open, &f.Final, &f.Broken, &f.Side, &f.Orders)
		found = append(found, f)
		return err
	})
	return found, err
}

// Selects reports whether orders of that facet can be in the list.
func (q *Query) Selects(f *Facet) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, f.Status)) &&
		(q.AssetClass == 0 || q.AssetClass == f.AssetClass) &&
		(q.Open == nil || *q.Open == f.Open) &&
		(q.Final == nil || *q.Final == f.Final) &&
		(q.Side == "" || sideOf(q.Side) == f.Side) &&
		(len(q.Breaks) == 0 || f.Broken) &&
		(q.AnyBreak == nil || *q.AnyBreak == f.Broken)
}
