//go:build faults || cluster

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

var (
	faultRounds = flag.Int("rounds", 2, "rounds of the fault tests; a fault whose rounds are expensive takes fewer")
	faultSeed   = flag.Uint64("seed", 0, "seed of the fault tests; 0: from the clock")
)

func init() { patientAppends = false }

// seedOfFaults is the same for all tests of a run.
var seedOfFaults = sync.OnceValue(func() uint64 {
	if *faultSeed != 0 {
		return *faultSeed
	}
	return uint64(time.Now().UnixNano())
})

// posting is one notification, different from all others, and its outcome.
type posting struct {
	path     string
	body     []byte
	order    string // "" if it is about another object
	fact     platformtest.Fact
	broken   bool   // it is not JSON: answered 400, and kept
	sequence uint64 // the sequence in the answer; 0: not acknowledged
	found    bool   // whether the log has it
}

// ledger records everything that was posted in one test, and the answers.
type ledger struct {
	t       testing.TB
	tally   *tally
	traffic platformtest.Traffic

	mu     sync.Mutex
	random *rand.Rand
	orders int // notifications of the traffic that were used so far
	marks  int
	ready  []*posting
	sent   map[string]*posting // by body
	large  int                 // one of this many customers has a large body

	held held              // what requireRound has read from the log
	at   eventlog.Position // up to where
}

func newLedger(t testing.TB, fault string) *ledger {
	t.Helper()
	key := fnv.New64()
	io.WriteString(key, fault)
	seed := seedOfFaults()
	t.Logf("%s: -seed %d", fault, seed)
	l := &ledger{t: t, tally: &tally{fault: fault}, random: rand.New(rand.NewPCG(seed, key.Sum64())),
		sent: map[string]*posting{}, large: 16, held: held{orders: map[string]*heldOrder{}}}
	l.traffic = platformtest.Traffic{Seed: seed, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Orders: 1_000_000}
	t.Cleanup(func() {
		talliesOfFaults.Lock()
		defer talliesOfFaults.Unlock()
		talliesOfFaults.all = append(talliesOfFaults.all, l.tally)
	})
	return l
}

// number returns a random number from low to high.
func (l *ledger) number(low, high int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return low + l.random.IntN(high-low+1)
}

// next returns a notification to post and records it as sent.
func (l *ledger) next() *posting {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ready) == 0 {
		l.prepare()
	}
	p := l.ready[0]
	l.ready = l.ready[1:]
	l.sent[string(p.body)] = p
	return p
}

// prepare shuffles the notifications of some orders, including repeats, and those of other objects.
func (l *ledger) prepare() {
	for range 16 {
		order := l.traffic.Order(l.orders)
		l.orders++
		for i, n := range order.Notifications {
			for range 1 + l.random.IntN(6)/5 {
				// An unknown field, so that no two bodies are equal.
				body := fmt.Appendf(nil, `{"mark":%d,%s`, l.mark(), n.Body[1:])
				l.ready = append(l.ready, &posting{path: n.Path, body: body, order: order.ID, fact: order.Facts[i]})
			}
		}
		filling := 0
		if l.random.IntN(l.large) == 0 {
			filling = l.random.IntN(200_000)
		}
		l.ready = append(l.ready, l.customer(filling))
	}
	broken := fmt.Appendf(nil, `{"mark":%d, "orderId":`, l.mark())
	l.ready = append(l.ready, &posting{path: "/digital-asset-order-notification", body: broken, broken: true})
	l.random.Shuffle(len(l.ready), func(i, j int) { l.ready[i], l.ready[j] = l.ready[j], l.ready[i] })
}

func (l *ledger) customer(filling int) *posting {
	var random [16]byte
	for i := range random {
		random[i] = byte(l.random.Uint32())
	}
	body := fmt.Appendf(nil, "{ \"customerId\" : %q,\n\"mark\":%d,\"filling\":%q}", uuid.UUID(random), l.mark(), strings.Repeat("x", filling))
	return &posting{path: "/customer-notification", body: body}
}

func (l *ledger) mark() int {
	l.marks++
	return l.marks
}

func (l *ledger) acknowledge(p *posting, sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.sequence = sequence
}

// heldOrder contains the records of an order in the log.
type heldOrder struct {
	facts     []platformtest.Fact
	sequences []uint64
}

