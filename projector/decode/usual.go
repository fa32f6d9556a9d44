package decode

import (
	"bytes"
	"unsafe"
)

// usualBytes bounds the size of a body that usual reads. The strings that are read are parts of the body,
// which stays in memory as long as any of them does.
const usualBytes = 4096

// usualDepth bounds the nesting of values that are skipped.
const usualDepth = 16

// read reads the members of data that have a shape. It returns errNotJSON or errNotObject; everything else
// that is unusual becomes a note.
func (b *body) read(data []byte, shapes shapes) error {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if b.clear(); b.usual(data, shapes) {
		return nil
	}
	b.clear()
	return b.readAny(data, shapes)
}

// usual reads a usual body, in about half the time of readAny and without allocation. A usual body of the
// platform is plain ASCII without escapes and has each member once, in the expected form, so that there is
// nothing to note. For any other body, even one that is not JSON, usual returns false after it has read a
// part. readAny must then read the body from the beginning.
func (b *body) usual(data []byte, shapes shapes) bool {
	if len(data) > usualBytes {
		return false
	}
	s := scanner{body: b, text: unsafe.String(unsafe.SliceData(data), len(data))} // the body of a record does not change
	s.space()
	if !s.object(shapes) {
		return false
	}
	s.space()
	return s.at == len(s.text)
}

// scanner reads its text from front to back. Its methods read the next part and return false if that is
// not usual.
type scanner struct {
	body *body
	text string
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// each reads the items between two brackets, separated by commas.
func (s *scanner) each(first, last byte, item func() bool) bool {
	if !s.take(first) {
		return false
	}
	if s.space(); s.take(last) {
		return true
	}
	for {
		if s.space(); !item() {
			return false
		}
		if s.space(); s.take(last) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *scanner) object(shapes shapes) bool {
	return s.each('{', '}', func() bool {
		name, ok := s.name()
		if !ok {
			return false
		}
		p := shapes.of(name)
		if p == nil {
			return s.skip(usualDepth)
		}
		return s.value(name, p)
	})
}

// name reads the name of a member, and everything else before the value.
func (s *scanner) name() (name string, ok bool) {
	if name, ok = s.quoted(); !ok {
		return "", false
	}
	s.space()
	ok = s.take(':')
	s.space()
	return name, ok
}

func (s *scanner) value(name string, p *shape) bool {
	next := s.peek()
	switch {
	case p.form == object && next == '{':
		s.body.refused = s.body.refused || name == "validationError"
		return s.object(p.nested)
	case p.form == list && next == '[':
		return s.list()
	case next == '"' && (p.form == text || p.form == number):
		value, ok := s.quoted()
		return ok && s.set(p.member, value)
	case p.form == number && next != 'n':
		value, ok := s.number()
		return ok && s.set(p.member, value)
	}
	return s.word("null")
}

// list reads partialExecutions.
func (s *scanner) list() bool {
	b := s.body
	if b.seen[none] {
		return false
	}
	b.seen[none] = true
	b.inList = true
	defer func() { b.inList = false }()
	return s.each('[', ']', func() bool {
		b.partials = append(b.partials, partial{})
		return s.object(partialShapes)
	})
}

func (s *scanner) set(m member, value string) bool {
	b := s.body
	switch {
	case len(value) > maxText:
		return false
	case b.inList:
		at := b.partials[len(b.partials)-1].at(m)
		if *at != "" {
			return false
		}
		*at = value
	case b.seen[m]:
		return false
	default:
		b.seen[m], b.values[m] = true, value
	}
	return true
}

// quoted reads a string without escapes.
func (s *scanner) quoted() (value string, ok bool) {
	if !s.take('"') {
		return "", false
	}
	rest := s.text[s.at:]
	for i := range len(rest) {
		if c := rest[i]; c == '"' {
			s.at += i + 1
			return rest[:i], true
		} else if c < ' ' || c > '~' || c == '\\' {
			break
		}
	}
	return "", false
}

// number reads a number as RFC 8259 defines it.
func (s *scanner) number() (value string, ok bool) {
	begin := s.at
	s.take('-')
	if !s.take('0') && !s.digits() {
		return "", false
	}
	if s.take('.') && !s.digits() {
		return "", false
	}
	if s.take('e') || s.take('E') {
		_ = s.take('-') || s.take('+')
		if !s.digits() {
			return "", false
		}
	}
	return s.text[begin:s.at], true
}

func (s *scanner) digits() bool {
	begin := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > begin
}

func (s *scanner) word(word string) bool {
	if len(s.text)-s.at < len(word) || s.text[s.at:s.at+len(word)] != word {
		return false
	}
	s.at += len(word)
	return true
}

// skip reads and ignores a value.
func (s *scanner) skip(depth int) bool {
	if depth == 0 {
		return false
	}
	switch s.peek() {
	case '"':
		_, ok := s.quoted()
		return ok
	case '{':
		return s.each('{', '}', func() bool {
			_, ok := s.name()
			return ok && s.skip(depth-1)
		})
	case '[':
		return s.each('[', ']', func() bool { return s.skip(depth - 1) })
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	_, ok := s.number()
	return ok
}
