package views

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/orderfold/orderfold/statemachine"
)

// Feed is the position of the feed of order events. The process that publishes the feed stores it
// with the views. The zero value means that nothing was ever published.
type Feed struct {
	On bool `json:"on"` // the feed is published
	// Sequence is that of the last event of the feed that is accounted for: the views contain
	// everything that it and the events before it report.
	Sequence uint64 `json:"sequence"`
	Through  uint64 `json:"through"`  // the events of all records of the log up to it are published
	Revision uint64 `json:"revision"` // the revision in new events
	Reason   string `json:"reason,omitempty"`
	// Generation and Revised are those of the views to which the revision belongs.
	Generation int   `json:"generation"`
	Revised    int64 `json:"revised"`
	Pass       *Pass `json:"pass,omitempty"` // the revision being published; nil: none
	// Elsewhere reports that another process publishes. That process also publishes orders again.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// Pass is a revision that is being published: all orders that it concerns are published again.
type Pass struct {
	Cause        string    `json:"cause"`
	FoldVersions [2]string `json:"foldVersions"`
	Since        uint64    `json:"since"`  // a sequence of the log; orders changed later are published anyway
	Before       int       `json:"before"` // the generation to compare with; 0: there is none
	All          bool      `json:"all"`    // true: publish every order; false: those that differ from Before
	Withdrawing  bool      `json:"withdrawing"`
	Row          int64     `json:"row"`  // the last row done: of the views, or of Before when withdrawing
	From         uint64    `json:"from"` // of the feed: events of rows after Row come after it
	Corrected    uint64    `json:"corrected"`
	Withdrawn    uint64    `json:"withdrawn"`
}

const (
	feedText      = `UPDATE position SET feed = ?`
	placeText     = `SELECT feed FROM position`
	rowsAfterText = `SELECT n, id, state FROM orders WHERE n > ? ORDER BY n LIMIT +?`
	statesText    = `SELECT id, state FROM orders WHERE id IN (SELECT value FROM json_each(?))`
)

func (f *Feed) encode() (string, error) {
	if *f == (Feed{}) {
		return "", nil
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// readFeed reads the output of encode.
func readFeed(text string) (f Feed, err error) {
	if text == "" {
		return f, nil
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return Feed{}, fmt.Errorf("views: where the feed stands: %w: %w", ErrDamaged, err)
	}
	return f, nil
}

// SetFeed replaces the stored position of the feed. It does nothing unless the given generation is
// live.
func (s *Store) SetFeed(ctx context.Context, generation int, f Feed) error {
	err := s.write(func(w *writer) error {
		if w.number != generation {
			return ErrSwitched
		}
		return w.writeFeed(ctx, &f)
	})
	if err != nil {
		return fmt.Errorf("views: set where the feed stands: %w", err)
	}
	return nil
}

func (w *writer) writeFeed(ctx context.Context, f *Feed) error {
	text, err := f.encode()
	if err == nil {
		_, err = w.c.exec(ctx, feedText, text)
	}
	return err
}

// Rows are orders, sorted by their rows.
type Rows struct {
	Orders []statemachine.Order
	Last   int64 // the row of the last one; 0: there is none
	At     At
}

// RowsAfter returns at most limit orders, from the rows after the given one.
func (s *Store) RowsAfter(ctx context.Context, row int64, limit int) (rows Rows, err error) {
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		if rows.At, err = g.at(ctx, c); err != nil {
			return err
		}
		return eachRow(ctx, c, row, limit, func(n int64, id string, state []byte) error {
			o := statemachine.Order{ID: id}
			if err := o.UnmarshalBinary(state); err != nil {
				return fmt.Errorf("order %q: %w", id, err)
			}
			rows.Orders, rows.Last = append(rows.Orders, o), n
			return nil
		})
	})
	if err != nil {
		return Rows{}, fmt.Errorf("views: orders after row %d: %w", row, err)
	}
	return rows, nil
}

func eachRow(ctx context.Context, c *connection, row int64, limit int, f func(n int64, id string, state []byte) error) error {
	return c.Each(ctx, rowsAfterText, []any{row, limit}, func(rows *sql.Rows) error {
		var n int64
		var id string
		var state sql.RawBytes
		if err := rows.Scan(&n, &id, &state); err != nil {
			return err
		}
		return f(n, id, state)
	})
}

// Former is an order of a generation that is not live. State is nil when this program cannot read
// it.
type Former struct {
	ID    string
	State *statemachine.Order
	same  []byte
}

// Equals reports whether o is the same order, apart from duplicates that arrived since.
func (f *Former) Equals(o *statemachine.Order) bool {
	if f.State == nil {
		return false
	}
	c := *o
	if c.Last.Sequence > f.State.Last.Sequence {
		c.Count, c.Duplicates, c.Last = f.State.Count, f.State.Duplicates, f.State.Last
	}
	b, err := c.AppendBinary(nil)
	return err == nil && bytes.Equal(b, f.same)
}

func former(id string, state []byte, readable bool) Former {
	f := Former{ID: id}
	o := &statemachine.Order{ID: id}
	if readable && o.UnmarshalBinary(state) == nil {
		f.State, f.same = o, append([]byte(nil), state...)
	}
	return f
}

// FormerRows returns at most limit orders of a generation that is not live, from the rows after the
// given one, and the last row. It returns ErrNoPrevious when that generation is gone or damaged.
func (s *Store) FormerRows(ctx context.Context, generation int, row int64, limit int) (orders []Former, last int64, err error) {
	err = s.former(ctx, generation, func(c *connection, readable bool) error {
		return eachRow(ctx, c, row, limit, func(n int64, id string, state []byte) error {
			orders, last = append(orders, former(id, state, readable)), n
			return nil
		})
	})
	return orders, last, err
}

// FormerOrders returns the given orders that exist in a generation that is not live. Errors are
// those of FormerRows.
func (s *Store) FormerOrders(ctx context.Context, generation int, ids []string) (orders map[string]Former, err error) {
	orders = make(map[string]Former, len(ids))
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	err = s.former(ctx, generation, func(c *connection, readable bool) error {
		return c.Each(ctx, statesText, []any{string(list)}, func(rows *sql.Rows) error {
			var id string
			var state sql.RawBytes
			err := rows.Scan(&id, &state)
			orders[id] = former(id, state, readable)
			return err
		})
	})
	return orders, err
}

// former lends f a connection to a generation that is not live. Its states are readable when its
// schema is that of this program: a state that other rules encoded differently does not decode as
// an order.
func (s *Store) former(ctx context.Context, generation int, f func(c *connection, readable bool) error) error {
	err := readFile(ctx, s.options.Dir, generation, func(c *connection) error {
		var schema int
		if err := c.Row(ctx, schemaVersionText, nil, &schema); err != nil {
			return err
		}
		return f(c, schema == schemaVersion)
	})
	if errors.Is(err, fs.ErrNotExist) || broken(err) {
		return fmt.Errorf("%w: generation %d: %w", ErrNoPrevious, generation, err)
	}
	return err
}

// FormerVersion returns the fold version of a generation that is not live, or "" when it cannot be
// read.
func (s *Store) FormerVersion(ctx context.Context, generation int) string {
	status, err := readGeneration(ctx, s.options.Dir, generation)
	if err != nil {
		return ""
	}
	return status.FoldVersion
}
