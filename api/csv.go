package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/orderfold/orderfold/statemachine"
)

// csvColumn is a column of a CSV export.
type csvColumn struct {
	name  string
	value func(*Order) string
}

// csvColumns are the columns, in their order. Texts come from outside and are guarded; numbers, times, flags and words of ours are
// written as they are.
var csvColumns = []csvColumn{
	{"orderId", func(o *Order) string { return guard(o.OrderID) }},
	{"assetClass", func(o *Order) string { return text(o.AssetClass) }},
	{"status", func(o *Order) string { return guard(text(o.Status)) }},
	{"statusSince", func(o *Order) string { return text(o.StatusSince) }},
	{"open", func(o *Order) string { return strconv.FormatBool(o.Open) }},
	{"final", func(o *Order) string { return strconv.FormatBool(o.Final) }},
	{"settlement", settlementOf(func(s *Settlement) string { return s.State })},
	{"tradeDate", settlementOf(func(s *Settlement) string { return text(s.TradeDate) })},
	{"dueOn", settlementOf(func(s *Settlement) string { return text(s.DueOn) })},
	{"cycle", settlementOf(func(s *Settlement) string { return text(s.Cycle) })},
	{"overdueDays", settlementOf(func(s *Settlement) string { return strconv.Itoa(s.OverdueDays) })},
	{"side", func(o *Order) string { return guard(text(o.Side)) }},
	{"isin", func(o *Order) string { return guard(text(o.ISIN)) }},
	{"symbol", func(o *Order) string { return guard(text(o.Symbol)) }},
	{"orderType", func(o *Order) string { return guard(text(o.OrderType)) }},
	{"exchangeCode", func(o *Order) string { return guard(text(o.ExchangeCode)) }},
	{"quantity", func(o *Order) string { return number(o.Quantity) }},
	{"amount", func(o *Order) string { return number(o.Amount) }},
	{"executedQuantity", func(o *Order) string { return number(o.ExecutedQuantity) }},
	{"executionPrice", func(o *Order) string { return number(o.ExecutionPrice) }},
	{"executedAmount", func(o *Order) string { return number(o.ExecutedAmount) }},
	{"averagePrice", func(o *Order) string { return number(o.AveragePrice) }},
	{"executions", func(o *Order) string { return strconv.Itoa(len(o.Executions)) }},
	{"limitPrice", func(o *Order) string { return number(o.LimitPrice) }},
	{"stopPrice", func(o *Order) string { return number(o.StopPrice) }},
	{"externalId", func(o *Order) string { return guard(text(o.ExternalID)) }},
	{"productIds", func(o *Order) string { return guard(strings.Join(o.ProductIDs, " ")) }},
	{"message", func(o *Order) string { return guard(text(o.Message)) }},
	{"createdOn", func(o *Order) string { return guard(text(o.CreatedOn)) }},
	{"modifiedOn", func(o *Order) string { return text(o.ModifiedOn) }},
	{"expiryDate", func(o *Order) string { return guard(text(o.ExpiryDate)) }},
	{"breaks", func(o *Order) string { return breakCodes(o) }},
	{"refusals", func(o *Order) string { return strconv.Itoa(len(o.Refusals)) }},
	{"notifications", func(o *Order) string { return strconv.FormatUint(o.Notifications.Count, 10) }},
	{"duplicates", func(o *Order) string { return strconv.FormatUint(o.Notifications.Duplicates, 10) }},
	{"firstSequence", func(o *Order) string { return strconv.FormatUint(o.Notifications.FirstSequence, 10) }},
	{"lastSequence", func(o *Order) string { return strconv.FormatUint(o.Notifications.LastSequence, 10) }},
	{"firstReceivedAt", func(o *Order) string { return o.Notifications.FirstReceivedAt }},
	{"lastReceivedAt", func(o *Order) string { return o.Notifications.LastReceivedAt }},
}

// csvWriter writes the line of names and returns what writes an order.
func csvWriter(w io.Writer, columns []csvColumn) func(*Order) error {
	lines := csv.NewWriter(w)
	line := make([]string, len(columns))
	for i := range columns {
		line[i] = columns[i].name
	}
	write := func() error {
		_ = lines.Write(line)
		lines.Flush() // into the buffer below
		if err := lines.Error(); err != nil {
			return fmt.Errorf("%w: %v", context.Canceled, err)
		}
		return nil
	}
	err := write()
	return func(o *Order) error {
		if err != nil {
			return err
		}
		for i := range columns {
			line[i] = columns[i].value(o)
		}
		return write()
	}
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

// guard keeps spreadsheets from taking a text for a formula, or a part of it: one that separates columns by semicolons, as a German
// one does, cuts a text there, and at the end of a line too, for it no longer finds the quotation mark at the beginning of the
// column. So guard puts a ' in front of each part that begins with a sign of formulas. White space, control characters and
// quotation marks before the sign do not count, for a spreadsheet may drop them. A text that begins with NUL, a tab or the end of
// a line gets a ' in any case.
func guard(text string) string {
	if harmless(text) {
		return text
	}
	var b strings.Builder
	part, blank := 0, true // where the present part begins, and whether only what does not count is in it
	written := 0
	put := func(at int) {
		b.WriteString(text[written:at])
		b.WriteByte('\'')
		written = at
	}
	for i, r := range text {
		switch {
		case separates(r):
			if i == 0 && r != ';' {
				put(0)
			}
			part, blank = i+utf8.RuneLen(r), true
		case blank && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", r):
			put(part)
			blank = false
		case r != '"' && !unicode.In(r, unicode.Z, unicode.C):
			blank = false
		}
	}
	b.WriteString(text[written:])
	return b.String()
}

// harmless reports, in less time, whether nothing in a text can be a sign of formulas, as in nearly all.
func harmless(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == ';' {
			return false
		}
	}
	return text == "" || !strings.Contains("=+-@\" ", text[:1])
}

// separates reports whether a spreadsheet may begin another cell after r. It keeps together what has a comma in it.
func separates(r rune) bool { return strings.ContainsRune(";\t\n\v\f\r\x00\u0085\u2028\u2029", r) }

// number leaves a number as it is, also a negative one.
func number(value *string) string {
	if _, ok := statemachine.ParseDecimal(text(value)); ok {
		return *value
	}
	return guard(text(value))
}

func breakCodes(o *Order) string {
	codes := make([]string, len(o.Breaks))
	for i := range o.Breaks {
		codes[i] = o.Breaks[i].Code
	}
	return strings.Join(codes, " ")
}
