package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestAMistakeIsReportedInOneLineThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	running := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, freePorts...)...)
	data := running.cmd.Args[3]

	serve := func(args ...string) []string {
		return append(append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, freePorts...), args...)
	}
	for name, c := range map[string]struct {
		args    []string
		environ []string
		code    int
		says    string
	}{
		"no command":                                {nil, nil, exitUsage, "orderfold help lists them"},
		"a wrong command":                           {[]string{"server"}, nil, exitUsage, `"server" is not a command; did you mean serve?`},
		"a wrong action":                            {[]string{"webhooks", "lst"}, nil, exitUsage, "did you mean list?"},
		"a wrong subcommand":                        {[]string{"bench", "raed"}, nil, exitUsage, "did you mean read?"},
		"a command without a similar name":          {[]string{"frobnicate"}, nil, exitUsage, `"frobnicate" is not a command (orderfold help lists them)`},
		"a wrong flag":                              {serve("--reciever-addr", "x"), nil, exitUsage, "did you mean --receiver-addr?; orderfold help serve lists the flags"},
		"a secret in a wrong flag":                  {serve("--webhok-auth=api-key=secret-word"), nil, exitUsage, `"--webhok-auth" is not a flag; did you mean --webhook-auth?`},
		"a flag without its value":                  {serve("--max-body"), nil, exitUsage, "--max-body needs a value"},
		"a wrong boolean":                           {[]string{"verify", "--json=maybe"}, nil, exitUsage, `--json: "maybe" is not true or false`},
		"a wrong number":                            {serve("--max-waiting", "1.5"), nil, exitUsage, `--max-waiting: "1.5" is not a whole number, such as 8`},
		"a wrong share":                             {serve("--verify-share", "half"), nil, exitUsage, `--verify-share: "half" is not a number, such as 0.5`},
		"a wrong sequence":                          {[]string{"tail", "--from", "-1"}, nil, exitUsage, `--from: "-1" is not a whole number of 0 or more, such as 8`},
		"a wrong size":                              {serve("--max-body", "much"), nil, exitUsage, `serve: --max-body: "much" is not a number of bytes, or a size like 10MB`},
		"a duration without a unit":                 {serve("--append-timeout", "5"), nil, exitUsage, `--append-timeout: "5" is not a duration like 500ms, 30s, 1h30m or 7d`},
		"an age without a unit":                     {serve("--quiet-after", "PLACED=6"), nil, exitUsage, `--quiet-after: PLACED: "6" is not a duration like`},
		"a wrong environment variable":              {serve(), []string{"ORDERFOLD_MAX_BODY=much"}, exitUsage, "environment ORDERFOLD_MAX_BODY"},
		"a share above 1":                           {serve("--verify-share", "2"), nil, exitUsage, "--verify-share"},
		"a negative share":                          {serve("--verify-share", "-1"), nil, exitUsage, "--verify-share"},
		"a share that is not a number":              {serve("--verify-share", "NaN"), nil, exitUsage, "--verify-share"},
		"a negative pause":                          {serve("--verify-every", "-1s"), nil, exitUsage, "--verify-every"},
		"a negative size of the log":                {serve("--log-max-bytes", "-5"), nil, exitUsage, "--log-max-bytes"},
		"a negative size":                           {serve("--max-body", "-1"), nil, exitUsage, "--max-body"},
		"no waiting requests":                       {serve("--max-waiting", "0"), nil, exitUsage, "--max-waiting"},
		"no time for an append":                     {serve("--append-timeout", "0"), nil, exitUsage, "--append-timeout"},
		"a negative rate":                           {serve("--api-rate", "-1"), nil, exitUsage, "--api-rate"},
		"an origin with a path":                     {serve("--api-cors-origin", "https://x/"), nil, exitUsage, "--api-cors-origin"},
		"a client id without a platform":            {serve("--platform-client-id", "x"), nil, exitUsage, "--platform-url is missing"},
		"an empty certificate":                      {serve("--tls-cert", file, "--tls-key", file), nil, exitFailed, "certificate"},
		"a lost share above 1":                      {[]string{"simulate", "--lost", "2", "--url", running.addrs["receiver"]}, nil, exitFailed, "they cannot exceed 1"},
		"an unknown status":                         {serve("--quiet-after", "PLACE=1h"), nil, exitUsage, "did you mean PLACED?"},
		"an argument too many":                      {serve("now"), nil, exitUsage, `serve takes no argument, found "now"`},
		"a missing argument":                        {[]string{"order"}, nil, exitUsage, "usage: orderfold order ID"},
		"a wrong log level":                         {serve("--log-level", "loud"), nil, exitUsage, "debug, info, warn, error"},
		"a taken receiver port":                     {serve("--receiver-addr", taken.Addr().String()), nil, exitFailed, "choose another address"},
		"a taken API port":                          {serve("--api-addr", taken.Addr().String()), nil, exitFailed, "choose another address"},
		"a taken NATS port":                         {serve("--nats-addr", taken.Addr().String()), nil, exitFailed, "already in use: --nats-addr"},
		"a locked data folder":                      {append([]string{"serve", "--data", data}, freePorts...), nil, exitFailed, "another process"},
		"an unwritable folder":                      {append([]string{"serve", "--data", filepath.Join(file, "data")}, freePorts...), nil, exitFailed, "not a directory"},
		"an unreachable server":                     {[]string{"tail", "--nats-url", "nats://someone:secret-word@127.0.0.1:1"}, nil, exitFailed, "127.0.0.1:1"},
		"an invalid URL of a server":                {serve("--nats-url", "nats://someone:secret-word@:bad:"), nil, exitFailed, "the NATS URL cannot be read"},
		"a projector without a log":                 {[]string{"projector"}, nil, exitUsage, "--nats-url is missing"},
		"an API without a log":                      {[]string{"api"}, nil, exitUsage, "--nats-url is missing"},
		"an incomplete credential":                  {serve("--webhook-auth", "secret-word"), nil, exitUsage, "--webhook-auth"},
		"a key without a role":                      {serve("--api-key", "name:secret-word"), nil, exitUsage, "--api-key"},
		"a receiver exposed without credentials":    {serve("--receiver-addr", "0.0.0.0:0"), nil, exitFailed, "webhook-auth"},
		"an API exposed without keys":               {serve("--api-addr", "0.0.0.0:0"), nil, exitFailed, "api-key"},
		"an API certificate without its key":        {serve("--api-tls-cert", file), nil, exitUsage, "--api-tls-key"},
		"an API key file without its certificate":   {serve("--api-tls-key", file), nil, exitUsage, "--api-tls-cert"},
		"an empty API certificate":                  {serve("--api-tls-cert", file, "--api-tls-key", file), nil, exitFailed, "--api-tls-cert"},
		"a missing API certificate":                 {serve("--api-tls-cert", "nowhere", "--api-tls-key", "nowhere"), nil, exitFailed, "no such file"},
		"a certificate without its key":             {serve("--tls-cert", file), nil, exitUsage, "--tls-key"},
		"a missing log":                             {[]string{"tail", "--data", filepath.Join(t.TempDir(), "none")}, nil, exitFailed, "there is no log in"},
		"an API that does not listen":               {[]string{"order", "x", "--api-url", "http://127.0.0.1:1"}, nil, exitFailed, "check that orderfold serve is running"},
		"an unknown order":                          {[]string{"order", "x", "--api-url", running.addrs["api"]}, nil, exitFailed, `no order has the id or external id "x"`},
		"an unknown id prefix":                      {[]string{"order", "abcdef", "--api-url", running.addrs["api"]}, nil, exitFailed, "or an id with that prefix: client: the API answers 404"},
		"an unknown object":                         {[]string{"tail", "--object", "custommer"}, nil, exitUsage, `"custommer" is not an object; did you mean customer?`},
		"an event type as an object":                {[]string{"tail", "--object", "CUSTOMER_NOTIFICATION"}, nil, exitUsage, "did you mean customer?"},
		"an object without a similar name":          {[]string{"tail", "--object", "spoon"}, nil, exitUsage, `"spoon" is not an object (one of beneficial-owner, `},
		"an invalid time":                           {[]string{"tail", "--since", "yesterday"}, nil, exitUsage, `--since: "yesterday" is not a time; write 2026-03-02T09:00:00Z`},
		"two beginnings":                            {[]string{"tail", "--since", "2h", "--from", "3"}, nil, exitUsage, "--from and --since"},
		"a negative number of records":              {[]string{"tail", "--last", "-1"}, nil, exitUsage, `--last: "-1" is not a whole number`},
		"an unknown status as a filter":             {[]string{"orders", "--status", "FILED"}, nil, exitUsage, `--status: "FILED" is not a value of this flag; did you mean FILLED?`},
		"an unknown break as a filter":              {[]string{"orders", "--break", "overfil"}, nil, exitUsage, "did you mean overfill?"},
		"an unknown sort":                           {[]string{"orders", "--sort", "modfied"}, nil, exitUsage, "did you mean modified?"},
		"an unknown code of a break":                {[]string{"breaks", "--code", "overfil"}, nil, exitUsage, "did you mean overfill?"},
		"an invalid boolean filter":                 {[]string{"orders", "--open=perhaps"}, nil, exitUsage, `--open: "perhaps" is not true or false`},
		"a filter without a value":                  {[]string{"orders", "--isin", ""}, nil, exitUsage, "--isin: the value is empty"},
		"a wrong filter in the environment":         {[]string{"orders"}, []string{"ORDERFOLD_STATUS=FILLED\nPLACE"}, exitUsage, `environment ORDERFOLD_STATUS: "PLACE" is not a value`},
		"an id prefix that is too short":            {[]string{"orders", "--id-prefix", "abc", "--api-url", running.addrs["api"]}, nil, exitFailed, "query.idPrefix"},
		"the status of an API that does not listen": {[]string{"status", "--api-url", "http://127.0.0.1:1"}, nil, exitUsage, "status: unknown: "},
		"orders of an API that does not listen":     {[]string{"orders", "--api-url", "http://127.0.0.1:1"}, nil, exitFailed, "check that orderfold serve is running"},
		"breaks with an invalid URL":                {[]string{"breaks", "--api-url", "ftp://x"}, nil, exitUsage, "--api-url"},
		"an invalid URL of a receiver":              {[]string{"simulate", "--url", "ftp://x"}, nil, exitFailed, "the URL of a receiver must be"},
		"a platform that is not on loopback":        {[]string{"simulate", "--platform-addr", "0.0.0.0:0"}, nil, exitFailed, "loopback only"},
		"a platform and a comparison":               {[]string{"simulate", "--platform-addr", "127.0.0.1:0", "--api-url", "http://127.0.0.1:1"}, nil, exitUsage, "--api-url"},
		"a negative lost share":                     {[]string{"simulate", "--lost", "-1", "--url", running.addrs["receiver"]}, nil, exitFailed, "negative"},
		"an unknown class of quarantine":            {[]string{"redrive", "--reason", "not-jsno"}, nil, exitUsage, "did you mean not-json? (one of not-json, not-an-object, no-order-id, bad-order-id)"},
		"a wrong format":                            {[]string{"states", "--format", "xml"}, nil, exitUsage, "text, json, mermaid"},
		"a report below a file":                     {[]string{"simulate", "--orders", "1", "--url", running.addrs["receiver"], "--report", filepath.Join(file, "x")}, nil, exitFailed, "--report"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := execute(t, c.environ, c.args...)
			require.Equal(t, c.code, code, stderr)
			last := lastLine(stderr)
			require.True(t, strings.HasPrefix(last, "orderfold: "), stderr)
			require.Contains(t, last, c.says)
			require.NotContains(t, stderr, "secret-word")
			for line := range strings.Lines(stderr) {
				require.True(t, line == last+"\n" || line[0] == '{' || strings.HasPrefix(line, "posted "), "one line only: %s", stderr)
			}
		})
	}
	running.stop()
}

func TestAMistakeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"an incomplete credential":               {"--webhook-auth", "secret-word"},
		"a key without a role":                   {"--api-key", "name:secret-word"},
		"a receiver exposed without credentials": {"--receiver-addr", "0.0.0.0:0"},
		"an API exposed without keys":            {"--api-addr", "0.0.0.0:0"},
		"a missing key file":                     {"--api-key-file", filepath.Join(t.TempDir(), "none")},
		"a certificate without its key":          {"--tls-cert", "x"},
		"a missing certificate":                  {"--api-tls-cert", "x", "--api-tls-key", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			code, _, stderr := execute(t, nil, append(append([]string{"serve", "--data", data}, freePorts...), args...)...)
			require.NotZero(t, code, stderr)
			require.NoDirExists(t, data)
		})
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestHelpListsEveryCommandAndItsFlags(t *testing.T) {
	t.Parallel()
	code, stdout, _ := execute(t, nil, "help")
	require.Equal(t, exitOK, code)
	for _, c := range commands() {
		require.Contains(t, stdout, "  "+c.name+" ")
		if c.name == "help" {
			continue
		}
		code, flags, stderr := execute(t, nil, append([]string{"help"}, strings.Fields(c.name)...)...)
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, flags, "Usage: orderfold "+c.name)
		for _, last := range []string{"-h", "--help"} {
			code, same, _ := execute(t, []string{"ORDERFOLD_MAX_BODY=much"}, append(strings.Fields(c.name), last)...)
			require.Equal(t, exitOK, code)
			require.Equal(t, flags, same)
		}
	}
	require.Contains(t, stdout, "Exit codes")
	for _, of := range [][]string{{"bench", "ingest"}, {"bench", "rebuild"}, {"bench", "read"}, {"webhooks", "diff"}} {
		code, flags, stderr := execute(t, nil, append([]string{"help"}, of...)...)
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, flags, "Usage: orderfold "+of[0], "of two words")
		require.Contains(t, flags, "--json")
	}
	code, _, stderr := execute(t, nil, "help", "bench", "writing")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "one of serve, freshness, stream, feed, history, export, ingest, rebuild, read")
	code, stdout, _ = execute(t, nil, "bench", "-h")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "Usage: orderfold bench")
}

