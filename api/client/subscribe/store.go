package subscribe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// Place is the last event of the feed that a subscriber has processed. The zero value means that it has
// not begun.
type Place struct {
	Began    bool   `json:"began"` // a snapshot was taken, or the feed was read from its first event
	Sequence uint64 `json:"sequence"`
	ID       string `json:"id"` // ce-id; "": only a snapshot was taken
}

// Store keeps the position of a subscriber and, for each order, the pair of its state. Save must be
// atomic. A store in the database of the service, which saves in the same transaction as the
// derived data, makes processing exactly once.
type Store interface {
	Load(ctx context.Context) (Place, error)
	// Pairs returns the known pairs of the given orders.
	Pairs(ctx context.Context, orders []string) (map[string]Pair, error)
	// Save adds or replaces the pairs, and replaces the position.
	Save(ctx context.Context, at Place, pairs map[string]Pair) error
	// Clear removes everything.
	Clear(ctx context.Context) error
}

// Memory is a Store in memory, for a subscriber that keeps its orders in memory and so begins with a
// snapshot after each restart. The zero value is empty.
type Memory struct {
	mu    sync.Mutex
	at    Place
	pairs map[string]Pair
}

// Load returns the position.
func (m *Memory) Load(context.Context) (Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at, nil
}

// Pairs returns the known pairs of the given orders.
func (m *Memory) Pairs(_ context.Context, orders []string) (map[string]Pair, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := make(map[string]Pair, len(orders))
	for _, id := range orders {
		if p, is := m.pairs[id]; is {
			known[id] = p
		}
	}
	return known, nil
}

// Save stores the pairs and the position.
func (m *Memory) Save(_ context.Context, at Place, pairs map[string]Pair) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pairs == nil {
		m.pairs = map[string]Pair{}
	}
	maps.Copy(m.pairs, pairs)
	m.at = at
	return nil
}

// Clear removes everything.
func (m *Memory) Clear(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.pairs = Place{}, nil
	return nil
}

// File is a Store in a file, to which each Save appends a line. The file is rewritten when most of
// its lines are outdated. It uses about a hundred bytes of memory per order. Only one process may
// have it open. Create one with OpenFile.
type File struct {
	path string
	Memory
	file  *os.File
	lines int
}

// saved is a line of the file.
type saved struct {
	At    Place           `json:"at"`
	Pairs map[string]Pair `json:"pairs,omitempty"`
}

// OpenFile opens the store, and creates the file if it does not exist. A last line cut short by a
// crash is ignored.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("subscribe: open the store: %w", err)
	}
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		var s saved
		if !whole {
			break
		}
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, fmt.Errorf("subscribe: %s is not a store of a subscriber: %w: remove it to begin with a snapshot", path, err)
		}
		_ = f.Memory.Save(context.Background(), s.At, s.Pairs) // Memory.Save never fails
		text = rest
	}
	if err := f.rewrite(); err != nil {
		return nil, err
	}
	return f, nil
}

// rewrite replaces the file by one with a single line and the same content.
func (f *File) rewrite() (err error) {
	next, err := os.CreateTemp(filepath.Dir(f.path), ".subscriber-")
	if err != nil {
		return fmt.Errorf("subscribe: write the store: %w", err)
	}
	w := bufio.NewWriter(next)
	f.mu.Lock()
	err = json.NewEncoder(w).Encode(saved{f.at, f.pairs})
	f.mu.Unlock()
	if err = errors.Join(err, w.Flush(), next.Sync()); err == nil {
		err = os.Rename(next.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("subscribe: write the store: %w", errors.Join(err, next.Close(), os.Remove(next.Name())))
	}
	if f.file != nil {
		err = f.file.Close()
	}
	f.file, f.lines = next, 1
	return err
}

// Save appends a line to the file, and syncs it.
func (f *File) Save(ctx context.Context, at Place, pairs map[string]Pair) error {
	line, err := json.Marshal(saved{at, pairs})
	if err == nil {
		_, err = f.file.Write(append(line, '\n'))
	}
	if err = errors.Join(err, f.file.Sync()); err != nil {
		return fmt.Errorf("subscribe: write the store: %w", err)
	}
	if err := f.Memory.Save(ctx, at, pairs); err != nil {
		return err
	}
	if f.lines++; f.lines > 1000+len(f.pairs)/10 {
		return f.rewrite()
	}
	return nil
}

// Clear removes everything.
func (f *File) Clear(ctx context.Context) error {
	if err := f.Memory.Clear(ctx); err != nil {
		return err
	}
	return f.rewrite()
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }
