package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/cmd/orderfold/bench"
)

// readFigures contains the results of bench read.
type readFigures struct {
	Orders      int           `json:"orders"`
	Connections int           `json:"connections"`
	Constant    float64       `json:"constantPerSecond"`
	Order       float64       `json:"orderPerSecond"`
	Ratio       float64       `json:"ratio"`
	RatioGoal   float64       `json:"ratioGoal"`
	Answers     []readLatency `json:"answers"`
}

// readLatency is the latency of one question that is asked repeatedly.
type readLatency struct {
	Question string  `json:"question"`
	P50      float64 `json:"p50Milliseconds"`
	P99      float64 `json:"p99Milliseconds"`
	Goal     float64 `json:"goalP50Milliseconds"`
}

const (
	orderGoal = 0.4
	listGoal  = 10.0
	statsGoal = 20.0
	// totalsGoal is the goal for 100,000 matching orders.
	totalsGoal = 100.0
)

// readBench contains what is measured and how.
type readBench struct {
	dir                         string
	orders, connections, rounds int
	duration                    time.Duration
}

func (p *program) benchRead(ctx context.Context, args []string) error {
	var b readBench
	var asJSON, serve bool
	if _, err := p.flags("bench read", "", args, func(f *flagSet) {
		f.StringVar(&b.dir, "dir", filepath.Join(os.TempDir(), "orderfold-bench-read"), "folder of the views to read; created if missing, and kept")
		f.IntVar(&b.orders, "orders", 1_000_000, "orders in the views")
		f.IntVar(&b.connections, "connections", 32, "connections that read single orders")
		f.DurationVar(&b.duration, "duration", 3*time.Second, "duration of one measurement of single orders; each list gets a third of it")
		f.IntVar(&b.rounds, "rounds", 3, "measurements of single orders; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
		f.BoolVar(&serve, "serve", false, "measure nothing; serve the views and the dashboard until interrupted")
	}); err != nil {
		return err
	}
	if b.rounds < 1 || b.duration <= 0 || b.orders < 1 || b.connections < 1 {
		return usagef("--rounds, --duration, --orders and --connections must be above 0")
	}
	if serve {
		return p.serveFilled(ctx, &b)
	}
	figures, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.stdout, figures)
	}
	return p.printRead(figures, &b)
}

func (p *program) serveFilled(ctx context.Context, b *readBench) error {
	v, err := serveViews(ctx, b.dir, b.orders)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%d orders\n  api  %s\n", b.orders, v.url)
	<-ctx.Done()
	return v.stop()
}

func (b *readBench) measure(ctx context.Context) (f readFigures, err error) {
	v, err := serveViews(ctx, b.dir, b.orders)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, v.stop()) }()
	body, err := bench.Get(ctx, v.url+"/v1/orders/"+fillID(0))
	if err != nil {
		return f, err
	}
	same, err := api.Constant(v.options, body)
	if err != nil {
		return f, err
	}
	constant, stopConstant, err := serveBench(same)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stopConstant()) }()
	f = readFigures{Orders: b.orders, Connections: b.connections, RatioGoal: orderGoal}
	if f.Constant, f.Order, err = b.compare(ctx, constant, v.url); err != nil {
		return f, err
	}
	f.Ratio = f.Order / f.Constant
	f.Answers, err = b.lists(ctx, v.url)
	return f, err
}

// compare alternates the two servers within each round, so that a moment in which the machine is
// busy affects both.
func (b *readBench) compare(ctx context.Context, constant, server string) (ofConstant, ofOrder float64, err error) {
	var runs [2][]float64
	for range b.rounds {
		for i, base := range []string{constant, server} {
			rate, err := bench.Read(ctx, strings.TrimPrefix(base, "http://"), b.connections, b.duration,
				func() string { return "/v1/orders/" + fillID(rand.IntN(b.orders)) })
			if err != nil {
				return 0, 0, err
			}
			runs[i] = append(runs[i], rate)
		}
	}
	slices.Sort(runs[0])
	slices.Sort(runs[1])
	return runs[0][b.rounds/2], runs[1][b.rounds/2], nil
}