func TestAFlagOverridesItsEnvironmentVariable(t *testing.T) {
	t.Parallel()
	environ := []string{"ORDERFOLD_FORMAT=json"}
	_, stdout, _ := execute(t, environ, "states")
	require.True(t, json.Valid([]byte(stdout)))
	_, stdout, _ = execute(t, environ, "states", "--format", "mermaid")
	require.Equal(t, statemachine.Mermaid(), stdout)
	_, stdout, _ = execute(t, nil, "states")
	require.Contains(t, stdout, "conflicting_close")
	require.Contains(t, stdout, "PARTIALLY_FILLED")
}

func TestVersionPrintsTheFoldVersion(t *testing.T) {
	t.Parallel()
	_, stdout, _ := execute(t, nil, "version", "--json")
	v := decoded[map[string]string](t, []byte(stdout))
	require.NotEmpty(t, v["foldVersion"])
	_, stdout, _ = execute(t, nil, "version")
	require.Contains(t, stdout, v["foldVersion"])
}

func TestTheDemoPrintsCommandsThatWork(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"demo", "--orders", "50", "--rate", "0"}, freePorts...)...)
	var curls []string
	eventually(t, "three curl lines", func() bool {
		curls = regexp.MustCompile(`(?m)^  curl '(http[^']+)'$`).FindAllString(p.stdout.String(), -1)
		return len(curls) == 3
	})
	for _, line := range curls {
		url := strings.Split(line, "'")[1]
		r, err := http.Get(url)
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, http.StatusOK, r.StatusCode, "%s: %s", line, body)
		require.True(t, json.Valid(body))
	}
	eventually(t, "the platform ends", func() bool { return strings.Contains(p.stdout.String(), "posted everything") })
	eventually(t, "the platform is asked", func() bool {
		status := decoded[client.Status](t, p.get("/v1/status"))
		return status.Platform != nil && status.Platform.Asked > 0
	})
	p.stop()
}

