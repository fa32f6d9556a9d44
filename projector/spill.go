package projector

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// spillBuffer is the memory of one spill that is written; there is one for some thousand orders.
const spillBuffer = 16 << 10

// spill is a file of entries of this process, each preceded by its length: first written, then read once, then removed. It is open
// only while something is moved, for there may be more of them than open files.
type spill struct {
	path     string
	buffered []byte // the end, which is not in the file
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
		s.buffered = nil // one large entry must not hold memory
	}
	return nil
}

// read yields the entries, which are parts of one text.
func (s *spill) read() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		text, err := s.text()
		for text != "" && err == nil {
			length := lengthBytes
			if len(text) >= lengthBytes {
				length += int(binary.LittleEndian.Uint32([]byte(text[:lengthBytes])))
			}
			if length > len(text) {
				err = io.ErrUnexpectedEOF
				break
			}
			if !yield(text[lengthBytes:length], nil) {
				return
			}
			text = text[length:]
		}
		if err != nil {
			yield("", fmt.Errorf("projector: read what was spilled: %w", err))
		}
	}
}

// text is all of it.
func (s *spill) text() (string, error) {
	var text strings.Builder
	text.Grow(int(s.bytes))
	file, err := os.Open(s.path)
	switch {
	case err == nil:
		defer file.Close()
		if _, err := io.Copy(&text, file); err != nil {
			return "", err
		}
	case !os.IsNotExist(err): // all of it may be buffered
		return "", err
	}
	text.Write(s.buffered)
	return text.String(), nil
}

// remove lets everything go.
func (s *spill) remove() error {
	s.buffered = nil
	if err := os.Remove(s.path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("projector: remove what was spilled: %w", err)
	}
	return nil
}
