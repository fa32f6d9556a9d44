package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// seeded is a service with orders that are easy to distinguish.
func seeded(t *testing.T) *process {
	p := serving(t)
	for _, body := range []string{
		`{"orderId":"abcd-0001","externalId":"ext-1","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z","isin":"DE0007164600","tradeSide":"BUY","quantity":100}`,
		`{"orderId":"abcd-0002","externalId":"ext-2","status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z","isin":"DE0007164600","tradeSide":"SELL","quantity":10,"execution":{"quantity":10}}`,
		`{"orderId":"abce-0003","externalId":"ext-2","status":"CANCELED","modifiedOn":"2026-03-02T09:02:00Z","isin":"US0378331005","tradeSide":"BUY","quantity":7}`,
		`{"orderId":"abce-0003","status":"FILLED","modifiedOn":"2026-03-02T09:03:00Z","execution":{"quantity":7}}`,
		`{"orderId":"ext-1","externalId":"abcd","status":"REJECTED","modifiedOn":"2026-03-02T09:04:00Z","message":"\u001b[31mno\u009b2J"}`,
	} {
		p.notify(body)
	}
	return p
}

func column1(text string) string {
	var all []string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i > 0 {
			all = append(all, strings.Fields(line)[0])
		}
	}
	return strings.Join(all, " ")
}

func TestOrdersAreListedByEachFilterOfTheAPI(t *testing.T) {
	t.Parallel()
	p := seeded(t)
	orders := func(environ []string, args ...string) (stdout, stderr string) {
		code, stdout, stderr := execute(t, environ, append([]string{"orders", "--api-url", p.addrs["api"]}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		return stdout, stderr
	}
	for args, want := range map[string]string{
		"":                                      "ext-1 abce-0003 abcd-0002 abcd-0001",
		"--status placed --status REJECTED":     "ext-1 abcd-0001",
		"--isin DE0007164600 --side SELL":       "abcd-0002",
		"--open":                                "abcd-0001",
		"--open=false --final":                  "ext-1",
		"--open false --external-id ext-2":      "abce-0003 abcd-0002",
		"--break fill_after_close":              "abce-0003",
		"--id-prefix abcd":                      "abcd-0002 abcd-0001",
		"--modified-since 2026-03-02T09:02:00Z": "ext-1 abce-0003",
		"--modified-until 2026-03-01":           "",
		"--modified-until 2026-03-02":           "ext-1 abce-0003 abcd-0002 abcd-0001",
		"--created-since 2026-03-01":            "",
		"--status-changed-since 2026-03-02 --status-changed-until 2026-03-02 --executed all": "abce-0003 abcd-0002",
		"--isin us0378331005 --isin DE0007164600 --quantity-max 10 --break any":              "abce-0003",
		"--received-since 1h --sort received":                                                "abcd-0001 abcd-0002 abce-0003 ext-1",
		"--received-until 1h":                                                                "",
		"--limit 2":                                                                          "ext-1 abce-0003",
		"--limit 3 --asset-class traditional":                                                "ext-1 abce-0003 abcd-0002",
		"--limit 0":                                                                          "ext-1 abce-0003 abcd-0002 abcd-0001",
	} {
		t.Run("orders "+args, func(t *testing.T) {
			stdout, stderr := orders(nil, strings.Fields(args)...)
			require.Equal(t, want, column1(stdout))
			require.Equal(t, want == "", stderr == "no order matches\n", stderr)
			require.Equal(t, strings.HasPrefix(args, "--limit 2") || strings.HasPrefix(args, "--limit 3"), strings.Contains(stderr, "there are more orders"), stderr)
			stdout, _ = orders(nil, append(strings.Fields(args), "--json")...)
			ids := []string{}
			for line := range strings.Lines(stdout) {
				ids = append(ids, decoded[client.Order](t, []byte(line)).OrderID)
			}
			require.Equal(t, want, strings.Join(ids, " "))
			require.False(t, strings.ContainsFunc(stdout, unprintable), stdout)
		})
	}
	stdout, _ := orders([]string{"ORDERFOLD_STATUS=FILLED\nPLACED"})
	require.Equal(t, "abce-0003 abcd-0002 abcd-0001", column1(stdout), "several values of a variable")
	stdout, _ = orders([]string{"ORDERFOLD_STATUS=FILLED\nPLACED", "ORDERFOLD_OPEN=true"}, "--status", "REJECTED", "--open=false")
	require.Equal(t, "ext-1", column1(stdout), "the flag wins")
}

func TestEachFilterOfTheAPIIsAFlag(t *testing.T) {
	t.Parallel()
	for name, parameters := range map[string][]api.Parameter{"orders": api.OrderParameters(), "breaks": api.BreakParameters()} {
		_, help, _ := execute(t, nil, "help", name)
		for _, parameter := range parameters {
			require.Contains(t, help, "\n  --"+flagName(parameter.Name))
			require.Contains(t, strings.Join(strings.Fields(help), " "), parameter.Doc)
		}
	}
	require.Equal(t, "received-since", flagName("receivedSince"))
}

func TestMoreOrdersThanAPageAreListed(t *testing.T) {
	t.Parallel()
	var asked []url.Values
	pages := []string{`{"data":[{"orderId":"a"},{"orderId":"b"}],"nextCursor":"two"}`, `{"data":[{"orderId":"c"}],"nextCursor":"three"}`, `{"data":[{"orderId":"d"}],"nextCursor":null}`}
	server := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		_, _ = io.WriteString(w, pages[len(asked)-1])
	})
	for limit, want := range map[string]struct {
		ids   string
		pages int
		more  bool
	}{"0": {"a b c d", 3, false}, "4": {"a b c d", 3, false}, "3": {"a b c", 2, true}, "1": {"a", 1, true}, "5": {"a b c d", 3, false}} {
		asked = nil
		code, stdout, stderr := execute(t, nil, "orders", "--limit", limit, "--api-url", server, "--status", "PLACED")
		require.Equal(t, exitOK, code, stderr)
		require.Equal(t, want.ids, column1(stdout), limit)
		require.Len(t, asked, want.pages, limit)
		require.Equal(t, want.more, strings.Contains(stderr, "--limit 0 prints all"), limit)
		for i, q := range asked {
			require.Equal(t, []string{"", "two", "three"}[i], q.Get("cursor"))
			require.Equal(t, "PLACED", q.Get("status"))
		}
	}
}

func serveAPI(t *testing.T, handle http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func TestBreaksAreListedAndCounted(t *testing.T) {
	t.Parallel()
	p := seeded(t)
	breaks := func(args ...string) (stdout, stderr string) {
		code, stdout, stderr := execute(t, nil, append([]string{"breaks", "--api-url", p.addrs["api"]}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		return stdout, stderr
	}
	stdout, stderr := breaks()
	require.Empty(t, stderr)
	require.Regexp(t, `(?m)^ORDER +CODE +SEVERITY +DAYS +STATUS +OPENED +NOTIFICATIONS$`, stdout)
	require.Regexp(t, `(?m)^abce-0003 +fill_after_close +high +\d+ +FILLED +2026-03-02 09:03:00Z +\[3 4\]$`, stdout)
	require.Regexp(t, `(?m)^CODE +BREAKS$`, stdout)
	require.Regexp(t, `(?m)^fill_after_close +1$`, stdout)
	stdout, _ = breaks("--json", "--severity", "HIGH")
	found := decoded[struct {
		Data   []api.OpenBreak
		Counts api.BreakCounts
	}](t, []byte(stdout))
	require.Equal(t, "abce-0003", found.Data[0].OrderID)
	require.EqualValues(t, 1, found.Counts.ByCode["fill_after_close"])
	for args, says := range map[string]string{"--code overfill": "no open break matches\n", "--severity warn --age over-5 --code overfill": "no open break matches\n"} {
		stdout, stderr = breaks(strings.Fields(args)...)
		require.Empty(t, stdout)
		require.Equal(t, says, stderr)
	}
	stdout, _ = breaks("--json", "--code", "overfill")
	require.Contains(t, stdout, `{"data":[],"counts":{`)
}

func TestStatusReportsWhetherTheServiceIsReady(t *testing.T) {
	t.Parallel()
	p := seeded(t)
	eventually(t, "ready", func() bool {
		code, _, _ := execute(t, nil, "status", "--api-url", p.addrs["api"])
		return code == exitOK
	})
	_, stdout, _ := execute(t, nil, "status", "--api-url", p.addrs["api"])
	var answer map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(p.get("/v1/status"), &answer))
	for name := range answer {
		require.Regexp(t, `(?m)^`+name+`( |$)`, stdout, "every order that the API shows")
	}
	require.Regexp(t, `(?m)^  lastSequence +5$`, stdout)
	require.Regexp(t, `(?m)^ready +true$`, stdout)
	require.Regexp(t, `(?m)^reason +–$`, stdout)
	require.Less(t, strings.Count(stdout, "\n"), 50, "one screen")
	code, stdout, _ := execute(t, nil, "status", "--json", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code)
	require.Equal(t, "true", string(decoded[map[string]json.RawMessage](t, []byte(stdout))["ready"]))

	away := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ready":false,"reason":"the log is \u001b[2Jgone"}`)
	})
	for _, form := range [][]string{nil, {"--json"}} {
		code, stdout, stderr := execute(t, nil, append([]string{"status", "--api-url", away}, form...)...)
		require.Equal(t, exitFailed, code)
		require.Equal(t, "orderfold: status: the service is not ready: the log is \ufffd[2Jgone\n", stderr)
		require.False(t, strings.ContainsFunc(stdout, unprintable), stdout)
	}
}

func TestAnOrderIsFoundByEachOfItsIDs(t *testing.T) {
	t.Parallel()
	p := seeded(t)
	for name, c := range map[string]struct {
		text, found string
		code        int
		candidates  string
	}{
		"its id":                                      {"abcd-0002", "abcd-0002", exitOK, ""},
		"the beginning of its id":                     {"abce", "abce-0003", exitOK, ""},
		"nearly the whole id":                         {"abcd-000", "", exitAmbiguous, "abcd-0002 abcd-0001"},
		"an id that is another's external id":         {"ext-1", "ext-1", exitOK, ""},
		"an external id that begins the id of others": {"abcd", "ext-1", exitOK, ""},
		"the external id of two orders":               {"ext-2", "", exitAmbiguous, "abce-0003 abcd-0002"},
		"a prefix that is too short":                  {"abc", "", exitFailed, ""},
		"the beginning of an external id":             {"ext-", "ext-1", exitOK, ""},
		"an id in another letter case":                {"ABCE", "", exitFailed, ""},
		"an id with control characters":               {"ab\x1b[2Jcd", "", exitFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := execute(t, nil, "order", c.text, "--api-url", p.addrs["api"])
			require.Equal(t, c.code, code, stderr)
			require.NotContains(t, stdout+stderr, "\x1b")
			require.NotContains(t, stdout+stderr, "\u009b")
			if c.code == exitOK {
				require.Regexp(t, `(?m)^order +`+c.found+`$`, stdout)
				return
			}
			require.Empty(t, stdout)
			if c.code == exitAmbiguous {
				table, last, _ := strings.Cut(stderr, "orderfold: ")
				require.Equal(t, c.candidates, column1(table))
				require.Contains(t, last, fmt.Sprintf("%q matches 2 orders", c.text))
				return
			}
			require.Equal(t, len(c.text) < leastPrefix, strings.Contains(stderr, "at least 4 characters"), stderr)
		})
	}
}

