package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

const (
	sequenceText = `SELECT sequence FROM position`
	atText       = `SELECT log, epoch, sequence FROM position`
	orderText    = `SELECT p.log, p.epoch, p.sequence, o.state FROM position p LEFT JOIN orders o ON o.id = ?`
	recentText   = `SELECT n, recent FROM orders WHERE id = ?`
	// Each chunk is stored under its first sequence. The last chunk that begins at or before a
	// sequence may contain later ones.
	laterChunksText = `SELECT sequences FROM order_sequences WHERE n = ?1 AND first >=
		coalesce((SELECT max(first) FROM order_sequences WHERE n = ?1 AND first <= ?2), 0) ORDER BY first LIMIT +?3`
	lastText = `SELECT p.sequence, o.sequence, o.received, o.count
		FROM position p LEFT JOIN objects o ON o.object = ? AND o.id = ?`
	statusText = `SELECT fold_version, log, sequence, hash, received, health, health_at, verified, verified_at, difference,
		revision, revised, revised_by, epoch, feed FROM position`
	revisionText = `SELECT log, epoch, sequence, revision, revised, revised_by FROM position`
	totalsText   = `SELECT sequence, notifications, quarantined FROM position`

	objectCountsText = `SELECT object, notifications FROM object_counts`
	classCountsText  = `SELECT class, records FROM quarantine_counts WHERE records > 0`
)

// position returns the sequence of the views.
func (s *Store) position(ctx context.Context) (sequence uint64, err error) {
	err = s.read(ctx, func(_ *generation, c *connection) error {
		return c.Row(ctx, sequenceText, nil, &sequence)
	})
	if err != nil {
		return 0, fmt.Errorf("views: read the position: %w", err)
	}
	return sequence, nil
}

// position returns the position of a generation.
func (g *generation) position(ctx context.Context, c *connection) (at list.Position, err error) {
	var log string
	var epoch uint64
	err = c.Row(ctx, atText, nil, &log, &epoch, &at.Applied)
	at.Lineage = list.Lineage(log, epoch, g.version)
	return at, err
}

// at returns the state of the views in a generation.
func (g *generation) at(ctx context.Context, c *connection) (at At, err error) {
	var log string
	var epoch uint64
	at.Generation = g.number
	err = c.Row(ctx, revisionText, nil, &log, &epoch, &at.Applied, &at.Revision.Number, &at.Revision.Sequence, &at.Revision.Cause)
	at.Lineage = list.Lineage(log, epoch, g.version)
	return at, err
}

// Order returns an order as the views were at at. It returns ErrNotFound, with at, when the views
// do not contain the order.
func (s *Store) Order(ctx context.Context, id string) (order statemachine.Order, at At, err error) {
	order.ID = id
	err = s.read(ctx, func(g *generation, c *connection) error {
		at.Generation = g.number
		state, position, err := c.order(id, g.version)
		at.Applied, at.Lineage = uint64(position.Applied), position.Lineage
		if err != nil {
			return err
		}
		return order.UnmarshalBinary(state)
	})
	if err != nil {
		return statemachine.Order{}, at, fmt.Errorf("views: order %q: %w", id, err)
	}
	return order, at, nil
}

// SequencesAfter returns at most limit sequences of an order's notifications after the given one,
// ascending, and the state of the views. It returns ErrNotFound, with at, when the views do not
// contain the order. The cost of a call depends on the number of sequences returned, not on the
// number of notifications that the order has.
func (s *Store) SequencesAfter(ctx context.Context, id string, after uint64, limit int) (sequences []uint64, at At, err error) {
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		if at, err = g.at(ctx, c); err != nil {
			return err
		}
		sequences, err = sequencesAfter(ctx, c, id, after, limit)
		return err
	})
	if err != nil {
		return nil, at, fmt.Errorf("views: sequences of order %q: %w", id, err)
	}
	return sequences, at, nil
}

func sequencesAfter(ctx context.Context, c *connection, id string, after uint64, limit int) ([]uint64, error) {
	var n int64
	var recent []byte
	err := c.Row(ctx, recentText, []any{id}, &n, &recent)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var all []uint64
	err = c.Each(ctx, laterChunksText, []any{n, int64(min(after, math.MaxInt64)), limit/sequencesInRow + 2}, func(rows *sql.Rows) (err error) {
		var chunk sql.RawBytes
		if err := rows.Scan(&chunk); err != nil {
			return err
		}
		all, err = list.AppendSequences(all, chunk)
		return err
	})
	if err != nil {
		return nil, err
	}
	if all = cutAfter(all, after); len(all) < limit {
		all, err = list.AppendSequences(all, recent)
		all = cutAfter(all, after)
	}
	return all[:min(limit, len(all))], err
}

