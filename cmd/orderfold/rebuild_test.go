package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

// request sends a request to the API with a key.
func (p *process) request(method, path, key string) (int, []byte) {
	p.t.Helper()
	code, _, body := p.send(method, path, key)
	return code, body
}

// holdDrafts prevents drafts of the views from beginning until release is called.
func holdDrafts(t testing.TB, data string) (release func()) {
	t.Helper()
	lock := flock.New(filepath.Join(data, "views", "drafts"))
	require.NoError(t, lock.Lock())
	release = sync.OnceFunc(func() { require.NoError(t, lock.Unlock()) })
	t.Cleanup(release)
	return release
}

func hasDraft(t testing.TB, data string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "views", "draft-*", "orders.db"))
	require.NoError(t, err)
	return len(found) > 0
}

// awaitDraft waits until there is a draft beside those generations. On a busy machine the draft may have become another
// generation before it is seen.
func awaitDraft(t testing.TB, data string, generations []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return hasDraft(t, data) || !slices.Equal(generations, generationFiles(t, data))
	}, patience, time.Millisecond)
}

// isDraft reports whether a name is that of a draft, which may have no file when it begins and ends.
func isDraft(name string) bool { return strings.HasPrefix(name, "draft-") }

func generationFiles(t testing.TB, data string) (names []string) {
	found, err := filepath.Glob(filepath.Join(data, "views", "*"))
	require.NoError(t, err)
	for _, path := range found {
		name := filepath.Base(path)
		if name != "lock" && name != "drafts" && name != "live" && name != "closed" && !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") {
			names = append(names, name)
		}
	}
	return names
}

// Readers and webhooks run all the time; every answer must be correct and as fresh as requested.
func TestARebuildIsNotNoticedByReaders(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	report := play(t, p.addrs["receiver"], "--orders", "300", "--seed", "31")
	p.notify(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	var page struct{ NextCursor *string }
	require.NoError(t, json.Unmarshal(p.get("/v1/orders?limit=10"), &page))

	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var wrong []string
	asked := 0
	load.Go(func() {
		for i := 1; ctx.Err() == nil; i++ {
			r, err := http.Post(p.addrs["receiver"]+"/traditional-asset-order-notification", "application/json",
				strings.NewReader(fmt.Sprintf(`{"orderId":"a","status":"PARTIALLY_FILLED","modifiedOn":"2026-03-02T10:00:00Z","execution":{"quantity":%d}}`, i)))
			if err != nil {
				wrong = append(wrong, err.Error())
				return
			}
			r.Body.Close()
			question, err := http.NewRequest(http.MethodGet, p.addrs["api"]+"/v1/orders/a?minSequence="+r.Header.Get("Log-Sequence"), nil)
			if err != nil {
				wrong = append(wrong, err.Error())
				return
			}
			question.Header.Set("Prefer", "wait=30")
			answer, err := http.DefaultClient.Do(question)
			if err != nil {
				wrong = append(wrong, err.Error())
				return
			}
			var o struct{ ExecutedQuantity string }
			err = json.NewDecoder(answer.Body).Decode(&o)
			answer.Body.Close()
			asked++
			if err != nil || answer.StatusCode != http.StatusOK || o.ExecutedQuantity != strconv.Itoa(i) {
				wrong = append(wrong, fmt.Sprint(i, answer.Status, o, err))
			}
		}
	})
	for generation := 2; generation <= 4; generation++ {
		code, stdout, stderr := execute(t, nil, "rebuild", "--api-url", p.addrs["api"], "--json")
		require.Equal(t, exitOK, code, stderr)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		last := decoded[api.Rebuild](t, []byte(lines[len(lines)-1]))
		require.Equal(t, "done", last.State)
		require.Equal(t, generation, *last.Generation)
		require.Positive(t, last.Records)
	}
	cancel()
	load.Wait()
	require.Empty(t, wrong)
	require.Positive(t, asked)
	requireExpected(t, p, report)
	code, _, body := p.ask("/v1/orders?limit=10&cursor=" + *page.NextCursor)
	require.Equal(t, http.StatusOK, code, "a cursor outlives a rebuild by the same rules: %s", body)
	code, stdout, stderr := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout+stderr)
	require.Contains(t, stdout, "generation 4")
	require.Equal(t, []string{"orders-3.db", "orders-4.db"}, generationFiles(t, data), "the previous generation is kept, older ones are not")
	require.Contains(t, string(p.get("/metrics")), "\norderfold_rebuild_running 0\n")

	code, stdout, stderr = execute(t, nil, "rebuild", "--rollback", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "generation 3 is live")
	requireExpected(t, p, report)
	code, stdout, _ = execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout)
	p.stop()
	code, stdout, stderr = execute(t, nil, "rebuild", "--data", data)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "generation 5 is live", "a stopped service")
}

