package projector

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/orderfold/orderfold/projector/views"
)

// spillBuffer is the memory of one file that is written or read; there are some hundred.
const spillBuffer = 16 << 10

// spill is a file of entries of this process, each preceded by its length: first written, then read once, then gone.
type spill struct {
	file    *os.File // nil when closed
	w       *bufio.Writer
	entries uint64
}

func newSpill(path string) (*spill, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("projector: spill: %w", err)
	}
	return &spill{file: file, w: bufio.NewWriterSize(file, spillBuffer)}, nil
}

func (s *spill) write(entry []byte) error {
	var length [binary.MaxVarintLen64]byte
	if _, err := s.w.Write(binary.AppendUvarint(length[:0], uint64(len(entry)))); err != nil {
		return fmt.Errorf("projector: spill: %w", err)
	}
	if _, err := s.w.Write(entry); err != nil {
		return fmt.Errorf("projector: spill: %w", err)
	}
	s.entries++
	return nil
}

// read yields the entries; each is gone when the next one comes. Nothing can be written after it.
func (s *spill) read() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := s.w.Flush()
		if err == nil {
			_, err = s.file.Seek(0, io.SeekStart)
		}
		s.w = nil
		r := bufio.NewReaderSize(s.file, spillBuffer)
		var entry []byte
		for err == nil {
			var length uint64
			if length, err = binary.ReadUvarint(r); err == io.EOF {
				return
			}
			if err != nil {
				break
			}
			if uint64(cap(entry)) < length {
				entry = make([]byte, length)
			}
			entry = entry[:length]
			if _, err = io.ReadFull(r, entry); err == nil && !yield(entry, nil) {
				return
			}
		}
		yield(nil, fmt.Errorf("projector: read what was spilled: %w", err))
	}
}

// close lets the file go; the second time it does nothing.
func (s *spill) close() error {
	if s == nil || s.file == nil {
		return nil
	}
	file := s.file
	s.file, s.w = nil, nil
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// run is a spill of rows that is being merged, and its next row.
type run struct {
	next views.Row
	pull func() ([]byte, error, bool)
}

func (r *run) advance() (more bool, err error) {
	entry, err, more := r.pull()
	if !more || err != nil {
		return false, err
	}
	return true, r.next.UnmarshalBinary(bytes.Clone(entry))
}

// mergeRuns yields the rows of all runs, each of which is sorted, by their first sequence.
func mergeRuns(spills []*spill) iter.Seq2[views.Row, error] {
	return func(yield func(views.Row, error) bool) {
		var waiting runs
		for _, s := range spills {
			pull, stop := iter.Pull2(s.read())
			defer stop()
			r := &run{pull: pull}
			more, err := r.advance()
			if err != nil {
				yield(views.Row{}, err)
				return
			}
			if more {
				waiting = append(waiting, r)
			}
		}
		heap.Init(&waiting)
		for len(waiting) > 0 {
			r := waiting[0]
			if !yield(r.next, nil) {
				return
			}
			more, err := r.advance()
			if err != nil {
				yield(views.Row{}, err)
				return
			}
			if more {
				heap.Fix(&waiting, 0)
			} else {
				heap.Pop(&waiting)
			}
		}
	}
}

// runs is a heap, by the first sequence of what is next.
type runs []*run

func (h runs) Len() int           { return len(h) }
func (h runs) Less(i, j int) bool { return h[i].next.First() < h[j].next.First() }
func (h runs) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runs) Push(r any)        { *h = append(*h, r.(*run)) }

func (h *runs) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}
