package eventlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// backUp makes a backup of the log with its consumers, as nats stream backup does, and returns the
// folder.
func backUp(t *testing.T, conn *nats.Conn) (folder string) {
	t.Helper()
	folder = t.TempDir()
	inbox := conn.NewRespInbox()
	answer, err := conn.Request("$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", []byte(`{"deliver_subject":"`+inbox+`","chunk_size":1024}`), patience)
	require.NoError(t, err)
	var said struct {
		Error  any             `json:"error,omitempty"`
		Config json.RawMessage `json:"config"`
		State  json.RawMessage `json:"state"`
	}
	require.NoError(t, json.Unmarshal(answer.Data, &said))
	require.Nil(t, said.Error)
	sub, err := conn.SubscribeSync(inbox)
	require.NoError(t, err)
	var data bytes.Buffer
	for {
		chunk, err := sub.NextMsg(patience)
		require.NoError(t, err)
		if len(chunk.Data) == 0 {
			require.Contains(t, []string{"", "204"}, chunk.Header.Get("Status"))
			break
		}
		data.Write(chunk.Data)
		if chunk.Reply != "" {
			require.NoError(t, chunk.Respond(nil))
		}
	}
	meta, err := json.Marshal(said)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "backup.json"), meta, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "stream.arc.s2"), data.Bytes(), 0o600))
	return folder
}

// backedUp returns a backup that the operator made of a log, and the records and bounds of that log. The
// log has a durable consumer that has acknowledged the first four records.
func backedUp(t *testing.T) (folder string, records []eventlog.Record, bounds eventlog.Bounds) {
	t.Helper()
	p := embeddedPlace(t)
	p.options.Addr, p.options.MaxBytes = "127.0.0.1:0", 1<<30
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 9)...)
	fill(t, l, 1000)
	conn, operator, _ := as(t, p, "operator")
	consumer, err := operator.CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{Durable: "books", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	requireNext(t, consumer, 1, 2, 3, 4)
	records, err = readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	bounds, err = l.Bounds(t.Context())
	require.NoError(t, err)
	folder = backUp(t, conn)
	require.NoError(t, l.Close())
	return folder, records, bounds
}

// requireNext receives and acknowledges the next records from a consumer, which must have these
// sequences.
func requireNext(t *testing.T, consumer jetstream.Consumer, sequences ...uint64) {
	t.Helper()
	for _, want := range sequences {
		msg, err := consumer.Next(jetstream.FetchMaxWait(patience))
		require.NoError(t, err)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		require.Equal(t, want, meta.Sequence.Stream)
		require.NoError(t, msg.DoubleAck(t.Context()))
	}
}

func TestARestoredLogIsTheSameLogInANewEpoch(t *testing.T) {
	folder, records, before := backedUp(t)
	require.Equal(t, uint64(1), before.Epoch)
	p := embeddedPlace(t)
	p.options.Dir = filepath.Join(t.TempDir(), "data")
	p.options.Addr, p.options.MayCreate = "127.0.0.1:0", false
	var told [2]int64
	restored, err := eventlog.Restore(t.Context(), eventlog.RestoreOptions{Backup: folder, Dir: p.options.Dir,
		Report: func(done, total int64) { told = [2]int64{done, total} }})
	require.NoError(t, err)
	require.Equal(t, told[1], told[0])
	require.Equal(t, eventlog.Bounds{Log: before.Log, Epoch: 2, First: 1, Last: before.Last}, restored)

	l := open(t, p.options)
	after, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, restored, after)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Equal(t, records, read, "sequences, times, attributes and bodies are the same")

	// Readers and consumers continue at their positions.
	left, err := readAll(t.Context(), l, records[6].Position())
	require.NoError(t, err)
	require.Equal(t, records[7:], left)
	_, subscriber, _ := as(t, p, "subscriber")
	consumer, err := subscriber.Consumer(t.Context(), "NOTIFICATIONS", "books")
	require.NoError(t, err)
	requireNext(t, consumer, 5, 6)
	sequence, err := l.Append(patient(t), webhook("one more"))
	require.NoError(t, err)
	require.Equal(t, before.Last+1, sequence)

	// Each restore begins a new epoch.
	conn, _, _ := as(t, p, "operator")
	again, err := eventlog.Restore(t.Context(), eventlog.RestoreOptions{Backup: backUp(t, conn), Dir: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, eventlog.Bounds{Log: before.Log, Epoch: 3, First: 1, Last: before.Last + 1}, again)
}