// The breaks and overdue orders that the demo announces still exist after everything was posted and the platform was
// asked, and new orders keep arriving.
func TestTheDemoKeepsBreaksThatAskingDoesNotResolve(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"demo", "--orders", "60", "--rate", "0"}, freePorts...)...)
	eventually(t, "the first burst ends", func() bool { return strings.Contains(p.stdout.String(), "posted everything") })
	for line := range strings.Lines(p.stdout.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
	}
	totals := regexp.MustCompile(`orders 60, notifications (\d+) [^,]+, other objects \d+\), acknowledged (\d+),`).FindStringSubmatch(
		strings.Join(strings.Fields(p.stdout.String()), " "))
	require.NotNil(t, totals, p.stdout)
	require.Equal(t, totals[1], totals[2], "everything was acknowledged")
	stats := decoded[client.Stats](t, p.get("/v1/stats"))
	eventually(t, "new orders come", func() bool { return decoded[client.Stats](t, p.get("/v1/stats")).Orders > stats.Orders })

	// The platform was asked about all of the first orders, so that only breaks that asking does not resolve remain.
	eventually(t, "the platform was asked", func() bool {
		status := decoded[client.Status](t, p.get("/v1/status"))
		return status.Platform != nil && status.Platform.Asked > 50 && status.Platform.LastError != ""
	})
	for _, code := range []string{"fill_after_close", "close_after_fill", "overfill", "unknown_status"} {
		require.NotEmpty(t, decoded[api.Breaks](t, p.get("/v1/breaks?code="+code)).Data, code)
	}
	quarantined := decoded[api.List[api.Quarantined]](t, p.get("/v1/quarantine")).Data
	require.NotEmpty(t, quarantined) // more than one if a notification with a slow answer was posted again
	require.EqualValues(t, "no-order-id", quarantined[0].Class)
	overdue := regexp.MustCompile(`(?m)^  (/v1/orders\?settlement=overdue&sort=due)$`).FindStringSubmatch(p.stdout.String())
	require.NotNil(t, overdue, p.stdout)
	require.GreaterOrEqual(t, len(decoded[api.List[api.Order]](t, p.get(overdue[1])).Data), 4, "the orders that the platform never settles, and others that are overdue today")
	p.stop()
}

