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

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// The subscriber in docs/stream.md is built and run as printed, with the credentials that it names.
func TestTheSubscriberInTheDocumentationReadsEveryNotification(t *testing.T) {
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

	// What the nats command on the page does.
	url, err := os.ReadFile(filepath.Join(data, "operator.url"))
	require.NoError(t, err)
	nc, err := nats.Connect(strings.TrimSpace(string(url)))
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{Durable: "billing",
		AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "notifications.*.*", MaxAckPending: 1000})
	require.NoError(t, err)

	report := play(t, p.addrs["receiver"], "--orders", "20")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	subscriber := exec.CommandContext(ctx, binary)
	subscriber.Dir = dir
	stdout, err := subscriber.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, subscriber.Start())
	read := 0
	for lines := bufio.NewScanner(stdout); read < report.Totals.Notifications && lines.Scan(); {
		read++
		require.Regexp(t, `^\d+ notifications\.[a-z-]+\.[0-6]\d .+`, lines.Text())
	}
	require.Equal(t, report.Totals.Notifications, read)
	require.NoError(t, subscriber.Process.Signal(os.Interrupt))
	require.NoError(t, subscriber.Wait())
	p.stop()
}

// Every path, flag and command that the pages name exists.
func TestTheDocumentationNamesWhatThereIs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	pages = append(pages, "../../README.md")
	_, help, _ := execute(t, nil, "help")
	flags := map[string]string{}
	for _, c := range commands() {
		_, flags[c.name], _ = execute(t, nil, "help", c.name)
	}
	command := regexp.MustCompile("(?m)(?:^ {4}|`)(?:bin/)?orderfold ([a-z]+)([^`\n]*)")
	link := regexp.MustCompile(`\]\(([^)#]+\.md)[^)]*\)`)
	for _, path := range pages {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range command.FindAllStringSubmatch(string(text), -1) {
			require.Contains(t, help, "  "+m[1]+" ", "%s: %s", path, m[0])
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