func TestALogRestoredWithTheToolsOfNATSIsTheSameLog(t *testing.T) {
	folder, records, before := backedUp(t)
	p := separatePlace(t, "")
	p.options.MayCreate = false
	conn := p.admin(t, nil).Conn()
	meta, err := os.ReadFile(filepath.Join(folder, "backup.json"))
	require.NoError(t, err)
	answer, err := conn.Request("$JS.API.STREAM.RESTORE.NOTIFICATIONS", meta, patience)
	require.NoError(t, err)
	var begun struct {
		Deliver string `json:"deliver_subject"`
	}
	require.NotContains(t, string(answer.Data), `"error"`)
	require.NoError(t, json.Unmarshal(answer.Data, &begun))
	data, err := os.ReadFile(filepath.Join(folder, "stream.arc.s2"))
	require.NoError(t, err)
	for _, chunk := range [][]byte{data, nil} {
		answer, err = conn.Request(begun.Deliver, chunk, patience)
		require.NoError(t, err)
		require.NotContains(t, string(answer.Data), `"error"`)
	}
	l := open(t, p.options)
	after, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after, "only Restore begins a new epoch")
	left, err := readAll(t.Context(), l, records[6].Position())
	require.NoError(t, err)
	require.Equal(t, records[7:], left)
}

func TestALogWithoutAnIdentityIsIdentifiedByItsCreationTime(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		appendAll(t, l, numbered(1, 5)...)
		js := p.admin(t, l)
		stream, err := js.Stream(t.Context(), "NOTIFICATIONS")
		require.NoError(t, err)
		config := stream.CachedInfo().Config
		require.NotEmpty(t, config.Metadata["orderfold-log"])
		delete(config.Metadata, "orderfold-log")
		stream, err = js.UpdateStream(t.Context(), config)
		require.NoError(t, err)
		made := stream.CachedInfo().Created.UTC().Format(time.RFC3339Nano)
		at := eventlog.Position{Log: made, Sequence: 3} // as stored by views of an earlier version
		if seen := filepath.Join(p.options.Dir, "last-seen.json"); p.process == nil {
			require.NoError(t, l.Close())
			require.NoError(t, os.WriteFile(seen, []byte(`{"log":"`+made+`","sequence":5}`), 0o600))
		}

		for range 2 { // the first time, the identity is written to the metadata
			l = open(t, p.options)
			bounds, err := l.Bounds(t.Context())
			require.NoError(t, err)
			require.Equal(t, eventlog.Bounds{Log: made, Epoch: 1, First: 1, Last: 5}, bounds)
			read, err := readAll(t.Context(), l, at)
			require.NoError(t, err)
			require.Equal(t, numbered(4, 5), bodies(read))
			stream, err := p.admin(t, l).Stream(t.Context(), "NOTIFICATIONS")
			require.NoError(t, err)
			require.Equal(t, made, stream.CachedInfo().Config.Metadata["orderfold-log"])
			require.NoError(t, l.Close())
		}
	})
}

