package views

import (
	"context"
	"database/sql"
	"errors"
	"os"
)

// mover moves the pages that commits leave in the write-ahead log into the file, concurrently with
// the commits. A page that many commits change is moved once, and few commits wait for it. Like
// SQLite's own checkpoints, mover does not report failures: the pages in the log are intact, and
// are moved later.
type mover struct {
	db   *sql.DB
	idle chan *connection // its connection while it is idle; nil: not connected yet

	logFile *os.File // nil: not opened yet
	path    string   // of the log
	begun   int      // frames that the disk was told to write
}

// logBounds are numbers of frames, of a page each, at which the mover acts. It is a variable for
// tests, which reach small bounds with few commits.
var logBounds = struct{ begin, rest, most int }{
	begin: 10_000, // frames not in the file: they are moved concurrently with commits
	rest:  1_000,  // so few frames that a commit can move them; then the log begins again
	most:  40_000, // frames in the log: a commit waits until they are moved
}

const (
	logText  = `PRAGMA wal_checkpoint(NOOP)` // returns the length of the log, and how much was moved
	moveText = `PRAGMA wal_checkpoint(PASSIVE)`
)

// newMover returns the mover of the file at path.
func newMover(db *sql.DB, path string) *mover {
	m := &mover{db: db, idle: make(chan *connection, 1), path: path + "-wal"}
	m.idle <- nil
	return m
}

// tend must be called after each commit on c.
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
			return // a move is running
		}
		own = <-m.idle
	}
	switch {
	case frames >= logBounds.most || left <= logBounds.rest:
		// The log begins again only if all of it was moved before a commit.
		_, _, _ = c.moveLog(ctx, moveText)
	case left >= logBounds.begin:
		go func() { m.idle <- m.move(ctx, own) }()
		return
	}
	m.idle <- own
}

// soonFrames is the number of new frames after which the disk is told to write them.
const soonFrames = 64

// writeSoon tells the disk to write the new frames of the write-ahead log, and does not wait.
// Otherwise moving them would begin with a sync of 40 MB, and the syncs of the notification log
// would wait for it for a tenth of a second.
func (m *mover) writeSoon(frames int) {
	if frames < m.begun {
		m.begun = 0 // the log began again
	}
	if frames < m.begun+soonFrames {
		return
	}
	if m.logFile == nil {
		var err error
		if m.logFile, err = os.Open(m.path); err != nil {
			return // the frames are written when the log is moved
		}
	}
	m.begun = frames
	startWriting(m.logFile)
}

// move moves the log and returns the connection to use the next time.
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

// close waits for a running move.
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