func TestOnlyAnOperatorMayRebuild(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data"),
		"--api-key", "r:reader:read", "--api-key", "o:operator:operate"}, freePorts...)...)
	code, body := p.request("POST", "/v1/rebuilds", "read")
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, string(body), `"forbidden"`)
	code, _ = p.request("DELETE", "/v1/rebuilds/current", "read")
	require.Equal(t, http.StatusForbidden, code)
	code, _ = p.request("POST", "/v1/rebuilds", "none")
	require.Equal(t, http.StatusUnauthorized, code)
	code, _ = p.request("GET", "/v1/rebuilds/current", "read")
	require.Equal(t, http.StatusNotFound, code)
	code, _ = p.request("DELETE", "/v1/rebuilds/current", "operate")
	require.Equal(t, http.StatusConflict, code)
	code, body = p.request("POST", "/v1/rebuilds?mode=rollback", "operate")
	require.Equal(t, http.StatusAccepted, code, "%s", body)
	eventually(t, "there is nothing to go back to", func() bool {
		_, body := p.request("GET", "/v1/rebuilds/current", "read")
		b := decoded[api.Rebuild](t, body)
		return b.State == "failed" && strings.Contains(*b.Error, "no previous generation")
	})
	code, _, stderr := execute(t, nil, "rebuild", "--api-url", p.addrs["api"], "--api-key", "operate")
	require.Equal(t, exitOK, code, stderr)
	code, _, stderr = execute(t, nil, "rebuild", "--api-url", p.addrs["api"], "--api-key", "read")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "403")
	p.stop()
}

func TestADryRunReportsWhatARebuildWouldRepair(t *testing.T) {
	t.Parallel()
	data, args := filled(t)
	change(t, data, `UPDATE orders SET external = external + 1 WHERE id = 'a'`)
	code, stdout, stderr := execute(t, nil, "rebuild", "--dry-run", "--data", data)
	require.Equal(t, exitOK, code, stderr)
	require.Regexp(t, `would fold \d+ records, take about \S+ s and \S+ MB of disk, and change 1 of 151 orders`, stdout)
	require.Contains(t, stdout, `order "a": list: externalId: the views have `)
	require.Equal(t, []string{"orders-1.db"}, generationFiles(t, data))
	p := start(t, []string{"receiver", "api", "log"}, args...)
	code, stdout, stderr = execute(t, nil, "rebuild", "--dry-run", "--json", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Equal(t, uint64(1), decoded[api.Rebuild](t, []byte(lines[len(lines)-1])).Changes.Different)
	code, stdout, stderr = execute(t, nil, "rebuild", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "generation 2 is live")
	code, stdout, _ = execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout)
	p.stop()
}

func TestARebuildThatEndsEarlyLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	report := play(t, p.addrs["receiver"], "--orders", "1000", "--connections", "64", "--seed", "5")
	requireExpectedSome(t, p, report.Totals.HighestLogSequence)
	begin := func() {
		code, body := p.request("POST", "/v1/rebuilds", "")
		require.Equal(t, http.StatusAccepted, code, "%s", body)
	}

	release := holdDrafts(t, data)
	begin()
	code, _ := p.request("POST", "/v1/rebuilds", "")
	require.Equal(t, http.StatusConflict, code, "one at a time")
	require.NotNil(t, decoded[struct{ Rebuild *api.Rebuild }](t, p.get("/v1/status")).Rebuild)
	code, body := p.request("DELETE", "/v1/rebuilds/current", "")
	require.Equal(t, http.StatusOK, code, "%s", body)
	require.Equal(t, "canceled", decoded[api.Rebuild](t, body).State)
	release()

	// Each rebuild is ended while it has a draft. If one finishes before its draft is seen, another one is started.
	generations := []string{"orders-1.db"}
	for code = http.StatusConflict; code == http.StatusConflict; {
		begin()
		awaitDraft(t, data, generations)
		if code, body = p.request("DELETE", "/v1/rebuilds/current", ""); code == http.StatusConflict {
			eventually(t, "the draft is a generation", func() bool {
				generations = generationFiles(t, data)
				return !slices.ContainsFunc(generations, isDraft)
			})
		}
	}
	require.Equal(t, http.StatusOK, code, "%s", body)
	require.Equal(t, "canceled", decoded[api.Rebuild](t, body).State)
	require.Equal(t, generations, generationFiles(t, data))

	for killed := false; !killed; {
		begin()
		awaitDraft(t, data, generations)
		p.kill()
		if killed = hasDraft(t, data); !killed {
			generations = slices.DeleteFunc(generationFiles(t, data), isDraft)
		}
		p = start(t, []string{"receiver", "api", "log"}, args...)
	}
	require.Equal(t, generations, generationFiles(t, data))
	requireExpectedSome(t, p, report.Totals.HighestLogSequence)
	require.Equal(t, generations[len(generations)-1], fmt.Sprintf("orders-%d.db", decoded[statusAnswer](t, p.get("/v1/status")).Generation))
	p.stop()

	interrupted := func(signal os.Signal, half func() bool) (cmd *exec.Cmd, stderr *lockedBuffer) {
		for {
			cmd, stderr = exec.Command(binaries.orderfold, "rebuild", "--data", data), &lockedBuffer{}
			cmd.Stderr = stderr
			require.NoError(t, cmd.Start())
			awaitDraft(t, data, generations)
			require.NoError(t, cmd.Process.Signal(signal))
			if err := cmd.Wait(); err != nil && half() {
				return cmd, stderr
			}
			generations = slices.DeleteFunc(generationFiles(t, data), isDraft)
		}
	}
	cmd, stderr := interrupted(os.Interrupt, func() bool { return true })
	require.Equal(t, exitFailed, cmd.ProcessState.ExitCode())
	require.Contains(t, stderr.String(), "canceled; the views are unchanged")
	require.Equal(t, generations, generationFiles(t, data))

	interrupted(syscall.SIGKILL, func() bool { return hasDraft(t, data) })
	code, stdout, failure := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout+failure)
	require.Equal(t, generations, generationFiles(t, data), "the next process removes it")
}

func requireExpectedSome(t testing.TB, p *process, sequence uint64) {
	t.Helper()
	p.get("/v1/stats?minSequence=" + strconv.FormatUint(sequence, 10))
}
