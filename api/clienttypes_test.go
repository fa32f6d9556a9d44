package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

// clientTypes contains the schemas of the document that are types of the client, with their name in the client if it
// differs.
var clientTypes = []struct{ schema, name string }{
	{"Order", ""}, {"Settlement", ""}, {"Execution", ""}, {"Asked", ""}, {"Break", ""}, {"Refusal", ""}, {"Notifications", ""},
	{"HistoryEntry", ""}, {"Explanation", ""}, {"Judgement", ""}, {"OpenBreak", ""},
	{"Stats", ""}, {"Settlements", ""}, {"DueDay", ""}, {"Totals", ""}, {"Sums", ""}, {"Throughput", ""}, {"Minute", ""},
	{"Search", ""}, {"Found", ""}, {"LastNotification", ""}, {"Access", ""},
	{"Status", ""}, {"Duty", ""}, {"LogStatus", ""}, {"Replica", ""}, {"Asking", ""},
	{"Rebuild", ""}, {"Changes", ""}, {"OrderChange", ""}, {"FieldChange", ""}, {"Redrive", ""}, {"RedrivenRecord", ""},
	{"StreamSnapshot", "Snapshot"}, {"StreamOrder", "Change"}, {"StreamCause", "Cause"}, {"StreamResync", "Resync"}, {"StreamDay", "Day"},
	{"StreamHeartbeat", "Heartbeat"}, {"StreamClosed", "closed"}, {"FieldError", ""},
}

// clientAnswers contains the schemas that a method of the client returns unchanged.
var clientAnswers = []string{"Order", "Explanation", "Stats", "Throughput", "Search", "Access", "Status", "Rebuild", "Redrive"}

// schema is the part of JSON Schema that the document uses.
type schema struct {
	Ref         string             `json:"$ref"`
	Type        any                `json:"type"` // a string, or a list that contains null
	Format      string             `json:"format"`
	Minimum     *float64           `json:"minimum"`
	Description string             `json:"description"`
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  json.RawMessage    `json:"additionalProperties"`
}

func TestGeneratedTypesOfTheClientMatchTheDocument(t *testing.T) {
	text, err := api.Document()
	require.NoError(t, err)
	var document struct {
		Components struct{ Schemas map[string]*schema }
	}
	require.NoError(t, json.Unmarshal(text, &document))
	comments := apiComments(t)
	var b bytes.Buffer
	b.WriteString("// Code generated from docs/openapi.json by a test of the API. DO NOT EDIT.\n\npackage client\n")
	for _, g := range clientTypes {
		s := document.Components.Schemas[g.schema]
		require.NotNil(t, s, g.schema)
		name := nameOf(g.schema)
		comment(&b, "\n", strings.Replace(comments[g.schema], g.schema, name, 1))
		fmt.Fprintf(&b, "type %s struct {\n", name)
		if slices.Contains(clientAnswers, g.schema) {
			b.WriteString("Answer `json:\"-\"`\n")
		}
		writeFields(t, &b, s)
		b.WriteString("}\n")
	}
	generated, err := format.Source(b.Bytes())
	require.NoError(t, err)
	const path = "client/types_generated.go"
	if *update {
		require.NoError(t, os.WriteFile(path, generated, 0o644))
	}
	current, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(generated), string(current), "%s is stale: make docs", path)
}

// apiComments returns the comments on the types of the API, which the document does not contain.
func apiComments(t *testing.T) map[string]string {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	comments := map[string]string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if types, ok := d.(*ast.GenDecl); ok && types.Tok == token.TYPE && types.Doc != nil {
				comments[types.Specs[0].(*ast.TypeSpec).Name.Name] = strings.Join(strings.Fields(types.Doc.Text()), " ")
			}
		}
	}
	return comments
}

// nameOf returns the name that a schema has in the client.
func nameOf(schema string) string {
	for _, g := range clientTypes {
		if g.schema == schema && g.name != "" {
			return g.name
		}
	}
	return schema
}

// writeFields writes the members in the order of the API, which is the order of the list of required members.
func writeFields(t *testing.T, b *bytes.Buffer, s *schema) {
	members := slices.Clone(s.Required)
	var rest []string
	for name := range s.Properties {
		if !slices.Contains(members, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	for _, name := range append(members, rest...) {
		of := s.Properties[name]
		goType, known := typeOf(t, of)
		tag := name
		if !known || slices.Contains(rest, name) {
			tag += ",omitempty"
		}
		comment(b, "", of.Description)
		fmt.Fprintf(b, "%s %s `json:%q`\n", fieldName(name), goType, tag)
	}
}

// fieldName is the name of a member as Go writes it.
func fieldName(member string) string {
	if member == "isin" {
		return "ISIN"
	}
	name := strings.ToUpper(member[:1]) + member[1:]
	for _, id := range []string{"Id", "Ids"} {
		if short, is := strings.CutSuffix(name, id); is {
			return short + "ID" + id[2:]
		}
	}
	return name
}

// typeOf returns the Go type of a value, and whether the value is always known. An unknown text, list or map is
// empty; any other unknown value is nil.
func typeOf(t *testing.T, s *schema) (goType string, known bool) {
	if s.Ref != "" {
		return nameOf(s.Ref[strings.LastIndex(s.Ref, "/")+1:]), true
	}
	if len(s.AnyOf) == 2 {
		goType, _ = typeOf(t, s.AnyOf[0])
		return "*" + goType, false
	}
	kind, known := s.Type.(string)
	if several, ok := s.Type.([]any); ok {
		kind = several[0].(string)
	}
	switch kind {
	case "string":
		if s.Format == "date-time" {
			return "Instant", known
		}
		return "string", known
	case "array":
		goType, _ = typeOf(t, s.Items)
		return "[]" + goType, true
	case "object":
		var of schema
		require.NoError(t, json.Unmarshal(s.Additional, &of))
		goType, _ = typeOf(t, &of)
		return "map[string]" + goType, true
	case "integer":
		if goType = "int64"; s.Minimum != nil {
			goType = "uint64"
		}
	case "number":
		goType = "float64"
	case "boolean":
		goType = "bool"
	default:
		t.Fatalf("a member of the type %v", s.Type)
	}
	if !known {
		goType = "*" + goType
	}
	return goType, known
}

// comment writes text in lines of at most 100 characters.
func comment(b *bytes.Buffer, before, text string) {
	b.WriteString(before)
	line := "//"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 99 {
			b.WriteString(line + "\n")
			line = "//"
		}
		line += " " + word
	}
	if line != "//" {
		b.WriteString(line + "\n")
	}
}
