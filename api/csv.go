package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/orderfold/orderfold/statemachine"
)

// csvColumns are the columns in order. Numbers, times, booleans and our own words are written
// unchanged.
var csvColumns = makeColumns()

func makeColumns() (all []csvColumn) {
	for _, m := range orderMembers {
		all = append(all, m.columns...)
	}
	return all
}

// csvWriter writes the header line and returns a function that writes an order.
func csvWriter(w io.Writer, columns []csvColumn) func(*Order) error {
	lines := csv.NewWriter(w)
	line := make([]string, len(columns))
	for i := range columns {
		line[i] = columns[i].name
	}
	write := func() error {
		_ = lines.Write(line)
		lines.Flush() // into w, which is buffered
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

// guard keeps spreadsheets from reading a value, or a part of it, as a formula. A spreadsheet that
// separates columns by semicolons, such as a German one, splits a value at semicolons and at line
// ends, because it no longer finds the quotation mark at the beginning of the column. So guard puts
// a ' before each part that begins with a formula sign. White space, control characters and
// quotation marks before the sign do not count, because a spreadsheet may drop them. A value that
// begins with NUL, a tab or a line end always gets a '.
func guard(text string) string {
	if harmless(text) {
		return text
	}
	var b strings.Builder
	// part is where the current part begins; blank reports whether it contains only characters that
	// do not count.
	part, blank := 0, true
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

// harmless reports whether a value contains no formula sign, which is true of nearly every value.
// It is faster than guard.
func harmless(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == ';' {
			return false
		}
	}
	return text == "" || !strings.Contains("=+-@\" ", text[:1])
}

// separates reports whether a spreadsheet may begin another cell after r. A comma does not
// separate.
func separates(r rune) bool { return strings.ContainsRune(";\t\n\v\f\r\x00\u0085\u2028\u2029", r) }

// number leaves a number unchanged, even a negative one.
func number(value string) string {
	if _, ok := statemachine.ParseDecimal(value); ok {
		return value
	}
	return guard(value)
}

func breakCodes(o *Order) string {
	codes := make([]string, len(o.state.Breaks))
	for i := range o.state.Breaks {
		codes[i] = o.state.Breaks[i].Code.String()
	}
	return strings.Join(codes, " ")
}