// cutAfter returns the sequences, which ascend, from the first one after the given sequence.
func cutAfter(sequences []uint64, after uint64) []uint64 {
	i, _ := slices.BinarySearch(sequences, after+1)
	return sequences[i:]
}

// Object returns the last notification of an object that is not an order, as the views were at
// applied. It returns ErrNotFound, with applied, when there was no notification of it.
func (s *Store) Object(ctx context.Context, object, id string) (o Object, applied uint64, err error) {
	err = s.read(ctx, func(_ *generation, c *connection) error {
		var sequence, received, count sql.NullInt64
		if err := c.Row(ctx, lastText, []any{object, id}, &applied, &sequence, &received, &count); err != nil {
			return err
		}
		if !sequence.Valid {
			return ErrNotFound
		}
		o = Object{object, id, uint64(sequence.Int64), fromNanos(received.Int64), uint64(count.Int64)}
		return nil
	})
	if err != nil {
		return Object{}, applied, fmt.Errorf("views: %s %q: %w", object, id, err)
	}
	return o, applied, nil
}

// Stats returns the counts. They are stored, so the cost is the same for any number of orders.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	stats := Stats{
		ByStatus:     map[statemachine.Status]uint64{},
		ByAssetClass: map[statemachine.AssetClass]uint64{},
		Settled:      map[statemachine.AssetClass]uint64{},
		Objects:      map[string]uint64{},
		ByClass:      map[string]uint64{},
	}
	err := s.snapshot(ctx, func(g *generation, c *connection) error {
		stats.Generation = g.number
		at, err := g.position(ctx, c)
		if err != nil {
			return err
		}
		stats.Lineage = at.Lineage
		if err := c.Row(ctx, totalsText, nil, &stats.Applied, &stats.Records, &stats.Quarantined); err != nil {
			return err
		}
		stats.Records += stats.Quarantined
		facets, err := list.ReadFacets(ctx, c)
		if err != nil {
			return err
		}
		for i := range facets {
			stats.count(&facets[i])
		}
		if stats.ByBreak, err = list.ReadBreakCounts(ctx, c); err != nil {
			return err
		}
		if stats.Awaiting, err = readAwaiting(ctx, c); err != nil {
			return err
		}
		if err := readCounts(ctx, c, classCountsText, stats.ByClass); err != nil {
			return err
		}
		err = readCounts(ctx, c, objectCountsText, stats.Objects)
		for _, notifications := range stats.Objects {
			stats.Records += notifications
		}
		return err
	})
	if err != nil {
		return Stats{}, fmt.Errorf("views: stats: %w", err)
	}
	return stats, nil
}

func readCounts(ctx context.Context, c *connection, text string, counts map[string]uint64) error {
	return c.Each(ctx, text, nil, func(rows *sql.Rows) error {
		var name string
		var n uint64
		err := rows.Scan(&name, &n)
		counts[name] = n
		return err
	})
}

func (stats *Stats) count(f *list.CountedFacet) {
	if f.Orders == 0 {
		return
	}
	stats.Orders += f.Orders
	stats.ByStatus[f.Status] += f.Orders
	stats.ByAssetClass[f.AssetClass] += f.Orders
	if f.Open {
		stats.Open += f.Orders
	}
	if f.Final {
		stats.Final += f.Orders
	}
	if f.Status == statemachine.Settled {
		stats.Settled[f.AssetClass] += f.Orders
	}
}

// Status returns the position and the condition of the views.
func (s *Store) Status(ctx context.Context) (status Status, err error) {
	err = s.read(ctx, func(g *generation, c *connection) error {
		status, err = readStatus(ctx, c)
		status.Generation = g.number
		return err
	})
	if err != nil {
		return Status{}, fmt.Errorf("views: status: %w", err)
	}
	return status, nil
}

func readStatus(ctx context.Context, c *connection) (status Status, err error) {
	var received, healthAt, verifiedAt int64
	var feed string
	at := &status.Checkpoint
	err = c.Row(ctx, statusText, nil, &status.FoldVersion, &at.Log, &at.Sequence, &at.Hash, &received,
		&status.Health.Reason, &healthAt, &status.Verified.Sequence, &verifiedAt, &status.Verified.Difference,
		&status.Revision.Number, &status.Revision.Sequence, &status.Revision.Cause, &status.Epoch, &feed)
	if err == nil {
		status.Feed, err = readFeed(feed)
	}
	status.Lineage = list.Lineage(at.Log, status.Epoch, status.FoldVersion)
	at.Received, status.Health.At, status.Verified.At = fromNanos(received), fromNanos(healthAt), fromNanos(verifiedAt)
	return status, err
}
