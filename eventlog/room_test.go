package eventlog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/orderfold/orderfold/eventlog"
)

// appendUntilFull appends records with bodies of that size until one is refused. It returns the sequence
// of the last record that was stored, and the error.
func appendUntilFull(t *testing.T, l *eventlog.Log, bytes int) (stored uint64, refused error) {
	t.Helper()
	for stored < 1000 {
		sequence, err := l.Append(patient(t), eventlog.Record{Object: "document", Body: make([]byte, bytes)})
		if err != nil {
			return stored, err
		}
		stored = sequence
	}
	require.FailNow(t, "the log never became full")
	return 0, nil
}

// room returns the room of a log.
func room(t *testing.T, l *eventlog.Log) eventlog.Room {
	t.Helper()
	info, err := l.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, l.Refuses(t.Context()), info.Refuses)
	return info.Room
}

func TestRoomReportsTheRemainingSpaceAndAFullLog(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		const limit = 64 << 10
		p.options.MaxBytes = limit
		l := open(t, p.options)
		empty := room(t, l)
		require.Equal(t, []int64{limit, limit}, []int64{empty.MaxBytes, empty.Left})
		require.NoError(t, empty.Refuses)
		require.Zero(t, empty.FullAt, "an empty log does not grow")

		appendAll(t, l, "first", "second")
		some := room(t, l)
		require.Equal(t, int64(limit)-int64(some.Bytes), some.Left)
		// Two records in ten minutes would fill 64 KiB within days.
		require.WithinRange(t, some.FullAt, time.Now(), time.Now().Add(10*24*time.Hour))

		stored, err := appendUntilFull(t, l, 4096)
		require.ErrorIs(t, err, eventlog.ErrNotAppended)
		require.ErrorContains(t, err, "orderfold log limit")
		full := room(t, l)
		require.ErrorContains(t, full.Refuses, "the log is full")
		require.Contains(t, eventlog.FaultOf(full.Refuses).Hint, "orderfold log limit")
		require.WithinDuration(t, time.Now(), full.FullAt, time.Minute)

		require.ErrorContains(t, l.SetLimit(t.Context(), int64(full.Bytes)-1), "too low")
		require.NoError(t, l.SetLimit(t.Context(), 2*limit))
		require.NoError(t, room(t, l).Refuses)
		sequence, err := l.Append(patient(t), webhook("{}"))
		require.NoError(t, err)
		require.Equal(t, stored+1, sequence)

		require.NoError(t, l.Close())
		require.Equal(t, int64(2*limit), room(t, open(t, p.options)).MaxBytes, "a restart does not lower the limit")
	})
}

func TestARefusalForLackOfRoomEndsWithTheNextStoredRecord(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		p.options.MaxBytes = 64 << 10
		l := open(t, p.options)
		appendAll(t, l, "small", "small")
		_, err := l.Append(patient(t), eventlog.Record{Object: "document", Body: make([]byte, 80<<10)})
		require.ErrorIs(t, err, eventlog.ErrNotAppended)
		require.ErrorContains(t, room(t, l).Refuses, "the log is full")
		appendAll(t, l, "small")
		require.NoError(t, room(t, l).Refuses)
	})
}

func TestARecordThatIsTooLargeFailsAlone(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		_, err := l.Append(patient(t), eventlog.Record{Object: "document", Body: make([]byte, 8<<20)})
		require.ErrorIs(t, err, eventlog.ErrInvalid)
		require.NoError(t, room(t, l).Refuses)
	})
}

func TestALimitOfTheAccountIsReportedUntilARecordIsStored(t *testing.T) {
	p := separatePlace(t, "accounts { A { jetstream: {max_file: 60KB}, users: [{user: a, password: b}] } }\nno_auth_user: a")
	l := open(t, p.options)
	_, err := appendUntilFull(t, l, 4096)
	require.ErrorIs(t, err, eventlog.ErrNotAppended)
	require.ErrorContains(t, room(t, l).Refuses, "its limits")
	require.Equal(t, int64(-1), room(t, l).Left)
	require.ErrorContains(t, l.SetLimit(t.Context(), 1<<30), "raise the storage limits of the server and the account")
	for bytes := 2048; bytes > 0 && room(t, l).Refuses != nil; bytes /= 2 {
		_, _ = l.Append(patient(t), eventlog.Record{Object: "document", Body: make([]byte, bytes)}) // fails until a body is small enough
	}
	require.NoError(t, room(t, l).Refuses)
}

