package main

import (
	"fmt"
	"io"
	"time"
)

// statusLine shows progress: one line that is rewritten on a terminal, a line every few seconds
// elsewhere.
type statusLine struct {
	w        io.Writer
	terminal bool
	begin    time.Time
	last     time.Time
	shown    bool
}

func newLine(w io.Writer) *statusLine {
	now := time.Now()
	return &statusLine{w: w, terminal: isTerminal(w), begin: now, last: now}
}

// show skips most of its calls, to limit their rate, but never the last one of a kind.
func (l *statusLine) show(last bool, text string) {
	now, every := time.Now(), 5*time.Second
	if l.terminal {
		every = 100 * time.Millisecond
	}
	if now.Sub(l.last) < every && !last {
		return
	}
	l.last = now
	if l.terminal {
		fmt.Fprintf(l.w, "\r\x1b[K%s", text)
		l.shown = true
	} else {
		fmt.Fprintln(l.w, text)
	}
}

func (l *statusLine) end() {
	if l.shown {
		fmt.Fprintln(l.w)
	}
}