func TestTailAndOrderShowPostedNotifications(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	report := play(t, p.addrs["receiver"], "--orders", "20", "--seed", "3")
	requireExpected(t, p, report)
	const body = "{\"customerId\":\"\xff\"}" // JSON, except for some bytes
	bad, err := http.Post(p.addrs["receiver"]+"/customer-notification", "text/plain", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, bad.Body.Close())
	order := report.Orders[0]

	check := func() {
		code, stdout, stderr := execute(t, nil, "tail", "--data", data, "--json")
		require.Equal(t, exitOK, code, stderr)
		require.Empty(t, stderr)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		require.Len(t, lines, report.Totals.Notifications+1)
		last := decoded[logLine](t, []byte(lines[len(lines)-1]))
		require.Equal(t, body, string(last.BodyBytes))
		require.Equal(t, "text/plain", last.ContentType)

		_, stdout, _ = execute(t, nil, "tail", "--data", data, "--order", order.OrderID)
		posted := 0
		for _, f := range order.Facts {
			posted += f.Posted
		}
		require.Len(t, strings.Split(strings.TrimSpace(stdout), "\n"), posted)
		_, stdout, _ = execute(t, nil, "tail", "--data", data, "--from", "21", "--object", "traditional-asset-order")
		for line := range strings.Lines(stdout) {
			l := decoded[logLine](t, []byte(line))
			require.Equal(t, "traditional-asset-order", l.Object)
			require.GreaterOrEqual(t, l.Sequence, uint64(21))
		}
	}
	check() // through the running service
	code, stdout, stderr := execute(t, nil, "order", order.OrderID, "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, *order.Expected.Status)
	require.Contains(t, stdout, "WHY")
	_, stdout, _ = execute(t, nil, "order", "--json", order.OrderID, "--api-url", p.addrs["api"])
	require.True(t, json.Valid([]byte(stdout)))
	p.stop()
	check() // from the stopped service's folder
}

func TestALostLogIsNotReplacedByANewOne(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	serve := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, serve...)
	requireExpected(t, p, play(t, p.addrs["receiver"], "--orders", "5"))
	p.stop()
	require.NoError(t, os.RemoveAll(filepath.Join(data, "nats")))
	require.NoError(t, os.RemoveAll(filepath.Join(data, "nats-kept")))
	for _, args := range [][]string{serve, {"receiver", "--data", data, "--receiver-addr", "127.0.0.1:0", "--nats-addr", ""}} {
		code, _, stderr := execute(t, nil, args...)
		require.Equal(t, exitFailed, code)
		require.Contains(t, lastLine(stderr), "were made from a log, and there is none")
	}
}
