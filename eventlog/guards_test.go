package eventlog_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// position returns the position after the last record of the log.
func position(t *testing.T, l *eventlog.Log) eventlog.Position {
	t.Helper()
	bounds, err := l.Bounds(t.Context())
	require.NoError(t, err)
	r, err := l.Get(t.Context(), bounds.Last)
	require.NoError(t, err)
	p := r.Position()
	require.Equal(t, bounds.Log, p.Log)
	require.Len(t, p.Hash, 64)
	return p
}

func TestAReaderNoticesThatTheLogLostItsEnd(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		appendAll(t, l, numbered(1, 30)...)
		checkpoint := position(t, l)
		early, err := l.Get(t.Context(), 3)
		require.NoError(t, err)
		l = p.tamper(t, l, func() { p.loseTail(t) })

		bounds, err := l.Bounds(t.Context())
		require.NoError(t, err)
		require.Equal(t, checkpoint.Log, bounds.Log, "the identity is the same")
		require.Less(t, bounds.Last, uint64(30))
		require.Greater(t, bounds.Last, uint64(3))
		_, err = readAll(t.Context(), l, checkpoint)
		require.ErrorIs(t, err, eventlog.ErrFuture)
		if p.options.URL == "" { // the data folder contains the former end of the log
			_, err = readAll(t.Context(), l, early.Position())
			require.ErrorIs(t, err, eventlog.ErrLost)
			_, err = l.AcceptLoss(t.Context())
			require.NoError(t, err)
		}
		rest, err := readAll(t.Context(), l, early.Position())
		require.NoError(t, err, "a position before the loss still fits")
		require.Len(t, rest, int(bounds.Last)-3)

		for bounds.Last < 35 {
			appendAll(t, l, "another")
			bounds.Last++
		}
		_, err = readAll(t.Context(), l, checkpoint)
		require.ErrorIs(t, err, eventlog.ErrDiverged, "the sequence was given to another record")
		for _, err := range l.Follow(t.Context(), checkpoint) {
			require.ErrorIs(t, err, eventlog.ErrDiverged)
		}
		requireNoConsumers(t, p.admin(t, l))
	})
}

func TestAPositionIsValidAfterARestart(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		appendAll(t, l, numbered(1, 5)...)
		checkpoint := position(t, l)
		l = p.tamper(t, l, func() {})
		appendAll(t, l, numbered(6, 8)...)
		rest, err := readAll(t.Context(), l, checkpoint)
		require.NoError(t, err)
		require.Equal(t, numbered(6, 8), bodies(rest))
		require.Equal(t, checkpoint.Log, rest[0].Position().Log)
	})
}

func TestAPositionOfADeletedLogDoesNotFitTheNewOne(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	checkpoint := position(t, l)
	require.NoError(t, p.admin(t, l).DeleteStream(t.Context(), "NOTIFICATIONS"))
	_, err := l.Bounds(t.Context())
	require.ErrorIs(t, err, eventlog.ErrNoStream)
	_, err = l.Append(t.Context(), webhook("{}"))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)

	l = open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	for _, after := range []eventlog.Position{checkpoint, {Log: checkpoint.Log}, {Log: checkpoint.Log, Sequence: 99}} {
		_, err = readAll(t.Context(), l, after)
		require.ErrorIs(t, err, eventlog.ErrDiverged)
		require.ErrorContains(t, err, checkpoint.Log)
	}
}

func TestAFollowerNoticesThatTheLogWasReplaced(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	var last error
	for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
		last = err
		if err == nil && r.Sequence == 5 {
			require.NoError(t, p.admin(t, l).DeleteStream(t.Context(), "NOTIFICATIONS"))
			open(t, p.options)
		}
	}
	require.ErrorIs(t, last, eventlog.ErrDiverged)
}

func TestAFollowerContinuesAfterARestartOfTheServer(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	var got []string
	for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
		require.NoError(t, err)
		got = append(got, string(r.Body))
		switch len(got) {
		case 5:
			p.stop()
			_, err := l.Append(t.Context(), webhook("{}"))
			require.ErrorIs(t, err, eventlog.ErrUnavailable)
			p.start()
			eventually(t, func() bool {
				_, err := l.Append(patient(t), webhook(`{"orderId":"6"}`))
				return err == nil
			})
			appendAll(t, l, numbered(7, 8)...)
		case 8:
			require.Equal(t, numbered(1, 8), got)
			return
		}
	}
}

