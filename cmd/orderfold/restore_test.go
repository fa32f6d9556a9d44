package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/orderfold/orderfold/api/client"
	"github.com/stretchr/testify/require"
)

// connectAs connects to the log of a data folder as one of its users.
func connectAs(t *testing.T, data, user string) jetstream.JetStream {
	t.Helper()
	url, err := os.ReadFile(filepath.Join(data, user+".url"))
	require.NoError(t, err)
	return jetStreamAt(t, strings.TrimSpace(string(url)))
}

// backUp makes a backup as nats stream backup --consumers does, with the operator's credentials, and returns the
// folder.
func backUp(t *testing.T, data string) string {
	t.Helper()
	folder, conn := t.TempDir(), connectAs(t, data, "operator").Conn()
	inbox := conn.NewRespInbox()
	answer, err := conn.Request("$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", []byte(`{"deliver_subject":"`+inbox+`"}`), patience)
	require.NoError(t, err)
	said := decoded[map[string]json.RawMessage](t, answer.Data)
	require.NotContains(t, said, "error")
	sub, err := conn.SubscribeSync(inbox)
	require.NoError(t, err)
	var archive bytes.Buffer
	for {
		chunk, err := sub.NextMsg(patience)
		require.NoError(t, err)
		if len(chunk.Data) == 0 {
			break
		}
		archive.Write(chunk.Data)
		if chunk.Reply != "" {
			require.NoError(t, chunk.Respond(nil))
		}
	}
	meta, err := json.Marshal(map[string]json.RawMessage{"config": said["config"], "state": said["state"]})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "backup.json"), meta, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "stream.arc.s2"), archive.Bytes(), 0o600))
	return folder
}

// takeNext requests that many records from the durable consumer of a subscriber, and returns the sequence of the last
// one.
func takeNext(t *testing.T, data string, count int) (sequence uint64) {
	t.Helper()
	consumer, err := connectAs(t, data, "subscriber").Consumer(t.Context(), "NOTIFICATIONS", "billing")
	require.NoError(t, err)
	for range count {
		msg, err := consumer.Next(jetstream.FetchMaxWait(patience))
		require.NoError(t, err)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		require.NoError(t, msg.DoubleAck(t.Context()))
		sequence = meta.Sequence.Stream
	}
	return sequence
}

func lastSequence(t *testing.T, p *process) uint64 {
	t.Helper()
	return *decoded[struct {
		Log struct{ LastSequence *uint64 }
	}](t, p.get("/v1/status")).Log.LastSequence
}

// requireReady waits until the views exist and follow the log.
func requireReady(t *testing.T, p *process) {
	t.Helper()
	eventually(t, "the service is ready", func() bool {
		code, _, _ := p.ask("/readyz")
		return code == 200
	})
}

func epochOf(t *testing.T, p *process) int {
	t.Helper()
	return *decoded[struct{ Log struct{ Epoch *int } }](t, p.get("/v1/status")).Log.Epoch
}

func TestABackupIsRestoredIntoAnEmptyFolderAndAllReadersContinue(t *testing.T) {
	t.Parallel()
	data, restored := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	wanted := []string{"receiver", "api", "log"}
	p := start(t, wanted, append([]string{"serve", "--data", data}, freePorts...)...)
	report := play(t, p.addrs["receiver"], "--orders", "30")
	requireExpected(t, p, report)
	require.Equal(t, 1, epochOf(t, p))
	_, err := connectAs(t, data, "operator").CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{Durable: "billing",
		AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	require.Equal(t, uint64(10), takeNext(t, data, 10))
	last, known := lastSequence(t, p), p.lastEvent()
	_, before, _ := execute(t, nil, "tail", "--data", data)
	backup := backUp(t, data)

	code, _, stderr := execute(t, nil, "restore", backup, "--data", data)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "stop that process or choose another folder")
	p.stop()
	code, _, stderr = execute(t, nil, "restore", backup, "--data", data)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "is not empty")
	code, stdout, stderr := execute(t, nil, "restore", backup, "--data", restored, "--json")
	require.Equal(t, 0, code, stderr)
	r := decoded[restoration](t, []byte(stdout))
	require.Equal(t, uint64(2), r.Epoch)
	require.Equal(t, [2]uint64{1, last}, [2]uint64{r.FirstSequence, r.LastSequence})

	p = start(t, wanted, append([]string{"serve", "--data", restored}, freePorts...)...)
	requireReady(t, p)
	requireExpected(t, p, report)
	require.Equal(t, 2, epochOf(t, p))
	require.NotNil(t, p.follow(known)[0].Resync, "a client is informed although there is no record after its own")
	_, after, _ := execute(t, nil, "tail", "--data", restored)
	require.Equal(t, before, after, "sequences, times and bytes")
	code, stdout, stderr = execute(t, nil, "verify", "--data", restored)
	require.Equal(t, 0, code, "%s%s", stdout, stderr)
	require.Contains(t, stdout, "equal")
	code, results := examine(t, restored)
	require.Equal(t, 0, code, results)
	require.Equal(t, uint64(13), takeNext(t, restored, 3))
	play(t, p.addrs["receiver"], "--orders", "3", "--seed", "2")
	require.Greater(t, lastSequence(t, p), last)
}

