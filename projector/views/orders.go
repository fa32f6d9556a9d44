package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// writeOrders writes the orders at these places of the batch, at most chunkSize, and puts their
// rows into held.
func (w *writer) writeOrders(ctx context.Context, b *Batch, places []int, held []Held, t *tally) error {
	known, err := w.stored(ctx, b.Orders, places)
	if err != nil {
		return err
	}
	for _, i := range places {
		ch := &b.Orders[i]
		// This check ensures that no two orders have the same last sequence. A draft is exempt: it
		// is given whole orders, after their position.
		if w.number != 0 && len(ch.Sequences) > 0 && ch.Sequences[0] <= w.sequence {
			return fmt.Errorf("order %q: sequence %d is not after %d, where the views stand", ch.Order.ID, ch.Sequences[0], w.sequence)
		}
		old := ch.Held.row
		if old == nil {
			was, ok := known[ch.Order.ID]
			if !ok {
				return fmt.Errorf("order %q is twice in the batch", ch.Order.ID)
			}
			delete(known, ch.Order.ID)
			old = &was
		}
		is, err := w.writeOrder(ctx, ch, old, b.Checkpoint.Sequence, t)
		if err != nil {
			return fmt.Errorf("order %q: %w", ch.Order.ID, err)
		}
		held[i] = Held{&is}
	}
	return nil
}

// stored returns the row of each change that comes without one, or the zero value if the order has
// no row. An order all of whose notifications are in the batch is new and is not looked up. If it
// has a row after all, the insert fails.
func (w *writer) stored(ctx context.Context, changes []Change, places []int) (map[string]stored, error) {
	known := map[string]stored{}
	var ids []string
	for _, i := range places {
		ch := &changes[i]
		if ch.Held.row != nil {
			continue
		}
		known[ch.Order.ID] = stored{}
		if ch.count() != uint64(len(ch.Sequences)) {
			ids = append(ids, ch.Order.ID)
		}
	}
	return known, w.readStored(ctx, ids, known)
}

// count returns the number of the order's notifications. For a frozen change it does not read the
// order, which may be changing.
func (ch *Change) count() uint64 {
	if ch.row != nil {
		return ch.row.count
	}
	return ch.Order.Count
}

func (w *writer) readStored(ctx context.Context, ids []string, known map[string]stored) error {
	return w.c.lookUp(ctx, rowsText, ids, func(rows *sql.Rows) error {
		var id string
		var s stored
		err := rows.Scan(s.dest(&id)...)
		known[id] = s
		return err
	})
}

// writeOrder writes the order of a change in place of the old row, and returns the new row.
func (w *writer) writeOrder(ctx context.Context, ch *Change, old *stored, checkpoint uint64, t *tally) (is stored, err error) {
	r := ch.row
	if r == nil {
		r = new(row)
		if err := r.take(ch.Order, w.encoded[:0]); err != nil {
			return is, err
		}
		w.encoded = r.state
	}
	if old.n == 0 && r.count != uint64(len(ch.Sequences)) {
		return is, fmt.Errorf("it has %d notifications and is not stored, %d are in the batch", r.count, len(ch.Sequences))
	}
	return w.writeRow(ctx, r, ch.Order.ID, ch.Sequences, old, checkpoint, t)
}

