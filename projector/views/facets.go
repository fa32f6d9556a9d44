package views

import (
	"context"
	"strings"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// facet returns the number of f. A new facet gets a number.
func (w *writer) facet(ctx context.Context, f list.Facet) (int64, error) {
	if w.facets == nil {
		found, err := list.ReadFacets(ctx, w.c)
		if err != nil {
			return 0, err
		}
		w.facets, w.awaiting = make(map[list.Facet]int64, len(found)), map[int64]bool{}
		for _, f := range found {
			w.facets[f.Facet], w.awaiting[f.Number] = f.Number, f.Awaits()
		}
	}
	if number, ok := w.facets[f]; ok {
		return number, nil
	}
	result, err := w.c.exec(ctx, insertFacetText, f.Status, f.AssetClass, f.Open, f.Final, f.Broken, f.Side)
	if err != nil {
		return 0, err
	}
	number, err := result.LastInsertId()
	if err == nil {
		// The status may be part of a large string.
		f.Status = statemachine.Status(strings.Clone(string(f.Status)))
		w.facets[f], w.awaiting[number] = number, f.Awaits()
	}
	return number, err
}