func TestARequestWithoutAnAnswerIsRepeated(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	asked := 0
	conn := eventlog.JetStream(l).Conn()
	_, err := conn.Subscribe("test.request", func(m *nats.Msg) {
		if asked++; asked == 2 {
			_ = m.Respond([]byte("the answer")) // if this fails, the request is repeated until the test times out
		}
	})
	require.NoError(t, err)
	answer, err := eventlog.AskAgain(t.Context(), l, "test.request")
	require.NoError(t, err)
	require.Equal(t, "the answer", answer)
	_, err = eventlog.AskAgain(t.Context(), l, "test.nobody")
	require.ErrorIs(t, err, nats.ErrNoResponders)
	require.Equal(t, 2, asked)
}

func TestAFollowerNoticesThatTheLogLostItsEnd(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 30)...)
	var last error
	for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
		last = err
		if err == nil && r.Sequence == 30 {
			p.stop()
			p.loseTail(t)
			p.start()
		}
	}
	require.ErrorIs(t, last, eventlog.ErrFuture)
}

func TestAReaderContinuesWhenItsConsumerIsDeleted(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		admin := p.admin(t, l)
		appendAll(t, l, numbered(1, 3)...)
		var got []string
		for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
			require.NoError(t, err)
			if got = append(got, string(r.Body)); len(got) == 5 {
				break
			}
			if len(got) == 3 {
				stream, err := admin.Stream(t.Context(), "NOTIFICATIONS")
				require.NoError(t, err)
				for name := range stream.ConsumerNames(t.Context()).Name() {
					require.NoError(t, admin.DeleteConsumer(t.Context(), "NOTIFICATIONS", name))
				}
				appendAll(t, l, numbered(4, 5)...)
			}
		}
		require.Equal(t, numbered(1, 5), got)
		requireNoConsumers(t, admin)
	})
}

// frail creates a stream like that of the log, but from which records can be deleted, with that many
// records.
func frail(t *testing.T, p *place, records int) jetstream.Stream {
	t.Helper()
	js := p.admin(t, nil)
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "NOTIFICATIONS", Subjects: []string{"snapshots.*.*", "notifications.*.*"},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew})
	require.NoError(t, err)
	for _, body := range numbered(1, records) {
		_, err := js.Publish(t.Context(), "notifications.customer.00", []byte(body))
		require.NoError(t, err)
	}
	return stream
}

// holed creates a frail stream of ten records, and deletes some of them.
func holed(t *testing.T, p *place, deleted ...uint64) jetstream.Stream {
	t.Helper()
	stream := frail(t, p, 10)
	for _, sequence := range deleted {
		require.NoError(t, stream.DeleteMsg(t.Context(), sequence))
	}
	return stream
}

func TestALogWithHolesCannotBeReadUntilTheLossIsAccepted(t *testing.T) {
	tests := []struct {
		name    string
		deleted []uint64
		says    string
	}{
		{"a record in the middle", []uint64{4}, "it should have records 1 to 10: record 4 is missing"},
		{"several neighbours", []uint64{4, 5, 6}, "records 4 to 6 are missing, 3 in all"},
		{"the first records", []uint64{1, 2}, "records 1 to 2 are missing, 2 in all"},
		{"the last records", []uint64{9, 10}, "records 9 to 10 are missing, 2 in all"},
		{"records in several places", []uint64{1, 3, 5, 6, 8, 9}, "records 1, 3, 5 to 6, 8 to 9 are missing, 6 in all"},
		{"all records", []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "records 1 to 10 are missing, 10 in all"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := separatePlace(t, "")
			holed(t, p, test.deleted...)
			l := open(t, p.options)
			var left []string
			for n := range uint64(10) {
				after := eventlog.Position{Sequence: n}
				_, err := readAll(t.Context(), l, after)
				require.ErrorIs(t, err, eventlog.ErrLost)
				require.ErrorContains(t, err, test.says)
				if !slices.Contains(test.deleted, n+1) {
					left = append(left, numbered(int(n)+1, int(n)+1)...)
				}
			}
			look := p.options
			look.ReadLost = true
			read, err := readAll(t.Context(), open(t, look), eventlog.Position{})
			require.NoError(t, err, "with ReadLost the remaining records can be read")
			require.Equal(t, left, bodies(read))

			missing, err := l.AcceptLoss(t.Context())
			require.NoError(t, err)
			require.Contains(t, missing, test.says)
			for n := range uint64(11) {
				read, err := readAll(t.Context(), l, eventlog.Position{Sequence: n})
				require.NoError(t, err)
				var want []string
				for s := n + 1; s <= 10; s++ {
					if !slices.Contains(test.deleted, s) {
						want = append(want, numbered(int(s), int(s))...)
					}
				}
				require.Equal(t, want, bodies(read), "after %d", n)
			}
			var followed []string
			appendAll(t, l, "eleven")
			for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
				require.NoError(t, err)
				if followed = append(followed, string(r.Body)); r.Sequence == 11 {
					appendAll(t, l, "twelve")
				}
				if r.Sequence == 12 {
					break
				}
			}
			require.Equal(t, append(left, "eleven", "twelve"), followed)
			requireNoConsumers(t, p.admin(t, l))
		})
	}
}

