package views

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/flock"
	"go.uber.org/zap"
)

// Options specify the folder of the views and how it is opened.
type Options struct {
	// Dir is the folder of the views; a writer creates it.
	Dir string
	// FoldVersion identifies the rules, the decoder and the encoding of orders. Views of another
	// version are not read: a writer begins a new generation, and a reader gets ErrVersion.
	FoldVersion string
	// ReadOnly opens the views for reading, while another process may write them.
	ReadOnly bool
	// FirstByPromotion prevents a writer that finds no usable generation from beginning one: every
	// call returns ErrNoViews until Promote makes one live. So readers never see only part of the
	// orders.
	FirstByPromotion bool
	// Logger receives the reason when a generation is begun again. Nil: it is not logged.
	Logger *zap.Logger
}

// Store is the views in one folder, with any number of readers and, unless it was opened with
// ReadOnly, one writer. It is safe for concurrent use.
type Store struct {
	options Options
	log     *zap.Logger
	lock    *flock.Flock // nil when ReadOnly
	writing sync.Mutex   // guards writer and switched; held for every write
	writer  *writer      // nil when ReadOnly
	// switched is true from the time another generation was made live, or orders were redriven,
	// until the next commit.
	switched bool
	watch    watch
	closing  chan struct{}
	opened   sync.WaitGroup // generations not closed yet
	givingUp sync.WaitGroup // generations that readers found damaged
	// following contains a token while a reader opens the generation that the file live names. It
	// is used with ReadOnly only.
	following chan struct{}

	mu     sync.Mutex
	live   *generation
	lost   string      // why there is no live generation any more; "": not known
	seen   os.FileInfo // of the file live when it named the live generation; ReadOnly only
	closed bool
}

// Open opens the views. A writer creates missing files, and begins a new generation when the live
// one is damaged or was made by another version.
//
// Open returns ErrLocked when another process writes there. With ReadOnly the views need not exist
// yet: until they do, every call returns ErrNoViews, or ErrVersion while they are of another
// version.
func Open(ctx context.Context, options Options) (*Store, error) {
	s := &Store{options: options, log: options.Logger, closing: make(chan struct{}), following: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	s.watch.init()
	if options.ReadOnly {
		return s, nil
	}
	err := s.openWriting(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) openWriting(ctx context.Context) error {
	dir := s.options.Dir
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("views: create the folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("views: lock the folder: %w", err)
	}
	if !locked {
		return fmt.Errorf("%w (%s): stop it, or give this one a folder of its own", ErrLocked, dir)
	}
	s.lock = lock
	if err := sweepDrafts(ctx, dir); err != nil {
		return err
	}
	w, n, err := s.openLive(ctx)
	if err != nil {
		return err
	}
	if w == nil {
		return nil // until one is promoted
	}
	w.number = n
	s.writer = w
	g, err := openGeneration(ctx, dir, n, s.options.FoldVersion)
	if err != nil {
		return err
	}
	s.opened.Add(1)
	s.live = g
	s.watch.publish(w.sequence, nil)
	return nil
}

// openLive opens the live generation for writing, or begins the next one when no generation is
// usable.
func (s *Store) openLive(ctx context.Context) (w *writer, n int, err error) {
	all, err := generations(s.options.Dir)
	if err != nil {
		return nil, 0, err
	}
	live, err := readLive(s.options.Dir)
	reason := ""
	switch {
	case errors.Is(err, errLiveDamaged) || errors.Is(err, ErrNoViews) && len(all) > 0:
		reason = "no file says which generation is live"
	case errors.Is(err, ErrNoViews):
	case err != nil:
		return nil, 0, err
	default:
		if w, reason, err = openWriter(ctx, generationPath(s.options.Dir, live), s.options.FoldVersion,
			!wasClosed(s.options.Dir, live)); err != nil {
			return nil, 0, err
		}
	}
	if w != nil {
		return w, live, nil
	}
	if s.options.FirstByPromotion {
		return nil, 0, s.leave(live, reason)
	}
	return s.begin(ctx, live, all, reason)
}

// leave stops using the live generation. Readers in other processes must not continue with a
// damaged one. They do not read one of another version, and the program that made it may serve it
// again.
func (s *Store) leave(live int, reason string) error {
	if reason == "" {
		return nil
	}
	s.lost = reason
	s.log.Warn("the views are made anew", zap.String("reason", reason), zap.String("folder", s.options.Dir))
	_, err := os.Stat(generationPath(s.options.Dir, live))
	if strings.HasPrefix(reason, versionWord) || errors.Is(err, fs.ErrNotExist) {
		return nil // without the file, only the name shows which numbers were used
	}
	if err := os.Remove(livePath(s.options.Dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("views: give up the live generation: %w", err)
	}
	return nil
}

// begin makes a new generation with an empty position live. It removes all others but the one that
// was live before or, if that has no file, the latest. live is the number of the one that was live
// before, or 0 when it is not known.
func (s *Store) begin(ctx context.Context, live int, all []int, reason string) (w *writer, n int, err error) {
	n, previous := live+1, live
	if len(all) > 0 {
		latest := all[len(all)-1]
		n = max(n, latest+1) // never reused: readers distinguish generations by it
		if !slices.Contains(all, live) {
			previous = latest
		}
	}
	if reason != "" {
		s.log.Warn("the views are begun anew", zap.String("reason", reason), zap.String("folder", s.options.Dir),
			zap.Int("previous_generation", previous), zap.Int("generation", n))
	}
	w, err = createWriter(ctx, generationPath(s.options.Dir, n), s.options.FoldVersion)
	if err != nil {
		return nil, 0, errors.Join(err, removeGeneration(s.options.Dir, n))
	}
	if err := writeLive(s.options.Dir, n); err != nil {
		return nil, 0, errors.Join(err, w.close())
	}
	for _, old := range all {
		if old != previous {
			if err := removeGeneration(s.options.Dir, old); err != nil {
				return nil, 0, errors.Join(err, w.close())
			}
		}
	}
	return w, n, nil
}

// Close waits for readers to finish, makes Wait return ErrClosed, and leaves complete views on
// disk. A second call has no effect.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	live := s.live // nil: none was made, it was given up, or Open failed earlier
	unused := live != nil && live.retire()
	s.mu.Unlock()
	if unused {
		s.end(live)
	}
	s.givingUp.Wait()
	s.watch.pollers.Wait()
	s.opened.Wait()
	s.writing.Lock() // wait for a running write
	defer s.writing.Unlock()
	var errs []error
	// The writer is closed last, because the last connection moves the write-ahead log into the
	// file.
	if s.writer != nil {
		err := s.writer.close()
		errs = append(errs, err)
		if err == nil && live != nil && live.number == s.writer.number && !live.damaged {
			if err := noteClosed(s.options.Dir, s.writer.number); err != nil {
				s.log.Warn("the views will be read through at the next start", zap.Error(err))
			}
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("views: close: %w", err)
	}
	return nil
}
