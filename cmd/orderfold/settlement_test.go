package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStatesShowTheCyclesOfSettlement(t *testing.T) {
	t.Parallel()
	_, stdout, _ := execute(t, nil, "states")
	require.Regexp(t, `(?m)^SETTLEMENT +CYCLE +TRADE DATE\nTRADITIONAL +T\+2 +until 2027-10-10\nTRADITIONAL +T\+1 +from 2027-10-11\n`, stdout)
	environ := []string{"ORDERFOLD_SETTLEMENT=DIGITAL=0\nTRADITIONAL=1@2026-01-01\nTRADITIONAL=0@2030-01-01"}
	_, stdout, _ = execute(t, environ, "states")
	require.Regexp(t, `TRADITIONAL +T\+2 +until 2025-12-31\nTRADITIONAL +T\+1 +2026-01-01 to 2029-12-31\nTRADITIONAL +T\+0 +from 2030-01-01\nDIGITAL +T\+0 +any\n`, stdout)
	_, stdout, _ = execute(t, environ, "states", "--json", "--settlement", "TRADITIONAL=3")
	var states struct{ Cycles json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(stdout), &states))
	require.JSONEq(t, `[{"assetClass":"TRADITIONAL","cycle":"T+3","days":3,"from":null,"until":null}]`, string(states.Cycles))
}

func TestInvalidSettlementSettingsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.WriteFile(file, []byte("2026-12-24\nChristmas\n# 2027\n24.12.2027\n"), 0o600))
	large := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(large, make([]byte, maxClosedDays+1), 0o600))
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"an unknown class": {[]string{"--settlement", "BONDS=1"}, `--settlement: "BONDS=1" does not begin with an asset class`},
		"several mistakes": {[]string{"--settlement", "DIGITAL", "--settlement", "TRADITIONAL=1@soon"},
			`--settlement: "DIGITAL" does not say after how many settlement days: write 0 to 99, as in DIGITAL=2; "TRADITIONAL=1@soon": the first trade date`},
		"two cycles from one date": {[]string{"--settlement", "DIGITAL=0", "--settlement", "DIGITAL=1"}, "DIGITAL has two cycles from the same trade date on"},
		"no such file":             {[]string{"--settlement-closed", file + "s"}, "no such file"},
		"bad lines":                {[]string{"--settlement-closed", file}, `closed: line 2: "Christmas" is not a date such as 2026-12-24; line 4: "24.12.2027" is not a date`},
		"too large a file":         {[]string{"--settlement-closed", large}, "has more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			for _, command := range [][]string{{"states"}, append([]string{"serve", "--data", data}, freePorts...)} {
				code, _, stderr := execute(t, nil, append(command, c.args...)...)
				require.Equal(t, exitUsage, code, stderr)
				require.Contains(t, lastLine(stderr), c.says)
			}
			require.NoDirExists(t, data)
		})
	}
}

// An order that was traded long ago is overdue on any day, in every cycle.
func TestCommandsShowOverdueOrders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed := filepath.Join(dir, "closed")
	require.NoError(t, os.WriteFile(closed, []byte("2026-03-05 # Inventory\n"), 0o600))
	p := start(t, []string{"receiver", "api"}, "serve", "--data", filepath.Join(dir, "data"), "--receiver-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0",
		"--nats-addr", "", "--settlement", "DIGITAL=0", "--settlement-closed", closed)
	t.Cleanup(p.stop)
	post(t, p.addrs["receiver"], "traditional-asset-order", `{"orderId":"bought-1","status":"FILLED","modifiedOn":"2026-03-03T23:30:00Z","quantity":10,"execution":{"quantity":10}}`)
	post(t, p.addrs["receiver"], "digital-asset-order", `{"orderId":"coined-1","status":"FILLED","modifiedOn":"2026-03-05T12:00:00Z","executionData":{"quantity":1}}`)
	post(t, p.addrs["receiver"], "traditional-asset-order", `{"orderId":"placed-1","status":"PLACED","modifiedOn":"2026-03-03T12:00:00Z"}`)
	var lines string
	eventually(t, "three orders exist", func() bool {
		_, lines, _ = execute(t, nil, "orders", "--api-url", p.addrs["api"], "--sort", "due")
		return len(strings.Split(strings.TrimSpace(lines), "\n")) == 4
	})
	require.Regexp(t, `(?s)coined-1.*2026-03-06 overdue.*bought-1.*2026-03-09 overdue.*placed-1`, lines)
	_, lines, _ = execute(t, nil, "orders", "--api-url", p.addrs["api"], "--settlement", "overdue", "--due-since", "2026-03-07", "--due-until", "2026-03-09")
	require.Len(t, strings.Split(strings.TrimSpace(lines), "\n"), 2)
	require.Contains(t, lines, "bought-1")
	code, _, stderr := execute(t, nil, "orders", "--api-url", p.addrs["api"], "--due-on", "tomorrow")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `--due-on: "tomorrow" is not a day; write it as 2026-12-28`)

	_, lines, stderr = execute(t, []string{"ORDERFOLD_SETTLEMENT=DIGITAL=0"}, "orders", "--api-url", p.addrs["api"], "--settlement", "none")
	require.Contains(t, lines, "placed-1", "the variable is that of serve: %s", stderr)
	_, order, _ := execute(t, nil, "order", "bought-1", "--api-url", p.addrs["api"])
	require.Regexp(t, `due on +2026-03-09 \(T\+2\), overdue by \d+ settlement days\n`, order)
	require.Contains(t, order, "The order was executed on Wednesday 4 March")
	require.Contains(t, order, "TARGET is closed on the 5th and at the weekend.")
	_, order, _ = execute(t, nil, "order", "bought-1", "--api-url", p.addrs["api"], "--as-of", time.Now().Add(time.Hour).Format(time.RFC3339))
	require.Contains(t, order, "overdue by")
	calendar := string(p.get("/v1/calendar?from=2026-03-02&until=2026-03-06"))
	require.JSONEq(t, `{"from":"2026-03-02","until":"2026-03-06","data":[{"date":"2026-03-05","reason":"Inventory"}]}`, calendar)
}
