package projector

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
)

// spillBuffer is the memory of one spill that is written or read; there is one for some thousand orders.
const spillBuffer = 16 << 10

// spill is a file of entries of this process, each preceded by its length: first written, then read once, then removed. It is open
// only while something is moved, for there may be more of them than open files.
type spill struct {
	path     string
	buffered []byte // the end, which is not in the file
	bytes    int64  // of all entries
}

func (s *spill) write(entry []byte) error {
	if s.buffered == nil {
		s.buffered = make([]byte, 0, spillBuffer)
	}
	if len(s.buffered)+len(entry)+binary.MaxVarintLen64 > spillBuffer {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.bytes += int64(len(entry))
	s.buffered = append(binary.AppendUvarint(s.buffered, uint64(len(entry))), entry...)
	return nil
}

func (s *spill) flush() error {
	file, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("projector: spill: %w", err)
	}
	_, err = file.Write(s.buffered)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("projector: spill: %w", err)
	}
	if s.buffered = s.buffered[:0]; cap(s.buffered) > spillBuffer {
		s.buffered = nil // one large entry must not hold memory
	}
	return nil
}

// read yields the entries; each is gone when the next one comes.
func (s *spill) read() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := s.each(func(entry []byte) bool { return yield(entry, nil) })
		if err != nil {
			yield(nil, fmt.Errorf("projector: read what was spilled: %w", err))
		}
	}
}

func (s *spill) each(do func([]byte) bool) error {
	var written io.Reader = bytes.NewReader(nil)
	file, err := os.Open(s.path)
	switch {
	case err == nil:
		defer file.Close()
		written = file
	case !os.IsNotExist(err): // all of it may be buffered
		return err
	}
	r := bufio.NewReaderSize(io.MultiReader(written, bytes.NewReader(s.buffered)), spillBuffer)
	var entry []byte
	for {
		length, err := binary.ReadUvarint(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if uint64(cap(entry)) < length {
			entry = make([]byte, length)
		}
		entry = entry[:length]
		if _, err := io.ReadFull(r, entry); err != nil {
			return err
		}
		if !do(entry) {
			return nil
		}
	}
}

// remove lets everything go.
func (s *spill) remove() error {
	s.buffered = nil
	if err := os.Remove(s.path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("projector: remove what was spilled: %w", err)
	}
	return nil
}
