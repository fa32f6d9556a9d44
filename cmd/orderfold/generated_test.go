package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the generated parts of docs/ again")

// requireCurrent compares a file with its expected content, or writes that content with -update.
func requireCurrent(t *testing.T, path, want string) {
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "%s is stale: make docs", path)
}

func TestGeneratedTablesOfTheRulesAreCurrent(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	const path = "../../docs/http.md"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	requireCurrent(t, path, replaceBlock(t, string(text), "problems", problemTable()))
}

func TestGeneratedOpenAPIDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	document, err := api.Document()
	require.NoError(t, err)
	requireCurrent(t, "../../docs/openapi.json", string(document))
	asyncAPI, schema, err := api.EventDocuments()
	require.NoError(t, err)
	requireCurrent(t, "../../docs/asyncapi.json", string(asyncAPI))
	requireCurrent(t, "../../docs/schemas/order-event-v1.json", string(schema))
}

// The page of commands contains the output of help, so a change of a flag shows in the diff of the page.
func TestGeneratedPageOfCommandsIsCurrent(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp") // a default value of the bench commands
	var page strings.Builder
	page.WriteString("# Commands\n\nThis page is what `orderfold help` and `orderfold help COMMAND` print.\n\n")
	print := func(title string, args ...string) {
		code, stdout, stderr := execute(t, nil, append([]string{"help"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		for line := range strings.Lines(stdout) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), helpWidth+1, "%s: %s", title, line)
		}
		fmt.Fprintf(&page, "## %s\n\n```\n%s```\n\n", title, stdout)
	}
	print("orderfold help")
	for _, c := range commands() {
		if c.name != "help" {
			print("orderfold "+c.name, strings.Fields(c.name)...)
		}
	}
	requireCurrent(t, "../../docs/commands.md", strings.TrimSuffix(page.String(), "\n"))
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
