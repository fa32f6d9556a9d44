package api

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Parameter is a query parameter that selects or sorts a list. Programs that call the API derive
// their own settings from it, so that each filter is defined only once.
type Parameter struct {
	Name       string   // "assetClass"
	Doc        string   // in full sentences
	Values     []string // the allowed values; nil: any string
	Repeatable bool
	Boolean    bool
	Time       bool // in RFC 3339, or a day
	Day        bool // such as 2026-03-02
}

// OrderParameters returns the parameters of GET /v1/orders that select and sort orders.
func OrderParameters() []Parameter {
	sort, _ := reflect.TypeFor[ordersInput]().FieldByName("Sort")
	return append(parametersOf(reflect.TypeFor[OrderFilters]()), newParameter(sort))
}

// BreakParameters returns the parameters of GET /v1/breaks that select breaks.
func BreakParameters() []Parameter { return parametersOf(reflect.TypeFor[breaksInput]()) }

// parametersOf leaves out embedded parameters, such as those of pages and of waiting.
func parametersOf(input reflect.Type) (all []Parameter) {
	for i := range input.NumField() {
		if f := input.Field(i); !f.Anonymous && f.Tag.Get("query") != "" {
			all = append(all, newParameter(f))
		}
	}
	return all
}

func newParameter(f reflect.StructField) Parameter {
	name, _, _ := strings.Cut(f.Tag.Get("query"), ",")
	p := Parameter{Name: name, Doc: f.Tag.Get("doc"), Repeatable: f.Type.Kind() == reflect.Slice,
		Boolean: f.Type == reflect.TypeFor[boolFilter](), Time: f.Type == reflect.TypeFor[moment](), Day: f.Type == reflect.TypeFor[dayFilter]()}
	if values := f.Tag.Get("enum"); values != "" {
		p.Values = strings.Split(values, ",")
	}
	of := f.Type
	if p.Repeatable {
		of = of.Elem()
	}
	if schema, ok := reflect.Zero(of).Interface().(huma.SchemaProvider); ok {
		for _, value := range schema.Schema(nil).Enum {
			p.Values = append(p.Values, value.(string)) // the values of filters are names
		}
	}
	return p
}
