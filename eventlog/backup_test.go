package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/eventlog"
)

// backups returns a function that returns the number of backups of the log that the server has begun
// since.
func backups(t testing.TB, p *place, l *eventlog.Log) func() int {
	var begun atomic.Int32
	conn := p.admin(t, l).Conn()
	_, err := conn.Subscribe("$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_CREATE.NOTIFICATIONS", func(*nats.Msg) { begun.Add(1) })
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	return func() int { return int(begun.Load()) }
}

func TestALargeLogIsReadFromABackupWithTheSameRecords(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		odd := []eventlog.Record{
			{Object: "customer", Body: []byte{}},
			{Object: "customer", Source: eventlog.Fetched, Body: []byte{0}},
			{Object: "digital-asset-order", Source: eventlog.Recovered, ContentType: "a: b", RequestID: "r", Traceparent: "t", Body: bytes.Repeat([]byte("\r\n"), 300_000)},
		}
		fill(t, l, 6000)
		for _, r := range odd {
			_, err := l.Append(patient(t), r)
			require.NoError(t, err)
		}
		fill(t, l, 6000)
		begun := backups(t, p, l)
		read, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Len(t, read, 12_003)
		eventually(t, func() bool { return begun() == 1 })
		for _, r := range read {
			want, err := l.Get(t.Context(), r.Sequence)
			require.NoError(t, err)
			require.Equal(t, want, r)
		}
	})
}

func TestAFollowerThatIsFarBehindReadsABackupAndThenContinues(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	fill(t, l, 13_000)
	after, err := l.Get(t.Context(), 2000)
	require.NoError(t, err)
	begun := backups(t, p, l)
	next := uint64(2001)
	for r, err := range l.Follow(t.Context(), after.Position()) {
		require.NoError(t, err)
		require.Equal(t, next, r.Sequence)
		if next++; next == 13_001 {
			appendAll(t, l, "one more")
		}
		if next == 13_002 {
			require.Equal(t, "one more", string(r.Body))
			break
		}
	}
	eventually(t, func() bool { return begun() == 1 })
	read, err := readAll(t.Context(), l, eventlog.Position{Sequence: 3001}) // too much of a backup would be skipped
	require.NoError(t, err)
	require.Len(t, read, 10_000)
	require.NoError(t, p.admin(t, l).Conn().Flush())
	require.Equal(t, 1, begun(), "no other backup is made")
}

func TestAReaderOfOnlyTheFirstRecordsRequestsNoBackup(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	fill(t, l, 11_000)
	begun := backups(t, p, l)
	for range l.Read(t.Context(), eventlog.Position{}) {
		break
	}
	for range l.Read(t.Context(), eventlog.Position{Sequence: 1}) {
		break
	}
	n := 0
	for range l.Read(t.Context(), eventlog.Position{}) { // this reader stops in the middle of a backup
		if n++; n == 6000 {
			break
		}
	}
	requireNoConsumers(t, p.admin(t, l))
	eventually(t, func() bool { return begun() > 0 })
	require.NoError(t, p.admin(t, l).Conn().Flush())
	require.Equal(t, 1, begun(), "the earlier readers requested none")
}

// fillWithNoise appends records that cannot be compressed, so that the server cannot send a whole
// backup before the reader acknowledges chunks.
func fillWithNoise(t testing.TB, l *eventlog.Log, records int) {
	noise := make([]byte, 2<<10)
	random := rand.NewChaCha8([32]byte{3})
	conn := eventlog.JetStream(l).Conn()
	for n := range records {
		_, err := random.Read(noise)
		require.NoError(t, err)
		msg, err := eventlog.Message(webhook(string(noise)))
		require.NoError(t, err)
		require.NoError(t, conn.PublishMsg(msg))
		if n%200 == 0 {
			require.NoError(t, conn.Flush())
		}
	}
	eventually(t, func() bool {
		bounds, err := l.Bounds(t.Context())
		return err == nil && bounds.Last == uint64(records)
	})
}

func TestAConsumerReadsTheRestWhenABackupIsInterrupted(t *testing.T) {
	p := syncingPlace(t, "", "2m") // appending the records is faster without a sync
	l := open(t, p.options)
	fillWithNoise(t, l, 11_000)
	begun := backups(t, p, l)
	var last uint64
	for r, err := range l.Read(t.Context(), eventlog.Position{}) {
		require.NoError(t, err)
		require.Equal(t, last+1, r.Sequence)
		if last = r.Sequence; last == 2000 {
			eventually(t, func() bool { return begun() == 1 })
			p.stop()
			p.start()
		}
	}
	require.EqualValues(t, 11_000, last)
}