// lists measures a page of 100 with every filter, and the counts.
func (b *readBench) lists(ctx context.Context, server string) (answers []readLatency, err error) {
	last, err := lastPage(ctx, server)
	if err != nil {
		return nil, err
	}
	for _, q := range b.questions(last) {
		l, err := b.ask(ctx, server+"/v1/orders?"+q.query)
		if err != nil {
			return nil, err
		}
		l.Question, l.Goal = q.name, q.goal
		answers = append(answers, l)
	}
	stats, err := b.ask(ctx, server+"/v1/stats")
	stats.Question, stats.Goal = "stats", statsGoal
	return append(answers, stats), err
}

// question is a question to the lists, with the goal for its latency in milliseconds.
type question struct {
	name, query string
	goal        float64
}

// questions returns a question for every filter, those that find nothing, and those for totals.
func (b *readBench) questions(last string) (all []question) {
	end := fillTime(uint64(b.orders) * 2).Format(time.RFC3339)
	due := fillTime(uint64(b.orders)).Format(time.DateOnly)
	for _, q := range [][2]string{
		{"nothing: the first page", "limit=100"}, {"nothing: the last page", "limit=100&cursor=" + last},
		{"status, common", "status=SETTLED"}, {"status, rare", "status=INVALID"}, {"assetClass", "assetClass=DIGITAL"},
		{"isin, a tenth of all", "isin=" + commonISIN}, {"isin, one in a hundred", "isin=" + middleISIN}, {"isin, one in ten thousand", "isin=" + rareISIN},
		{"symbol", "symbol=BTC"}, {"side", "side=SELL"}, {"productId, a quarter of all", "productId=" + fillProduct(100_000)},
		{"productId, rare", "productId=" + fillProduct(77)}, {"externalId", "externalId=ord-000000077"}, {"break", "break=possible_bust"},
		{"open", "open=true"}, {"final", "final=false"}, {"receivedSince", "receivedSince=" + end}, {"receivedUntil", "receivedUntil=" + end},
		{"modifiedSince", "modifiedSince=" + end}, {"modifiedUntil", "modifiedUntil=" + end},
		{"sort=received", "sort=received"}, {"sort=-modified", "sort=-modified"}, {"sort=modified", "sort=modified"},
		{"settlement: overdue, a twentieth of all", "settlement=overdue"}, {"settlement: due", "settlement=due"}, {"settlement: pending", "settlement=pending"},
		{"settlement: settled", "settlement=settled"}, {"settlement: none", "settlement=none"}, {"dueOn", "dueOn=" + due},
		{"dueUntil", "dueUntil=" + due}, {"sort=due", "sort=due"}, {"sort=-due", "sort=-due"}, {"settlement: overdue, sort=due", "settlement=overdue&sort=due"},
		{"the same, sold", "settlement=overdue&sort=due&side=SELL"}, {"the same, of the common isin", "settlement=overdue&sort=due&isin=" + commonISIN},
		{"exchangeCode that no order has", "exchangeCode=XMUN"}, {"quantityMin that no order has", "quantityMin=1000000"},
		{"the same, by time modified", "quantityMin=1000000&sort=-modified"}, {"the same, of the common isin", "quantityMin=1000000&isin=" + commonISIN},
	} {
		all = append(all, question{q[0], q[1], listGoal})
	}
	since := func(orders int) string {
		return "receivedSince=" + fillTime(fillRecords(max(0, b.orders-orders))).Format(time.RFC3339Nano)
	}
	for _, q := range [][2]string{
		{"totals: isin, one in a hundred", "isin=" + middleISIN}, {"totals: receivedSince, the last 100,000", since(100_000)},
		{"totals: the same, bought", "side=BUY&" + since(150_000)}, {"totals: of 150,000, quantityMin that no order has", "quantityMin=1000000&" + since(150_000)},
	} {
		all = append(all, question{q[0], "limit=1&totals=true&" + q[1], totalsGoal})
	}
	return all
}

