package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// printJSON prints v as one line. It writes characters that JSON allows and a terminal may obey,
// such as U+009B, as escapes such as \u009b, because much of the output comes from outside.
func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	_, err := w.Write(escaped(b.Bytes()))
	return err
}

// escaped returns JSON in which every character that is not printable is escaped. Only strings can
// contain such characters.
func escaped(text []byte) []byte {
	if bytes.IndexFunc(text, unprintable) < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch first, second := utf16.EncodeRune(r); {
		case !unprintable(r):
			out = append(out, text[:n]...)
		case first != unicode.ReplacementChar:
			out = fmt.Appendf(out, `\u%04x\u%04x`, first, second)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out
}

func unprintable(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// printable replaces the characters that a terminal would obey, such as those that move the cursor.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// cleaned writes text without the characters that a terminal would obey, wherever they are, because
// the output of commands often comes from outside. Only the characters in keep remain.
type cleaned struct {
	io.Writer
	keep string
}

func (c cleaned) Write(text []byte) (int, error) {
	obeyed := func(r rune) bool { return !unicode.IsPrint(r) && !strings.ContainsRune(c.keep, r) }
	if bytes.IndexFunc(text, obeyed) < 0 {
		return c.Writer.Write(text)
	}
	_, err := c.Writer.Write(bytes.Map(func(r rune) rune {
		if obeyed(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text))
	return len(text), err
}

// column is a column of a table.
type column struct {
	head  string
	right bool // align right, for numbers
}

// table prints rows below each other, page by page. On a terminal, it leaves out the last columns
// that do not fit, so that no line wraps. Elsewhere it prints all columns.
type table struct {
	w       io.Writer
	columns []column
	widths  []int
	shown   int        // number of columns; 0: nothing has been printed yet
	width   func() int // of the terminal; nil: unlimited
}

func (p *program) newTable(columns ...column) *table {
	return &table{w: p.stdout, columns: columns, widths: make([]int, len(columns)), width: func() int { return terminalWidth(p.stdout) }}
}

const columnGap = 2

// print prints rows below those already printed.
func (t *table) print(rows [][]string) error {
	first := t.shown == 0
	t.fit(rows)
	var b bytes.Buffer
	if first {
		heads := make([]string, len(t.columns))
		for i, c := range t.columns {
			heads[i] = c.head
		}
		t.line(&b, heads)
	}
	for _, row := range rows {
		t.line(&b, row)
	}
	_, err := t.w.Write(b.Bytes())
	return err
}

// fit makes the columns wide enough for the rows, and the cells printable. Before the first rows,
// it decides which columns are printed.
func (t *table) fit(rows [][]string) {
	for _, row := range rows {
		for i := range row {
			row[i] = printable(orUnknown(row[i]))
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(row[i]), utf8.RuneCountInString(t.columns[i].head))
		}
	}
	if t.shown == 0 {
		t.shown = t.fitting()
	}
}

// fitting returns the number of columns that fit, at least one.
func (t *table) fitting() int {
	width, used := 0, -columnGap
	if t.width != nil {
		width = t.width()
	}
	for i, w := range t.widths {
		if used += columnGap + w; width > 0 && used > width {
			return max(i, 1)
		}
	}
	return len(t.widths)
}

func (t *table) line(b *bytes.Buffer, cells []string) {
	var line strings.Builder
	for i, cell := range cells[:t.shown] {
		pad := strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell))
		if t.columns[i].right {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
		line.WriteString(strings.Repeat(" ", columnGap))
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// terminalWidth returns the width of the terminal, or 0 if w is not a terminal.
func terminalWidth(w io.Writer) int {
	if c, is := w.(cleaned); is {
		w = c.Writer
	}
	f, isFile := w.(*os.File)
	if !isFile || !isatty.IsTerminal(f.Fd()) {
		return 0
	}
	if n := columnsOf(f); n > 0 {
		return n
	}
	return helpWidth
}

func orUnknown(s string) string { return orText(s, "–") }
