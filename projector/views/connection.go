package views

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also registers the driver
)

// openFile returns the file as a database. Nothing is opened before the first connection. Settings
// are pragmas.
func openFile(path, mode string, settings ...string) (*sql.DB, error) {
	name, err := fileName(path, mode, settings)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("views: open %s: %w", path, err)
	}
	return db, nil
}

// fileName returns the name of a file for the driver, with the mode and settings with which to open
// it.
func fileName(path, mode string, settings []string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("views: open %s: %w", path, err)
	}
	query := url.Values{"mode": {mode}, "_busy_timeout": {"5000"}, "_pragma": settings}
	name := url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}
	return name.String(), nil
}

// readFile lends f a connection that reads the file of a generation. It returns fs.ErrNotExist when
// there is no such file.
func readFile(ctx context.Context, dir string, n int, f func(c *connection) error) (err error) {
	path := generationPath(dir, n)
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := openFile(path, "ro", "query_only(1)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := connect(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return f(c)
}

// connection is one connection with its prepared statements. It is not safe for concurrent use.
type connection struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	keyed    driver.Stmt            // orderText, see order
	bare     map[string]driver.Stmt // see run
	args     []driver.NamedValue    // of run
}

func connect(ctx context.Context, db *sql.DB) (*connection, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, prepared: map[string]*sql.Stmt{}}, nil
}

// prepare prepares a statement once. SQLite plans a statement again when certain bare parameters
// change: one in LIMIT; one that is compared for equality without an index, if it changes to or
// from 0 or 1; and one that is compared like a constant in the condition of a partial index.
// Planning takes longer than most reads. So statements contain such parameters as +?, which SQLite
// ignores when it plans.
func (c *connection) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := c.prepared[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.prepared[text] = stmt
	return stmt, nil
}

// maxPrepared bounds the statements that a reader keeps. The statements of lists with many filters
// are rarely used twice.
const maxPrepared = 100

// trim closes the statements when there are too many. None of them may be in use.
func (c *connection) trim() error {
	if len(c.prepared) <= maxPrepared {
		return nil
	}
	var errs []error
	for _, stmt := range c.prepared {
		errs = append(errs, stmt.Close())
	}
	clear(c.prepared)
	return errors.Join(errs...)
}

func (c *connection) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// Row reads the only row of a query. It returns sql.ErrNoRows when there is none.
func (c *connection) Row(ctx context.Context, text string, args []any, dest ...any) error {
	found := false
	err := c.Each(ctx, text, args, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// Each calls scan for every row of a query, until scan fails. A sql.RawBytes is valid only until
// scan returns.
func (c *connection) Each(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) (err error) {
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// close closes the connection itself instead of returning it to the pool, so that a failed
// connection is not used again. It closes the statements first: database/sql does not close those
// of a single connection, and SQLite keeps the file open while there is one.
func (c *connection) close() error {
	var errs []error
	for _, stmt := range c.prepared {
		errs = append(errs, stmt.Close())
	}
	err := c.conn.Raw(func(any) error {
		if c.keyed != nil {
			errs = append(errs, c.keyed.Close())
		}
		for _, stmt := range c.bare {
			errs = append(errs, stmt.Close())
		}
		return driver.ErrBadConn
	})
	if !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// sqliteCode returns SQLite's extended result code, or 0 when err is not from SQLite.
func sqliteCode(err error) int {
	var fault *sqlite.Error
	if errors.As(err, &fault) {
		return fault.Code()
	}
	return 0
}

// nanos returns a time as it is stored. 0 is the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
