package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
)

// MaxEntry bounds, in bytes, the headers and the body of a message in a backup. No server takes a
// larger message.
const MaxEntry = 64 << 20

// ErrBackupFormat occurs when a backup is not in the format of this version of the server. Another
// version may be able to read it.
var ErrBackupFormat = errors.New("the backup is in the format of another version")

// BackupReader reads the messages of a stream's backup, in the format in which the server sends it.
type BackupReader struct {
	archive *archive.Reader
}

// Entry is a message in a backup.
type Entry struct {
	Subject  string
	Sequence uint64
	Stored   time.Time
	Header   []byte // as in the protocol of NATS: "NATS/1.0\r\n…", or empty
	Body     []byte
}

// NewBackupReader reads the beginning of a backup. Errors: ErrBackupFormat, and those of r.
func NewBackupReader(r io.Reader) (*BackupReader, error) {
	b := &BackupReader{archive: archive.NewReader(bufio.NewReaderSize(s2.NewReader(r), 64<<10))}
	state, err := b.archive.Next()
	if err == nil && state.Name != "state.json" || errors.Is(err, archive.ErrInvalidArchive) {
		return nil, ErrBackupFormat
	}
	return b, err
}

// Next returns the next message. Errors: io.EOF at the end of the backup, those of the reader, and
// one for a message that is larger than MaxEntry.
func (b *BackupReader) Next() (Entry, error) {
	header, err := b.archive.Next()
	if err != nil {
		return Entry{}, err
	}
	if header.Name == "" { // the mark at the end
		return Entry{}, io.EOF
	}
	if header.HeaderSize > MaxEntry || header.PayloadSize > MaxEntry {
		return Entry{}, fmt.Errorf("record %d of the backup is too large", header.Sequence)
	}
	data := make([]byte, header.HeaderSize+header.PayloadSize)
	if _, err := io.ReadFull(b.archive, data); err != nil {
		return Entry{}, err
	}
	return Entry{Subject: header.Name, Sequence: header.Sequence, Stored: time.Unix(0, header.Timestamp),
		Header: data[:header.HeaderSize], Body: data[header.HeaderSize:]}, nil
}
