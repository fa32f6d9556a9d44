package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orderfold/orderfold/projector/views/list"
)

// MaxDifferences is the number of different orders, and of other differences, that a Comparison
// describes in detail. It counts all of them.
const MaxDifferences = 100

// Difference is an order that differs between the views and the log.
type Difference struct {
	OrderID string
	Fields  []FieldDifference // the different fields; empty when one side does not have the order
	Missing string            // "views" or "log": the side without the order
}

// FieldDifference is one field as it is on both sides, in words.
type FieldDifference struct{ Field, Views, Log string }

// Findings are the result of a Comparison.
type Findings struct {
	Generation int
	Revision   int64  // of the views when the comparison began, see Revision.Number
	Sequence   uint64 // the record of both sides at the last step
	Orders     uint64 // compared
	Different  uint64 // orders that differ
	Details    []Difference
	Others     []string // other differences, in words: counts, quarantine, other objects, the file itself
	Damage     string   // of the file, in words, also in Others; "": none
}

// Equal reports whether no difference was found.
func (f *Findings) Equal() bool { return f.Different == 0 && len(f.Others) == 0 }

// Summary describes the differences in one line. It returns "" when there are none.
func (f *Findings) Summary() string {
	if f.Equal() {
		return ""
	}
	text := fmt.Sprintf("%d orders and %d other things differ from the log", f.Different, len(f.Others))
	if len(f.Details) > 0 {
		text += "; first order " + f.Details[0].OrderID
	} else if len(f.Others) > 0 {
		text += "; first: " + f.Others[0]
	}
	return text
}

// Comparison compares the generation that is live when it begins with a draft, in steps. A step is
// a call of Hold, which keeps a snapshot of the live generation, and a call of Step, after the
// caller has brought the draft to the same record. Nothing is held between steps, so that the
// writer can move its write-ahead log. A Comparison is not safe for concurrent use.
type Comparison struct {
	Findings
	over  bool // the file cannot be read: there are no more steps
	dir   string
	db    *sql.DB
	c     *connection
	after int64           // the number of the last row compared
	total uint64          // orders of the live generation
	seen  map[string]bool // ids reported already
}

// Compare begins a comparison of the draft with the live generation in dir, of any fold version. It
// returns ErrVersion unless the file has the schema of this program. Damage of the file is a
// difference. The caller closes the comparison.
func (d *Draft) Compare(ctx context.Context, dir string) (*Comparison, error) {
	n, err := readLive(dir)
	if err != nil {
		return nil, err
	}
	db, err := openFile(generationPath(dir, n), "ro", "query_only(1)")
	if err != nil {
		return nil, err
	}
	k := &Comparison{Findings: Findings{Generation: n}, dir: dir, db: db, seen: map[string]bool{}}
	if err = k.attach(ctx, d.path()); err != nil && !errors.Is(err, ErrVersion) {
		k.damage(ctx, "the file cannot be read: "+err.Error())
	}
	if err != nil && k.Damage == "" {
		return nil, errors.Join(fmt.Errorf("views: compare generation %d: %w", n, err), k.Close())
	}
	return k, nil
}

