package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var fewBlocks fixture

// severalBlocks returns the data folder of a stopped service whose log takes several blocks, and the sequence of its last record.
func severalBlocks(t *testing.T) (data string, args []string, records uint64) {
	t.Helper()
	records = 75
	data, args = fewBlocks.copy(t, func(data string, args []string) {
		// The server uses blocks of 32 kB for such a small log, even if the log may grow later.
		p := start(t, []string{"receiver", "api", "log"}, append(args, "--log-max-bytes", "100000")...)
		code, _, stderr := execute(t, nil, "log", "limit", "1GiB", "--data", data)
		require.Equal(t, exitOK, code, stderr)
		filling := strings.Repeat("x", 2000)
		for n := range records {
			p.notify(fmt.Sprintf(`{"orderId":"o-%d","status":"PLACED","filling":%q}`, n%25, filling))
		}
		require.Equal(t, records, decoded[statusAnswer](t, p.get("/v1/status")).Log.LastSequence)
		requireCaughtUp(t, p, records)
		p.stop()
		require.Greater(t, len(blocks(t, data)), 3)
	})
	return data, args, records
}

func flipInTheMiddle(t *testing.T, path string) {
	t.Helper()
	edit(t, path, func(text []byte) []byte {
		at := len(text) / 2
		text[at+strings.Index(string(text[at:]), "xxxx")] ^= 4 // in a body
		return text
	})
}

// requireHeldBack requires that the service is not ready, reports what is missing and what to do, still receives
// notifications, and answers a request for the missing record with the reason.
func requireHeldBack(t *testing.T, p *process, data string) (missing uint64) {
	t.Helper()
	var status statusAnswer
	eventually(t, "it reports what is missing", func() bool {
		status = decoded[statusAnswer](t, p.get("/v1/status"))
		return !status.Ready && strings.Contains(*status.Reason, "the log lost records")
	})
	// If another reader finds a hole while the projector waits for the next record, the projector notices within a
	// second.
	eventually(t, "the projector has stopped", func() bool { return len(logged(t, p, "not folding")) > 0 })
	require.Regexp(t, `it should have records 1 to \d+: (record \d+ is|records [\d, to]+ are) missing`, *status.Reason)
	require.Contains(t, *status.Reason, "orderfold doctor --accept-loss")
	code, _, body := p.ask("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code, "%s", body)
	require.Contains(t, string(p.get("/metrics")), "\norderfold_ready 0\n")
	post(t, p.addrs["receiver"], "customer", `{"customerId":"received-meanwhile"}`)
	grown := decoded[statusAnswer](t, p.get("/v1/status"))
	require.Equal(t, status.Log.LastSequence+1, grown.Log.LastSequence, "notifications are still received")
	require.Equal(t, status.AppliedSequence, grown.AppliedSequence, "nothing is folded")

	code, stdout, _ := execute(t, nil, "doctor", "--data", data)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stdout, "records are missing: it should have records 1 to ")
	code, _, stderr := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "the log lost records")
	for n := uint64(1); n <= status.Log.LastSequence; n++ {
		code, _, body := p.ask(fmt.Sprint("/v1/notifications/", n))
		if code != http.StatusOK {
			missing = n
			require.Equal(t, http.StatusGone, code, "%s", body)
			require.Contains(t, string(body), "record-missing")
		}
	}
	require.NotZero(t, missing)
	code, _, body = p.ask(fmt.Sprint("/v1/notifications/", grown.Log.LastSequence+1))
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, string(body), "not-found")
	return missing
}