// writeRow writes a row, to which sequences were added, in place of the old row. It returns the
// stored row.
func (w *writer) writeRow(ctx context.Context, r *row, id string, sequences []uint64, old *stored, checkpoint uint64, t *tally) (is stored, err error) {
	if n := len(sequences); n > 0 && sequences[n-1] != r.last || r.last > checkpoint {
		return is, fmt.Errorf("its last sequence %d is not the last of %v up to %d", r.last, sequences, checkpoint)
	}
	if t.lasts[r.last] {
		return is, fmt.Errorf("its last_sequence %d is that of another order", r.last)
	}
	t.lasts[r.last] = true
	facet, err := w.facet(ctx, r.facet)
	if err != nil {
		return is, err
	}
	full, recent, err := addSequences(old.recent, sequences)
	if err != nil {
		return is, err
	}
	is = stored{n: old.n, facet: facet, trade: r.trade, breaks: r.breakSet(), last: r.last, recent: recent, places: r.places, sums: r.sums}
	if err := w.putRow(id, r, old, &is); err != nil {
		return is, err
	}
	t.count(old, &is, len(sequences))
	w.countTrades(t, old, &is)
	t.widen(r)
	for _, chunk := range full {
		if _, err := w.c.exec(ctx, insertSequencesText, is.n, chunk[0], encodeSequences(chunk)); err != nil {
			return is, err
		}
	}
	return is, w.writeBreaks(&is, old.breaks, r.breaks, t)
}

// writeFacets changes the counts and the sums of facets.
func (w *writer) writeFacets(ctx context.Context, t *tally) error {
	if w.sums == nil {
		w.sums = map[int64]list.Sums{}
		err := list.ReadSums(ctx, w.c, func(facet int64, _ uint64, s list.Sums) { w.sums[facet] = s })
		if err != nil {
			return err
		}
	}
	for facet, by := range t.facets {
		change := t.sums[facet]
		if by == 0 && (change == nil || *change == list.Sums{}) {
			continue
		}
		s := w.sums[facet]
		if change != nil {
			s.Add(change)
		}
		w.sums[facet] = s
		if _, err := w.c.exec(ctx, countFacetText, by, s.Encoded(), facet); err != nil {
			return fmt.Errorf("count of orders: %w", err)
		}
	}
	return nil
}

// putRow inserts the row of an order, or overwrites the old row, and completes is. It returns an
// error if the old row is not as the caller knows it, because the counts would drift.
func (w *writer) putRow(id string, r *row, old, is *stored) error {
	args := append(w.args[:0], is.facet, int64(is.breaks), int64(is.last), r.received, []byte(r.modified), int64(r.extent), []byte(r.since), r.sums.Encoded(), r.trade,
		is.recent, r.state)
	if old.n == 0 {
		is.n = r.first
		_, err := w.c.run(insertOrderText, append(r.places.appendTo(args), id, is.n)...)
		return err
	}
	text := updateOrderText
	if r.places != old.places {
		text, args = moveOrderText, r.places.appendTo(args)
	}
	result, err := w.c.run(text, append(args, old.n, int64(old.last))...)
	if err != nil {
		return err
	}
	if changed, err := result.RowsAffected(); err != nil || changed != 1 {
		return errors.Join(err, fmt.Errorf("row %d is not the one with last_sequence %d any more", old.n, old.last))
	}
	return nil
}

// writeBreaks updates the lists by break: before are the stored breaks of the order, open are its
// new ones.
func (w *writer) writeBreaks(o *stored, before breakSet, open []rowBreak, t *tally) error {
	for _, b := range open {
		if before&(1<<b.code) == 0 {
			t.breaks[b.code]++
		}
		if _, err := w.c.run(openBreakText, o.n, int64(b.code), int64(o.last), []byte(b.opened)); err != nil {
			return err
		}
	}
	closed := before &^ o.breaks
	return closed.each(func(code statemachine.Code) error {
		t.breaks[code]--
		_, err := w.c.run(closeBreakText, o.n, int64(code))
		return err
	})
}

func (w *writer) writeCounts(ctx context.Context, t *tally) error {
	if err := errors.Join(w.writeFacets(ctx, t), w.writeTrades(ctx, t)); err != nil {
		return err
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
		if _, err := w.c.exec(ctx, zoneText, number, z.received.First, z.received.Last, z.modified.First, z.modified.Last,
			z.created.First, z.created.Last, z.since.First, z.since.Last, z.awaiting.First, z.awaiting.Last,
			z.settled.First, z.settled.Last); err != nil {
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