func (k *Comparison) attach(ctx context.Context, path string) (err error) {
	if k.c, err = connect(ctx, k.db); err != nil {
		return err
	}
	var version int
	if err := k.c.Row(ctx, schemaVersionText, nil, &version); err != nil {
		return err
	}
	if version != schemaVersion {
		return otherVersion(fmt.Sprintf("its schema is %d", version))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	name := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=ro"}
	if err := k.c.Row(ctx, `SELECT revision FROM position`, nil, &k.Revision); err != nil {
		return err
	}
	_, err = k.c.conn.ExecContext(ctx, `ATTACH DATABASE ? AS draft`, name.String())
	return err
}

// Close ends the comparison. Its findings stay valid.
func (k *Comparison) Close() error {
	var err error
	if k.c != nil {
		err = k.c.close()
	}
	return errors.Join(err, k.db.Close())
}

// Total returns the number of orders to compare, as far as it is known.
func (k *Comparison) Total() uint64 { return max(k.Orders, k.total) }

// Position returns the sequence of the live generation. If it returns ErrDamaged, Step reports that
// the comparison is done.
func (k *Comparison) Position(ctx context.Context) (sequence uint64, err error) {
	if k.Damage != "" {
		return 0, ErrDamaged
	}
	err = asDamage(k.c.Row(ctx, `SELECT sequence FROM main.position`, nil, &sequence))
	if errors.Is(err, ErrDamaged) {
		k.damage(ctx, "the file cannot be read: "+err.Error())
	}
	if err != nil {
		return 0, fmt.Errorf("views: compare: %w", err)
	}
	return sequence, nil
}

// Hold begins a step and returns the record to which the draft must be brought before Step is
// called. A file of the views that cannot be read is a difference and not an error: then Hold holds
// nothing, and Step reports that the comparison is done.
func (k *Comparison) Hold(ctx context.Context) (until uint64, err error) {
	if k.over || k.Damage != "" {
		return 0, nil
	}
	if _, err := k.c.exec(context.WithoutCancel(ctx), "BEGIN"); err != nil {
		return 0, fmt.Errorf("views: compare: %w", err)
	}
	// This read begins the snapshot of the live generation; the draft is not locked until it is
	// read.
	if k.Sequence, err = k.Position(ctx); err != nil {
		return 0, k.release(ctx, err)
	}
	return k.Sequence, nil
}

// release ends the snapshot that Hold began. An error that shows damage of the file becomes a
// difference.
func (k *Comparison) release(ctx context.Context, err error) error {
	quiet := context.WithoutCancel(ctx)
	_, endErr := k.c.exec(quiet, "ROLLBACK") // nothing was written
	switch {
	case err != nil && damaged(err):
		if k.Damage == "" {
			k.damage(quiet, "the file cannot be read: "+err.Error())
		}
		k.over = true
		return nil
	case err != nil:
		return err
	case endErr != nil:
		return fmt.Errorf("views: compare: %w", endErr)
	}
	return nil
}

// Step compares the next orders, as many as the argument says, and after the last one everything
// else. The draft must be at the record that Hold returned.
func (k *Comparison) Step(ctx context.Context, orders int) (done bool, err error) {
	if k.over || k.Damage != "" {
		return true, nil
	}
	var until, last int64
	if err = k.c.Row(ctx, untilText, []any{k.after, orders - 1}, &until, &last, &k.total); err == nil {
		err = k.compareRows(ctx, k.after, until)
	}
	k.after = until
	if err == nil && k.after >= last {
		done = true
		err = k.compareRest(ctx)
	}
	if err != nil {
		err = fmt.Errorf("views: compare: %w", err)
	}
	if err = k.release(ctx, err); err != nil {
		return false, err
	}
	return done || k.over, nil
}

// compareRows compares the orders whose row numbers are after after, up to until, on either side.
func (k *Comparison) compareRows(ctx context.Context, after, until int64) error {
	var compared uint64
	if err := k.c.Row(ctx, comparedText, []any{after, until}, &compared); err != nil {
		return err
	}
	k.Orders += compared
	counted := map[string]bool{} // an order may differ in several tables
	for _, text := range differingTexts {
		var ids []string
		err := k.c.Each(ctx, text, []any{after, until}, func(rows *sql.Rows) error {
			var id sql.NullString
			var n int64
			if err := rows.Scan(&id, &n); err != nil {
				return err
			}
			if !id.Valid {
				k.other("row %d belongs to no order", n)
			} else if !k.seen[id.String] && !counted[id.String] {
				k.Different++
				counted[id.String] = true
				if k.Different <= MaxDifferences {
					k.seen[id.String] = true
					ids = append(ids, id.String)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			difference, err := k.detail(ctx, id)
			if err != nil {
				return err
			}
			k.Details = append(k.Details, difference)
		}
	}
	return nil
}

// damage records an error that looks like damage. The cause may also be the draft, or a row that
// breaks a constraint: Damage contains only what an examination of the file's pages shows.
func (k *Comparison) damage(ctx context.Context, text string) {
	k.other("%s", text)
	if k.Damage == "" && errors.Is(inspectFile(ctx, k.dir, k.Generation), ErrDamaged) {
		k.Damage = text
	}
}

func (k *Comparison) other(format string, args ...any) {
	if len(k.Others) < MaxDifferences {
		k.Others = append(k.Others, fmt.Sprintf(format, args...))
	}
}

// compareRest compares everything that does not belong to one order, and checks that the file's
// indexes agree with its tables.
func (k *Comparison) compareRest(ctx context.Context) error {
	for _, rest := range restTexts {
		for _, side := range [][3]string{{"main", "draft", "the views have"}, {"draft", "main", "the log gives"}} {
			text := fmt.Sprintf("%s EXCEPT %s", strings.ReplaceAll(rest.text, "$", side[0]), strings.ReplaceAll(rest.text, "$", side[1]))
			err := k.c.Each(ctx, text, nil, func(rows *sql.Rows) error {
				values, err := texts(rows)
				k.other("%s: %s %s", rest.name, side[2], values)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return k.c.Each(ctx, `PRAGMA main.integrity_check(10)`, nil, func(rows *sql.Rows) error {
		var verdict string
		err := rows.Scan(&verdict)
		if verdict != "ok" {
			k.damage(ctx, "the file is damaged: "+verdict)
		}
		return err
	})
}

// texts returns a row, of any columns, as "name=value" pairs.
func texts(rows *sql.Rows) (string, error) {
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	if err := rows.Scan(dest...); err != nil {
		return "", err
	}
	said := make([]string, len(columns))
	for i, name := range columns {
		said[i] = fmt.Sprintf("%s=%v", name, values[i])
	}
	return strings.Join(said, " "), nil
}

const (
	lastRowText = `SELECT max((SELECT coalesce(max(n), 0) FROM main.orders), (SELECT coalesce(max(n), 0) FROM draft.orders),
		(SELECT coalesce(max(n), 0) FROM main.order_sequences), (SELECT coalesce(max(n), 0) FROM main.order_breaks)) AS n`
	// The last row of a step, the last row of all, and the number of orders in the live generation.
	untilText = `SELECT coalesce((SELECT n FROM main.orders WHERE n > ? ORDER BY n LIMIT 1 OFFSET ?), l.n), l.n,
		(SELECT coalesce(sum(orders), 0) FROM main.facets) FROM (` + lastRowText + `) l`
	comparedText = `SELECT count(*) FROM main.orders WHERE n > ? AND n <= ?`
	rowsDiffer   = `SELECT a.id, a.n FROM main.orders a LEFT JOIN draft.orders b ON b.id = a.id
		LEFT JOIN main.facets f ON f.facet = a.facet LEFT JOIN draft.facets g ON g.facet = b.facet
		WHERE a.n > ? AND a.n <= ? AND (b.n IS NULL OR a.n <> b.n OR a.state <> b.state OR a.recent <> b.recent OR a.breaks <> b.breaks
			OR a.last_sequence <> b.last_sequence OR a.received <> b.received OR a.modified <> b.modified OR a.era <> b.era
			OR a.external <> b.external OR a.isin <> b.isin OR a.symbol <> b.symbol OR a.depository <> b.depository
			OR a.wallet <> b.wallet OR a.cash <> b.cash OR a.order_type <> b.order_type OR a.exchange <> b.exchange
			OR a.quantity <> b.quantity OR a.created <> b.created OR a.executed <> b.executed OR a.since <> b.since OR a.sums <> b.sums OR a.trade <> b.trade OR f.side IS NOT g.side OR f.status IS NOT g.status
			OR f.asset_class IS NOT g.asset_class OR f.open IS NOT g.open OR f.final IS NOT g.final OR f.broken IS NOT g.broken)`
	rowsMissing = `SELECT b.id, b.n FROM draft.orders b WHERE b.n > ? AND b.n <= ?
		AND NOT EXISTS (SELECT 1 FROM main.orders a WHERE a.id = b.id)`
	sequencesDiffer = `SELECT a.id, s.n FROM $.order_sequences s LEFT JOIN $.orders a ON a.n = s.n
		LEFT JOIN %.orders b ON b.id = a.id LEFT JOIN %.order_sequences t ON t.n = b.n AND t.first = s.first
		WHERE s.n > ? AND s.n <= ? AND t.sequences IS NOT s.sequences`
	breaksDiffer = `SELECT a.id, s.n FROM $.order_breaks s LEFT JOIN $.orders a ON a.n = s.n
		LEFT JOIN %.orders b ON b.id = a.id LEFT JOIN %.order_breaks t ON t.n = b.n AND t.code = s.code
		WHERE s.n > ? AND s.n <= ? AND (t.last_sequence IS NOT s.last_sequence OR t.opened IS NOT s.opened)`
)

// The width of a zone depends on the batches that made it, so zones may differ. They must only
// contain the times of their orders.
var (
	insideZone = `a.received BETWEEN z.received_first AND z.received_last AND a.modified BETWEEN z.modified_first AND z.modified_last
		AND a.created BETWEEN z.created_first AND z.created_last AND a.since BETWEEN z.since_first AND z.since_last
		AND (a.trade < 1 OR a.trade BETWEEN z.awaiting_first AND z.awaiting_last OR a.trade BETWEEN z.settled_first AND z.settled_last)`
	zoneJoin    = fmt.Sprintf(`LEFT JOIN $.zones z ON z.zone = a.last_sequence >> %d`, list.ZoneShift)
	outsideZone = `SELECT a.id, a.n FROM $.orders a ` + zoneJoin + ` WHERE a.n > ? AND a.n <= ? AND (` + insideZone + `) IS NOT 1`
)

// differingTexts select the ids and row numbers of orders that differ between the two sides.
var differingTexts = slices.Concat([]string{rowsDiffer, rowsMissing}, bothWays(outsideZone)[:1], bothWays(sequencesDiffer), bothWays(breaksDiffer))

func bothWays(text string) []string {
	return []string{strings.NewReplacer("$", "main", "%", "draft").Replace(text),
		strings.NewReplacer("$", "draft", "%", "main").Replace(text)}
}

var restTexts = []struct{ name, text string }{
	{"position", `SELECT log, sequence, hash, received, notifications, quarantined FROM $.position`},
	{"count of orders", `SELECT status, asset_class, open, final, broken, side, orders, hex(sums) AS sums FROM $.facets WHERE orders > 0`},
	{"count of trades", `SELECT f.status, f.asset_class, f.open, f.final, f.broken, f.side, t.trade, t.orders
		FROM $.trade_counts t JOIN $.facets f ON f.facet = t.facet`},
	{"count of breaks", `SELECT code, orders FROM $.break_counts WHERE orders > 0`},
	{"object", `SELECT object, id, sequence, received, count FROM $.objects`},
	{"count of objects", `SELECT object, notifications FROM $.object_counts`},
	{"count of quarantine", `SELECT class, records FROM $.quarantine_counts WHERE records > 0`},
	{"quarantine", `SELECT sequence, received, object, class, reason FROM $.quarantine`},
}
