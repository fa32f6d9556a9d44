package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// maxEvent bounds the size of an event, in bytes.
const maxEvent = 16 << 20

var errTooLarge = fmt.Errorf("%w: an event has more than %d bytes", errForeign, maxEvent)

// message is one event of a stream as sent (WHATWG HTML, server-sent events).
type message struct {
	event string
	data  []byte
	id    string        // "": none
	retry time.Duration // 0: not set
}

// lines reads the messages of a stream.
type lines struct {
	scanner *bufio.Scanner
	alive   func() // called for each line
}

func newLines(r io.Reader, alive func()) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4<<10), maxEvent)
	return &lines{s, alive}
}

// next returns the next message that has data. A message without the final empty line was cut off and
// is not returned.
func (l *lines) next() (m message, err error) {
	for l.scanner.Scan() {
		l.alive()
		line := l.scanner.Bytes()
		if len(line) == 0 {
			if m.data != nil {
				return m, nil
			}
			m = message{retry: m.retry}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			m.event = string(value)
		case "data":
			if m.data != nil {
				m.data = append(m.data, '\n')
			}
			if len(m.data)+len(value) > maxEvent {
				return m, errTooLarge
			}
			m.data = append(m.data, value...)
			if m.data == nil {
				m.data = []byte{}
			}
		case "id":
			if bytes.IndexByte(value, 0) < 0 { // otherwise the field must be ignored
				m.id = string(value)
			}
		case "retry":
			if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
				m.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
	err = l.scanner.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		return m, errTooLarge
	}
	if err != nil {
		return m, fmt.Errorf("client: the stream was cut off: %w", err)
	}
	return m, errEnded
}
