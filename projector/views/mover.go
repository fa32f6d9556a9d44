package views

import (
	"context"
	"database/sql"
	"errors"
	"os"
)

// mover moves what commits leave in the write-ahead log into the file, beside them: a page that many of them change is then moved
// once, and few of them wait for it. Like what SQLite does by itself it tells nobody of failures: what stays in the log is
// whole, and is moved later.
type mover struct {
	db   *sql.DB
	idle chan *connection // holds the one that moves while nothing is moved; nil stands for one that is not connected yet

	logFile *os.File // nil: not opened yet
	path    string   // of it
	begun   int      // frames that the disk was told to write
}

// logBounds say after how many frames, of a page each, something is done. A variable for tests, to which few are many.
var logBounds = struct{ begin, rest, most int }{
	begin: 10_000, // that are not in the file: they are moved beside the commits
	rest:  1_000,  // so few that a commit can move them, after which the log begins anew
	most:  40_000, // of the log: a commit waits until they are moved
}

const (
	logText  = `PRAGMA wal_checkpoint(NOOP)` // tells how long the log is, and how much of it was moved
	moveText = `PRAGMA wal_checkpoint(PASSIVE)`
)

// newMover returns the mover of the file at path.
func newMover(db *sql.DB, path string) *mover {
	m := &mover{db: db, idle: make(chan *connection, 1), path: path + "-wal"}
	m.idle <- nil
	return m
}

// tend is due after each commit on c.
func (m *mover) tend(ctx context.Context, c *connection) {
	frames, moved, err := c.moveLog(ctx, logText)
	left := frames - moved
	if err == nil {
		m.writeSoon(frames)
	}
	if err != nil || frames < logBounds.begin {
		return
	}
	var own *connection
	select {
	case own = <-m.idle:
	default:
		if frames < logBounds.most {
			return // is being moved
		}
		own = <-m.idle
	}
	switch {
	case frames >= logBounds.most || left <= logBounds.rest:
		// The log begins anew only with a commit before which all of it was moved.
		_, _, _ = c.moveLog(ctx, moveText)
	case left >= logBounds.begin:
		go func() { m.idle <- m.move(ctx, own) }()
		return
	}
	m.idle <- own
}

// soonFrames is after how many new frames the disk is told to write them.
const soonFrames = 64

// writeSoon tells the disk to write the new frames of the write-ahead log, and does not wait. Otherwise moving them would begin with a
// sync of 40 MB, and the syncs of the notification log would wait for that for a tenth of a second.
func (m *mover) writeSoon(frames int) {
	if frames < m.begun {
		m.begun = 0 // it began anew
	}
	if frames < m.begun+soonFrames {
		return
	}
	if m.logFile == nil {
		var err error
		if m.logFile, err = os.Open(m.path); err != nil {
			return // it is written later
		}
	}
	m.begun = frames
	startWriting(m.logFile)
}

// move returns the connection to use the next time.
func (m *mover) move(ctx context.Context, c *connection) *connection {
	if c == nil {
		var err error
		if c, err = connect(ctx, m.db); err != nil {
			return nil
		}
	}
	if _, _, err := c.moveLog(ctx, moveText); err != nil {
		_ = c.close() // nothing is lost with it
		return nil
	}
	return c
}

func (c *connection) moveLog(ctx context.Context, text string) (frames, moved int, err error) {
	var busy int
	err = c.Row(ctx, text, nil, &busy, &frames, &moved)
	return frames, moved, err
}

// close waits for what is being moved.
func (m *mover) close() error {
	c := <-m.idle
	if m.logFile != nil {
		_ = m.logFile.Close() // nothing was written through it
	}
	if c == nil {
		return nil
	}
	if err := c.close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}
