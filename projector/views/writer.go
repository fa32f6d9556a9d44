package views

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
	codes "modernc.org/sqlite/lib"
)

// writer is the only connection that changes a generation.
type writer struct {
	db     *sql.DB
	number int // of the generation; 0: a draft

	mu       sync.Mutex
	c        *connection // nil when closed
	mover    *mover      // nil without a write-ahead log
	sequence uint64      // of the committed position
	facets   map[list.Facet]int64
	awaiting map[int64]bool      // the numbers of the facets whose orders await their settlement
	sums     map[int64]list.Sums // by the number of the facet; nil: to be read
	encoded  []byte              // reused for each order, as args is
	args     []driver.Value
}

// settings specify how a writer writes.
type settings struct {
	logged  bool // with a write-ahead log
	pragmas []string
}

// The mover moves the write-ahead log, not SQLite. The cache is for the index of ids: nearly every
// new order of a batch changes a different page of it.
var writerSettings = settings{logged: true,
	pragmas: []string{"journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(0)", "cache_size(-32768)"}}

// draftSettings are the settings for a file that nobody reads until it is complete, and that is
// discarded after any failure.
var draftSettings = settings{pragmas: []string{"journal_mode(OFF)", "synchronous(OFF)", fmt.Sprintf("cache_size(%d)", draftCache)}}

const draftCache = -16 << 10 // KiB; negative, because SQLite takes a positive number as pages

// createWriter begins a generation in a file that must not contain one.
func createWriter(ctx context.Context, path, foldVersion string) (*writer, error) {
	return createFile(ctx, path, foldVersion, schema+idIndex+indexes, writerSettings)
}

func createFile(ctx context.Context, path, foldVersion, tables string, how settings) (*writer, error) {
	w, err := connectWriter(ctx, path, "rwc", how)
	if err != nil {
		return nil, fmt.Errorf("views: create %s: %w", path, err)
	}
	script := fmt.Sprintf("BEGIN;%s;PRAGMA user_version = %d;", tables, schemaVersion)
	if _, err = w.c.conn.ExecContext(ctx, script); err == nil {
		err = w.fillIn(ctx, foldVersion)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("views: create %s: %w", path, err), w.close())
	}
	return w, nil
}

// fillIn inserts the rows that are later only updated, and commits.
func (w *writer) fillIn(ctx context.Context, foldVersion string) error {
	for code := range statemachine.Codes {
		if _, err := w.c.exec(ctx, `INSERT INTO break_counts (code, orders) VALUES (?, 0)`, code); err != nil {
			return err
		}
	}
	if _, err := w.c.exec(ctx, `INSERT INTO position (one, fold_version) VALUES (1, ?)`, foldVersion); err != nil {
		return err
	}
	_, err := w.c.exec(ctx, "COMMIT")
	return err
}

// openWriter opens an existing generation. If doubtful, every page is read. When the generation is
// not usable, it returns no writer and the reason in words.
func openWriter(ctx context.Context, path, foldVersion string, doubtful bool) (w *writer, reason string, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, "the file of the live generation is missing", nil
	} else if err != nil {
		return nil, "", fmt.Errorf("views: %w", err)
	}
	if w, err = connectWriter(ctx, path, "rw", writerSettings); err == nil {
		if reason, err = w.inspect(ctx, foldVersion, doubtful); err == nil {
			return w, "", nil
		}
		if closeErr := w.close(); closeErr != nil && !damaged(closeErr) {
			err = errors.Join(err, closeErr)
		}
	}
	switch {
	case errors.Is(err, ErrVersion):
		return nil, reason, nil
	case damaged(err):
		return nil, fmt.Sprintf("its file is damaged: %v", err), nil
	}
	return nil, "", fmt.Errorf("views: open %s: %w", path, err)
}

func connectWriter(ctx context.Context, path, mode string, how settings) (*writer, error) {
	db, err := openFile(path, mode, how.pragmas...)
	if err != nil {
		return nil, err
	}
	c, err := connect(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w := &writer{db: db, c: c}
	if how.logged {
		w.mover = newMover(db, path)
	}
	return w, nil
}

// inspect checks that the generation is usable: it reads the version, the position and, if
// doubtful, every page. It returns ErrVersion with the difference in words.
func (w *writer) inspect(ctx context.Context, foldVersion string, doubtful bool) (difference string, err error) {
	if difference, err = readVersion(ctx, w.c, foldVersion); err != nil {
		return difference, err
	}
	if doubtful {
		var verdict string
		if err := w.c.Row(ctx, `PRAGMA quick_check(1)`, nil, &verdict); err != nil {
			return "", err
		}
		if verdict != "ok" {
			return "", fmt.Errorf("%w: %s", ErrDamaged, verdict)
		}
	}
	for _, text := range neededTexts {
		if _, err := w.c.prepare(ctx, text); err != nil {
			return "", err
		}
	}
	status, err := readStatus(ctx, w.c)
	w.sequence = status.Checkpoint.Sequence
	return "", err
}

// damaged reports whether err shows that the file is no longer one of ours: not a database,
// malformed, cut short, or without our tables. A failed disk, a missing permission or a lock shows
// nothing about the file.
func damaged(err error) bool {
	code := sqliteCode(err)
	switch code & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB, codes.SQLITE_ERROR:
		return true
	}
	return code == codes.SQLITE_IOERR_SHORT_READ || errors.Is(err, ErrDamaged) || errors.Is(err, sql.ErrNoRows)
}

func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c == nil {
		return nil
	}
	var err error
	if w.mover != nil {
		err = w.mover.close()
	}
	err = errors.Join(err, w.c.close())
	w.c = nil
	return errors.Join(err, w.db.Close())
}
