package views

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// facet is everything about an order that has few values and that lists select by. There are at most a hundred or so, each a
// row that counts its orders.
type facet struct {
	status     statemachine.Status
	assetClass statemachine.AssetClass
	open       bool
	final      bool
	broken     bool // with an open break
	side       side
}

// side is what an order does, as far as lists select by it.
type side uint8

const (
	noSide side = iota
	buy
	sell
	otherSide // the platform says something else
)

func sideOf(text string) side {
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

func facetOf(o *statemachine.Order, state *statemachine.State) facet {
	return facet{state.Status, o.AssetClass(), state.Open, state.Final, len(state.Breaks) > 0,
		sideOf(o.Detail(statemachine.Side))}
}

// countedFacet is a facet as stored.
type countedFacet struct {
	facet
	number int64
	orders uint64
}

const facetsText = `SELECT facet, status, asset_class, open, final, broken, side, orders FROM facets`

func readFacets(ctx context.Context, c *connection) (found []countedFacet, err error) {
	err = c.each(ctx, facetsText, nil, func(rows *sql.Rows) error {
		var f countedFacet
		err := rows.Scan(&f.number, &f.status, &f.assetClass, &f.open, &f.final, &f.broken, &f.side, &f.orders)
		found = append(found, f)
		return err
	})
	return found, err
}

// facet returns the number of f, and gives it one when it is new.
func (w *writer) facet(ctx context.Context, f facet) (int64, error) {
	if w.facets == nil {
		found, err := readFacets(ctx, w.c)
		if err != nil {
			return 0, err
		}
		w.facets, w.awaiting = make(map[facet]int64, len(found)), map[int64]bool{}
		for _, f := range found {
			w.facets[f.facet], w.awaiting[f.number] = f.number, f.awaits()
		}
	}
	if number, ok := w.facets[f]; ok {
		return number, nil
	}
	result, err := w.c.exec(ctx, insertFacetText, f.status, f.assetClass, f.open, f.final, f.broken, f.side)
	if err != nil {
		return 0, err
	}
	number, err := result.LastInsertId()
	if err == nil {
		f.status = statemachine.Status(strings.Clone(string(f.status))) // it may be a part of much more
		w.facets[f], w.awaiting[number] = number, f.awaits()
	}
	return number, err
}

// selects reports whether orders of that facet can be in the list.
func (q *Query) selects(f *facet) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, f.status)) &&
		(q.AssetClass == 0 || q.AssetClass == f.assetClass) &&
		(q.Open == nil || *q.Open == f.open) &&
		(q.Final == nil || *q.Final == f.final) &&
		(q.Side == "" || sideOf(q.Side) == f.side) &&
		(len(q.Breaks) == 0 || f.broken) &&
		(q.AnyBreak == nil || *q.AnyBreak == f.broken)
}
