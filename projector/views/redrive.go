package views

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Redriven contains the changes that result from decoding quarantined records again.
type Redriven struct {
	Records     []uint64      // no longer quarantined: each is a notification of one of Orders or Objects
	Orders      []Change      // folded again from all of their notifications: Sequences has old and new ones
	Objects     []Object      // Count is the number of Records about the object
	Quarantined []Quarantined // still quarantined, with the present class and reason
}

const (
	freeText    = `DELETE FROM quarantine WHERE sequence = ? RETURNING class`
	classText   = `SELECT class FROM quarantine WHERE sequence = ?`
	reclassText = `UPDATE quarantine SET class = ?, reason = ? WHERE sequence = ?`
	unchunkText = `DELETE FROM order_sequences WHERE n = ?`
	// The record that was decoded may be the first one of its order.
	renumberText       = `UPDATE orders SET n = ? WHERE n = ?`
	renumberBreaksText = `UPDATE order_breaks SET n = ? WHERE n = ?`

	redrivenText = `UPDATE position SET notifications = notifications + ?, quarantined = quarantined - ?`
	reviseText   = `UPDATE position SET revision = max(revision + 1, ?), revised = sequence, revised_by = ?`
	epochText    = `UPDATE position SET epoch = ?1, verified = 0, verified_at = 0, difference = '',
		revision = iif(epoch = 0, revision, max(revision + 1, ?2)), revised = iif(epoch = 0, revised, sequence),
		revised_by = iif(epoch = 0, revised_by, '` + ByEpoch + `') WHERE epoch <> ?1`
	// The result of an examination may no longer hold afterwards.
	unverifyText   = `UPDATE position SET verified = 0, verified_at = 0, difference = ''`
	countClassText = `INSERT INTO quarantine_counts (class, records) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET records = records + excluded.records`
)

// Redrive writes the result of fold as a whole or not at all, and keeps the position. Nothing is
// committed while fold runs, so fold reads exactly the state that is replaced. A batch that others
// folded meanwhile and have not committed is refused with ErrSwitched.
func (s *Store) Redrive(ctx context.Context, fold func(ctx context.Context) (Redriven, error)) error {
	return s.write(func(w *writer) error {
		r, err := fold(ctx)
		if err != nil || len(r.Records)+len(r.Quarantined) == 0 {
			return err
		}
		err = w.transaction(ctx, func(ctx context.Context) error { return w.writeRedriven(context.WithoutCancel(ctx), &r) })
		if err != nil {
			return fmt.Errorf("views: redrive %d records: %w", len(r.Records), err)
		}
		s.switched = true
		return nil
	})
}

// writeRedriven runs in a transaction.
func (w *writer) writeRedriven(ctx context.Context, r *Redriven) error {
	t := newTally()
	for _, sequence := range r.Records {
		var class string
		if err := w.c.Row(ctx, freeText, []any{sequence}, &class); err != nil {
			return fmt.Errorf("record %d is not quarantined: %w", sequence, err)
		}
		t.quarantined[class]--
	}
	for _, q := range r.Quarantined {
		var class string
		if err := w.c.Row(ctx, classText, []any{q.Sequence}, &class); err != nil {
			return fmt.Errorf("record %d is not quarantined: %w", q.Sequence, err)
		}
		t.quarantined[class]--
		t.quarantined[q.Class]++
		if _, err := w.c.exec(ctx, reclassText, q.Class, q.Reason, q.Sequence); err != nil {
			return err
		}
	}
	if err := w.replaceOrders(ctx, r.Orders, t); err != nil {
		return err
	}
	if err := w.writeObjects(ctx, r.Objects, t); err != nil {
		return err
	}
	if err := w.writeCounts(ctx, t); err != nil {
		return err
	}
	notifications := len(r.Records)
	for i := range r.Objects {
		notifications -= int(r.Objects[i].Count)
	}
	if notifications != t.notifications {
		return fmt.Errorf("the orders gain %d notifications of %d", t.notifications, notifications)
	}
	if _, err := w.c.exec(ctx, redrivenText, notifications, len(r.Records)); err != nil {
		return err
	}
	if _, err := w.c.exec(ctx, unverifyText); err != nil || len(r.Orders) == 0 {
		return err
	}
	return w.revise(ctx, ByRedrive)
}

// revise records that orders were changed without a notification. The number of the revision is
// derived from the time, so that it rises even when the earlier views are gone.
func (w *writer) revise(ctx context.Context, cause string) error {
	_, err := w.c.exec(ctx, reviseText, time.Now().UnixNano(), cause)
	return err
}

// replaceOrders overwrites stored orders, including their sequences.
func (w *writer) replaceOrders(ctx context.Context, changes []Change, t *tally) error {
	for i := range changes {
		id := changes[i].Order.ID
		rows := map[string]stored{}
		if err := w.readStored(ctx, []string{id}, rows); err != nil {
			return err
		}
		old := rows[id]
		known, err := sequencesAfter(ctx, w.c, id, 0, math.MaxInt)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if _, err := w.c.exec(ctx, unchunkText, old.n); err != nil {
			return err
		}
		if err := w.renumber(ctx, &old, int64(changes[i].Order.First.Sequence)); err != nil {
			return fmt.Errorf("order %q: %w", id, err)
		}
		t.notifications -= len(known)
		old.recent = nil
		if _, err := w.writeOrder(ctx, &changes[i], &old, w.sequence, t); err != nil {
			return fmt.Errorf("order %q: %w", id, err)
		}
	}
	return nil
}

// renumber gives another number to the row of an order, if it has a row. The row must not have
// chunks of sequences.
func (w *writer) renumber(ctx context.Context, row *stored, n int64) error {
	if row.n == 0 || row.n == n {
		return nil
	}
	for _, text := range []string{renumberText, renumberBreaksText} {
		if _, err := w.c.exec(ctx, text, n, row.n); err != nil {
			return err
		}
	}
	row.n = n
	return nil
}
