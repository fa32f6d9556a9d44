package embedded_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

func options(dir string) embedded.Options {
	return embedded.Options{Dir: dir, Addr: "127.0.0.1:0", MayCreate: true, MaxMessage: 1 << 20, Logger: zap.NewNop()}
}

func start(t *testing.T, o embedded.Options) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

func TestAStartErrorSeparatesTheProblemFromTheAdvice(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	inUse, unfinished, damaged := t.TempDir(), t.TempDir(), t.TempDir()
	start(t, options(inUse))
	require.NoError(t, os.Mkdir(filepath.Join(unfinished, "restoring"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(damaged, "credentials.json"), []byte("{"), 0o600))
	careful, busy := options(t.TempDir()), options(t.TempDir())
	careful.MayCreate, busy.Addr = false, taken.Addr().String()
	for _, test := range []struct {
		name    string
		options embedded.Options
		is      error
		wrong   string
		hint    string
	}{
		{"a folder in use", options(inUse), embedded.ErrLocked, "in use by another process", "stop that process"},
		{"no log, and none may be created", careful, embedded.ErrNoStream, "there is no log", "start the receiver"},
		{"an unfinished restore", options(unfinished), nil, "did not end", "run orderfold restore again"},
		{"damaged credentials", options(damaged), nil, "credentials", "remove it"},
		{"a port in use", busy, nil, "is taken", "choose another"},
		{"a missing parent", options("/no/such/parent"), nil, "does not exist", "create it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := embedded.Start(test.options)
			var fault *embedded.Fault
			require.ErrorAs(t, err, &fault)
			require.ErrorContains(t, fault.Err, test.wrong)
			require.Contains(t, fault.Hint, test.hint)
			require.NotContains(t, fault.Err.Error(), test.hint)
			require.False(t, fault.Clears, "none of this goes away by itself")
			require.Equal(t, fault.Err.Error()+": "+fault.Hint, fault.Error())
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
		})
	}
}

func TestARestartKeepsThePortAndServesTheSameConnection(t *testing.T) {
	s := start(t, options(t.TempDir()))
	addr := s.Addr()
	require.NotEmpty(t, addr)
	require.True(t, s.SyncsAlways())
	user, password := s.Login()
	again := make(chan struct{}, 1)
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo(user, password), nats.MaxReconnects(-1), nats.ReconnectWait(1),
		nats.ReconnectHandler(func(*nats.Conn) { again <- struct{}{} }))
	require.NoError(t, err)
	defer conn.Close()
	restarted := make(chan error, 1)
	go func() { restarted <- s.Restart(1) }()
	require.Equal(t, addr, s.Addr(), "also while it is restarted")
	require.NoError(t, <-restarted)
	<-again
	require.Equal(t, addr, s.Addr())
	require.NoError(t, s.Sick(t.Context()))
	_, err = nats.Connect("nats://"+addr, nats.UserInfo(user, password))
	require.ErrorIs(t, err, nats.ErrAuthorization, "this user is for connections inside the process")
}

func TestARestartDoesNotEndAServerWhoseDiskCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	s := start(t, options(dir))
	moved := dir + ".away"
	require.NoError(t, os.Rename(dir, moved)) // the folder is gone, as if the disk were
	require.ErrorContains(t, s.Restart(1), "cannot be written")
	conn, err := s.InProcessConn()
	require.NoError(t, err, "the server still runs")
	require.NoError(t, conn.Close())
	require.NoError(t, os.Rename(moved, dir))
	require.NoError(t, s.Restart(1))
}

func TestAStoppedServerIsUnhealthyAndAcceptsNoConnection(t *testing.T) {
	s := start(t, options(t.TempDir()))
	require.NoError(t, s.Stop())
	require.ErrorContains(t, s.Sick(t.Context()), "it does not run")
	_, err := s.InProcessConn()
	require.ErrorContains(t, err, "being restarted")
	require.False(t, s.SyncsAlways())
	start(t, options(s.Dir()))
}

