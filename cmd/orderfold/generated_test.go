package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the generated parts of docs/ anew")

// requireCurrent compares a file with what it should be, or writes it with -update.
func requireCurrent(t *testing.T, path, want string) {
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "%s is stale: make docs", path)
}

func TestGeneratedTablesOfTheRulesAreCurrent(t *testing.T) {
	const path = "../../docs/order-state.md"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	page := string(text)
	page = replaceBlock(t, page, "statuses", statusTable())
	page = replaceBlock(t, page, "diagram", "```mermaid\n"+statemachine.Mermaid()+"```\n")
	page = replaceBlock(t, page, "breaks", breakTable())
	requireCurrent(t, path, page)
}

func TestGeneratedTableOfProblemsIsCurrent(t *testing.T) {
	const path = "../../docs/http.md"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	requireCurrent(t, path, replaceBlock(t, string(text), "problems", problemTable()))
}

func TestGeneratedOpenAPIDocumentIsCurrent(t *testing.T) {
	document, err := api.Document()
	require.NoError(t, err)
	requireCurrent(t, "../../docs/openapi.json", string(document))
}

func replaceBlock(t *testing.T, page, name, block string) string {
	start := "<!-- generated: " + name + " -->\n"
	before, rest, found := strings.Cut(page, start)
	require.True(t, found, "no marker for %s", name)
	_, after, found := strings.Cut(rest, "<!-- end -->")
	require.True(t, found, "no end for %s", name)
	return before + start + block + "<!-- end -->" + after
}

func statusTable() string {
	var b strings.Builder
	b.WriteString("| rank | status | open | final | meaning |\n|---|---|---|---|---|\n")
	final := map[string]string{"always": "yes", "whenNothingExecuted": "when nothing is executed", "never": "no"}
	for _, s := range statemachine.Statuses() {
		open := "no"
		if s.Open {
			open = "yes"
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | %s |\n", s.Rank, s.Status, open, final[s.Final], s.Meaning)
	}
	return b.String()
}

func breakTable() string {
	var b strings.Builder
	b.WriteString("| code | severity | condition |\n|---|---|---|\n")
	for _, r := range statemachine.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Code, r.Severity, r.Condition)
	}
	return b.String()
}

func problemTable() string {
	var b strings.Builder
	b.WriteString("| code | status | title | what to do |\n|---|---|---|---|\n")
	for _, k := range api.Problems() {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", k.Code, k.Status, k.Title, k.Do)
	}
	return b.String()
}