func TestADamagedRecordInABackupIsReportedAsAHole(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	fill(t, l, 12_000)
	l = p.tamper(t, l, func() { edit(t, p.streamDir+"/msgs/1.blk", flipInTheMiddle) })
	begun := backups(t, p, l)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.ErrorAs(t, err, new(*eventlog.GapError))
	require.ErrorIs(t, err, eventlog.ErrLost)
	eventually(t, func() bool { return begun() == 1 })
	require.NotEmpty(t, read)
	require.EqualValues(t, len(read), read[len(read)-1].Sequence)
}

func TestAReaderWithoutPermissionForBackupsReadsRecordByRecord(t *testing.T) {
	p := separatePlace(t, `authorization: {users: [{user: u, password: p, permissions: {publish: {deny: "$JS.API.STREAM.SNAPSHOT.>"}}}]}`)
	p.options.URL = strings.Replace(p.options.URL, "nats://", "nats://u:p@", 1)
	core, said := observer.New(zap.InfoLevel)
	p.options.Logger = zap.New(core)
	l, err := eventlog.Open(t.Context(), p.options)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	fill(t, l, 11_000)
	for range 2 {
		read, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Len(t, read, 11_000)
	}
	require.Len(t, said.FilterMessage("the log is read record by record, which takes longer").All(), 1, "only the first reader requests a backup")
}

func TestALargeLogThatLostMostRecordsIsReadToItsEnd(t *testing.T) {
	for _, left := range []int{11_000, 100, 0} {
		t.Run(fmt.Sprint(left, " records left"), func(t *testing.T) {
			p := syncingPlace(t, "", "2m")
			stream := frail(t, p, 0)
			js := p.admin(t, nil)
			for range 12_000 {
				_, err := js.PublishAsync("notifications.customer.00", []byte("{}"), jetstream.WithStallWait(patience))
				require.NoError(t, err)
			}
			<-js.PublishAsyncComplete()
			require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSequence(uint64(12_001-left))))
			p.options.ReadLost = true
			l := open(t, p.options)
			read, err := readAll(patient(t), l, eventlog.Position{})
			require.NoError(t, err)
			require.Len(t, read, left)
		})
	}
}

func TestReadingABackupEndsWhenTheContextEnds(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	fill(t, l, 12_000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range l.Read(ctx, eventlog.Position{}) {
		if n++; n == 5000 {
			cancel()
		}
		if n > 5000 {
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	require.Equal(t, 5001, n)
}

// entry is an entry of a backup made by a test.
type entry struct {
	archive.Header
	data string
}

// packed returns the bytes of a backup with these entries.
func packed(t testing.TB, entries ...entry) []byte {
	var out bytes.Buffer
	compressed := s2.NewWriter(&out)
	w := archive.NewWriter(compressed)
	for _, e := range entries {
		require.NoError(t, w.WriteHeader(&e.Header))
		if e.data != "" {
			_, err := w.Write([]byte(e.data))
			require.NoError(t, err)
		}
	}
	require.NoError(t, compressed.Close())
	return out.Bytes()
}

func TestAnInvalidBackupReturnsAnError(t *testing.T) {
	state := entry{archive.Header{Name: "state.json", PayloadSize: 2}, "{}"}
	record := entry{archive.Header{Name: "notifications.customer.00", Sequence: 7, Timestamp: 1, PayloadSize: 2}, "{}"}
	end := entry{}
	whole := packed(t, state, record, end)
	chunk := func(number int, data []byte) *nats.Msg {
		// The ack subjects of the server begin with $JS.SNAPSHOT.ACK, but since 2.15.3 a client may not
		// publish a message with such a reply subject.
		return &nats.Msg{Reply: fmt.Sprintf("taken.NOTIFICATIONS.x.%d.%d", len(data), number), Data: data}
	}
	status := func(code, description string) *nats.Msg {
		return &nats.Msg{Header: nats.Header{"Status": {code}, "Description": {description}}}
	}
	done := status("204", "")
	tests := []struct {
		name   string
		answer string // to the request
		gives  []*nats.Msg
		want   string // error; "": one record
	}{
		{"a valid backup", "{}", []*nats.Msg{chunk(1, whole[:20]), chunk(2, whole[20:]), done}, ""},
		{"the last chunk has no ack subject", "{}", []*nats.Msg{chunk(1, whole[:20]), {Data: whole[20:]}, done}, ""},
		{"the server refuses", `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`, nil, "stream not found"},
		{"the answer is not JSON", "what?", nil, "invalid character"},
		{"the chunks are not compressed", "{}", []*nats.Msg{chunk(1, []byte("NATSARC1")), done}, "s2: corrupt input"},
		{"an older format", "{}", []*nats.Msg{chunk(1, s2Of(t, "a tar file would be here")), done}, "in a format that this version can read"},
		{"the first entry is not the state", "{}", []*nats.Msg{chunk(1, packed(t, record, end)), done}, "in a format that this version can read"},
		{"a chunk is missing", "{}", []*nats.Msg{chunk(1, whole[:20]), chunk(3, whole[20:]), done}, "chunk 3 arrived instead of chunk 2"},
		{"the data is truncated", "{}", []*nats.Msg{chunk(1, whole[:len(whole)-8]), done}, "s2: corrupt input"},
		{"an entry is truncated", "{}", []*nats.Msg{chunk(1, s2Of(t, "NATSARC1\x00\x00\x00\x00\x00\x0astate")), done}, "in a format that this version can read"},
		{"the last entry is missing", "{}", []*nats.Msg{chunk(1, packed(t, state, record)), done}, ""},
		{"the server ends the backup with an error", "{}", []*nats.Msg{chunk(1, packed(t, state)), status("500", "couldn't load next message after seq 7")}, "500 couldn't load next message after seq 7"},
		{"a record of an exabyte", "{}", []*nats.Msg{chunk(1, s2Of(t, "NATSARC1\x0a\x00\x00\x00\x02state.json{}\x01\x00\x07\x00\x80\x80\x80\x80\x80\x80\x80\x80\x08n")), done}, "record 7 of the backup is too large"},
		{"the headers are invalid", "{}", []*nats.Msg{chunk(1, packed(t, state, entry{archive.Header{Name: "n", Sequence: 1, HeaderSize: 2}, "{}"}, end)), done}, "read the headers of a record"},
		{"the server stops sending", "{}", []*nats.Msg{chunk(1, packed(t, state))}, "the server is silent"},
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	require.True(t, s.ReadyForConnections(patience))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, err := nats.Connect(s.ClientURL())
			require.NoError(t, err)
			defer conn.Close()
			sub, err := conn.Subscribe("$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", func(request *nats.Msg) {
				_, to, _ := strings.Cut(string(request.Data), `"deliver_subject":"`)
				to, _, _ = strings.Cut(to, `"`)
				_ = request.Respond([]byte(test.answer))
				for _, msg := range test.gives {
					// The message is copied, because the previous test may still be sending the same one.
					_ = conn.PublishMsg(&nats.Msg{Subject: to, Reply: msg.Reply, Header: msg.Header, Data: msg.Data})
				}
			})
			require.NoError(t, err)
			defer func() {
				require.NoError(t, sub.Unsubscribe())
				require.NoError(t, conn.Flush(), "the subscription must be gone before the next test")
			}()
			records, err := eventlog.Backup(t.Context(), conn)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, records, 1)
			require.Equal(t, []any{uint64(7), "customer", "{}"}, []any{records[0].Sequence, records[0].Object, string(records[0].Body)})
		})
	}
}