func TestALogWithAHoleIsReportedAndFoldedAfterTheOperatorAcceptsTheLoss(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, data string){
		"a flipped bit in a middle block, and no index": func(t *testing.T, data string) {
			flipInTheMiddle(t, blocks(t, data)[1])
			removeIndex(t, data)
		},
		"a flipped bit in a middle block, found only by reading it": func(t *testing.T, data string) { flipInTheMiddle(t, blocks(t, data)[1]) },
		"no first block": func(t *testing.T, data string) { require.NoError(t, os.Remove(blocks(t, data)[0])) },
		"a torn last record that the index counts": func(t *testing.T, data string) {
			edit(t, last(blocks(t, data)), func(text []byte) []byte { return text[:len(text)-20] })
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, args, _ := severalBlocks(t)
			args = append(args, "--verify-every", "100ms", "--verify-share", "1")
			harm(t, data)
			for range 2 {
				p := start(t, []string{"receiver", "api", "log"}, args...)
				requireHeldBack(t, p, data)
				code, stdout, _ := execute(t, nil, "doctor", "--data", data, "--accept-loss")
				require.Equal(t, exitUsage, code, "not while it runs")
				require.Contains(t, stdout, "while the service is stopped")
				p.stop()
			}
			code, stdout, _ := execute(t, nil, "doctor", "--data", data)
			require.Equal(t, exitUsage, code, stdout)
			require.Contains(t, stdout, "records are missing: it should have records 1 to ")
			code, _, stderr := execute(t, nil, "verify", "--data", data)
			require.Equal(t, exitUsage, code)
			require.Contains(t, stderr, "the log lost records")
			code, _, stderr = execute(t, nil, "rebuild", "--data", data)
			require.Equal(t, exitFailed, code)
			require.Contains(t, stderr, "the log lost records")
			code, stdout, stderr = execute(t, nil, "tail", "--data", data)
			require.Equal(t, exitOK, code, "what is left can be looked at: %s", stderr)
			require.Equal(t, 2, strings.Count(stdout, "received-meanwhile"))

			code, stdout, _ = execute(t, nil, "doctor", "--data", data, "--accept-loss")
			require.Equal(t, exitFailed, code, "well, with a warning: %s", stdout)
			require.Contains(t, stdout, "folding resumes with what is left")
			code, stdout, _ = execute(t, nil, "doctor", "--data", data)
			require.Equal(t, exitFailed, code, stdout)
			require.Contains(t, stdout, "; the loss was accepted")
			code, stdout, stderr = execute(t, nil, "verify", "--data", data)
			require.Equal(t, exitFailed, code, stdout+stderr)
			require.Contains(t, stdout, "the loss of records was accepted")
			require.Contains(t, stdout, "views that were made before have what those records said until they are rebuilt")
			requireSoundAgain(t, data)
		})
	}
}

// requireSoundAgain requires that the service follows what is left of its log, and that its views can be rebuilt,
// made from nothing, and verified.
func requireSoundAgain(t *testing.T, data string) {
	t.Helper()
	args := append([]string{"serve", "--data", data, "--verify-share", "0"}, freePorts...)
	verified := func() {
		code, stdout, stderr := execute(t, nil, "verify", "--data", data)
		require.Equal(t, exitOK, code, stdout+stderr)
	}
	p := start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "it is ready", func() bool { code, _, _ := p.ask("/readyz"); return code == http.StatusOK })
	p.stop()
	code, stdout, stderr := execute(t, nil, "rebuild", "--data", data)
	require.Equal(t, exitOK, code, stdout+stderr)
	verified()
	p = start(t, []string{"receiver", "api", "log"}, args...)
	p.notify(`{"orderId":"new","status":"PLACED"}`)
	at := decoded[statusAnswer](t, p.get("/v1/status")).Log.LastSequence
	requireCaughtUp(t, p, at)
	eventually(t, "it is ready", func() bool { code, _, _ := p.ask("/readyz"); return code == http.StatusOK })
	stats := counted(t, p.get("/v1/stats"))
	p.stop()
	verified()
	removeViews(t, data)
	p = start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "the first generation is made", func() bool { code, _, _ := p.ask("/readyz"); return code == http.StatusOK })
	require.Equal(t, stats, counted(t, p.get("/v1/stats")))
	p.stop()
	verified()
}

