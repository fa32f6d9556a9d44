package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/orderfold/orderfold/api/client"
)

// order prints one order with its explanation and history, as the API reports them.
func (p *program) order(ctx context.Context, args []string) error {
	var access apiAccess
	var asOf when
	var at client.AsOf
	var asJSON bool
	operands, err := p.flags("order", "ID", args, func(f *flagSet) {
		access.register(f)
		f.Var(&asOf, "as-of", "the order as it was known at that time received: "+fmt.Sprintf(whenExamples, zoneOfAPI+", at its end")+"; empty: now")
		f.Uint64Var(&at.Sequence, "as-of-sequence", 0, "the order as it was known at that record of the log; 0: the last")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	if at.Day = asOf.day(); asOf.given() && at.Day == "" {
		// The zero time means now. One nanosecond later, nothing had been received either.
		if at.Received = asOf.in(time.UTC); at.Received.IsZero() {
			at.Received = at.Received.Add(1)
		}
	}
	c, err := access.client()
	if err != nil {
		return err
	}
	o, err := p.findOrder(ctx, c, operands[0], at)
	if err != nil {
		return hinted(err)
	}
	id := o.OrderID
	// so that a notification that arrives meanwhile is not in one answer and missing in the other
	at.Sequence = o.Notifications.LastSequence
	explanation, err := c.Explain(ctx, id, at)
	if err != nil {
		return hinted(err)
	}
	history, raw, err := wholeHistory(c.HistoryPages(ctx, id, at, historyPage))
	if err != nil {
		return hinted(err)
	}
	if asJSON {
		return printJSON(p.stdout, map[string]any{"order": o.Raw, "explanation": explanation.Raw, "history": raw})
	}
	return p.printOrder(&o, &explanation, history)
}

// historyPage is the number of entries of a history that are requested at once: the maximum.
const historyPage = 500

// rawHistory is a history as the API sends it, with all pages in one.
type rawHistory struct {
	Data       []json.RawMessage `json:"data"`
	NextCursor *string           `json:"nextCursor"`
}

func wholeHistory(pages iter.Seq2[client.Page[client.HistoryEntry], error]) (entries []client.HistoryEntry, raw rawHistory, err error) {
	raw.Data = []json.RawMessage{}
	for page, err := range pages {
		if err != nil {
			return nil, raw, err
		}
		var one rawHistory
		if err := json.Unmarshal(page.Raw, &one); err != nil {
			return nil, raw, err
		}
		entries, raw.Data = append(entries, page.Data...), append(raw.Data, one.Data...)
	}
	return entries, raw, nil
}

func (p *program) printOrder(o *client.Order, e *client.Explanation, history []client.HistoryEntry) error {
	if err := p.printHead(o); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout)
	for _, sentence := range e.Summary {
		p.printWrapped("", sentence)
	}
	facts := []printedRow{{[]string{"FACT", "KIND", "AT", "SAYS", "EXECUTED", "VERDICT"}, "WHY"}}
	for _, f := range e.Facts {
		facts = append(facts, printedRow{[]string{fmt.Sprint(f.Sequence), f.Kind, instantText(f.At), f.Status, f.Executed, f.Verdict}, f.Why})
	}
	if err := p.printRows(facts); err != nil {
		return err
	}
	entries := []printedRow{{[]string{"SEQUENCE", "RECEIVED", "AT", "SAID", "EXECUTED", "DID", "STATUS AFTER"}, "WHY"}}
	for _, n := range history {
		why := []string{n.Rule}
		for _, code := range n.BreaksOpened {
			why = append(why, "Opens the break "+code+".")
		}
		for _, code := range n.BreaksClosed {
			why = append(why, "Closes the break "+code+".")
		}
		entries = append(entries, printedRow{[]string{fmt.Sprint(n.Sequence), instantText(n.ReceivedAt), instantText(n.At),
			orUnknown(n.Status), n.Executed, n.Effect, orUnknown(n.StatusAfter)}, strings.Join(append(why, n.Notes...), " ")})
	}
	return p.printRows(entries)
}

func (p *program) printHead(o *client.Order) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	state := "awaits settlement"
	switch {
	case o.Status == "":
		state = "–"
	case o.Open:
		state = "open"
	case o.Final:
		state = "final"
	}
	for _, row := range [][2]string{{"order", o.OrderID}, {"asset class", o.AssetClass}, {"status", orUnknown(o.Status)},
		{"since", instantText(o.StatusSince)}, {"state", state}, {"due on", dueText(o.Settlement)}, {"side", o.Side}, {"instrument", o.ISIN + o.Symbol},
		{"quantity", o.Quantity}, {"executed", orUnknown(o.ExecutedQuantity)}, {"order type", o.OrderType},
		{"limit price", o.LimitPrice}, {"stop price", o.StopPrice}, {"exchange", o.ExchangeCode},
		{"external id", o.ExternalID}, {"message", o.Message},
		{"notifications", fmt.Sprintf("%d, including %d repeats", o.Notifications.Count, o.Notifications.Duplicates)}} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], printable(row[1]))
		}
	}
	for _, b := range o.Breaks {
		fmt.Fprintf(w, "break\t%s (%s) since %s, see notifications %v\n", b.Code, b.Severity, instantText(b.OpenedAt), b.Sequences)
	}
	for _, r := range o.Refusals {
		fmt.Fprintf(w, "refused\t%s %s: %s\n", instantText(r.At), printable(r.ErrorType), printable(r.Description))
	}
	return w.Flush()
}

// dueText returns when an order should settle and the state of its settlement today, or "" if it
// has nothing to settle.
func dueText(s *client.Settlement) string {
	switch {
	case s == nil:
		return ""
	case s.DueOn == "":
		return s.State
	case s.State == "overdue" && s.OverdueDays == 1:
		return fmt.Sprintf("%s (%s), overdue by 1 settlement day", s.DueOn, s.Cycle)
	case s.State == "overdue":
		return fmt.Sprintf("%s (%s), overdue by %d settlement days", s.DueOn, s.Cycle, s.OverdueDays)
	}
	return fmt.Sprintf("%s (%s), %s", s.DueOn, s.Cycle, s.State)
}

// printedRow is a row of a table, and text that would make the row too wide.
type printedRow struct {
	cells []string
	text  string
}

const (
	printWidth = 120
	textIndent = "    "
)

// printRows prints a table with the text of each row below it. The first row is the head.
func (p *program) printRows(rows []printedRow) error {
	if len(rows) == 1 {
		return nil
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		for i, cell := range r.cells {
			r.cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.Join(r.cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout)
	for i, line := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		fmt.Fprintln(p.stdout, strings.TrimRight(line, " "))
		p.printWrapped(textIndent, rows[i].text)
	}
	return nil
}

// printWrapped prints the text in lines of at most printWidth, unless a word is longer.
func (p *program) printWrapped(indent, text string) {
	for line := range strings.SplitSeq(wrapped(printable(text), printWidth-len(indent)), "\n") {
		fmt.Fprintln(p.stdout, indent+line)
	}
}

// instantText shortens a time of the API to milliseconds. A time with an offset, whose year in UTC
// does not have four digits, stays unchanged.
func instantText(i client.Instant) string {
	switch {
	case i == "":
		return "–"
	case !strings.HasSuffix(string(i), "Z"):
		return string(i)
	}
	return i.Time().Format("2006-01-02 15:04:05.999Z")
}
