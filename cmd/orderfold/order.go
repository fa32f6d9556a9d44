package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"
)

// orderQuestion says which order to print, as it was known when.
type orderQuestion struct {
	id       string
	asOf     string // RFC 3339; "": now
	sequence uint64 // 0: the last
}

// order prints one order with its explanation and history, as the API tells them.
func (p *program) order(ctx context.Context, args []string) error {
	var c apiClient
	var q orderQuestion
	var asJSON bool
	operands, err := p.flags("order", "ID", args, func(f *flag.FlagSet) {
		f.StringVar(&c.url, "api-url", "http://127.0.0.1:8081", "the read API")
		f.StringVar(&c.key, "api-key", "", "key for the read API")
		f.StringVar(&q.asOf, "as-of", "", "as it was known at that time, by the times received, RFC 3339; empty: now")
		f.Uint64Var(&q.sequence, "as-of-sequence", 0, "as it was known when that record of the log had been received; 0: the last")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	if q.asOf != "" {
		if _, err := time.Parse(time.RFC3339Nano, q.asOf); err != nil {
			return usagef("--as-of: %q is not an RFC 3339 time such as 2026-03-02T09:00:00Z", q.asOf)
		}
	}
	c.url = strings.TrimRight(c.url, "/")
	q.id = operands[0]
	order, err := c.get(ctx, q.path(""))
	if err != nil {
		return err
	}
	var o orderText
	if err := json.Unmarshal(order, &o); err != nil {
		return fmt.Errorf("order: the API's answer is not an order: %w", err)
	}
	q.sequence = o.Notifications.LastSequence // so that what arrives meanwhile is not in one answer and missing in the other
	explanation, err := c.get(ctx, q.path("/explain"))
	if err != nil {
		return err
	}
	history, err := c.get(ctx, q.path("/history"))
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(map[string]json.RawMessage{"order": order, "explanation": explanation, "history": history})
	}
	return p.printOrder(&o, explanation, history)
}

// path returns the path of the order, or of what the API has under it.
func (q *orderQuestion) path(under string) string {
	query := url.Values{}
	if q.asOf != "" {
		query.Set("asOf", q.asOf)
	}
	if q.sequence != 0 {
		query.Set("asOfSequence", strconv.FormatUint(q.sequence, 10))
	}
	path := "/v1/orders/" + url.PathEscape(q.id) + under
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// orderText is what is printed of an order view.
type orderText struct {
	OrderID, AssetClass, Status, Side, ISIN, Symbol, Quantity, ExecutedQuantity string
	OrderType, LimitPrice, StopPrice, ExchangeCode, ExternalID, Message         string
	StatusSince                                                                 time.Time
	Open, Final                                                                 bool
	Breaks                                                                      []struct {
		Code, Severity string
		OpenedAt       time.Time
		Sequences      []uint64
	}
	Refusals []struct {
		At                     time.Time
		ErrorType, Description string
	}
	Notifications struct{ Count, Duplicates, LastSequence uint64 }
}

type explanationText struct {
	Summary []string
	Facts   []struct {
		Sequence                             uint64
		At                                   time.Time
		Kind, Status, Executed, Verdict, Why string
	}
}

type historyText struct {
	Data []struct {
		Sequence                                    uint64
		ReceivedAt                                  time.Time
		At                                          *time.Time
		Status, Executed, Effect, Rule, StatusAfter string
		BreaksOpened, BreaksClosed, Notes           []string
	}
}

func (p *program) printOrder(o *orderText, explanation, history []byte) error {
	var e explanationText
	var h historyText
	if err := json.Unmarshal(explanation, &e); err != nil {
		return fmt.Errorf("order: the API's answer is not an explanation: %w", err)
	}
	if err := json.Unmarshal(history, &h); err != nil {
		return fmt.Errorf("order: the API's answer is not a history: %w", err)
	}
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
	for _, n := range h.Data {
		at := time.Time{}
		if n.At != nil {
			at = *n.At
		}
		why := []string{n.Rule}
		for _, code := range n.BreaksOpened {
			why = append(why, "Opens the break "+code+".")
		}
		for _, code := range n.BreaksClosed {
			why = append(why, "Closes the break "+code+".")
		}
		entries = append(entries, printedRow{[]string{fmt.Sprint(n.Sequence), instantText(n.ReceivedAt), instantText(at),
			orUnknown(n.Status), n.Executed, n.Effect, orUnknown(n.StatusAfter)}, strings.Join(append(why, n.Notes...), " ")})
	}
	return p.printRows(entries)
}

func (p *program) printHead(o *orderText) error {
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
		{"since", instantText(o.StatusSince)}, {"state", state}, {"side", o.Side}, {"instrument", o.ISIN + o.Symbol},
		{"quantity", o.Quantity}, {"executed", orUnknown(o.ExecutedQuantity)}, {"order type", o.OrderType},
		{"limit price", o.LimitPrice}, {"stop price", o.StopPrice}, {"exchange", o.ExchangeCode},
		{"external id", o.ExternalID}, {"message", o.Message},
		{"notifications", fmt.Sprintf("%d, of them %d repeats", o.Notifications.Count, o.Notifications.Duplicates)}} {
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