func TestTheEndOfALogIsReadAsItWasWritten(t *testing.T) {
	s := start(t, options(t.TempDir()))
	_, err := s.ReadEnd()
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, s.ForgetEnd(), "there is nothing to forget")
	for _, synced := range []bool{false, true} {
		want := embedded.End{Log: "log", Sequence: 7, Hash: "hash"}
		require.NoError(t, s.WriteEnd(want, synced))
		got, err := s.ReadEnd()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir(), "last-seen.json"), []byte(`{"log":`), 0o600))
	_, err = s.ReadEnd()
	require.Error(t, err)
	require.False(t, errors.Is(err, fs.ErrNotExist))
	require.NoError(t, s.ForgetEnd())
	_, err = s.ReadEnd()
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestADraftIsKeptCompletelyOrLeavesNothing(t *testing.T) {
	make := func(dir string) *embedded.Draft {
		d, err := embedded.NewDraft(dir)
		require.NoError(t, err)
		_, err = embedded.NewDraft(dir)
		require.ErrorIs(t, err, embedded.ErrLocked)
		require.NoError(t, os.MkdirAll(filepath.Join(d.Dir(), "nats", "deep"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(d.Dir(), "nats", "deep", "file"), []byte("log"), 0o600))
		return d
	}
	fresh := filepath.Join(t.TempDir(), "data")
	d := make(fresh)
	require.NoError(t, d.Close())
	require.NoDirExists(t, fresh)

	mine := t.TempDir()
	d = make(mine)
	require.NoError(t, d.Close())
	require.DirExists(t, mine)
	require.NoDirExists(t, d.Dir())

	d = make(fresh)
	require.NoError(t, d.Keep())
	require.NoError(t, d.Close())
	text, err := os.ReadFile(filepath.Join(fresh, "nats", "deep", "file"))
	require.NoError(t, err)
	require.Equal(t, "log", string(text))
	require.NoDirExists(t, d.Dir())

	_, err = embedded.NewDraft(fresh)
	var fault *embedded.Fault
	require.ErrorAs(t, err, &fault)
	require.ErrorContains(t, fault.Err, "is not empty, it contains nats")
	require.FileExists(t, filepath.Join(fresh, "nats", "deep", "file"))
}

// FuzzBackupReader gives the reader an arbitrary archive: the reader returns an error, or entries
// within the bound.
func FuzzBackupReader(f *testing.F) {
	var whole bytes.Buffer
	w := archive.NewWriter(&whole)
	for _, e := range []struct {
		header archive.Header
		data   string
	}{
		{archive.Header{Name: "state.json", PayloadSize: 2}, "{}"},
		{archive.Header{Name: "notifications.customer.00", Sequence: 7, Timestamp: 1, PayloadSize: 2}, "{}"},
		{archive.Header{}, ""},
	} {
		require.NoError(f, w.WriteHeader(&e.header))
		_, err := w.Write([]byte(e.data))
		require.NoError(f, err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()-20])
	f.Add([]byte("NATSARC1\x0a\x00\x00\x00\x02state.json{}\x01\x00\x07\x00\x80\x80\x80\x80\x80\x80\x80\x80\x08n"))
	f.Add([]byte("a tar file would be here"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var compressed bytes.Buffer
		w := s2.NewWriter(&compressed)
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		b, err := embedded.NewBackupReader(&compressed)
		for err == nil {
			var e embedded.Entry
			if e, err = b.Next(); err == nil {
				require.LessOrEqual(t, len(e.Header)+len(e.Body), len(text), "no entry is larger than the backup")
				require.NotEmpty(t, e.Subject)
			}
		}
		if errors.Is(err, io.EOF) && bytes.Equal(text, whole.Bytes()) {
			require.Equal(t, io.EOF, err)
		}
	})
}

func TestAFolderMayHaveANameThatLooksLikeAPattern(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "data [1"))
	s := start(t, o)
	require.NoError(t, s.Invite())
	left := filepath.Join(o.Dir, "subscribers", "gone.url")
	require.NoError(t, os.Mkdir(filepath.Dir(left), 0o700))
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	require.NoError(t, s.Invite())
	require.NoFileExists(t, left)
}
