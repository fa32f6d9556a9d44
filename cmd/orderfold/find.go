package main

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/orderfold/orderfold/api/client"
)

const (
	// leastPrefix is the least length of the beginning of an id that the API accepts as a filter.
	leastPrefix = 4
	// mostCandidates is the maximum number of orders shown if the text given matches several.
	mostCandidates = 20
)

// findOrder returns the order that the text identifies: by its id, or else its external id, or else
// the beginning of its id. If several orders match, it prints them to stderr and returns an error
// with an exit code of its own.
func (p *program) findOrder(ctx context.Context, c *client.Client, text string, at client.AsOf) (client.Order, error) {
	o, err := c.Order(ctx, text, at)
	if !errors.Is(err, client.ErrNotFound) {
		return o, err
	}
	filters := []client.OrderFilter{{ExternalIDs: []string{text}}}
	if utf8.RuneCountInString(text) >= leastPrefix {
		filters = append(filters, client.OrderFilter{IDPrefix: text})
	}
	for _, filter := range filters {
		var found []client.Order
		for o, err := range c.Orders(ctx, client.OrderQuery{OrderFilter: filter, AtLeast: at.AtLeast, Limit: mostCandidates + 1}) {
			if err != nil {
				return client.Order{}, err
			}
			if found = append(found, o); len(found) > mostCandidates {
				break
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return c.Order(ctx, found[0].OrderID, at)
		default:
			return client.Order{}, p.ambiguous(text, found)
		}
	}
	hint := ""
	if len(filters) == 1 {
		hint = fmt.Sprintf("; an id prefix must have at least %d characters", leastPrefix)
	}
	return client.Order{}, fmt.Errorf("order: no order has the id or external id %q, or an id with that prefix%s: %w", text, hint, err)
}

// ambiguous prints the orders that match the text.
func (p *program) ambiguous(text string, found []client.Order) error {
	many := fmt.Sprint(len(found))
	if len(found) > mostCandidates {
		found, many = found[:mostCandidates], fmt.Sprintf("more than %d", mostCandidates)
	}
	t := (&program{stdout: p.stderr}).orderTable()
	if err := t.print(orderRows(found)); err != nil {
		return err
	}
	return &diagnosis{exitAmbiguous, fmt.Sprintf("order: %q matches %s orders; give more of the id", text, many)}
}
