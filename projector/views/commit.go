package views

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

var errReadOnly = errors.New("views: opened for reading only")

// chunkSize is how many orders one statement looks up.
const chunkSize = 64

var (
	rowsText = `SELECT ` + rowColumns + ` FROM orders WHERE id IN (` + marks(chunkSize) + `)`
	loadText = `SELECT ` + rowColumns + `, state FROM orders WHERE id IN (` + marks(chunkSize) + `)`
)

const (
	rowColumns = `id, n, facet, breaks, last_sequence, recent, era, external, isin, symbol, depository, wallet, cash, order_type, exchange,
		quantity, created, sums, trade`

	insertOrderText = `INSERT INTO orders (facet, breaks, last_sequence, received, modified, executed, since, sums, trade, recent, state,
		era, external, isin, symbol, depository, wallet, cash, order_type, exchange, quantity, created, id, n)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	// SQLite writes the indexes of every column that is set, changed or not. This statement sets
	// only the columns that change often.
	updateOrderText = `UPDATE orders SET facet = ?, breaks = ?, last_sequence = ?, received = ?, modified = ?, executed = ?, since = ?, sums = ?, trade = ?, recent = ?,
		state = ?` + asKnown
	moveOrderText = `UPDATE orders SET facet = ?, breaks = ?, last_sequence = ?, received = ?, modified = ?, executed = ?, since = ?, sums = ?, trade = ?, recent = ?,
		state = ?, era = ?, external = ?, isin = ?, symbol = ?, depository = ?, wallet = ?, cash = ?, order_type = ?, exchange = ?, quantity = ?,
		created = ?` + asKnown
	// Every commit of an order gives it another last sequence, except the commit of a redrive.
	asKnown  = ` WHERE n = ? AND last_sequence = ?`
	zoneText = `INSERT INTO zones VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		received_first = min(received_first, excluded.received_first), received_last = max(received_last, excluded.received_last),
		modified_first = min(modified_first, excluded.modified_first), modified_last = max(modified_last, excluded.modified_last),
		created_first = min(created_first, excluded.created_first), created_last = max(created_last, excluded.created_last),
		since_first = min(since_first, excluded.since_first), since_last = max(since_last, excluded.since_last),
		awaiting_first = min(awaiting_first, excluded.awaiting_first), awaiting_last = max(awaiting_last, excluded.awaiting_last),
		settled_first = min(settled_first, excluded.settled_first), settled_last = max(settled_last, excluded.settled_last)`
	insertSequencesText = `INSERT INTO order_sequences (n, first, sequences) VALUES (?, ?, ?)`
	openBreakText       = `INSERT INTO order_breaks (n, code, last_sequence, opened) VALUES (?, ?, ?, ?)
		ON CONFLICT (n, code) DO UPDATE SET last_sequence = excluded.last_sequence, opened = excluded.opened`
	closeBreakText  = `DELETE FROM order_breaks WHERE n = ? AND code = ?`
	insertFacetText = `INSERT INTO facets (status, asset_class, open, final, broken, side, orders, sums)
		VALUES (?, ?, ?, ?, ?, ?, 0, x'')`
	countFacetText = `UPDATE facets SET orders = orders + ?, sums = ? WHERE facet = ?`
	countBreakText = `UPDATE break_counts SET orders = orders + ? WHERE code = ?`
	objectText     = `INSERT INTO objects (object, id, sequence, received, count) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET count = count + excluded.count, sequence = max(sequence, excluded.sequence),
			received = iif(excluded.sequence > sequence, excluded.received, received)`
	countObjectText = `INSERT INTO object_counts (object, notifications) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET notifications = notifications + excluded.notifications`
	quarantineText = `INSERT INTO quarantine (sequence, received, object, class, reason) VALUES (?, ?, ?, ?, ?)`
	positionText   = `UPDATE position SET log = ?, sequence = ?, hash = ?, received = ?,
		notifications = notifications + ?, quarantined = quarantined + ?`
	healthText   = `UPDATE position SET health = ?, health_at = ?`
	verifiedText = `UPDATE position SET verified = ?, verified_at = ?, difference = ? WHERE revision = ?`
)

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// Checkpoint returns the position of the views.
func (s *Store) Checkpoint(ctx context.Context) (Checkpoint, error) {
	status, err := s.Status(ctx)
	return status.Checkpoint, err
}

// Load returns the orders that exist, by id, so that they can be changed. It does not wait for a
// running commit, and then reads the views as they were before it: orders in that batch must not be
// loaded. Concurrent loads wait for each other.
func (s *Store) Load(ctx context.Context, ids []string) (orders map[string]Entry, err error) {
	if s.options.ReadOnly {
		return nil, errReadOnly
	}
	err = s.with(ctx, func(g *generation) error {
		return g.lend(ctx, g.loads, func(c *connection) error {
			return c.snapshot(ctx, func() error {
				orders, err = c.load(context.WithoutCancel(ctx), ids)
				return err
			})
		})
	})
	return orders, err
}

func (c *connection) load(ctx context.Context, ids []string) (map[string]Entry, error) {
	orders := make(map[string]Entry, len(ids))
	err := c.lookUp(ctx, loadText, ids, func(rows *sql.Rows) error {
		var state sql.RawBytes
		e := Entry{&statemachine.Order{}, Held{&stored{}}}
		if err := rows.Scan(append(e.Held.row.dest(&e.Order.ID), &state)...); err != nil {
			return err
		}
		orders[e.Order.ID] = e
		return e.Order.UnmarshalBinary(state)
	})
	if err != nil {
		return nil, fmt.Errorf("views: load %d orders: %w", len(ids), err)
	}
	return orders, nil
}

// Commit writes the whole batch and wakes the readers that wait for its position. It returns the
// rows of the batch's orders, in the order of the batch. After an error nothing of the batch is
// written, and the position is unchanged. The first commit after another generation was made live,
// or after orders were redriven, is refused with ErrSwitched, because the batch may have been
// folded from the earlier views.
func (s *Store) Commit(ctx context.Context, b Batch) (held []Held, err error) {
	err = s.write(func(w *writer) error {
		if s.switched {
			s.switched = false
			return ErrSwitched
		}
		held, err = w.commit(ctx, &b)
		if err == nil {
			s.watch.publish(w.sequence, nil)
		}
		return err
	})
	return held, err
}

func (w *writer) commit(ctx context.Context, b *Batch) ([]Held, error) {
	t := newTally()
	held := make([]Held, len(b.Orders))
	err := w.transaction(ctx, func(ctx context.Context) error { return w.writeBatch(ctx, b, held, t) })
	if err != nil {
		return nil, fmt.Errorf("views: commit up to sequence %d: %w", b.Checkpoint.Sequence, err)
	}
	w.sequence = b.Checkpoint.Sequence
	if w.mover != nil {
		w.mover.tend(context.WithoutCancel(ctx), w.c)
	}
	return held, nil
}

// SetVerified replaces the result of the last examination that Status returns. It does nothing if
// the live generation is not the examined one, or if orders were revised since the examination
// began.
func (s *Store) SetVerified(ctx context.Context, generation int, revision int64, v Verified) error {
	err := s.write(func(w *writer) error {
		if w.number != generation {
			return nil
		}
		_, err := w.c.exec(ctx, verifiedText, v.Sequence, nanos(v.At), v.Difference, revision)
		return err
	})
	if err != nil {
		return fmt.Errorf("views: set what was verified: %w", err)
	}
	return nil
}

// SetHealth replaces the health of the projector that Status returns.
func (s *Store) SetHealth(ctx context.Context, h Health) error {
	err := s.write(func(w *writer) error {
		_, err := w.c.exec(ctx, healthText, h.Reason, nanos(h.At))
		if err == nil && h.Epoch != 0 {
			_, err = w.c.exec(ctx, epochText, h.Epoch, time.Now().UnixNano())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("views: set health: %w", err)
	}
	return nil
}

// write lends the writer to f. When f finds damage, the generation is given up, and the error is a
// LostError.
func (s *Store) write(f func(*writer) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	w := s.writer
	if w == nil && !s.options.ReadOnly {
		return s.none()
	}
	if w == nil {
		return errReadOnly
	}
	err := w.lend(f)
	if !broken(err) {
		return err
	}
	if failure := s.giveUp(err.Error()); failure != nil {
		return errors.Join(err, failure)
	}
	return s.none()
}

// none returns the reason why there are no views.
func (s *Store) none() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != "" {
		return &LostError{s.lost}
	}
	return ErrNoViews
}

func (w *writer) lend(f func(*writer) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c == nil {
		return ErrClosed
	}
	return f(w)
}

// transaction undoes the changes of f unless f and the commit succeed. The statements of f run
// without a cancellable context, because such a context costs a goroutine for each of thousands of
// statements. f checks ctx itself.
func (w *writer) transaction(ctx context.Context, f func(ctx context.Context) error) error {
	quiet := context.WithoutCancel(ctx)
	if _, err := w.c.exec(quiet, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		_, err = w.c.exec(quiet, "COMMIT")
	}
	if err != nil {
		w.facets, w.sums = nil, nil // they may contain rows that were undone
		// After some errors, such as a full disk, SQLite rolls back by itself and then refuses this
		// statement. If a transaction is still open after all, the next BEGIN reports it.
		_, _ = w.c.exec(quiet, "ROLLBACK")
	}
	return err
}

// writeBatch runs in a transaction. It puts the rows of the batch's orders into held.
func (w *writer) writeBatch(ctx context.Context, b *Batch, held []Held, t *tally) error {
	if b.Checkpoint.Sequence < w.sequence {
		return fmt.Errorf("the views stand at %d already", w.sequence)
	}
	quiet := context.WithoutCancel(ctx)
	for places := range slices.Chunk(byRow(b.Orders), chunkSize) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.writeOrders(quiet, b, places, held, t); err != nil {
			return err
		}
	}
	if err := w.writeObjects(quiet, b.Objects, t); err != nil {
		return err
	}
	for _, q := range b.Quarantined {
		t.quarantined[q.Class]++
		if _, err := w.c.exec(quiet, quarantineText, q.Sequence, nanos(q.Received), q.Object, q.Class, q.Reason); err != nil {
			return fmt.Errorf("quarantine %d: %w", q.Sequence, err)
		}
	}
	if b.Feed != nil {
		if err := w.writeFeed(quiet, b.Feed); err != nil {
			return err
		}
	}
	return w.writePosition(quiet, t, b.Checkpoint, len(b.Quarantined))
}

// writePosition writes the changes of a batch other than its rows.
func (w *writer) writePosition(ctx context.Context, t *tally, at Checkpoint, quarantined int) error {
	if err := w.writeCounts(ctx, t); err != nil {
		return err
	}
	_, err := w.c.exec(ctx, positionText, at.Log, at.Sequence, at.Hash, nanos(at.Received), t.notifications, quarantined)
	return err
}

// byRow returns the places of the changes in the batch, sorted by the number of the row that each
// replaces. Changes whose row is not known come last, in the order of the batch. Neighbouring rows
// share pages, and their old index entries are close together, so a batch of thousands takes a
// tenth less time.
func byRow(changes []Change) []int {
	places := make([]int, len(changes))
	for i := range places {
		places[i] = i
	}
	number := func(i int) int64 {
		if row := changes[i].Held.row; row != nil {
			return row.n
		}
		return math.MaxInt64
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(number(a), number(b)) })
	return places
}

func (w *writer) writeObjects(ctx context.Context, objects []Object, t *tally) error {
	for _, o := range objects {
		t.objects[o.Object] += int64(o.Count)
		if o.ID == "" {
			continue
		}
		if _, err := w.c.exec(ctx, objectText, o.Object, o.ID, o.Sequence, nanos(o.Received), o.Count); err != nil {
			return fmt.Errorf("%s %q: %w", o.Object, o.ID, err)
		}
	}
	return nil
}

// lookUp runs a statement with chunkSize marks for the ids. NULL, which matches nothing, fills up
// the last chunk.
func (c *connection) lookUp(ctx context.Context, text string, ids []string, scan func(*sql.Rows) error) error {
	args := make([]any, chunkSize)
	for chunk := range slices.Chunk(ids, chunkSize) {
		clear(args)
		for i, id := range chunk {
			args[i] = id
		}
		if err := c.Each(ctx, text, args, scan); err != nil {
			return err
		}
	}
	return nil
}
