package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// HistoryOptions contains the settings of bench history.
type HistoryOptions struct {
	Place
	Notifications []int // numbers of notifications of one order, measured one after the other
	Rounds        int   // histories of each number; the median counts
}

// HistoryFigure is one row of bench history.
type HistoryFigure struct {
	Notifications int     `json:"notifications"`
	History       float64 `json:"historyMilliseconds"` // all pages of 500
	Pages         int     `json:"pages"`
	// Fact is the processor time of the service for each notification, from the request to the
	// views.
	Fact float64 `json:"cpuMicroseconds"`
	// Spread is the same for as many notifications of many orders.
	Spread float64 `json:"spreadCPUMicroseconds"`
	// Ratio is Fact / Spread; 0: there were too few notifications to measure.
	Ratio float64 `json:"ratio"`
}

const (
	historyGoal      = 300.0 // milliseconds for historyGoalFacts
	historyGoalFacts = 10_000
	factGoal         = 2.0 // times
	// spreadFacts is the number of notifications of each of many orders.
	spreadFacts = 5
	// historyConnections is the number of connections that post at once.
	historyConnections = 16
)

// History measures the time to read the history of one order with many notifications, and the cost
// of each notification.
func History(ctx context.Context, o HistoryOptions) (figures []HistoryFigure, err error) {
	for _, n := range o.Notifications {
		f, err := o.measure(ctx, n)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func (o *HistoryOptions) measure(ctx context.Context, notifications int) (f HistoryFigure, err error) {
	s, err := o.start(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	f.Notifications = notifications
	const busy, spread = 0, 1
	if f.Spread, err = s.postAll(ctx, spread, notifications, spreadFacts); err != nil {
		return f, err
	}
	if f.Fact, err = s.postAll(ctx, busy, notifications, notifications); err != nil {
		return f, err
	}
	// Processor time has a resolution of a hundredth of a second, so it may be 0 for a few
	// notifications.
	if f.Spread > 0 {
		f.Ratio = f.Fact / f.Spread
	}
	var taken []time.Duration
	n := newNotification(busy)
	n.of(0, 0)
	for range o.Rounds {
		begin := time.Now()
		entries, pages, err := s.history(ctx, string(n.id))
		if err != nil {
			return f, err
		}
		if entries != notifications {
			return f, fmt.Errorf("bench: the history has %d entries of %d", entries, notifications)
		}
		f.Pages = pages
		taken = append(taken, time.Since(begin))
	}
	slices.Sort(taken)
	f.History = milliseconds(taken, 0.5)
	return f, nil
}

// postAll posts notifications, as many per order as the parameter each says, and returns the
// processor time per notification in microseconds.
func (s *service) postAll(ctx context.Context, number, notifications, each int) (microseconds float64, err error) {
	m, err := s.meter(ctx)
	if err != nil {
		return 0, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range historyConnections {
		group.Go(func() error {
			c, err := dial(groupCtx, s.receiver)
			if err != nil {
				return err
			}
			defer c.Close()
			n := newNotification(number)
			for k := i; k < notifications; k += historyConnections {
				if _, err := c.Write(n.of(k/each, k)); err != nil {
					return err
				}
				if _, err := c.answer(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, fmt.Errorf("bench: load: %w", err)
	}
	if _, _, err := s.catchUp(ctx); err != nil {
		return 0, err
	}
	cpu, _, _, err := m.end(ctx)
	return cpu * 1e6 / float64(notifications), err
}

// history reads all pages of a history.
func (s *service) history(ctx context.Context, order string) (entries, pages int, err error) {
	for cursor := ""; ; pages++ {
		path := "/v1/orders/" + order + "/history?limit=500"
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		body, err := s.get(ctx, path)
		if err != nil {
			return 0, 0, err
		}
		var page struct {
			Data       []json.RawMessage
			NextCursor *string
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return 0, 0, fmt.Errorf("bench: a page of a history: %w", err)
		}
		entries += len(page.Data)
		if page.NextCursor == nil {
			return entries, pages + 1, nil
		}
		cursor = *page.NextCursor
	}
}

// PrintHistory prints a table and which goals are met.
func PrintHistory(to io.Writer, figures []HistoryFigure) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "notifications\thistory ms\tpages\tgoal\tCPU µs of each\tof many orders\tratio\tgoal\t")
	for _, f := range figures {
		history, fact := "", ""
		if f.Notifications == historyGoalFacts {
			history, fact = fmt.Sprintf("%g %s", historyGoal, verdict(f.History <= historyGoal)), fmt.Sprintf("%g× %s", factGoal, verdict(f.Ratio <= factGoal))
		}
		fmt.Fprintf(w, "%d\t%.1f\t%d\t%s\t%.0f\t%.0f\t%.2f×\t%s\t\n", f.Notifications, f.History, f.Pages, history, f.Fact, f.Spread, f.Ratio, fact)
	}
	return w.Flush()
}