// ask repeats one question on one connection.
func (b *readBench) ask(ctx context.Context, url string) (l readLatency, err error) {
	var taken []time.Duration
	end := time.Now().Add(b.duration / 3)
	for len(taken) < 10 || time.Now().Before(end) {
		begin := time.Now()
		if _, err := bench.Get(ctx, url); err != nil {
			return l, err
		}
		taken = append(taken, time.Since(begin))
	}
	slices.Sort(taken)
	at := func(q float64) float64 { return taken[int(q*float64(len(taken)-1))].Seconds() * 1e3 }
	return readLatency{P50: at(0.5), P99: at(0.99)}, nil
}

// lastPage walks to the end and returns the cursor of the last page, of at most 100 orders.
func lastPage(ctx context.Context, server string) (cursor string, err error) {
	limit := 500
	for {
		url := fmt.Sprintf("%s/v1/orders?limit=%d", server, limit)
		if cursor != "" {
			url += "&cursor=" + cursor
		}
		body, err := bench.Get(ctx, url)
		if err != nil {
			return "", err
		}
		var page struct{ NextCursor *string }
		if err := json.Unmarshal(body, &page); err != nil {
			return "", fmt.Errorf("bench: a page: %w", err)
		}
		switch {
		case page.NextCursor != nil:
			cursor = *page.NextCursor
		case limit == 500:
			limit = 100 // walk the last 500 in smaller steps
		default:
			return cursor, nil
		}
	}
}

// servedViews is an API with the views that were made for it.
type servedViews struct {
	options api.Options
	url     string
	stop    func() error
}

// serveViews serves views with that many orders, see fillViews.
func serveViews(ctx context.Context, dir string, orders int) (*servedViews, error) {
	store, err := fillViews(ctx, dir, orders)
	if err != nil {
		return nil, err
	}
	last := fillRecords(orders)
	v := &servedViews{options: api.Options{Views: store, Objects: store, Position: store, Log: filledLog{last}, History: apiHistory{}, Feed: store,
		Clock: func() time.Time { return fillTime(last) }}}
	a, err := api.New(v.options)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	url, stop, err := serveBench(a)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	v.url, v.stop = url, func() error { return errors.Join(stop(), store.Close()) }
	return v, nil
}

// serveBench serves a handler on a port of its own.
func serveBench(h http.Handler) (base string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("bench: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := server.Close()
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}

// filledLog is the log of a bench that only reads views. It ends at the position of the views, and
// contains only the time received of each record.
type filledLog struct{ last uint64 }

func (l filledLog) Record(_ context.Context, sequence uint64) (api.Record, error) {
	if sequence < 1 || sequence > l.last {
		return api.Record{}, api.ErrNoRecord
	}
	return api.Record{Sequence: sequence, Received: fillTime(sequence)}, nil
}

func (l filledLog) Bounds(context.Context) (api.LogBounds, error) {
	return api.LogBounds{First: 1, Last: l.last}, nil
}

func (filledLog) Hashes(context.Context, []uint64) (map[uint64]string, error) { return nil, nil }

func (filledLog) Storage(context.Context) api.Storage { return api.Storage{} }

func (p *program) printRead(f readFigures, b *readBench) error {
	met := func(yes bool) string {
		if yes {
			return "met"
		}
		return "not met"
	}
	fmt.Fprintf(p.stdout, "%s/%s, %d cores, %s; %d orders in %s; client and server in one process; %d rounds of %s, medians\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), f.Orders, b.dir, b.rounds, b.duration)
	fmt.Fprintf(p.stdout, "one order, %d connections: %.0f/s; a constant from the same server: %.0f/s; %.2f×, goal %.1f× %s\n\n",
		f.Connections, f.Order, f.Constant, f.Ratio, f.RatioGoal, met(f.Ratio >= f.RatioGoal))
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "a page of 100 by\tp50 ms\tp99 ms\tgoal p50 ms\t\t")
	for _, l := range f.Answers {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.0f\t%s\t\n", l.Question, l.P50, l.P99, l.Goal, met(l.P50 <= l.Goal))
	}
	return w.Flush()
}
