package views

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// field is one field of an order in words.
type field struct{ name, value string }

// detail reads an order from both sides and keeps the differences.
func (k *Comparison) detail(ctx context.Context, id string) (Difference, error) {
	d := Difference{OrderID: id}
	ours, err := k.side(ctx, "main", id)
	if err != nil {
		return d, err
	}
	theirs, err := k.side(ctx, "draft", id)
	switch {
	case err != nil:
		return d, err
	case ours == nil:
		d.Missing = "views"
		return d, nil
	case theirs == nil:
		d.Missing = "log"
		return d, nil
	}
	known := map[string]string{}
	for _, f := range theirs {
		known[f.name] = f.value
	}
	for _, f := range ours {
		if known[f.name] != f.value {
			d.Fields = append(d.Fields, FieldDifference{f.name, f.value, known[f.name]})
		}
		delete(known, f.name)
	}
	for _, f := range theirs { // the fields that are missing when a state cannot be read
		if value, left := known[f.name]; left && value != "" {
			d.Fields = append(d.Fields, FieldDifference{f.name, "", value})
		}
	}
	// The bytes, in hexadecimal, show differences that the words do not. They matter only when
	// nothing else differs.
	if named := slices.DeleteFunc(slices.Clone(d.Fields), func(f FieldDifference) bool { return f.Field == stateField }); len(named) > 0 {
		d.Fields = named
	}
	return d, nil
}

const (
	stateField        = "stored state"
	sideSequencesText = `SELECT sequences FROM $.order_sequences WHERE n = ? ORDER BY first`
	sideBreaksText    = `SELECT code, last_sequence, opened FROM $.order_breaks WHERE n = ? ORDER BY code`
)

var sideText = `SELECT a.n, a.state, a.recent, a.last_sequence, a.breaks, a.received, a.modified, a.era, a.external, a.isin, a.symbol,
	a.depository, a.wallet, a.cash, a.order_type, a.exchange, a.quantity, a.created, a.executed, a.since, a.sums, a.trade, coalesce(` + insideZone + `, 0), coalesce(f.Status, '?'), coalesce(f.asset_class, 0),
	coalesce(f.Open, 0), coalesce(f.Final, 0), coalesce(f.Broken, 0), coalesce(f.Side, 0)
	FROM $.orders a LEFT JOIN $.facets f ON f.Facet = a.facet ` + zoneJoin + ` WHERE a.id = ?`

// sideRow is the row of an order on one side.
type sideRow struct {
	n, last, breaks int64
	received        int64
	modified, since list.TimeKey
	trade           int64
	extent          statemachine.Extent
	sums            list.Sums
	state, recent   []byte
	places          places
	zoned           bool
	facet           list.Facet
}

// side reads everything that one side has about an order. It returns nil when the side does not
// have the order.
func (k *Comparison) side(ctx context.Context, schema, id string) (fields []field, err error) {
	in := func(text string) string { return strings.ReplaceAll(text, "$", schema) }
	add := func(name string, value any) { fields = append(fields, field{name, fmt.Sprint(value)}) }
	var r sideRow
	found := false
	err = k.c.Each(ctx, in(sideText), []any{id}, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(&r.n, &r.state, &r.recent, &r.last, &r.breaks, &r.received, &r.modified, &r.places.era, &r.places.external,
			&r.places.isin, &r.places.symbol, &r.places.depository, &r.places.wallet, &r.places.cash,
			&r.places.orderType, &r.places.exchange, &r.places.quantity, &r.places.created, &r.extent, &r.since, &r.sums, &r.trade, &r.zoned, &r.facet.Status,
			&r.facet.AssetClass, &r.facet.Open, &r.facet.Final, &r.facet.Broken, &r.facet.Side)
	})
	if err != nil || !found {
		return nil, err
	}
	fields = r.fields(id)
	var sequences []uint64
	read := func(encoded []byte) {
		if sequences, err = list.AppendSequences(sequences, encoded); err != nil {
			add("sequences", err)
		}
	}
	err = k.c.Each(ctx, in(sideSequencesText), []any{r.n}, func(rows *sql.Rows) error {
		var chunk []byte
		err := rows.Scan(&chunk)
		read(chunk)
		return err
	})
	if err != nil {
		return nil, err
	}
	read(r.recent)
	add("sequences", sequences)
	var listed []string
	err = k.c.Each(ctx, in(sideBreaksText), []any{r.n}, func(rows *sql.Rows) error {
		var code statemachine.Code
		var last int64
		var opened list.TimeKey
		err := rows.Scan(&code, &last, &opened)
		listed = append(listed, fmt.Sprintf("%s opened %s, last %d", code, opened, last))
		return err
	})
	add("list: breaks", strings.Join(listed, "; "))
	return fields, err
}

func (r *sideRow) fields(id string) (fields []field) {
	add := func(name string, value any) { fields = append(fields, field{name, fmt.Sprint(value)}) }
	o := statemachine.Order{ID: id}
	if err := o.UnmarshalBinary(r.state); err != nil {
		add("state", err)
	} else {
		fields = orderFields(&o)
	}
	add(stateField, fmt.Sprintf("%x", r.state))
	add("list: status", r.facet.Status)
	add("list: assetClass", r.facet.AssetClass)
	add("list: open", r.facet.Open)
	add("list: final", r.facet.Final)
	add("list: with breaks", r.facet.Broken)
	add("list: side", r.facet.Side)
	add("list: row", r.n)
	add("list: lastSequence", r.last)
	add("list: received", r.received)
	add("list: modified", r.modified)
	add("list: within its zone", r.zoned)
	add("list: era", r.places.era)
	add("list: externalId", r.places.external)
	add("list: isin", r.places.isin)
	add("list: symbol", r.places.symbol)
	add("list: products", [...]int64{r.places.depository, r.places.wallet, r.places.cash})
	add("list: orderType", r.places.orderType)
	add("list: exchangeCode", r.places.exchange)
	add("list: quantity", fmt.Sprintf("%x", r.places.quantity))
	add("list: createdOn", r.places.created)
	add("list: executed", r.extent)
	add("list: statusSince", r.since)
	add("list: sums", &r.sums)
	add("list: trade date", r.trade)
	add("list: break codes", fmt.Sprintf("%b", r.breaks))
	return fields
}

// orderMembers are the members of an order that are single values.
var orderMembers = statemachine.Members()

// orderFields returns the content of an order, by the names of its members in the API.
func orderFields(o *statemachine.Order) (fields []field) {
	s := o.State()
	add := func(name string, value any) {
		if t, isTime := value.(time.Time); isTime {
			value = statemachine.FormatTime(t)
		}
		fields = append(fields, field{name, fmt.Sprint(value)})
	}
	for i := range orderMembers {
		add(orderMembers[i].Name, orderMembers[i].Value(o, &s))
	}
	add("settlement.tradeDate", s.Traded)
	var open []string
	for _, b := range s.Breaks {
		open = append(open, fmt.Sprintf("%s since %s %v", b.Code, statemachine.FormatTime(b.OpenedAt), b.Sequences))
	}
	add("breaks", strings.Join(open, "; "))
	add("refusals", len(o.Refusals()))
	add("notifications.count", o.Count)
	add("notifications.duplicates", o.Duplicates)
	add("notifications.droppedFacts", o.Dropped)
	add("notifications.firstSequence", o.First.Sequence)
	add("notifications.lastSequence", o.Last.Sequence)
	add("notifications.firstReceivedAt", o.First.Received)
	add("notifications.lastReceivedAt", o.Last.Received)
	return fields
}
