package views

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/orderfold/orderfold/projector/views/list"
)

// order returns the encoded state of an order, or ErrNotFound, and the position of the views of
// that fold version. It is the most frequent query, so it calls the driver directly: database/sql
// would take as long again as SQLite. It takes no context, because it takes only microseconds.
func (c *connection) order(id, version string) (state []byte, at list.Position, err error) {
	err = c.conn.Raw(func(conn any) error {
		if err := c.prepareKeyed(conn); err != nil {
			return err
		}
		rows, err := c.keyed.(driver.StmtQueryContext).QueryContext(context.Background(), []driver.NamedValue{{Ordinal: 1, Value: id}})
		if err != nil {
			return err
		}
		var row [4]driver.Value
		if err = rows.Next(row[:]); errors.Is(err, io.EOF) {
			err = errors.New("no position")
		}
		if closeErr := rows.Close(); err != nil || closeErr != nil {
			return errors.Join(err, closeErr)
		}
		log, isText := row[0].(string)
		epoch, isNumber := row[1].(int64)
		sequence, ok := row[2].(int64)
		if !isText || !isNumber || !ok {
			return fmt.Errorf("the position is %T, %T, %T", row[0], row[1], row[2])
		}
		at = list.Position{Lineage: list.Lineage(log, uint64(epoch), version), Applied: sequence}
		if state, ok = row[3].([]byte); !ok {
			return ErrNotFound
		}
		return nil
	})
	return state, at, err
}

func (c *connection) prepareKeyed(conn any) (err error) {
	if c.keyed == nil {
		c.keyed, err = prepareBare(conn, orderText)
	}
	return err
}

func prepareBare(conn any, text string) (driver.Stmt, error) {
	preparer, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the driver's connection is %T", conn)
	}
	return preparer.PrepareContext(context.Background(), text)
}

// run is exec, but calls the driver directly, too. A commit uses it for the statements that it runs
// for each order. Arguments are int64, string or []byte.
func (c *connection) run(text string, args ...driver.Value) (result driver.Result, err error) {
	c.args = c.args[:0]
	for i, arg := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	err = c.conn.Raw(func(conn any) (err error) {
		stmt := c.bare[text]
		if stmt == nil {
			if stmt, err = prepareBare(conn, text); err != nil {
				return err
			}
			if c.bare == nil {
				c.bare = map[string]driver.Stmt{}
			}
			c.bare[text] = stmt
		}
		result, err = stmt.(driver.StmtExecContext).ExecContext(context.Background(), c.args)
		return err
	})
	return result, err
}
