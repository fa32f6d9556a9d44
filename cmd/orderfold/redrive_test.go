package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

// buildWithAFault builds an orderfold whose decoder cannot read bodies that contain the word ODD. Its fold version is
// the same.
func buildWithAFault(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	const odd = `bytes.Contains(data, []byte("ODD"))`
	replace := map[string]string{}
	for file, fault := range map[string]struct{ sound, faulty string }{
		"body.go":  {"isObject := b.dec.PeekKind() == '{'", "isObject := b.dec.PeekKind() == '{' && !" + odd},
		"usual.go": {"b.usual(data, shapes)", "!" + odd + " && b.usual(data, shapes)"},
	} {
		path, err := filepath.Abs("../../projector/decode/" + file)
		require.NoError(t, err)
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), fault.sound))
		replace[path] = filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(replace[path], []byte(strings.Replace(string(source), fault.sound, fault.faulty, 1)), 0o600))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	list, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "orderfold")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))
	out, err := exec.Command("go", "build", "-overlay", list, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

var faultyDecoder fixture

// misread returns the data folder of a service whose decoder had a fault. It has orders that were read completely,
// partly and not at all, and other objects.
func misread(t testing.TB) (data string, args []string) {
	t.Helper()
	return faultyDecoder.copy(t, func(_ string, args []string) { serveMisread(t, args) })
}

func serveMisread(t testing.TB, args []string) {
	t.Helper()
	p := startCommand(t, []string{"receiver", "api", "log"}, exec.Command(buildWithAFault(t), args...))
	play(t, p.addrs["receiver"], "--orders", "50", "--seed", "3")
	p.notify(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	p.notify(`{"orderId":"a","status":"FILLED","symbol":"ODD","modifiedOn":"2026-03-02T09:02:00Z","execution":{"quantity":7}}`)
	p.notify(`{"orderId":"a","status":"PARTIALLY_FILLED","modifiedOn":"2026-03-02T09:01:00Z","execution":{"quantity":3}}`)
	p.notify(`{"orderId":"b","status":"PLACED","symbol":"ODD","modifiedOn":"2026-03-02T09:00:00Z"}`)
	p.notify(`{"symbol":"ODD"}`)
	p.notify(`{"status":"PLACED"}`)
	post(t, p.addrs["receiver"], "customer", `{"customerId":"ODD-1"}`)
	p.notify(`{"orderId":"last","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	s := decoded[statusAnswer](t, p.get("/v1/status"))
	stats := decoded[api.Stats](t, p.get("/v1/stats?minSequence="+text(s.Log.LastSequence)))
	require.Equal(t, map[string]uint64{"not-an-object": 4, "no-order-id": 1}, stats.ByClass)
	require.EqualValues(t, 5, stats.Quarantined)
	p.stop()
}

func TestRedriveAppliesRecordsAfterTheDecoderWasCorrected(t *testing.T) {
	t.Parallel()
	data, args := misread(t)
	code, stdout, _ := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitFailed, code, "the mended decoder reads what is quarantined: %s", stdout)

	code, stdout, stderr := execute(t, nil, "redrive", "--data", data, "--dry-run")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "3 of 5 records would be redriven, into 2 orders and other objects; 2 still cannot be read")
	require.Contains(t, stdout, `: customer "ODD-1"`)
	require.Contains(t, stdout, " stays: no-order-id: the body has no orderId")
	code, stdout, stderr = execute(t, nil, "redrive", "--data", data, "--reason", "no-order-id", "--json")
	require.Equal(t, exitOK, code, stderr)
	done := decoded[api.Redrive](t, []byte(stdout))
	require.EqualValues(t, 1, done.Remain)
	require.Zero(t, done.Redriven)
	copied := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(copied, os.DirFS(data)))
	code, stdout, stderr = execute(t, nil, "redrive", "--data", copied)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "3 of 5 records redriven")
	code, stdout, stderr = execute(t, nil, "verify", "--data", copied)
	require.Equal(t, exitOK, code, stdout+stderr)

	p := start(t, []string{"receiver", "api", "log"}, append(args, "--api-key", "r:reader:read", "--api-key", "o:operator:operate")...)
	redriveOfARunningService(t, p)
	p.stop()
	code, stdout, stderr = execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, stdout+stderr)
}

func redriveOfARunningService(t *testing.T, p *process) {
	code, _ := p.request("POST", "/v1/redrives", "read")
	require.Equal(t, http.StatusForbidden, code)
	_, body := p.request("GET", "/v1/quarantine?class=not-an-object", "read")
	rows := decoded[api.List[api.Quarantined]](t, body).Data
	require.Len(t, rows, 4)
	code, body = p.request("GET", rows[3].Raw, "read")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, string(body), `"quantity":7`, "the raw bytes are one call away")

	etag := func() string {
		r, err := http.NewRequest("GET", p.addrs["api"]+"/v1/orders/a", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer read")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.Header.Get("ETag")
	}
	before := etag()
	var load sync.WaitGroup
	load.Go(func() { // the projector is busy with the same order meanwhile
		for range 50 {
			post(t, p.addrs["receiver"], "traditional-asset-order", `{"orderId":"b","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
		}
	})
	exit, stdout, stderr := execute(t, nil, "redrive", "--api-url", p.addrs["api"], "--api-key", "operate", "--sequence", text(rows[3].Sequence))
	require.Equal(t, exitOK, exit, stderr)
	require.Contains(t, stdout, "1 of 1 records redriven, into 1 orders")
	require.NotEqual(t, before, etag(), "the order changed, though its last notification is the same")
	exit, stdout, stderr = execute(t, nil, "redrive", "--api-url", p.addrs["api"], "--api-key", "operate", "--json")
	require.Equal(t, exitOK, exit, stderr)
	done := decoded[api.Redrive](t, []byte(stdout))
	require.EqualValues(t, 2, done.Redriven)
	require.EqualValues(t, 2, done.Remain)
	load.Wait()
	exit, stdout, stderr = execute(t, nil, "redrive", "--api-url", p.addrs["api"], "--api-key", "operate")
	require.Equal(t, exitOK, exit, stderr)
	require.Contains(t, stdout, "0 of 2 records redriven", "nothing is counted twice")
	_, body = p.request("GET", "/v1/status", "read")
	last := decoded[statusAnswer](t, body).Log.LastSequence
	_, body = p.request("GET", "/v1/orders/a?minSequence="+text(last), "read")
	a := decoded[struct {
		Status, ExecutedQuantity string
		Notifications            struct{ Count int }
	}](t, body)
	require.Equal(t, "FILLED", a.Status)
	require.Equal(t, "7", a.ExecutedQuantity)
	require.Equal(t, 3, a.Notifications.Count)
	_, body = p.request("GET", "/v1/stats", "read")
	require.Equal(t, map[string]uint64{"no-order-id": 2}, decoded[api.Stats](t, body).ByClass, "the reason is that of the corrected decoder")
}

func text(sequence uint64) string { return strconv.FormatUint(sequence, 10) }

func TestRedriveReportsWhyItCannotRun(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	p.notify(`{}`)
	code, _, stderr := execute(t, nil, "redrive", "--data", data)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "name its API with --api-url")
	p.stop()
	code, _, stderr = execute(t, nil, "redrive", "--data", data, "--sequence", "x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `"x" is not the sequence of a record`)
	removeViews(t, data)
	code, _, stderr = execute(t, nil, "redrive", "--data", data)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "the next start makes them")
}