func TestTailPrintsTheLastRecordsAndThoseSinceATime(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	for i := range 9 {
		p.notify(fmt.Sprintf(`{"orderId":"order-%d","status":"PLACED","message":"\u009b2J"}`, i%3))
	}
	r, err := http.Post(p.addrs["receiver"]+"/customer-notification", "application/json", strings.NewReader("{\"customerId\":\"\u009b2J\u202e\"}"))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	p.stop()
	tail := func(t *testing.T, args ...string) (sequences string, lines []logLine, stderr string) {
		code, stdout, stderr := execute(t, nil, append([]string{"tail", "--data", data}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		require.False(t, strings.ContainsFunc(stdout, unprintable), stdout)
		for line := range strings.Lines(stdout) {
			l := decoded[logLine](t, []byte(line))
			lines = append(lines, l)
			sequences += fmt.Sprint(l.Sequence, " ")
		}
		return strings.TrimSpace(sequences), lines, stderr
	}
	_, all, _ := tail(t)
	require.Len(t, all, 10)
	require.JSONEq(t, "{\"customerId\":\"\u009b2J\u202e\"}", string(all[9].Body), "the same text in another letter case")
	at := func(i int) string { return all[i].ReceivedAt.Format(time.RFC3339Nano) }
	for args, want := range map[string]string{
		"--last 3": "8 9 10", "--last 1": "10", "--last 10": "1 2 3 4 5 6 7 8 9 10", "--last 99": "1 2 3 4 5 6 7 8 9 10", "--last 0": "1 2 3 4 5 6 7 8 9 10",
		"--last 2 --order order-1": "5 8", "--last 9 --order order-2": "3 6 9", "--last 1 --object customer": "10", "--last 2 --object traditional-asset-order": "8 9",
		"--last 2 --from 9": "9 10", "--last 9 --from 9": "9 10", "--last 1 --object user": "", "--order order-0 --from 5": "7",
		"--since " + at(0): "1 2 3 4 5 6 7 8 9 10", "--since " + at(6): "7 8 9 10", "--since " + at(9): "10", "--since 1h": "1 2 3 4 5 6 7 8 9 10",
		"--since 2000-01-01": "1 2 3 4 5 6 7 8 9 10", "--since 2100-01-01": "", "--since 2100-01-01 --last 2": "", "--since " + at(3) + " --order order-1": "5 8",
		"--since " + at(3) + " --last 1 --order order-1": "8", "--since " + at(8) + " --last 5": "9 10",
	} {
		t.Run("tail "+args, func(t *testing.T) {
			got, _, stderr := tail(t, strings.Fields(args)...)
			require.Equal(t, want, got)
			require.Equal(t, want == "", stderr == "no record matches\n", stderr)
		})
	}
}

func TestTheLastRecordsOfALongLogAreFoundInGrowingStretches(t *testing.T) {
	usual := stretch
	stretch = 2
	t.Cleanup(func() { stretch = usual })
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	for i := range 40 {
		p.notify(fmt.Sprintf(`{"orderId":"order-%d"}`, i%7))
	}
	p.stop()
	rapid.Check(t, func(rt *rapid.T) {
		last, from, order := rapid.IntRange(1, 45).Draw(rt, "last"), rapid.IntRange(1, 40).Draw(rt, "from"), rapid.IntRange(0, 8).Draw(rt, "order")
		want := []int{}
		for i := range 40 {
			if i+1 >= from && (i%7 == order || order == 8) {
				want = append(want, i+1)
			}
		}
		want = want[max(0, len(want)-last):]
		args := []string{"tail", "--data", data, "--last", fmt.Sprint(last), "--from", fmt.Sprint(from)}
		if order < 8 {
			args = append(args, "--order", fmt.Sprintf("order-%d", order))
		}
		_, stdout, _ := execute(t, nil, args...)
		got := []int{}
		for line := range strings.Lines(stdout) {
			got = append(got, int(decoded[logLine](t, []byte(line)).Sequence))
		}
		require.Equal(rt, want, got)
	})
}

func TestATimeIsInRFC3339OrADayOrADurationBeforeNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-03-02T09:00:00Z": "2026-03-02T09:00:00Z", "2026-03-02T10:00:00.5+01:00": "2026-03-02T09:00:00.5Z", "2026-03-01": "2026-03-01T00:00:00Z",
		"2h": "2026-03-02T07:00:00Z", "7d": "2026-02-23T09:00:00Z", "1d1h": "2026-03-01T08:00:00Z", "0s": "2026-03-02T09:00:00Z",
		"0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z", "2016-12-31T23:59:60Z": "2016-12-31T23:59:59.999999999Z",
		"9999-12-31T23:59:59-01:00": "9999-12-31T23:59:59-01:00", "0001-01-01": "0001-01-01T00:00:00Z",
	} {
		at, err := parseWhen(text, now, time.UTC)
		require.NoError(t, err)
		require.Equal(t, want, statemachine.FormatTime(at), text)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at, err := parseWhen("2026-03-02", now, berlin)
	require.NoError(t, err)
	require.Equal(t, "2026-03-01T23:00:00Z", statemachine.FormatTime(at))
	for _, text := range []string{"", "yesterday", "2026-3-1", "-2h", "2026-02-30", "09:00", "2026-03-02 09:00:00", "0000-12-31", "2026-03-02T9:00:00Z"} {
		_, err := parseWhen(text, now, time.UTC)
		require.ErrorContains(t, err, "2026-03-02T09:00:00Z", text)
	}
}

func TestATimeZoneMustBeBuiltIntoTheProgram(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"Europe/Berlin": "Europe/Berlin", "UTC": "UTC", "America/New_York": "America/New_York"} {
		var z timeZone
		require.NoError(t, z.Set(text))
		require.Equal(t, want, z.String())
	}
	for _, text := range []string{"", "Local", "Berlin", "+01:00"} {
		require.ErrorContains(t, new(timeZone).Set(text), "is not a time zone", text)
	}
	var s settings
	f := newFlagSet("serve", s.registerAll)
	require.Equal(t, "Europe/Berlin", f.Lookup("time-zone").DefValue)
}

func FuzzTimes(f *testing.F) {
	for _, text := range []string{"2026-03-02T09:00:00Z", "2026-03-02", "7d", "-2h", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		at, err := parseWhen(text, now, time.UTC)
		if err != nil {
			require.True(t, at.IsZero())
			return
		}
		again, err := statemachine.ParseTime(statemachine.FormatTime(at))
		require.NoError(t, err)
		require.True(t, at.Equal(again))
	})
}

func TestATableLeavesOutTheColumnsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		0: "ORDER  N  MESSAGE\nabc    1  \ufffd[2J\n", 17: "ORDER  N  MESSAGE\nabc    1  \ufffd[2J\n", 16: "ORDER  N\nabc    1\n", 7: "ORDER\nabc\n", 1: "ORDER\nabc\n",
	} {
		var b bytes.Buffer
		table := &table{w: &b, columns: []column{{head: "ORDER"}, {head: "N", right: true}, {head: "MESSAGE"}}, widths: make([]int, 3)}
		table.width = func() int { return width }
		require.NoError(t, table.print([][]string{{"abc", "1", "\x1b[2J"}}))
		require.Equal(t, want, b.String(), width)
	}
	var b bytes.Buffer
	table := &table{w: &b, columns: []column{{head: "A"}, {head: "N", right: true}}, widths: make([]int, 2)}
	require.NoError(t, table.print([][]string{{"", "1"}}))
	require.NoError(t, table.print([][]string{{"longer", "1000"}}), "the next page has no header")
	require.Equal(t, "A  N\n–  1\nlonger  1000\n", b.String())
}

func TestPrintedJSONHasTheSameValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var b bytes.Buffer
		require.NoError(t, printJSON(&b, text))
		require.False(t, strings.ContainsFunc(b.String(), unprintable))
		require.True(t, utf8.Valid(b.Bytes()))
		var again string
		require.NoError(t, json.Unmarshal(b.Bytes(), &again))
		require.Equal(t, text, again)
	})
}

func TestAFileIsNotATerminal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer f.Close()
	require.Zero(t, terminalWidth(f))
	require.Zero(t, terminalWidth(&bytes.Buffer{}))
}

func TestControlCharactersAreNotPrinted(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	n, err := fmt.Fprint(cleaned{&b, "\n\t"}, "a\x1b[2J\u009b1m\x7f\u202e\r\n\tü–🙂\xff")
	require.NoError(t, err)
	require.Equal(t, len("a\x1b[2J\u009b1m\x7f\u202e\r\n\tü–🙂\xff"), n, "callers compare what was written with what they have")
	require.Equal(t, "a\ufffd[2J\ufffd1m\ufffd\ufffd\ufffd\n\tü–🙂\ufffd", b.String())

	platform := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/oauth2/token":
			_, _ = io.WriteString(w, `{"access_token":"t","expires_in":3600,"token_type":"Bearer"}`)
		case "/webhooks":
			_, _ = io.WriteString(w, `[{"eventType":"USER_NOTIFICATION\u001b[2J","url":"https://x/\u009b2J","headers":[{"name":"a\u202e","value":"v"}]}]`)
		default:
			_, _ = io.WriteString(w, `[{"eventType":"\u001b]0;title\u0007"}]`)
		}
	})
	code, stdout, stderr := execute(t, []string{"ORDERFOLD_PLATFORM_CLIENT_SECRET=s"}, "webhooks", "list", "--platform-url", platform, "--platform-client-id", "c")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "USER_NOTIFICATION")
	require.False(t, strings.ContainsFunc(stdout+stderr, unprintable), "%q", stdout+stderr)

	played := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"orderId":"x","status":"\u001b[2J\u009b"}`)
	})
	receiver := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Log-Sequence", "1") })
	code, stdout, stderr = execute(t, nil, "simulate", "--orders", "2", "--url", receiver, "--api-url", played)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "orders compared 2, different 2")
	require.False(t, strings.ContainsFunc(stdout+stderr, unprintable), "%q", stdout+stderr)
}

func TestTheVersionIsPrintedByEveryFormOfTheCommand(t *testing.T) {
	t.Parallel()
	code, want, _ := execute(t, nil, "version")
	require.Equal(t, exitOK, code)
	for _, form := range []string{"--version", "-version"} {
		code, got, _ := execute(t, nil, form)
		require.Equal(t, exitOK, code)
		require.Equal(t, want, got)
	}
	_, asJSON, _ := execute(t, nil, "--version", "--json")
	require.Equal(t, versionText(), decoded[map[string]string](t, []byte(asJSON))["version"])
}
