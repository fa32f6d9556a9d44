package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

const (
	tradesText      = `SELECT f.asset_class, t.trade, t.orders FROM trade_counts t JOIN facets f ON f.facet = t.facet`
	addTradeText    = `INSERT INTO trade_counts (facet, trade, orders) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET orders = orders + excluded.orders`
	takeTradeText   = `UPDATE trade_counts SET orders = orders - ? WHERE facet = ? AND trade = ?`
	forgetTradeText = `DELETE FROM trade_counts WHERE facet = ? AND trade = ? AND orders = 0`
)

// Traded identifies the orders of an asset class that traded on a day.
type Traded struct {
	AssetClass statemachine.AssetClass
	Day        statemachine.Day
}

// readAwaiting counts the orders that await their settlement.
func readAwaiting(ctx context.Context, c *connection) (awaiting map[Traded]uint64, err error) {
	awaiting = map[Traded]uint64{}
	err = c.Each(ctx, tradesText, nil, func(rows *sql.Rows) error {
		var t Traded
		var orders uint64
		err := rows.Scan(&t.AssetClass, &t.Day, &orders)
		awaiting[t] += orders
		return err
	})
	return awaiting, err
}

// tradedOn identifies the orders of a facet that traded on a day.
type tradedOn struct{ facet, trade int64 }

// countTrades adds the effect of a change to the counts of orders that await their settlement.
func (w *writer) countTrades(t *tally, old, is *stored) {
	if old.n != 0 && w.awaiting[old.facet] {
		t.trades[tradedOn{old.facet, old.trade}]--
	}
	if w.awaiting[is.facet] {
		t.trades[tradedOn{is.facet, is.trade}]++
	}
}

// writeTrades changes the counts. A count that would become negative, or whose row does not exist,
// is an error.
func (w *writer) writeTrades(ctx context.Context, t *tally) (err error) {
	for on, by := range t.trades {
		switch {
		case by > 0:
			_, err = w.c.exec(ctx, addTradeText, on.facet, on.trade, by)
		case by < 0:
			err = w.takeTrades(ctx, on, -by)
		}
		if err != nil {
			return fmt.Errorf("count of orders that await settlement: %w", err)
		}
	}
	return nil
}

func (w *writer) takeTrades(ctx context.Context, on tradedOn, orders int64) error {
	result, err := w.c.exec(ctx, takeTradeText, orders, on.facet, on.trade)
	if err != nil {
		return err
	}
	if changed, err := result.RowsAffected(); err != nil || changed != 1 {
		return errors.Join(err, fmt.Errorf("there is none of trade date %d", on.trade))
	}
	_, err = w.c.exec(ctx, forgetTradeText, on.facet, on.trade)
	return err
}
