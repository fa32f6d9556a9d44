package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"

	codes "modernc.org/sqlite/lib"
)

// generation is one file of views, open for reading. It has a few connections, each used by one
// reader at a time.
type generation struct {
	number  int
	version string // the fold version
	db      *sql.DB
	idle    chan *connection // nil: not connected yet
	loads   chan *connection // the connection of Load, which does not wait for readers of long lists

	// Guarded by Store.mu.
	users   int
	retired bool
	damaged bool // a reader found damage
}

// readers returns the number of simultaneous readers. More than the processors can run would only
// wait for each other. The minimum keeps a long list from blocking all other readers.
func readers() int { return max(4, 2*runtime.GOMAXPROCS(0)) }

// openGeneration opens a generation for reading. It returns ErrVersion when this program cannot
// read the file, or the file was made by another fold version.
func openGeneration(ctx context.Context, dir string, n int, foldVersion string) (*generation, error) {
	db, err := openFile(generationPath(dir, n), "ro", "query_only(1)")
	if err != nil {
		return nil, err
	}
	g := &generation{number: n, version: foldVersion, db: db, idle: make(chan *connection, readers()), loads: make(chan *connection, 1)}
	for range cap(g.idle) {
		g.idle <- nil
	}
	g.loads <- nil
	err = g.use(ctx, func(c *connection) error {
		_, err := readVersion(ctx, c, foldVersion)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("views: open generation %d: %w%s", n, err, permissionHint(err)), g.close())
	}
	return g, nil
}

// permissionHint explains SQLite's error for an attempt to write; see doc.go.
func permissionHint(err error) string {
	switch sqliteCode(err) & 0xff {
	case codes.SQLITE_READONLY, codes.SQLITE_CANTOPEN:
		return "; start the projector, or read as a user who may write the folder of the views"
	}
	return ""
}

const (
	schemaVersionText = `PRAGMA user_version`
	foldVersionText   = `SELECT fold_version FROM position`
)

// versionWord begins each difference that readVersion returns.
const versionWord = "another version"

// readVersion returns, in words and with ErrVersion, how the file differs from the files that this
// program writes.
func readVersion(ctx context.Context, c *connection, foldVersion string) (difference string, err error) {
	var schema int
	if err := c.Row(ctx, schemaVersionText, nil, &schema); err != nil {
		return "", err
	}
	if schema != schemaVersion {
		return fmt.Sprintf(versionWord+": its schema is %d, this program writes %d", schema, schemaVersion), otherVersion("")
	}
	var fold string
	if err := c.Row(ctx, foldVersionText, nil, &fold); err != nil {
		return "", err
	}
	if fold != foldVersion {
		return fmt.Sprintf(versionWord+": its fold version is %q, this program folds by %q", fold, foldVersion), otherVersion("")
	}
	return "", nil
}

// use lends a connection to f.
func (g *generation) use(ctx context.Context, f func(*connection) error) error {
	return g.lend(ctx, g.idle, f)
}

// lend lends one of the connections to f. A connection on which f failed is not used again.
func (g *generation) lend(ctx context.Context, from chan *connection, f func(*connection) error) (err error) {
	var c *connection
	select {
	case c = <-from:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCursor) && !errors.As(err, new(*BehindError)) && c != nil {
			err = errors.Join(err, c.close())
			c = nil
		}
		from <- c
	}()
	if c == nil {
		if c, err = connect(ctx, g.db); err != nil {
			return err
		}
	}
	if err = f(c); err == nil {
		err = c.trim()
	}
	return err
}

// close must be called once, when nobody uses the generation any more.
func (g *generation) close() error {
	var errs []error
	for _, from := range []chan *connection{g.idle, g.loads} {
		for range cap(from) {
			if c := <-from; c != nil {
				errs = append(errs, c.close())
			}
		}
	}
	return errors.Join(append(errs, g.db.Close())...)
}
