package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

func TestUnusableViewsAreRebuiltAndNeverShownIncomplete(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	report := play(t, p.addrs["receiver"], "--orders", "500", "--connections", "64", "--seed", "13")
	requireExpectedSome(t, p, report.Totals.HighestLogSequence)
	stats := counted(t, p.get("/v1/stats"))
	p.stop()
	for i, harm := range []struct {
		name string
		do   func(file string)
	}{
		{"another fold version", func(string) { change(t, data, `UPDATE position SET fold_version = 'older'`) }},
		{"a damaged file", func(file string) { require.NoError(t, os.WriteFile(file, []byte("not a database"), 0o600)) }},
		{"no file", func(file string) { require.NoError(t, os.Remove(file)) }},
		{"no folder of views", func(file string) { require.NoError(t, os.RemoveAll(filepath.Dir(file))) }},
	} {
		t.Run(harm.name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(data, "views", "orders-*.db"))
			require.NoError(t, err)
			harm.do(files[len(files)-1])
			require.NoError(t, os.MkdirAll(filepath.Join(data, "views"), 0o700))
			release := holdDrafts(t, data)
			p := start(t, []string{"receiver", "api", "log"}, args...)
			code, _, body := p.ask("/readyz")
			require.Equal(t, http.StatusServiceUnavailable, code, "%s", body)
			release()
			eventually(t, "the views are made", func() bool {
				code, _, _ := p.ask("/readyz")
				asked, _, answer := p.ask("/v1/stats")
				if asked == http.StatusOK {
					require.Equal(t, stats, counted(t, answer), "all or nothing")
				} else {
					require.Equal(t, http.StatusServiceUnavailable, asked)
				}
				return code == http.StatusOK
			})
			if i < 3 {
				require.Equal(t, i+2, decoded[statusAnswer](t, p.get("/v1/status")).Generation)
			}
			require.Equal(t, stats, counted(t, p.get("/v1/stats")))
			code, stdout, stderr := execute(t, nil, "verify", "--data", data)
			require.Equal(t, exitOK, code, stdout+stderr)
			p.stop()
		})
	}
}

func TestTheFirstGenerationReportsItsProgressAndSurvivesAKill(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	report := play(t, p.addrs["receiver"], "--orders", "1000", "--connections", "64", "--seed", "21")
	requireExpectedSome(t, p, report.Totals.HighestLogSequence)
	stats := p.get("/v1/stats")
	p.stop()
	removeViews(t, data)

	require.NoError(t, os.Mkdir(filepath.Join(data, "views"), 0o700))
	release := holdDrafts(t, data)
	p = start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "it begins", func() bool {
		code, _, body := p.ask("/readyz")
		require.Equal(t, http.StatusServiceUnavailable, code)
		return regexp.MustCompile(`the views are being made from the log: [a-z]+, \d+ of \d+ records`).Match(body)
	})
	require.NotNil(t, decoded[struct{ Rebuild *api.Rebuild }](t, p.get("/v1/status")).Rebuild)
	r, err := http.Post(p.addrs["receiver"]+"/traditional-asset-order-notification", "application/json", strings.NewReader(`{"orderId":"z"}`))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusOK, r.StatusCode, "notifications are received meanwhile")
	release()
	for awaitDraft(t, data, nil); ; awaitDraft(t, data, nil) {
		p.kill()
		if hasDraft(t, data) {
			break
		}
		removeViews(t, data) // the generation was complete before the draft was seen
		p = start(t, []string{"receiver", "api", "log"}, args...)
	}
	require.NoFileExists(t, filepath.Join(data, "views", "live"))
	require.Len(t, generationFiles(t, data), 1, "half a draft")

	p = start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "it is ready", func() bool { code, _, _ := p.ask("/readyz"); return code == http.StatusOK })
	after := decoded[api.Stats](t, p.get("/v1/stats?minSequence="+r.Header.Get("Log-Sequence")))
	require.Equal(t, decoded[api.Stats](t, stats).Orders+1, after.Orders)
	require.Equal(t, []string{"orders-1.db"}, generationFiles(t, data))
	p.stop()
	code, stdout, stderr := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout+stderr)
}

func TestNoNewLogIsCreatedForUnusableViews(t *testing.T) {
	t.Parallel()
	data, args := filled(t)
	require.NoError(t, os.Truncate(filepath.Join(data, "views", "orders-1.db"), 0))
	require.NoError(t, os.RemoveAll(filepath.Join(data, "nats")))
	for range 2 { // the first attempt must not change the folder that the second one finds
		p, listens := launch(t, []string{"receiver", "api", "log"}, exec.Command(binaries.orderfold, args...))
		require.False(t, listens)
		requireReason(t, p)
		require.Contains(t, lastLine(p.stderr.String()), "were made from a log, and there is none")
	}
}

func TestANewServiceIsReadyAtOnce(t *testing.T) {
	t.Parallel()
	p := serving(t)
	code, _, body := p.ask("/readyz")
	require.Equal(t, http.StatusOK, code, "%s", body)
	p.stop()
}

// A log that lost its end, and has no views, does not count as complete until the operator accepts the loss.
func TestALogThatLostItsEndIsFoldedAfterTheOperatorAcceptsTheLoss(t *testing.T) {
	t.Parallel()
	data, args := filled(t)
	removeViews(t, data)
	removeIndex(t, data)
	edit(t, last(blocks(t, data)), func(text []byte) []byte { return text[:len(text)-20] })
	for range 2 {
		p := start(t, []string{"receiver", "api", "log"}, args...)
		var status statusAnswer
		eventually(t, "it reports what is missing", func() bool {
			status = decoded[statusAnswer](t, p.get("/v1/status"))
			return strings.Contains(*status.Reason, "1 records that were acknowledged are gone")
		})
		require.Contains(t, *status.Reason, "orderfold doctor --accept-loss")
		require.False(t, status.Ready)
		code, _, _ := p.ask("/v1/stats")
		require.Equal(t, http.StatusServiceUnavailable, code)
		post(t, p.addrs["receiver"], "customer", `{"customerId":"received-meanwhile"}`)
		code, stdout, _ := execute(t, nil, "doctor", "--data", data)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stdout, "records are missing: its last record was")
		code, stdout, _ = execute(t, nil, "doctor", "--data", data, "--accept-loss")
		require.Equal(t, exitUsage, code, "not while it runs")
		require.Contains(t, stdout, "while the service is stopped")
		p.stop()
	}
	code, stdout, stderr := execute(t, nil, "tail", "--data", data)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "received-meanwhile", "the rest can be read")
	code, _, stderr = execute(t, nil, "rebuild", "--data", data)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "the log lost records")

	code, stdout, _ = execute(t, nil, "doctor", "--data", data, "--accept-loss")
	require.Equal(t, exitFailed, code, "well, with a warning: %s", stdout)
	require.Contains(t, stdout, "folding resumes with what is left")
	p := start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "it is ready", func() bool { code, _, _ := p.ask("/readyz"); return code == http.StatusOK })
	p.stop()
	code, stdout, stderr = execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout+stderr)
}