func TestReadRefusesALogThatBeginsAfterThePosition(t *testing.T) {
	p := separatePlace(t, "")
	frail(t, p, 10)
	before := open(t, p.options)
	fifth, err := before.Get(t.Context(), 5)
	require.NoError(t, err)
	require.NoError(t, before.Close())
	// Open has denied purging permanently, so the stream is created again before its first five records
	// are purged.
	require.NoError(t, p.admin(t, nil).DeleteStream(t.Context(), "NOTIFICATIONS"))
	stream := frail(t, p, 10)
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSequence(6)))
	l := open(t, p.options)
	for _, after := range []eventlog.Position{{}, {Sequence: 4}, {Sequence: 5, Hash: fifth.Position().Hash}} {
		_, err := readAll(t.Context(), l, after)
		require.ErrorIs(t, err, eventlog.ErrCompacted)
	}
	at := fifth.Position()
	at.Log = ""
	for _, after := range []eventlog.Position{{}, {Sequence: 4}, at, {Sequence: 5}} {
		_, err := readAll(t.Context(), l, after)
		require.ErrorIs(t, err, eventlog.ErrLost, "also if none of the missing records is needed")
	}
	_, err = l.AcceptLoss(t.Context())
	require.NoError(t, err)
	for _, after := range []eventlog.Position{{}, {Sequence: 4}, at, {Sequence: 5}} {
		rest, err := readAll(t.Context(), l, after)
		require.NoError(t, err)
		require.Equal(t, numbered(6, 10), bodies(rest))
	}
	_, err = readAll(t.Context(), l, fifth.Position())
	require.ErrorIs(t, err, eventlog.ErrDiverged, "the position belongs to another log")
}

func TestAStreamWithUnsafeSettingsIsRefused(t *testing.T) {
	good := jetstream.StreamConfig{Name: "NOTIFICATIONS", Subjects: []string{"notifications.*.*", "snapshots.*.*"},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew}
	tests := []struct {
		name    string
		spoil   func(*jetstream.StreamConfig)
		mention string
	}{
		{"stored in memory", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "memory"},
		{"persisted asynchronously", func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode }, "persist_mode"},
		{"dropping records by age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "max_age"},
		{"dropping the oldest records", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "discard"},
		{"dropping records by subject", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, "max_msgs_per_subject"},
		{"compressed", func(c *jetstream.StreamConfig) { c.Compression = jetstream.S2Compression }, "compression"},
		{"a work queue", func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention"},
		{"permitting rollups", func(c *jetstream.StreamConfig) { c.AllowRollup = true }, "allow_rollup"},
		{"with other subjects", func(c *jetstream.StreamConfig) { c.Subjects = []string{"notifications.>"} }, "subjects"},
		{"without acknowledgements", func(c *jetstream.StreamConfig) { c.NoAck = true }, "no_ack"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := separatePlace(t, "")
			config := good
			test.spoil(&config)
			_, err := p.admin(t, nil).CreateStream(t.Context(), config)
			require.NoError(t, err)
			_, err = eventlog.Open(t.Context(), p.options)
			require.ErrorContains(t, err, test.mention)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestCorrectableSettingsOfAStreamAreCorrected(t *testing.T) {
	p := separatePlace(t, "")
	stream := frail(t, p, 3)
	p.options.MaxBytes = 1
	_, err := eventlog.Open(t.Context(), p.options)
	require.ErrorContains(t, err, "too low")
	p.options.MaxBytes = 1 << 30
	l := open(t, p.options)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	c := info.Config
	require.True(t, c.DenyDelete && c.DenyPurge && c.AllowDirect && c.AllowAtomicPublish)
	require.Equal(t, int64(1<<30), c.MaxBytes)
	require.Error(t, stream.DeleteMsg(t.Context(), 2))
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 3)
}
