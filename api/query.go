package api

import (
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
)

// strictQuery refuses what huma would pass over in silence: parameters it does not know, a second value where one is
// asked for, empty values, other spellings of true and false, and query strings that cannot be read. A misspelt filter
// that is ignored answers another question than the one that was asked. Probes outside /v1 may add what they like.
func strictQuery(ctx huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(ctx)
	raw := c.Request().URL.RawQuery
	if raw == "" || !strings.HasPrefix(c.Path(), "/v1/") {
		next(ctx)
		return
	}
	if p := checkQuery(raw, ctx.Operation().Parameters); p != nil {
		answer(c, p)
		return
	}
	w := &waited{}
	c.Set(waitedKey, w)
	next(huma.WithValue(ctx, waitedContext{}, w))
}

func checkQuery(raw string, parameters []*huma.Param) *Problem {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return problem(codeBadParameter, "The query string cannot be read: %s.", err)
	}
	known := make(map[string]*huma.Schema)
	for _, p := range parameters {
		if p.In == "query" {
			known[p.Name] = p.Schema
		}
	}
	var fields []FieldError
	for name, values := range query {
		if message := checkValues(values, known[name], known); message != "" {
			fields = append(fields, FieldError{"query." + name, message, strings.Join(values, ", ")})
		}
	}
	if fields == nil {
		return nil
	}
	slices.SortFunc(fields, func(a, b FieldError) int { return strings.Compare(a.Location, b.Location) })
	p := problem(codeBadParameter, "%s: %s.", fields[0].Location, fields[0].Message)
	p.Errors = fields
	return p
}

// checkValues returns what is wrong with the values of one parameter, "" when nothing is. A nil schema is an unknown one.
func checkValues(values []string, schema *huma.Schema, known map[string]*huma.Schema) string {
	switch {
	case schema == nil && len(known) == 0:
		return "unknown parameter; there are none here"
	case schema == nil:
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		return "unknown parameter; known are " + strings.Join(names, ", ")
	case len(values) > 1 && schema.Type != huma.TypeArray:
		return "given more than once"
	case slices.Contains(values, ""):
		return "must not be empty"
	case schema.Type == huma.TypeBoolean && values[0] != "true" && values[0] != "false":
		return "must be true or false"
	}
	return ""
}
