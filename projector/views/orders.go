package views

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"

	"github.com/orderfold/orderfold/statemachine"
)

// tally is by how much a batch changes the counts.
type tally struct {
	facets        map[int64]int64
	breaks        map[statemachine.Code]int64
	objects       map[string]int64
	quarantined   map[string]int64 // by class
	zones         map[int64]*zone
	lasts         map[uint64]bool // the last sequences of the orders in the batch
	notifications int
}

func newTally() *tally {
	return &tally{facets: map[int64]int64{}, breaks: map[statemachine.Code]int64{}, objects: map[string]int64{},
		quarantined: map[string]int64{}, zones: map[int64]*zone{}, lasts: map[uint64]bool{}}
}

// stored is what the views hold of an order besides its state. The zero value is an order they do not hold.
type stored struct {
	n, facet int64
	breaks   breakSet
	last     uint64
	recent   []byte
	places   places
}

// breakSet has the bit 1<<code of each open break.
type breakSet int64

func (set breakSet) each(f func(statemachine.Code) error) error {
	for ; set != 0; set &= set - 1 {
		if err := f(statemachine.Code(bits.TrailingZeros64(uint64(set)))); err != nil {
			return err
		}
	}
	return nil
}

// writeOrders writes at most chunkSize changes.
func (w *writer) writeOrders(ctx context.Context, changes []Change, checkpoint uint64, t *tally) error {
	known, err := w.stored(ctx, changes)
	if err != nil {
		return err
	}
	for i := range changes {
		ch := &changes[i]
		old, ok := known[ch.Order.ID]
		if !ok {
			return fmt.Errorf("order %q is twice in the batch", ch.Order.ID)
		}
		delete(known, ch.Order.ID)
		if err := w.writeOrder(ctx, ch, &old, checkpoint, t); err != nil {
			return fmt.Errorf("order %q: %w", ch.Order.ID, err)
		}
	}
	return nil
}

// stored returns what the views hold of each order, the zero value for those that they do not. An order all of whose
// notifications are in the batch is a new one and is not looked up; if it is there after all, the insert fails.
func (w *writer) stored(ctx context.Context, changes []Change) (map[string]stored, error) {
	known := make(map[string]stored, len(changes))
	var ids []string
	for i := range changes {
		o := changes[i].Order
		known[o.ID] = stored{}
		if o.Count != uint64(len(changes[i].Sequences)) {
			ids = append(ids, o.ID)
		}
	}
	return known, w.readStored(ctx, ids, known)
}

func (w *writer) readStored(ctx context.Context, ids []string, known map[string]stored) error {
	return w.lookUp(ctx, rowsText, ids, func(rows *sql.Rows) error {
		var id string
		var s stored
		err := rows.Scan(&id, &s.n, &s.facet, &s.breaks, &s.last, &s.recent, &s.places.era, &s.places.external, &s.places.isin,
			&s.places.symbol, &s.places.depository, &s.places.wallet, &s.places.cash)
		known[id] = s
		return err
	})
}

func (w *writer) writeOrder(ctx context.Context, ch *Change, old *stored, checkpoint uint64, t *tally) error {
	row, err := rowOf(ch, old.recent, w.encoded[:0])
	if err != nil {
		return err
	}
	w.encoded = row.state
	return w.writeRow(ctx, &row, old, checkpoint, t)
}

func (w *writer) writeRow(ctx context.Context, r *Row, old *stored, checkpoint uint64, t *tally) error {
	if r.last > checkpoint {
		return fmt.Errorf("its last sequence %d is beyond %d", r.last, checkpoint)
	}
	if t.lasts[r.last] {
		return fmt.Errorf("its last_sequence %d is that of another order", r.last)
	}
	t.lasts[r.last] = true
	facet, err := w.facet(ctx, r.facet)
	if err != nil {
		return err
	}
	columns := []any{facet, int64(r.breakSet()), r.last, r.received, r.modified, r.recent, r.state}
	n := old.n
	if n == 0 {
		n, err = w.insertOrder(ctx, r.id, append(columns, r.places.columns()...))
	} else {
		t.facets[old.facet]--
		if _, err = w.c.exec(ctx, updateOrderText, append(columns, n)...); err == nil && r.places != old.places {
			_, err = w.c.exec(ctx, moveOrderText, append(r.places.columns(), n)...)
		}
	}
	if err != nil {
		return err
	}
	t.widen(r.last, r.received, r.modified)
	t.facets[facet]++
	t.notifications += int(r.added)
	for _, chunk := range r.full {
		if _, err := w.c.exec(ctx, insertSequencesText, n, chunk.first, chunk.sequences); err != nil {
			return err
		}
	}
	return w.writeBreaks(ctx, &stored{n: n, breaks: old.breaks, last: r.last}, r, t)
}

func (w *writer) insertOrder(ctx context.Context, id string, row []any) (n int64, err error) {
	result, err := w.c.exec(ctx, insertOrderText, append([]any{id}, row...)...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// writeBreaks moves the order in the lists by break: those of o.breaks are stored, those of r are to be.
func (w *writer) writeBreaks(ctx context.Context, o *stored, r *Row, t *tally) error {
	for _, b := range r.breaks {
		if o.breaks&(1<<b.code) == 0 {
			t.breaks[b.code]++
		}
		if _, err := w.c.exec(ctx, openBreakText, o.n, b.code, o.last, b.opened); err != nil {
			return err
		}
	}
	closed := o.breaks &^ r.breakSet()
	return closed.each(func(code statemachine.Code) error {
		t.breaks[code]--
		_, err := w.c.exec(ctx, closeBreakText, o.n, code)
		return err
	})
}

func (w *writer) writeCounts(ctx context.Context, t *tally) error {
	for facet, by := range t.facets {
		if by == 0 {
			continue
		}
		if _, err := w.c.exec(ctx, countFacetText, by, facet); err != nil {
			return fmt.Errorf("count of orders: %w", err)
		}
	}
	for code, by := range t.breaks {
		if by == 0 {
			continue
		}
		if _, err := w.c.exec(ctx, countBreakText, by, code); err != nil {
			return fmt.Errorf("count of %s: %w", code, err)
		}
	}
	for number, z := range t.zones {
		if _, err := w.c.exec(ctx, zoneText, number, z.received.first, z.received.last, z.modified.first, z.modified.last); err != nil {
			return fmt.Errorf("zone %d: %w", number, err)
		}
	}
	for object, by := range t.objects {
		if _, err := w.c.exec(ctx, countObjectText, object, by); err != nil {
			return fmt.Errorf("count of %s: %w", object, err)
		}
	}
	for class, by := range t.quarantined {
		if by == 0 {
			continue
		}
		if _, err := w.c.exec(ctx, countClassText, class, by); err != nil {
			return fmt.Errorf("count of %s: %w", class, err)
		}
	}
	return nil
}