// lastEvent returns the id with which the stream of changes continues from now.
func (p *process) lastEvent() string {
	p.t.Helper()
	c, err := client.New(client.Options{URL: p.addrs["api"]})
	require.NoError(p.t, err)
	for e, err := range c.Watch(p.t.Context(), client.WatchQuery{NoSnapshot: true}) {
		require.NoError(p.t, err)
		return e.ID
	}
	return ""
}

// In a folder that was copied back, like a snapshot of a virtual machine, new records get sequences that other
// records had before. Nothing in the folder shows that.
func TestAStreamClientNoticesADataFolderThatWasCopiedBack(t *testing.T) {
	t.Parallel()
	data, copied := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "copy")
	wanted, args := []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, wanted, args...)
	requireExpected(t, p, play(t, p.addrs["receiver"], "--orders", "10"))
	early := p.lastEvent()
	p.stop()
	require.NoError(t, os.CopyFS(copied, os.DirFS(data)))

	p = start(t, wanted, args...)
	requireReady(t, p)
	requireExpected(t, p, play(t, p.addrs["receiver"], "--orders", "10", "--seed", "2"))
	late, last := p.lastEvent(), lastSequence(t, p)
	require.Equal(t, last, sequenceOf(late))
	require.Regexp(t, `^[0-9]+-[0-9a-f]{8}$`, late)
	p.stop()
	require.NoError(t, os.RemoveAll(data))
	require.NoError(t, os.CopyFS(data, os.DirFS(copied)))
	require.NoError(t, os.Chmod(data, 0o750)) // which a copy does not contain

	p = start(t, wanted, args...)
	requireReady(t, p)
	p.requireResync(late, "unknown")
	play(t, p.addrs["receiver"], "--orders", "20", "--seed", "3")
	require.Greater(t, lastSequence(t, p), last, "another record has the sequence now")
	code, results := examine(t, data)
	require.Equal(t, 0, code, "the folder fits itself: %v", results)
	p.requireResync(late, "unknown")
	p.requireResync(strings.ToUpper(late)+"A", "unknown")

	// A client whose record still exists continues after it, and so does one with a bare sequence, which is not
	// checked.
	for _, id := range []string{early, fmt.Sprint(last)} {
		c, err := client.New(client.Options{URL: p.addrs["api"]})
		require.NoError(t, err)
		for e, err := range c.Watch(t.Context(), client.WatchQuery{After: id}) {
			require.NoError(t, err)
			require.Nil(t, e.Resync)
			require.Nil(t, e.Snapshot)
			if e.Change != nil {
				require.Greater(t, sequenceOf(e.ID), sequenceOf(id))
				break
			}
		}
	}
}

// The views are unchanged, but new records get sequences after their position that other records had before.
func TestAnAcceptedLossIsReportedToEveryStreamClient(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	wanted, args := []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, wanted, args...)
	requireExpected(t, p, play(t, p.addrs["receiver"], "--orders", "10"))
	known := p.lastEvent()
	p.stop()
	seen := filepath.Join(data, "last-seen.json")
	text, err := os.ReadFile(seen)
	require.NoError(t, err)
	last := decoded[map[string]any](t, text)
	last["sequence"] = last["sequence"].(float64) + 10 // as when the end of the log was cut off
	text, err = json.Marshal(last)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(seen, text, 0o600))
	code, stdout, _ := execute(t, nil, "doctor", "--accept-loss", "--data", data)
	require.Contains(t, stdout, "10 records that were acknowledged are gone", "exit code %d", code)

	p = start(t, wanted, args...)
	requireReady(t, p)
	require.Equal(t, 2, epochOf(t, p))
	p.requireResync(known, "restored")
	again := p.lastEvent()
	p.stop()
	p = start(t, wanted, args...)
	requireReady(t, p)
	play(t, p.addrs["receiver"], "--orders", "5", "--seed", "2")
	p.requireResync(known, "restored")
	p.requireResync(again, "restored") // the id is that of the record at which the epoch began, so it may be from before the epoch
	require.Equal(t, 2, epochOf(t, p), "a start begins no epoch")
}
