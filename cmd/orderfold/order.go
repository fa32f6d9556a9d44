package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/orderfold/orderfold/api/client"
)

// order prints one order with its explanation and history, as the API tells them.
func (p *program) order(ctx context.Context, args []string) error {
	var url, key, asOf string
	var at client.AsOf
	var asJSON bool
	operands, err := p.flags("order", "ID", args, func(f *flag.FlagSet) {
		f.StringVar(&url, "api-url", "http://127.0.0.1:8081", "the read API")
		f.StringVar(&key, "api-key", "", "key for the read API")
		f.StringVar(&asOf, "as-of", "", "as it was known at that time, by the times received, RFC 3339; empty: now")
		f.Uint64Var(&at.Sequence, "as-of-sequence", 0, "as it was known when that record of the log had been received; 0: the last")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	if asOf != "" {
		if at.Received, err = time.Parse(time.RFC3339Nano, asOf); err != nil || at.Received.IsZero() { // zero: now
			return usagef("--as-of: %q is not an RFC 3339 time such as 2026-03-02T09:00:00Z", asOf)
		}
	}
	c, err := newClient(url, key)
	if err != nil {
		return err
	}
	id := operands[0]
	o, err := c.Order(ctx, id, at)
	if err != nil {
		return hinted(err)
	}
	at.Sequence = o.Notifications.LastSequence // so that what arrives meanwhile is not in one answer and missing in the other
	explanation, err := c.Explain(ctx, id, at)
	if err != nil {
		return hinted(err)
	}
	history, err := c.History(ctx, id, at)
	if err != nil {
		return hinted(err)
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(map[string]json.RawMessage{"order": o.Raw, "explanation": explanation.Raw, "history": history.Raw})
	}
	return p.printOrder(&o, &explanation, &history)
}

func (p *program) printOrder(o *client.Order, e *client.Explanation, h *client.History) error {
	if err := p.printHead(o); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout)
	for _, sentence := range e.Summary {
		p.printWrapped("", sentence)
	}
	facts := []printedRow{{[]string{"FACT", "KIND", "AT", "SAYS", "EXECUTED", "VERDICT"}, "WHY"}}
	for _, f := range e.Facts {
		facts = append(facts, printedRow{[]string{fmt.Sprint(f.Sequence), f.Kind, instantText(f.At.Time()), f.Status, f.Executed, f.Verdict}, f.Why})
	}
	if err := p.printRows(facts); err != nil {
		return err
	}
	entries := []printedRow{{[]string{"SEQUENCE", "RECEIVED", "AT", "SAID", "EXECUTED", "DID", "STATUS AFTER"}, "WHY"}}
	for _, n := range h.Data {
		why := []string{n.Rule}
		for _, code := range n.BreaksOpened {
			why = append(why, "Opens the break "+code+".")
		}
		for _, code := range n.BreaksClosed {
			why = append(why, "Closes the break "+code+".")
		}
		entries = append(entries, printedRow{[]string{fmt.Sprint(n.Sequence), instantText(n.ReceivedAt.Time()), instantText(n.At.Time()),
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
		{"since", instantText(o.StatusSince.Time())}, {"state", state}, {"side", o.Side}, {"instrument", o.ISIN + o.Symbol},
		{"quantity", o.Quantity}, {"executed", orUnknown(o.ExecutedQuantity)}, {"order type", o.OrderType},
		{"limit price", o.LimitPrice}, {"stop price", o.StopPrice}, {"exchange", o.ExchangeCode},
		{"external id", o.ExternalID}, {"message", o.Message},
		{"notifications", fmt.Sprintf("%d, of them %d repeats", o.Notifications.Count, o.Notifications.Duplicates)}} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], printable(row[1]))
		}
	}
	for _, b := range o.Breaks {
		fmt.Fprintf(w, "break\t%s (%s) since %s, see notifications %v\n", b.Code, b.Severity, instantText(b.OpenedAt.Time()), b.Sequences)
	}
	for _, r := range o.Refusals {
		fmt.Fprintf(w, "refused\t%s %s: %s\n", instantText(r.At.Time()), printable(r.ErrorType), printable(r.Description))
	}
	return w.Flush()
}

// printedRow is a row of a table, and a text that would make it too wide.
type printedRow struct {
	cells []string
	text  string
}

const (
	printWidth = 120
	textIndent = "    "
)

// printRows prints a table, the head as its first row, with the text of each row under it.
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

// printWrapped prints the text in lines of printWidth at most, unless a word is longer.
func (p *program) printWrapped(indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(printable(text)) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > printWidth {
			fmt.Fprintln(p.stdout, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(p.stdout, line)
}

// printable replaces what would move the cursor or worse: much of what is printed was sent by somebody else.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func orUnknown(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05.999Z")
}