// s2Of returns the compressed text.
func s2Of(t testing.TB, text string) []byte {
	var out bytes.Buffer
	w := s2.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// FuzzAttributes compares the attributes read from a header block with those that the client library
// reads.
func FuzzAttributes(f *testing.F) {
	usual := "NATS/1.0\r\nContent-Type: application/json\r\nOrderfold-Source: webhook\r\nRequest-Id: 1\r\ntraceparent: 2\r\nNats-Batch-Id: x\r\n\r\n"
	f.Add([]byte(usual), []byte(usual))
	f.Add([]byte(usual), []byte{})
	for _, block := range []string{
		"NATS/1.0\r\nRequest-Id: 1\r\nRequest-Id: 2\r\n\r\n", "NATS/1.0\r\nRequest-Id:1\r\n\r\n", "NATS/1.0\r\nRequest-Id:  1\r\n\r\n",
		"NATS/1.0\r\nRequest-Id: \r\nRequest-Id: 2\r\n\r\n", "NATS/1.0\nRequest-Id: 1\n\n", "NATS/1.0\r\nRequest-Id: a\nb: c\r\n\r\n",
		"NATS/1.0 503\r\n\r\n", "NATS/1.0\r\nno colon\r\n\r\n", "NATS/1.0\r\nrequest-id: 1\r\n\r\n", "NATS/1.0\r\n", "HTTP/1.1\r\n\r\n",
		"NATS/1.0\r\nRequest-Id: a\rb\r\n\r\n", "NATS/1.0\r\nRequest-Id:a: b\r\n\r\n", "NATS/1.0\r\n: a\r\nRequest-Id: \tb\r\n\r\n", "NATS/1.0\r\nRequest-Id: 1\r\n\r\nrest",
	} {
		f.Add([]byte(usual), []byte(block))
	}
	f.Fuzz(func(t *testing.T, before, block []byte) {
		got, want, gotErr, wantErr := eventlog.Attributes(before, block)
		if wantErr != nil {
			require.Error(t, gotErr)
			return
		}
		require.NoError(t, gotErr)
		require.Equal(t, want, got)
	})
}
