package api

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// member is a member of an order as the API shows it.
type member struct {
	name    string
	schema  func(huma.Registry) *huma.Schema
	json    func(b []byte, o *Order) []byte // appends the value
	columns []csvColumn
}

// csvColumn is a column of a CSV export.
type csvColumn struct {
	name  string
	value func(*Order) string
}

// orderMembers are the members in order. JSON, CSV and the documents of the API are made from them.
// The members with a single value come from the table of the state machine.
var orderMembers = makeMembers()

func makeMembers() []member {
	all := []member{orderID()}
	for _, m := range statemachine.Members() {
		if m.Form != statemachine.ProductForm && m.Form != statemachine.TradesForm {
			all = append(all, single(m))
		}
	}
	after := func(name string, m member) {
		i := slices.IndexFunc(all, func(m member) bool { return m.name == name })
		all = slices.Insert(all, i+1, m)
	}
	after("final", settlementMember())
	after("averagePrice", structured("executions", "The trades, if the platform lists them: at most 64.", eachOf(flatOf[Execution]().append),
		func(o *Order) []Execution { return newExecutions(o.of) },
		csvColumn{"executions", func(o *Order) string { return strconv.Itoa(len(o.of.Executions())) }}))
	after("externalId", structured("productIds", "The depository or wallet, and the cash product.", eachOf(func(b []byte, id *string) []byte { return appendText(b, *id) }),
		func(o *Order) []string { return productIDs(o.of) },
		csvColumn{"productIds", func(o *Order) string { return guard(strings.Join(productIDs(o.of), " ")) }}))
	return append(all,
		structured("breaks", "Contradictions that a person must look at, sorted as in /v1/states.", eachOf(appendAny[Break]),
			func(o *Order) []Break { return newBreaks(o.state.Breaks) }, csvColumn{"breaks", breakCodes}),
		structured("refusals", "Requests concerning the order that the platform refused, earliest first.", eachOf(flatOf[Refusal]().append),
			func(o *Order) []Refusal { return newRefusals(o.of.Refusals()) },
			csvColumn{"refusals", func(o *Order) string { return strconv.Itoa(len(o.of.Refusals())) }}),
		structured("asked", "The state of asking the platform about the order; null: it was not asked. Only the process that asks knows pending and gone, and they appear only for a single, current order.",
			orNone(appendAny[Asked]), func(o *Order) *Asked { return o.asked }),
		notificationsMember())
}

func orderID() member {
	return member{name: "orderId",
		schema: func(huma.Registry) *huma.Schema {
			return &huma.Schema{Type: huma.TypeString, Examples: []any{"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11"}}
		},
		json:    func(b []byte, o *Order) []byte { return appendText(b, o.of.ID) },
		columns: []csvColumn{{"orderId", func(o *Order) string { return guard(o.of.ID) }}}}
}

// single makes the member of a single value. Texts come from outside, so CSV guards them.
func single(m statemachine.Member) member {
	value := func(o *Order) string { return m.Value(o.of, &o.state) }
	schema := huma.Schema{Type: huma.TypeString, Nullable: true, Description: m.Doc}
	json := func(b []byte, o *Order) []byte { return appendKnown(b, value(o)) }
	column := func(o *Order) string { return guard(value(o)) }
	switch m.Form {
	case statemachine.FlagForm:
		schema.Type, schema.Nullable = huma.TypeBoolean, false
		json = func(b []byte, o *Order) []byte { return append(b, value(o)...) }
	case statemachine.NumberForm:
		column = func(o *Order) string { return number(value(o)) }
	case statemachine.TimeForm:
		schema.Format = "date-time"
	}
	if m.Example != "" {
		schema.Examples = []any{m.Example}
	}
	return member{m.Name, func(huma.Registry) *huma.Schema { return new(schema) }, json, []csvColumn{{m.Name, column}}}
}

// structured makes the member of a value with a type of its own; a nil pointer is null.
func structured[T any](name, doc string, write func([]byte, T) []byte, value func(*Order) T, columns ...csvColumn) member {
	of := reflect.TypeFor[T]()
	return member{name, func(r huma.Registry) *huma.Schema {
		s := r.Schema(of, true, "")
		if s.Description = doc; of.Kind() == reflect.Pointer {
			s.Description = ""
			s = &huma.Schema{Description: doc, AnyOf: []*huma.Schema{s, {Type: "null"}}}
		}
		return s
	}, func(b []byte, o *Order) []byte { return write(b, value(o)) }, columns}
}

func settlementMember() member {
	column := func(name string, value func(*Settlement) string) csvColumn {
		return csvColumn{name, func(o *Order) string {
			if o.settlement == nil {
				return ""
			}
			return value(o.settlement)
		}}
	}
	return structured("settlement", "When the order should settle; null if nothing is executed, or the asset class has no cycle.", orNone(flatOf[Settlement]().append),
		func(o *Order) *Settlement { return o.settlement },
		column("settlement", func(s *Settlement) string { return s.State }),
		column("tradeDate", func(s *Settlement) string { return text(s.TradeDate) }),
		column("dueOn", func(s *Settlement) string { return text(s.DueOn) }),
		column("cycle", func(s *Settlement) string { return text(s.Cycle) }),
		column("overdueDays", func(s *Settlement) string { return strconv.Itoa(s.OverdueDays) }))
}

func notificationsMember() member {
	count := func(name string, value func(*statemachine.Order) uint64) csvColumn {
		return csvColumn{name, func(o *Order) string { return strconv.FormatUint(value(o.of), 10) }}
	}
	write := flatOf[Notifications]().append
	return structured("notifications", "", func(b []byte, n Notifications) []byte { return write(b, &n) },
		func(o *Order) Notifications { return *o.notifications() },
		count("notifications", func(o *statemachine.Order) uint64 { return o.Count }),
		count("duplicates", func(o *statemachine.Order) uint64 { return o.Duplicates }),
		count("firstSequence", func(o *statemachine.Order) uint64 { return o.First.Sequence }),
		count("lastSequence", func(o *statemachine.Order) uint64 { return o.Last.Sequence }),
		csvColumn{"firstReceivedAt", func(o *Order) string { return instant(o.of.First.Received) }},
		csvColumn{"lastReceivedAt", func(o *Order) string { return instant(o.of.Last.Received) }})
}

// TransformSchema describes the members.
func (*Order) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties = make(map[string]*huma.Schema, len(orderMembers))
	for _, m := range orderMembers {
		s.Properties[m.name] = m.schema(r)
		s.Required = append(s.Required, m.name)
	}
	s.Properties["status"].Enum = append(statusNames(), nil)
	s.Properties["assetClass"].Enum = append(assetClassNames(), nil)
	return s
}
