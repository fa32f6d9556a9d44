package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// openAPI is the part of the OpenAPI document from which the types are generated.
type openAPI struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description"`
	Schema      *schema `json:"schema"`
}

type schema struct {
	Ref         string             `json:"$ref"`
	Type        any                `json:"type"` // a string or a list of strings
	Enum        []any              `json:"enum"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  json.RawMessage    `json:"additionalProperties"`
}

// writeTypes writes the types of the answers, and the parameters that select orders and breaks, as
// TypeScript.
func writeTypes(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var d openAPI
	if err := json.Unmarshal(text, &d); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	var b strings.Builder
	b.WriteString("// Code generated from docs/openapi.json by api/dashboard/build. DO NOT EDIT.\n\n" +
		"// Digits is a number of an answer with the digits that were sent. It never becomes a JavaScript number implicitly.\n" +
		"export type Digits = string & { readonly digits: unique symbol };\n")
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		fmt.Fprintf(&b, "\nexport type %s = %s;\n", name, typeOf(d.Components.Schemas[name]))
	}
	b.WriteString("\n// Parameter selects or sorts a list.\n" +
		"export interface Parameter { name: string; doc: string; kind: \"text\" | \"boolean\" | \"time\" | \"number\"; values: readonly string[]; repeatable: boolean }\n")
	for _, list := range []struct{ name, path string }{{"orderParameters", "/v1/orders"}, {"breakParameters", "/v1/breaks"}} {
		var op operation
		if err := json.Unmarshal(d.Paths[list.path]["get"], &op); err != nil {
			return fmt.Errorf("%s: %s: %w", from, list.path, err)
		}
		fmt.Fprintf(&b, "\nexport const %s: readonly Parameter[] = [\n", list.name)
		for _, p := range op.Parameters {
			if p.In == "query" {
				b.WriteString("  " + parameterOf(p) + ",\n")
			}
		}
		b.WriteString("];\n")
	}
	return os.WriteFile(to, []byte(b.String()), 0o644)
}

func parameterOf(p parameter) string {
	of, repeatable := p.Schema, false
	if of.Items != nil {
		of, repeatable = of.Items, true
	}
	kind := "text"
	switch {
	case of.Type == "boolean":
		kind = "boolean"
	case of.Format == "date-time" || of.Format == "date" || strings.HasSuffix(p.Name, "Since") || strings.HasSuffix(p.Name, "Until"):
		kind = "time"
	case of.Type == "integer" || of.Type == "number":
		kind = "number"
	}
	values := of.Enum
	if values == nil {
		values = []any{}
	}
	return fmt.Sprintf("{ name: %s, doc: %s, kind: %s, values: %s, repeatable: %t }", quoted(p.Name), quoted(p.Description), quoted(kind),
		quoted(values), repeatable)
}

// quoted returns v as JSON.
func quoted(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot happen: v is a string or a list of strings
	}
	return string(text)
}

// typeOf returns the TypeScript type of a schema.
func typeOf(s *schema) string {
	switch {
	case s == nil:
		return "unknown"
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case len(s.AnyOf) > 0:
		var of []string
		for _, one := range s.AnyOf {
			of = append(of, typeOf(one))
		}
		return strings.Join(of, " | ")
	case len(s.Enum) > 0:
		var of []string
		for _, value := range s.Enum {
			of = append(of, quoted(value))
		}
		return strings.Join(of, " | ")
	}
	names, _ := s.Type.([]any)
	if name, one := s.Type.(string); one {
		names = []any{name}
	}
	var of []string
	for _, name := range names {
		of = append(of, named(s, name.(string)))
	}
	if of == nil {
		return "unknown"
	}
	return strings.Join(of, " | ")
}

// named returns the TypeScript type of one of the types of a schema.
func named(s *schema, name string) string {
	switch name {
	case "integer", "number":
		return "Digits"
	case "array":
		return "readonly (" + typeOf(s.Items) + ")[]"
	case "object":
		return object(s)
	}
	return name // string, boolean, null
}

func object(s *schema) string {
	if len(s.Properties) == 0 {
		var of schema
		if json.Unmarshal(s.Additional, &of) != nil { // true or false
			return "Record<string, unknown>"
		}
		return "Record<string, " + typeOf(&of) + ">"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		optional := ""
		if !slices.Contains(s.Required, name) {
			optional = "?"
		}
		if doc := s.Properties[name].Description; doc != "" {
			fmt.Fprintf(&b, "  /** %s */\n", strings.ReplaceAll(doc, "*/", "* /"))
		}
		fmt.Fprintf(&b, "  %s%s: %s;\n", name, optional, typeOf(s.Properties[name]))
	}
	b.WriteString("}")
	return b.String()
}