// The loss is accepted while the lost record is the last one in the log, at the position of the views.
func TestViewsWhosePositionIsALostRecordAreRebuiltAndFollowTheLog(t *testing.T) {
	t.Parallel()
	data, _, records := severalBlocks(t)
	edit(t, last(blocks(t, data)), func(text []byte) []byte { return text[:len(text)-20] })
	code, stdout, _ := execute(t, nil, "doctor", "--data", data, "--accept-loss")
	require.Equal(t, exitFailed, code, stdout)
	require.Contains(t, stdout, fmt.Sprintf("record %d is missing", records))
	code, stdout, stderr := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitFailed, code, stdout+stderr)
	require.Contains(t, stdout, "different: ")
	requireSoundAgain(t, data)
}

func TestALaterHoleIsReportedAgain(t *testing.T) {
	t.Parallel()
	data, args, _ := severalBlocks(t)
	for i, name := range []string{"2.blk", "3.blk"} {
		flipInTheMiddle(t, streamFiles(t, data, name)[0])
		removeIndex(t, data)
		p := start(t, []string{"receiver", "api", "log"}, args...)
		requireHeldBack(t, p, data)
		require.Equal(t, i > 0, strings.Contains(*decoded[statusAnswer](t, p.get("/v1/status")).Reason, "whose loss was accepted"))
		p.stop()
		code, stdout, _ := execute(t, nil, "doctor", "--data", data, "--accept-loss")
		require.Equal(t, exitFailed, code, stdout)
	}
	requireSoundAgain(t, data)
}

func TestAHoleOnAnExternalServerIsReportedAndCanBeAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	server := launchNATS(t, dir)
	serve := func(flags ...string) *process {
		return start(t, []string{"receiver", "api"}, append([]string{"serve", "--data", data, "--nats-url", server.url, "--receiver-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0"}, flags...)...)
	}
	p := serve("--log-max-bytes", "100000") // in blocks of 32 kB
	code, _, stderr := execute(t, nil, "log", "limit", "1GiB", "--nats-url", server.url)
	require.Equal(t, exitOK, code, stderr)
	for n := range 45 {
		p.notify(fmt.Sprintf(`{"orderId":"o-%d","status":"PLACED","filling":%q}`, n%9, strings.Repeat("x", 2000)))
	}
	requireCaughtUp(t, p, 45)
	p.stop()
	server.end(t, os.Interrupt)
	block, err := filepath.Glob(filepath.Join(dir, "js/jetstream/*/streams/NOTIFICATIONS/msgs/1.blk"))
	require.NoError(t, err)
	require.Len(t, block, 1)
	require.NoError(t, os.Remove(block[0]))
	server = launchNATS(t, dir)

	p = serve()
	var status statusAnswer
	eventually(t, "it reports what is missing", func() bool {
		status = decoded[statusAnswer](t, p.get("/v1/status"))
		return !status.Ready && strings.Contains(*status.Reason, "it should have records 1 to 45: records 1 to ")
	})
	code, stdout, _ := execute(t, nil, "doctor", "--data", data, "--nats-url", server.url)
	require.Equal(t, exitUsage, code, stdout)
	code, stdout, _ = execute(t, nil, "doctor", "--data", data, "--nats-url", server.url, "--accept-loss")
	require.NotContains(t, stdout, "fail  accepted loss")
	require.Contains(t, stdout, "folding resumes with what is left", "%d", code)
	eventually(t, "it is ready, without a restart", func() bool { code, _, _ := p.ask("/readyz"); return code == http.StatusOK })
	p.notify(`{"orderId":"new","status":"PLACED"}`)
	requireCaughtUp(t, p, 46)
	p.stop()
	code, stdout, stderr = execute(t, nil, "rebuild", "--data", data, "--nats-url", server.url)
	require.Equal(t, exitOK, code, stdout+stderr)
	code, stdout, stderr = execute(t, nil, "verify", "--data", data, "--nats-url", server.url)
	require.Equal(t, exitOK, code, stdout+stderr)
}
