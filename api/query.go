package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// strictQuery refuses what huma would silently ignore: unknown parameters, a second value where one
// is expected, empty values, other spellings of true, false and numbers, numbers that no sequence
// reaches, and query strings that cannot be parsed. If a misspelt filter were ignored, the answer
// would be to another question. Probes outside /v1 may add any parameter.
func strictQuery(ctx huma.Context, next func(huma.Context)) {
	c := echoOf(ctx)
	raw, parameters := c.Request().URL.RawQuery, ctx.Operation().Parameters
	if !strings.HasPrefix(c.Path(), "/v1/") {
		next(ctx)
		return
	}
	p := checkPath(c, parameters)
	if p == nil && raw != "" {
		p = checkQuery(raw, parameters)
	}
	if p != nil {
		answer(c, p)
		return
	}
	if raw == "" {
		next(ctx)
		return
	}
	w := &waited{}
	c.Set(waitedKey, w)
	next(huma.WithValue(ctx, waitedContext{}, w))
}

// checkPath returns a problem if a number in the path has a spelling other than its own, so that
// each resource has only one path.
func checkPath(c echo.Context, parameters []*huma.Param) *Problem {
	for _, p := range parameters {
		if p.In != "path" || p.Schema.Type != huma.TypeInteger {
			continue
		}
		// A sequence that the log has not reached is accepted here, and not found later.
		if value := c.Param(p.Name); !plainInteger(value, 64) {
			problem := badParameter("path."+p.Name, notPlain)
			problem.Errors[0].Value = value
			return problem
		}
	}
	return nil
}

const (
	notPlain = "invalid integer: write only digits, without a sign or leading zeros"
	tooBig   = notPlain + "; the largest is 9223372036854775807"
)

// plainInteger reports whether text is an unsigned number of the given number of bits, spelled as
// this API writes it.
func plainInteger(text string, bits int) bool {
	n, err := strconv.ParseUint(text, 10, bits)
	return err == nil && strconv.FormatUint(n, 10) == text
}

// integers reports whether the values of a parameter are numbers.
func integers(schema *huma.Schema) bool {
	return schema.Type == huma.TypeInteger || schema.Type == huma.TypeArray && schema.Items.Type == huma.TypeInteger
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

// checkValues returns what is wrong with the values of one parameter, or "". A nil schema means
// that the parameter is unknown.
func checkValues(values []string, schema *huma.Schema, known map[string]*huma.Schema) string {
	switch {
	case schema == nil && len(known) == 0:
		return "unknown parameter; this path has none"
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
	case integers(schema) && slices.ContainsFunc(values, func(v string) bool { return !plainInteger(v, 63) }):
		return tooBig
	}
	return ""
}
