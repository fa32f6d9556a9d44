package views

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Redriven is what decoding quarantined records again has changed.
type Redriven struct {
	Records     []uint64      // no longer quarantined: each is one notification of Orders or one of Objects
	Orders      []Change      // folded anew from all of their notifications, which Sequences are, old and new
	Objects     []Object      // Count is how many of Records are of the object
	Quarantined []Quarantined // still, with the class and reason that they have now
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
	// What an examination found before is not known to be so after.
	unverifyText   = `UPDATE position SET verified = 0, verified_at = 0, difference = ''`
	countClassText = `INSERT INTO quarantine_counts (class, records) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET records = records + excluded.records`
)

// Redrive writes what fold returns, whole or not at all; the position stays. While fold runs
// nothing is committed, so what it reads from the store is what will be replaced. What others have
// folded meanwhile and not committed is refused with ErrSwitched.
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

// revise notes that orders were changed without a notification. The number begins with the time, so
// that it rises also when the views before are gone.
func (w *writer) revise(ctx context.Context, cause string) error {
	_, err := w.c.exec(ctx, reviseText, time.Now().UnixNano(), cause)
	return err
}

// replaceOrders writes orders over what is stored of them, their sequences too.
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

// renumber gives the row of an order, if there is one, another number. The row has no chunks of
// sequences.
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
