package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

const (
	// restoreChunk is the number of bytes of a backup that one request contains.
	restoreChunk = 64 << 10
	// chunkPatience is how long the server may take to store one chunk, and endPatience how long it
	// may take after the last chunk to open the restored stream.
	chunkPatience = time.Minute
	endPatience   = time.Hour
)

// RestoreOptions configure Restore.
type RestoreOptions struct {
	// Backup is the folder that nats stream backup wrote.
	Backup string
	// Dir is the data folder of the restored log. It must be empty or not exist. Its parent folder
	// must exist.
	Dir string
	// Report is called during the restore with the number of bytes of the backup that have been
	// restored, and the size of the backup in bytes. nil: it is not called.
	Report func(done, total int64)
	// Logger receives the messages of the embedded server. nil: nothing is logged.
	Logger *zap.Logger
}

// Restore creates a log from a backup in an empty data folder. The log has the records, sequences,
// times, consumers and identity of the one that was backed up, and begins a new epoch. After an
// error the folder is unchanged. Errors: ErrLocked, faults with a hint for the operator, and errors
// of the embedded server.
func Restore(ctx context.Context, o RestoreOptions) (restored Bounds, err error) {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	b, err := openStoredBackup(o.Backup)
	if err != nil {
		return Bounds{}, err
	}
	defer func() { err = errors.Join(err, b.data.Close()) }()
	draft, err := embedded.NewDraft(o.Dir)
	if err != nil {
		return Bounds{}, err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	if err := b.restore(ctx, draft.Dir(), o); err != nil {
		return Bounds{}, fmt.Errorf("eventlog: restore %s: %w", o.Backup, err)
	}
	if restored, err = b.compare(ctx, draft.Dir(), o.Logger); err != nil {
		return Bounds{}, fmt.Errorf("eventlog: restore %s: %w", o.Backup, err)
	}
	return restored, draft.Keep()
}

// storedBackup is a backup that nats stream backup wrote.
type storedBackup struct {
	config jetstream.StreamConfig
	state  jetstream.StreamState
	data   *os.File
	size   int64
}

func openStoredBackup(dir string) (*storedBackup, error) {
	fail := func(err error) (*storedBackup, error) {
		return nil, &Fault{Err: fmt.Errorf("eventlog: %s is not a backup of the log: %w", dir, err), Hint: "name the folder that nats stream backup wrote"}
	}
	text, err := os.ReadFile(filepath.Join(dir, "backup.json"))
	if err != nil {
		return fail(err)
	}
	var said struct {
		Config jetstream.StreamConfig `json:"config"`
		State  jetstream.StreamState  `json:"state"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return fail(fmt.Errorf("backup.json: %w", err))
	}
	b := &storedBackup{config: repaired(said.Config, Options{}), state: said.State}
	if b.config.Name != streamName {
		return fail(fmt.Errorf("it is a backup of stream %.80q, not of %s", b.config.Name, streamName))
	}
	if weak := weaknesses(b.config); len(weak) > 0 {
		return fail(fmt.Errorf("the stream had unsafe settings: %v", weak))
	}
	// The name of the file depends on the server: those before 2.15 write a tar file.
	b.data, err = os.Open(filepath.Join(dir, "stream.arc.s2"))
	if errors.Is(err, os.ErrNotExist) {
		b.data, err = os.Open(filepath.Join(dir, "stream.tar.s2"))
	}
	if err != nil {
		return fail(err)
	}
	info, err := b.data.Stat()
	if err != nil {
		return fail(errors.Join(err, b.data.Close()))
	}
	b.size = info.Size()
	return b, nil
}

// restore makes an embedded server restore the stream in dir.
func (b *storedBackup) restore(ctx context.Context, dir string, o RestoreOptions) (err error) {
	e, err := embedded.Start(embedded.Options{Dir: dir, MayCreate: true, MaxMessage: embedded.MaxEntry/2 + headerRoom, SyncNothing: true, Logger: o.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Stop()) }()
	conn, err := connectInside(e, o.Logger)
	if err != nil {
		return err
	}
	defer conn.Close()
	config := b.config
	config.Replicas, config.Placement = 1, nil
	if config.Metadata = maps.Clone(config.Metadata); config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	beginEpoch(config.Metadata)
	request, err := json.Marshal(map[string]any{"config": config, "state": b.state})
	if err != nil {
		return err
	}
	var begun struct {
		Deliver string `json:"deliver_subject"`
	}
	answer, err := ask(ctx, conn, "$JS.API.STREAM.RESTORE."+streamName, request, chunkPatience)
	if err == nil {
		err = json.Unmarshal(answer, &begun)
	}
	if err != nil {
		return err
	}
	return b.send(ctx, conn, begun.Deliver, o.Report)
}

// send sends the backup to the server in chunks. The server answers the empty chunk at the end when
// it has restored the stream.
func (b *storedBackup) send(ctx context.Context, conn *nats.Conn, to string, tell func(done, total int64)) error {
	chunk := make([]byte, restoreChunk)
	for done := int64(0); ; {
		n, err := io.ReadFull(b.data, chunk)
		if n > 0 {
			if _, err := ask(ctx, conn, to, chunk[:n], chunkPatience); err != nil {
				return err
			}
			if done += int64(n); tell != nil {
				tell(done, b.size)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	_, err := ask(ctx, conn, to, nil, endPatience)
	return err
}

// ask sends a request to the server and returns the answer, or the error that the answer contains.
func ask(ctx context.Context, conn *nats.Conn, subject string, data []byte, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	msg, err := conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if len(msg.Data) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, errors.New(answer.Error.Description)
	}
	return msg.Data, nil
}

// compare opens the restored log, and returns an error unless it has as many records as the one that
// was backed up, with the same first and last sequence.
func (b *storedBackup) compare(ctx context.Context, dir string, logger *zap.Logger) (bounds Bounds, err error) {
	l, err := Open(ctx, Options{Dir: dir, Logger: logger})
	if err != nil {
		return Bounds{}, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	info, err := l.streamInfo(ctx)
	if err != nil {
		return Bounds{}, err
	}
	if got, want := info.State, b.state; got.Msgs != want.Msgs || got.LastSeq != want.LastSeq || want.Msgs > 0 && got.FirstSeq != want.FirstSeq {
		return Bounds{}, &Fault{Err: fmt.Errorf("the backup should contain %d records, %d to %d, but %d records, %d to %d, were restored",
			want.Msgs, want.FirstSeq, want.LastSeq, got.Msgs, got.FirstSeq, got.LastSeq), Hint: "use another backup"}
	}
	return l.Bounds(ctx)
}
