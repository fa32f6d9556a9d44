package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// This test builds and runs the subscriber in docs/stream.md as it is printed there, with the credentials that it
// names.
func TestTheDocumentedSubscriberReadsEveryNotificationAndNoticesALogThatWasSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)

	page, err := os.ReadFile("../../docs/stream.md")
	require.NoError(t, err)
	program := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, program)
	source, binary := filepath.Join(dir, "subscriber.go"), filepath.Join(dir, "subscriber")
	require.NoError(t, os.WriteFile(source, program[1], 0o600))
	out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, "%s", out)

	p.subscribers("add", "billing", "--stream", "notifications") // as the page says

	report := play(t, p.addrs["receiver"], "--orders", "20")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	subscribe := func() (*exec.Cmd, *bufio.Scanner, *lockedBuffer) {
		c := exec.CommandContext(ctx, binary)
		c.Dir, c.Env = dir, append(os.Environ(), "ORDERFOLD_API="+p.addrs["api"])
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		stderr := &lockedBuffer{}
		c.Stderr = stderr
		require.NoError(t, c.Start())
		return c, bufio.NewScanner(stdout), stderr
	}
	read := func(want int) {
		t.Helper()
		c, lines, _ := subscribe()
		got := 0
		for got < want && lines.Scan() {
			got++
			require.Regexp(t, `^\d+ notifications\.[a-z-]+\.[0-6]\d .+`, lines.Text())
		}
		require.Equal(t, want, got)
		require.NoError(t, c.Process.Signal(os.Interrupt))
		require.NoError(t, c.Wait())
	}
	read(report.Totals.Notifications)
	p.stop()

	copied := filepath.Join(dir, "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(data)))
	args := append([]string{"serve", "--data", data}, freePorts...)
	p = start(t, []string{"receiver", "api", "log"}, args...)
	read(play(t, p.addrs["receiver"], "--orders", "5", "--seed", "2").Totals.Notifications)
	p.stop()
	require.NoError(t, os.RemoveAll(data))
	require.NoError(t, os.CopyFS(data, os.DirFS(copied)))
	for _, orders := range []string{"0", "50"} { // first the log ends before the position, then another record has that sequence
		p = start(t, []string{"receiver", "api", "log"}, args...)
		if orders != "0" {
			play(t, p.addrs["receiver"], "--orders", orders, "--seed", "3")
		}
		c, lines, stderr := subscribe()
		require.False(t, lines.Scan(), "the subscriber reads no record of the other log")
		require.Error(t, c.Wait())
		require.Contains(t, stderr.String(), "the log was set back")
		p.stop()
	}
}

// This test checks the commands, flags and links to files in the pages.
func TestEveryCommandFlagAndFileInTheDocumentationExists(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	pages = append(pages, "../../README.md")
	_, help, _ := execute(t, nil, "help")
	flags := map[string]string{}
	for _, c := range commands() {
		_, flags[c.name], _ = execute(t, nil, append([]string{"help"}, strings.Fields(c.name)...)...)
	}
	command := regexp.MustCompile("(?m)(?:^ {4}|`)(?:bin/)?orderfold ([a-z]+)([^`\n]*)")
	link := regexp.MustCompile(`\]\(([^)#]+\.md)[^)]*\)`)
	for _, path := range pages {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range command.FindAllStringSubmatch(string(text), -1) {
			require.Contains(t, help, "  "+m[1]+" ", "%s: %s", path, m[0])
			if words := strings.Fields(m[2]); len(words) > 0 && flags[m[1]+" "+words[0]] != "" {
				m[1] += " " + words[0]
			}
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m[2], -1) {
				require.Contains(t, flags[m[1]]+"--json", flag, "%s: %s", path, m[0])
			}
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(path), m[1]))
			require.NoError(t, err, "%s", path)
		}
	}
}

func TestACommandInADocumentIsOnOneLineSoThatItCanBeCopied(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```.*?```")
	wrapped := regexp.MustCompile("`(orderfold|make|npm|npx|go|curl|nats|docker)\n[^`]*`|`(orderfold|make|npm|npx|go|curl|nats|docker) [^`\n]*\n[^`]*`")
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		require.Empty(t, wrapped.FindAllString(blocks.ReplaceAllString(string(text), ""), -1), page)
	}
}