func TestAFailedRestoreLeavesNothing(t *testing.T) {
	folder, _, _ := backedUp(t)
	data, err := os.ReadFile(filepath.Join(folder, "stream.arc.s2"))
	require.NoError(t, err)
	meta, err := os.ReadFile(filepath.Join(folder, "backup.json"))
	require.NoError(t, err)
	changed := bytes.Clone(data)
	changed[len(changed)/2] ^= 1
	with := func(old, new string) []byte {
		require.Contains(t, string(meta), old)
		return bytes.ReplaceAll(meta, []byte(old), []byte(new))
	}
	for _, c := range []struct {
		name       string
		meta, data []byte
		says       string
	}{
		{"an empty folder", nil, nil, "is not a backup of the log"},
		{"no data file", meta, nil, "is not a backup of the log"},
		{"invalid settings", []byte("{"), data, "is not a backup of the log: backup.json"},
		{"a backup of another stream", with(`"name":"NOTIFICATIONS"`, `"name":"ORDERS"`), data, `it is a backup of stream "ORDERS"`},
		{"a stream that drops records", with(`"discard":"new"`, `"discard":"old"`), data, "discard old (want new)"},
		{"truncated data", meta, data[:len(data)-200], "restore"},
		{"empty data", meta, []byte{}, "restore"},
		{"damaged data", meta, changed, "restore"},
		{"fewer records than the settings say", with(`"last_seq":1009`, `"last_seq":1010`), data, "the backup should contain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			backup, dir := t.TempDir(), filepath.Join(t.TempDir(), "data")
			if c.meta != nil {
				require.NoError(t, os.WriteFile(filepath.Join(backup, "backup.json"), c.meta, 0o600))
			}
			if c.data != nil {
				require.NoError(t, os.WriteFile(filepath.Join(backup, "stream.arc.s2"), c.data, 0o600))
			}
			_, err := eventlog.Restore(t.Context(), eventlog.RestoreOptions{Backup: backup, Dir: dir})
			require.ErrorContains(t, err, c.says)
			require.NoDirExists(t, dir)
		})
	}
}

func TestARestoreChangesNoFolderThatIsInUse(t *testing.T) {
	folder, _, before := backedUp(t)
	restore := func(dir string) error {
		_, err := eventlog.Restore(t.Context(), eventlog.RestoreOptions{Backup: folder, Dir: dir})
		return err
	}
	p := embeddedPlace(t)
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 3)...)
	require.ErrorIs(t, restore(p.options.Dir), eventlog.ErrLocked)
	require.NoError(t, l.Close())
	require.ErrorContains(t, restore(p.options.Dir), "is not empty")
	l = open(t, p.options)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 3)

	views := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(views, "views"), 0o700))
	require.ErrorContains(t, restore(views), "it contains views")
	require.ErrorContains(t, restore(filepath.Join(views, "none", "data")), "the folder above it does not exist")

	// The remains of a restore that was killed are not a log, and are not replaced by a new one.
	killed := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(killed, "restoring", "nats"), 0o700))
	_, err = eventlog.Open(t.Context(), eventlog.Options{Dir: killed, MayCreate: true})
	require.ErrorContains(t, err, "run orderfold restore again")
	require.NoError(t, restore(killed))
	after, err := open(t, eventlog.Options{Dir: killed}).Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.Last, after.Last)
	_, err = os.Stat(filepath.Join(killed, "restoring"))
	require.True(t, errors.Is(err, os.ErrNotExist))
}

func TestARestoredLogHasTheAcceptedLossesOfTheOriginal(t *testing.T) {
	p := separatePlace(t, "")
	holed(t, p, 4, 5)
	l := open(t, p.options)
	accepted, err := l.AcceptLoss(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, accepted)
	before, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), before.Epoch, "accepting a loss begins a new epoch")
	nothing, err := l.AcceptLoss(t.Context())
	require.NoError(t, err)
	require.Empty(t, nothing)
	folder := backUp(t, p.admin(t, l).Conn())
	want, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)

	dir := t.TempDir()
	restored, err := eventlog.Restore(t.Context(), eventlog.RestoreOptions{Backup: folder, Dir: dir})
	require.NoError(t, err)
	require.Equal(t, uint64(3), restored.Epoch)
	require.Empty(t, restored.Lost, "the loss was accepted")
	got, err := readAll(t.Context(), open(t, eventlog.Options{Dir: dir}), eventlog.Position{})
	require.NoError(t, err)
	require.Equal(t, want, got)
}