// held contains the content of the log.
type held struct {
	last    uint64
	broken  int
	orders  map[string]*heldOrder
	records []*posting // from sequence 1 on
}

// upTo returns the content of the log up to a sequence.
func (h held) upTo(last uint64) held {
	earlier := held{last: last, orders: map[string]*heldOrder{}}
	for i, p := range h.records[:last] {
		earlier.add(p, uint64(i+1))
	}
	return earlier
}

// compare reads the whole log and counts records that are lost, moved or invented. It does not fail the test.
func (l *ledger) compare(log *eventlog.Log) (held, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	h := held{orders: map[string]*heldOrder{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.sent {
		p.found = false
	}
	l.tally.begin()
	for r, err := range log.Read(ctx, eventlog.Position{}) {
		if err != nil {
			return h, err
		}
		l.check(&r, &h)
	}
	l.tally.count(l.sent)
	return h, nil
}

// check counts one record. l.mu is held.
func (l *ledger) check(r *eventlog.Record, h *held) (p *posting) {
	h.last = r.Sequence
	p = l.sent[string(r.Body)]
	switch {
	case p == nil || p.found:
		l.tally.invent("record %d was never sent like that, or only once: %.200q", r.Sequence, r.Body)
		return nil
	case p.path != "/"+r.Object+"-notification" || r.Source != eventlog.Webhook:
		l.tally.invent("record %d was sent to %s, and has object %s and source %s", r.Sequence, p.path, r.Object, r.Source)
	case p.sequence != 0 && p.sequence != r.Sequence:
		l.tally.lose("answered as record %d, stands at %d: %.200q", p.sequence, r.Sequence, r.Body)
	}
	p.found = true
	h.add(p, r.Sequence)
	return p
}

// requireRound checks the records since its last call as requireAll does, and requires that the log continues where
// it ended then. The test must call requireAll at its end.
func (l *ledger) requireRound(url string, api *process) {
	l.t.Helper()
	log := openLog(l.t, url)
	touched := map[string]bool{}
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tally.begin()
		var last eventlog.Record
		for r, err := range log.Read(ctx, l.at) {
			require.NoError(l.t, err)
			last = r
			if p := l.check(&r, &l.held); p != nil && p.order != "" {
				touched[p.order] = true
			}
		}
		if last.Sequence > 0 {
			l.at = last.Position()
		}
		l.tally.count(l.sent)
	}()
	require.NoError(l.t, log.Close())
	l.tally.judge(l.t)
	requireCaughtUp(l.t, api, l.held.last)
	requireCounts(l.t, api, l.held)
	for id := range touched {
		requireOrder(l.t, api.get("/v1/orders/"+id), l.held)
	}
}

func (h *held) add(p *posting, sequence uint64) {
	h.records = append(h.records, p)
	switch {
	case p.broken:
		h.broken++
	case p.order != "":
		o := h.orders[p.order]
		if o == nil {
			o = &heldOrder{}
			h.orders[p.order] = o
		}
		o.facts = append(o.facts, p.fact)
		o.sequences = append(o.sequences, sequence)
	}
}

// requireKept requires that the log has every acknowledged notification exactly as sent, at the sequence in the
// answer, and no record that was not sent.
func (l *ledger) requireKept(log *eventlog.Log) held {
	l.t.Helper()
	h, err := l.compare(log)
	require.NoError(l.t, err)
	l.tally.judge(l.t)
	return h
}

// requireAll requires that the log is complete and that the views equal its fold.
func (l *ledger) requireAll(url string, api *process) {
	l.t.Helper()
	log := openLog(l.t, url)
	h := l.requireKept(log)
	require.NoError(l.t, log.Close())
	requireFolded(l.t, api, h)
}

func openLog(t testing.TB, url string) *eventlog.Log {
	t.Helper()
	var log *eventlog.Log
	eventually(t, "the log answers at "+url, func() (opened bool) {
		var err error
		log, err = eventlog.Open(t.Context(), eventlog.Options{URL: url})
		return err == nil
	})
	return log
}

// requireFolded requires that the views show every order in the log as the second implementation of the rules
// computes it from its records, have counted each record once, and have no other order.
func requireFolded(t testing.TB, api *process, h held) {
	t.Helper()
	requireCaughtUp(t, api, h.last)
	requireViews(t, api, h)
	status := decoded[statusAnswer](t, api.get("/v1/status"))
	require.Equal(t, h.last, status.AppliedSequence)
	require.True(t, status.Ready, "%s", api.get("/v1/status"))
}

func requireCounts(t testing.TB, api *process, h held) {
	t.Helper()
	stats := decoded[struct{ Orders, Quarantined int }](t, api.get("/v1/stats"))
	require.Equal(t, len(h.orders), stats.Orders)
	require.Equal(t, h.broken, stats.Quarantined)
}

// requireViews is like requireFolded, for views that may be behind the log.
func requireViews(t testing.TB, api *process, h held) {
	t.Helper()
	requireCounts(t, api, h)
	seen := map[string]bool{}
	for page := "/v1/orders?limit=500"; page != ""; {
		list := decoded[struct {
			Data       []json.RawMessage
			NextCursor string
		}](t, api.get(page))
		for _, view := range list.Data {
			id := requireOrder(t, view, h)
			require.False(t, seen[id], "%s is listed twice", id)
			seen[id] = true
		}
		page = ""
		if list.NextCursor != "" {
			page = "/v1/orders?limit=500&cursor=" + list.NextCursor
		}
	}
	require.Len(t, seen, len(h.orders))
}

func requireOrder(t testing.TB, view []byte, h held) string {
	t.Helper()
	got := decoded[struct {
		OrderID       string
		Notifications struct {
			Count                       int
			FirstSequence, LastSequence uint64
		}
	}](t, view)
	o := h.orders[got.OrderID]
	require.NotNil(t, o, "the log has no record of order %s: %s", got.OrderID, view)
	require.Empty(t, platformtest.Compare(platformtest.Truth(o.facts), view), "%s, records %v", got.OrderID, o.sequences)
	require.Equal(t, len(o.sequences), got.Notifications.Count, "%s, records %v", got.OrderID, o.sequences)
	require.Equal(t, o.sequences[0], got.Notifications.FirstSequence, "%s, records %v", got.OrderID, o.sequences)
	require.Equal(t, o.sequences[len(o.sequences)-1], got.Notifications.LastSequence, "%s, records %v", got.OrderID, o.sequences)
	return got.OrderID
}

// tally is a row of the table. Every acknowledged notification is found, reported or lost.
type tally struct {
	fault               string
	rounds              int
	acknowledged, found int
	told                int // cannot be read, and the service reports that
	lost, invented      int
	complaints          []string
}

// talliesOfFaults contains the rows that are printed when all tests have run.
var talliesOfFaults struct {
	sync.Mutex
	all []*tally
}

func (c *tally) begin() {
	c.acknowledged, c.found, c.told, c.lost, c.invented, c.complaints = 0, 0, 0, 0, 0, nil
}

func (c *tally) complain(format string, args ...any) {
	if len(c.complaints) < 10 {
		c.complaints = append(c.complaints, fmt.Sprintf(format, args...))
	}
}

func (c *tally) invent(format string, args ...any) {
	c.invented++
	c.complain("invented: "+format, args...)
}

func (c *tally) lose(format string, args ...any) {
	c.lost++
	c.complain("lost: "+format, args...)
}

func (c *tally) count(sent map[string]*posting) {
	moved := c.lost
	for _, p := range sent {
		if p.sequence == 0 {
			continue
		}
		c.acknowledged++
		if !p.found {
			c.lose("not in the log, answered as record %d: %.200q", p.sequence, p.body)
			continue
		}
		c.found++
	}
	c.found -= moved
}

func (c *tally) judge(t testing.TB) {
	t.Helper()
	require.Empty(t, c.complaints)
	require.Positive(t, c.acknowledged, "nothing was acknowledged, so the test proves nothing")
	require.Equal(t, c.acknowledged, c.found)
}

func init() { report = printFaults }

func printFaults(w io.Writer) {
	if len(talliesOfFaults.all) == 0 {
		return
	}
	fmt.Fprintf(w, "\nfaults, -seed %d\n", seedOfFaults())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "fault\trounds\tacknowledged\tfound\tlost\tinvented\tmissing and told\t")
	for _, c := range talliesOfFaults.all {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.fault, c.rounds, c.acknowledged, c.found, c.lost, c.invented, c.told)
	}
	_ = table.Flush() // to the terminal
}