func TestRefusesReturnsAnErrorWhileTheServerIsUnavailable(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, "first")
	p.stop()
	require.Error(t, l.Refuses(t.Context()))
	p.start()
	eventually(t, func() bool { return l.Refuses(t.Context()) == nil })
}

func TestTheOperatorCanRaiseTheLimitAndASubscriberCannot(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr, p.options.MaxBytes = "127.0.0.1:0", 64<<10
	l := open(t, p.options)
	_, err := appendUntilFull(t, l, 4096)
	require.Error(t, err)
	guest := func(name string) *eventlog.Log {
		url, err := os.ReadFile(filepath.Join(p.options.Dir, name))
		require.NoError(t, err)
		return open(t, eventlog.Options{URL: strings.TrimSpace(string(url)), Guest: true})
	}
	operator := guest("operator.url")
	require.ErrorContains(t, room(t, operator).Refuses, "the log is full")
	require.ErrorIs(t, guest("subscriber.url").SetLimit(t.Context(), 1<<30), eventlog.ErrUnavailable)
	require.ErrorContains(t, l.Refuses(t.Context()), "the log is full")
	for _, tooLow := range []int64{-1, 0, 1, 32 << 10} {
		require.ErrorContains(t, operator.SetLimit(t.Context(), tooLow), "too low")
	}
	require.Equal(t, int64(64<<10), room(t, l).MaxBytes)
	require.NoError(t, operator.SetLimit(t.Context(), 1<<30))
	appendAll(t, l, "after")
	require.Equal(t, int64(1<<30), room(t, l).MaxBytes)
}

func TestARequestForALimitChangesNothingElse(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	appendAll(t, l, "first")
	settings := func() jetstream.StreamConfig {
		stream, err := eventlog.JetStream(l).Stream(t.Context(), "NOTIFICATIONS")
		require.NoError(t, err)
		return stream.CachedInfo().Config
	}
	before := settings()
	conn, _, _ := as(t, p, "operator")
	ask := func(request string) string {
		answer, err := conn.Request("orderfold.limit", []byte(request), patience)
		require.NoError(t, err)
		return string(answer.Data)
	}
	for request, want := range map[string]string{
		"":                           "a number of bytes",
		"20GiB":                      "a number of bytes",
		"0x40000000":                 "a number of bytes",
		" 1073741824":                "a number of bytes",
		"1e9":                        "a number of bytes",
		`{"max_bytes":1073741824}`:   "a number of bytes",
		`{"max_age":1}`:              "a number of bytes",
		"9223372036854775808":        "a number of bytes",
		strings.Repeat("1", 512<<10): "a number of bytes",
		"-1":                         "too low",
		"0":                          "too low",
		"1":                          "too low",
		"9223372036854775807":        "refuses a limit",
	} {
		require.Contains(t, ask(request), want, "%.30q", request)
		require.Equal(t, before, settings(), "%.30q", request)
	}
	require.Equal(t, "ok", ask("1073741824"))
	after := before
	after.MaxBytes = 1 << 30
	require.Equal(t, after, settings())
	require.Equal(t, "ok", ask(strconv.FormatUint(room(t, l).Bytes, 10)), "a limit of the current size is valid")
	require.ErrorContains(t, room(t, l).Refuses, "the log is full")
}

func TestConcurrentChangesOfTheSettingsAreAllKept(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr, p.options.MaxBytes = "127.0.0.1:0", 1<<20
	l := open(t, p.options)
	url, err := os.ReadFile(filepath.Join(p.options.Dir, "operator.url"))
	require.NoError(t, err)
	operator := open(t, eventlog.Options{URL: strings.TrimSpace(string(url)), Guest: true})
	var all errgroup.Group
	all.Go(func() error { return operator.SetLimit(t.Context(), 1<<30) })
	for i := range 20 {
		all.Go(func() error { return eventlog.Annotate(t.Context(), l, fmt.Sprintf("note-%d", i)) })
	}
	require.NoError(t, all.Wait())
	stream, err := eventlog.JetStream(l).Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	config := stream.CachedInfo().Config
	require.Equal(t, int64(1<<30), config.MaxBytes)
	for i := range 20 {
		require.Contains(t, config.Metadata, fmt.Sprintf("note-%d", i))
	}
}
