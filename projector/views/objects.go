package views

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/orderfold/orderfold/projector/views/list"
)

// ObjectQuery selects the objects of a kind that are not orders.
type ObjectQuery struct {
	Object string // "customer"
	Limit  int    // 1–500; 0 is 100
	Cursor string // from ObjectPage.Next of the same query
}

// ObjectPage is one page of objects, the most recently notified first, as the views were at
// Applied.
type ObjectPage struct {
	Objects []Object
	Next    string // "" at the end
	Applied uint64
}

// list returns a number that identifies the selection of q.
func (q *ObjectQuery) list() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "objects %q", q.Object)
	return h.Sum64()
}

const (
	newestObjectsText = `SELECT object, id, sequence, received, count FROM objects INDEXED BY objects_by_last
		WHERE object = ? AND sequence < ? ORDER BY sequence DESC LIMIT +?`
	// One row is looked up for each kind of object.
	objectsWithIDText = `SELECT o.object, o.id, o.sequence, o.received, o.count
		FROM object_counts c CROSS JOIN objects o ON o.object = c.object AND o.id = ? ORDER BY c.object`
)

// Objects returns a page of the objects of a kind. An object that is notified during a walk from
// page to page moves to the beginning of the list, and the walk may miss it. Errors are those of
// Orders.
func (s *Store) Objects(ctx context.Context, q ObjectQuery) (page ObjectPage, err error) {
	limit := list.PageLimit(q.Limit)
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		at, err := g.position(ctx, c)
		if err != nil {
			return err
		}
		page.Applied = uint64(at.Applied)
		before, err := list.DecodeCursor(q.Cursor, at, q.list())
		if err != nil {
			return err
		}
		page.Objects, err = readObjects(ctx, c, newestObjectsText, strings.ToValidUTF8(q.Object, ""), before, limit+1)
		if len(page.Objects) > limit {
			page.Objects = page.Objects[:limit]
			page.Next = list.EncodeCursor(at, q.list(), "", int64(page.Objects[limit-1].Sequence))
		}
		return err
	})
	if err != nil {
		return ObjectPage{}, fmt.Errorf("views: objects: %w", err)
	}
	return page, nil
}

// ObjectsWithID returns the objects of any kind that have the id, as the views were at applied.
func (s *Store) ObjectsWithID(ctx context.Context, id string) (found []Object, applied uint64, err error) {
	err = s.snapshot(ctx, func(_ *generation, c *connection) error {
		if err := c.Row(ctx, sequenceText, nil, &applied); err != nil {
			return err
		}
		found, err = readObjects(ctx, c, objectsWithIDText, id)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("views: objects with the id %q: %w", id, err)
	}
	return found, applied, nil
}

func readObjects(ctx context.Context, c *connection, text string, args ...any) (found []Object, err error) {
	err = c.Each(ctx, text, args, func(rows *sql.Rows) error {
		var o Object
		var received int64
		err := rows.Scan(&o.Object, &o.ID, &o.Sequence, &received, &o.Count)
		o.Received = fromNanos(received)
		found = append(found, o)
		return err
	})
	return found, err
}
