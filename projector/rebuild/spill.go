package rebuild

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
)

// spillBuffer is the memory, in bytes, of a spill that is being written. There is one spill for
// some thousand orders.
const spillBuffer = 16 << 10

// spill is a file of entries of this process, each preceded by its length. It is written, read
// once, and removed. It is open only while it is read or written, because there may be more spills
// than open files.
type spill struct {
	path     string
	buffered []byte // the end of the entries, which is not in the file yet
	bytes    int64  // of all entries, with their lengths
}

const lengthBytes = 4

func (s *spill) write(entry []byte) error {
	if s.buffered == nil {
		s.buffered = make([]byte, 0, spillBuffer)
	}
	size := lengthBytes + len(entry)
	if len(s.buffered)+size > spillBuffer {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.bytes += int64(size)
	s.buffered = append(binary.LittleEndian.AppendUint32(s.buffered, uint32(len(entry))), entry...)
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
		s.buffered = nil // one large entry must not keep memory
	}
	return nil
}

// readTogether is the number of bytes read at a time, unless an entry is longer.
const readTogether = 256 << 10

// read yields the entries. Many of them may be parts of one string. It fails if the file has less
// than was written.
func (s *spill) read() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := s.each(func(entry string) bool { return yield(entry, nil) })
		if err != nil {
			yield("", fmt.Errorf("projector: read what was spilled: %w", err))
		}
	}
}

func (s *spill) each(do func(string) bool) error {
	var written io.Reader = strings.NewReader("")
	file, err := os.Open(s.path)
	switch {
	case err == nil:
		defer file.Close()
		written = file
	case !os.IsNotExist(err): // all of it may be buffered
		return err
	}
	r := io.MultiReader(written, bytes.NewReader(s.buffered))
	var buffer []byte
	begun, whole := 0, 0 // the bytes of an entry read so far, and its size if it is known
	for left := s.bytes; left > 0; {
		more := int(min(left, int64(max(readTogether, whole-begun))))
		buffer = slices.Grow(buffer[:begun], more)[:begun+more]
		if _, err := io.ReadFull(r, buffer[begun:]); errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		left -= int64(more)
		text := string(buffer)
		for whole = lengthOf(text); whole <= len(text); whole = lengthOf(text) {
			if !do(text[lengthBytes:whole]) {
				return nil
			}
			text = text[whole:]
		}
		begun = copy(buffer, text)
	}
	if begun > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// lengthOf returns the size in bytes of the first entry of text, including its length. If text is
// too short to contain the length, it returns the size of the length alone.
func lengthOf(text string) int {
	if len(text) < lengthBytes {
		return lengthBytes
	}
	return lengthBytes + int(binary.LittleEndian.Uint32([]byte(text[:lengthBytes])))
}

// remove removes the file and drops the buffered entries.
func (s *spill) remove() error {
	s.buffered = nil
	if err := os.Remove(s.path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("projector: remove what was spilled: %w", err)
	}
	return nil
}
