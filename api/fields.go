package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

// fieldsFilter names members of orders, separated by commas.
type fieldsFilter struct{ names []string }

// Schema describes the format: names separated by commas.
func (fieldsFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"orderId,status,executedQuantity"}}
}

// UnmarshalText reads names that are not empty. The allowed names depend on the format of the list
// and are checked later.
func (f *fieldsFilter) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		if slices.Contains(f.names, name) {
			return fmt.Errorf("%q is named twice", name)
		}
		f.names = append(f.names, name)
	}
	return nil
}

// chosen returns the items that f names, in the order of the names, or all items if f names none.
func chosen[T any](f *fieldsFilter, all []T, nameOf func(*T) string) (named []T, err error) {
	if f.names == nil {
		return all, nil
	}
	for _, name := range f.names {
		i := slices.IndexFunc(all, func(one T) bool { return nameOf(&one) == name })
		if i < 0 {
			known := make([]string, len(all))
			for i := range all {
				known[i] = nameOf(&all[i])
			}
			return nil, fmt.Errorf("unknown field %q; known are %s", name, strings.Join(known, ", "))
		}
		named = append(named, all[i])
	}
	return named, nil
}

func (f *fieldsFilter) members() ([]member, error) {
	return chosen(f, orderMembers, func(m *member) string { return m.name })
}

func (f *fieldsFilter) columns() ([]csvColumn, error) {
	return chosen(f, csvColumns, func(c *csvColumn) string { return c.name })
}

// check returns an error if the format has no such field.
func (f *fieldsFilter) check(as form) (err error) {
	if as == asCSV {
		_, err = f.columns()
	} else {
		_, err = f.members()
	}
	return err
}

// OrderPart is an order with only the fields that were asked for.
type OrderPart Order

// TransformSchema returns the schema of an order without required members.
func (*OrderPart) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	s = (*Order)(nil).TransformSchema(r, s)
	s.Required = nil
	return s
}

// SelectedOrders is a page with only some fields of each order, or with totals.
type SelectedOrders struct {
	Data       []OrderPart `json:"data" doc:"Only the requested fields."`
	NextCursor *string     `json:"nextCursor" doc:"Cursor of the next page; null at the end."`
	Totals     *Totals     `json:"totals,omitempty" doc:"Present if requested."`
}

// Totals are the totals of all orders selected, whatever the page. The sums are exact.
type Totals struct {
	Orders   uint64 `json:"orders"`
	Ordered  Sums   `json:"ordered" doc:"The ordered quantities and amounts."`
	Executed Sums   `json:"executed" doc:"The executed quantities and amounts."`
	LeftOut  uint64 `json:"leftOut" doc:"Orders with a number of more than 18 decimal places or 13 digits before the decimal point; such a number is left out of the sums."`
}

// Sums are the sums of the quantities in each unit. An order of unknown quantity adds nothing.
type Sums struct {
	Units  string `json:"units" example:"1250.5" doc:"The sum of quantity, or of executedQuantity."`
	Amount string `json:"amount" example:"40500" doc:"In money: the sum of amount, for orders of an amount, or of executedAmount, where it is known."`
}

func newTotals(t *views.Totals) *Totals {
	return &Totals{t.Orders, Sums{string(t.OrderedUnits), string(t.OrderedAmount)}, Sums{string(t.ExecutedUnits), string(t.ExecutedAmount)}, t.LeftOut}
}

// appendPage appends a page of orders in JSON.
func appendPage(b []byte, orders []Order, members []member, next string, totals *views.Totals) []byte {
	b = append(b, `{"data":[`...)
	for i := range orders {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMembers(b, &orders[i], members)
	}
	b = appendKnown(append(b, `],"nextCursor":`...), next)
	if totals != nil {
		b = appendAny(append(b, `,"totals":`...), newTotals(totals))
	}
	return append(b, "}\n"...)
}
