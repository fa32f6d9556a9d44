package projector

import "unsafe"

// usualBytes is how long a body may be to be read the short way: what is read of it are parts of the body itself, which lives as
// long as any of them does.
const usualBytes = 4096

// usualDepth is how deep values may lie in each other that nobody reads.
const usualDepth = 16

// usual reads data the short way, in about half of the time and with no allocation: in a body as the platform sends them, of
// plain ASCII, without escapes, each member once and of the form that is due, there is nothing to decide and nothing to note. It
// returns false for any other, were it not even JSON, and leaves half of it behind: that is read the long way.
func (b *body) usual(data []byte, places places) bool {
	if len(data) > usualBytes {
		return false
	}
	s := scan{body: b, text: unsafe.String(unsafe.SliceData(data), len(data))} // nobody writes into the body of a record
	s.space()
	if !s.object(places) {
		return false
	}
	s.space()
	return s.at == len(s.text)
}

// scan is a place in a text. Its methods read what is next and return false when that is not usual.
type scan struct {
	body *body
	text string
	at   int
}

func (s *scan) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek is the next byte; 0 at the end.
func (s *scan) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scan) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// each reads what stands between two brackets, separated by commas.
func (s *scan) each(first, last byte, item func() bool) bool {
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

func (s *scan) object(places places) bool {
	return s.each('{', '}', func() bool {
		name, ok := s.name()
		if !ok {
			return false
		}
		p := places.of(name)
		if p == nil {
			return s.skip(usualDepth)
		}
		return s.value(name, p)
	})
}

// name reads the name of a member and what stands before its value.
func (s *scan) name() (name string, ok bool) {
	if name, ok = s.quoted(); !ok {
		return "", false
	}
	s.space()
	ok = s.take(':')
	s.space()
	return name, ok
}

func (s *scan) value(name string, p *place) bool {
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
func (s *scan) list() bool {
	b := s.body
	if b.seen[none] {
		return false
	}
	b.seen[none] = true
	b.inList = true
	defer func() { b.inList = false }()
	return s.each('[', ']', func() bool {
		b.partials = append(b.partials, partial{})
		return s.object(partialPlaces)
	})
}

func (s *scan) set(m member, value string) bool {
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
func (s *scan) quoted() (value string, ok bool) {
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

// number reads what RFC 8259 calls one.
func (s *scan) number() (value string, ok bool) {
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

func (s *scan) digits() bool {
	begin := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > begin
}

func (s *scan) word(word string) bool {
	if len(s.text)-s.at < len(word) || s.text[s.at:s.at+len(word)] != word {
		return false
	}
	s.at += len(word)
	return true
}

// skip reads a value that nobody asks for.
func (s *scan) skip(depth int) bool {
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
