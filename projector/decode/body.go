package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/orderfold/orderfold/statemachine"
)

// The bounds of the values that are read from a body. The size of the body is bounded by the receiver.
const (
	maxID     = 128  // bytes of an order id
	maxText   = 1024 // bytes of any other string; a longer one is cut
	maxNumber = 4096 // bytes of a number; a longer one is ignored
	maxNotes  = 16
)

// member identifies a member of a body that the decoder reads, at any depth.
type member uint8

// The members that are not, or not only, details of an order. The members of details are numbered from
// ownMembers on.
const (
	none member = iota
	orderID
	status
	notificationType
	modifiedOn
	quantityType
	marketQuantityType
	executionQuantity
	executionAmount
	executionDataQuantity
	executionDataAmount
	partialID
	partialQuantity
	partialPrice
	partialAmount
	errorType
	errorDescription
	objectID
	ownMembers
)

// form is the kind of value that a member should have.
type form uint8

const (
	text form = iota
	number
	object // nested members
	list   // partialExecutions
)

// shape determines how the value of a member is read.
type shape struct {
	form   form
	member member
	nested shapes
}

// shapes are the shapes of the members of an object, indexed by the length of the name, because few names
// have the same length.
type shapes [][]namedShape

type namedShape struct {
	name string
	shape
}

// of returns the shape of the member with the given name, or nil if the member is not read.
func (all shapes) of(name string) *shape {
	if len(name) < len(all) {
		for i := range all[len(name)] {
			if p := &all[len(name)][i]; p.name == name {
				return &p.shape
			}
		}
	}
	return nil
}

// at returns the shape of the member at a path of names joined by dots. It adds the shape if there is none.
func (all *shapes) at(path string) *shape {
	name, rest, nested := strings.Cut(path, ".")
	for len(*all) <= len(name) {
		*all = append(*all, nil)
	}
	if all.of(name) == nil {
		(*all)[len(name)] = append((*all)[len(name)], namedShape{name: name})
	}
	s := all.of(name)
	if nested {
		s.form = object
		return s.nested.at(rest)
	}
	return s
}

// place is the place of a member in a body.
type place struct {
	path   string
	form   form
	member member
}

func shapesOf(places ...place) (all shapes) {
	for _, p := range places {
		*all.at(p.path) = shape{form: p.form, member: p.member}
	}
	return all
}

// detailPlaces are the places of each detail, the preferred one first; numMembers is the number of all
// members.
var detailPlaces, numMembers = placeDetails()

// orderShapes are the shapes of the three order objects, in notifications and in answers to GET order.
var orderShapes = shapesOf(slices.Concat(slices.Concat(detailPlaces[:]...), []place{
	{"orderId", text, orderID},
	{"status", text, status},
	{"notificationType", text, notificationType},
	{"modifiedOn", text, modifiedOn},
	{"quantityType", text, quantityType},
	{"marketOrderData.quantityType", text, marketQuantityType},
	{"execution.quantity", number, executionQuantity},
	{"execution.executionAmount", number, executionAmount},
	{"executionData.quantity", number, executionDataQuantity},
	{"executionData.executionAmount", number, executionDataAmount},
	{"partialExecutions", list, none},
	{"validationError.errorType", text, errorType},
	{"validationError.description", text, errorDescription},
})...)

// partialShapes are the shapes of an entry of partialExecutions.
var partialShapes = shapesOf(
	place{"executionId", text, partialID},
	place{"executionQuantity", number, partialQuantity},
	place{"executionPrice", number, partialPrice},
	place{"amount", number, partialAmount})

func placeDetails() (places [statemachine.Fields][]place, next member) {
	next = ownMembers
	for f, d := range statemachine.Details() {
		for _, path := range strings.Fields(d.In) {
			p := place{path, text, next}
			if d.Form == statemachine.NumberForm {
				p.form = number
			}
			if path == "validationError.description" { // also read for the refusal
				p.member = errorDescription
			} else {
				next++
			}
			places[f] = append(places[f], p)
		}
	}
	return places, next
}

var (
	errNotJSON   = errors.New("not JSON")
	errNotObject = errors.New("JSON, but not an object")
)

// partial is an entry of partialExecutions, as it was sent.
type partial struct{ id, quantity, price, amount string }

// at returns the field for a member.
func (p *partial) at(m member) *string {
	switch m {
	case partialID:
		return &p.id
	case partialPrice:
		return &p.price
	case partialAmount:
		return &p.amount
	}
	return &p.quantity
}

// body contains the decoded members of one body. It is reused for the next record.
type body struct {
	values   []string  // by member
	seen     []bool    // by member: it is present, even if it is null
	refused  bool      // validationError is present
	partials []partial // partialExecutions
	inList   bool
	notes    []string

	buffer bytes.Buffer
	dec    jsontext.Decoder
}

// byteOrderMark may precede the JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

func (b *body) clear() {
	if b.values == nil {
		b.values, b.seen = make([]string, numMembers), make([]bool, numMembers)
	}
	clear(b.values)
	clear(b.seen)
	b.refused, b.inList = false, false
	b.partials, b.notes = b.partials[:0], nil
	if cap(b.partials) > 1024 {
		b.partials = nil // one unusual body must not occupy memory for ever
	}
}

// readAny reads any data. It returns errNotJSON or errNotObject; everything else that is unusual becomes a
// note.
func (b *body) readAny(data []byte, shapes shapes) error {
	b.buffer = *bytes.NewBuffer(data)
	b.dec.Reset(&b.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	isObject := b.dec.PeekKind() == '{'
	var err error
	if isObject {
		err = b.members(shapes)
	} else {
		err = b.dec.SkipValue()
	}
	if err == nil {
		if _, err = b.dec.ReadToken(); err == nil {
			err = errors.New("more than one value")
		}
	}
	if !errors.Is(err, io.EOF) || b.dec.InputOffset() == 0 {
		return fmt.Errorf("%w: %s", errNotJSON, Bounded(err.Error()))
	}
	if !isObject {
		return errNotObject
	}
	if !utf8.Valid(data) {
		b.note("bytes that are not UTF-8 were read as U+FFFD")
	}
	return nil
}

// members reads an object that begins with the next token.
func (b *body) members(shapes shapes) error {
	if _, err := b.dec.ReadToken(); err != nil {
		return err
	}
	for b.dec.PeekKind() == '"' {
		raw, err := b.dec.ReadValue()
		if err != nil {
			return err
		}
		name := raw[1 : len(raw)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name, _ = jsontext.AppendUnquote(nil, raw) // ReadValue has checked that it is well formed
		}
		if p := shapes.of(string(name)); p != nil {
			err = b.value(string(name), p)
		} else {
			err = b.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := b.dec.ReadToken()
	return err
}

// value reads the value of a known member. A value of an unexpected form is noted and ignored.
func (b *body) value(name string, p *shape) error {
	kind := b.dec.PeekKind()
	switch {
	case p.form == object && kind == '{':
		b.refused = b.refused || name == "validationError"
		return b.members(p.nested)
	case p.form == list && kind == '[':
		return b.list()
	case p.form == text && kind == '"', p.form == number && (kind == '0' || kind == '"'):
		raw, err := b.dec.ReadValue()
		if err == nil {
			b.set(name, p, raw)
		}
		return err
	case kind != 'n' && kind != jsontext.KindInvalid:
		b.note(fmt.Sprintf("%s: expected %s, found %s; ignored", name, p.form, kindName(kind)))
	}
	return b.dec.SkipValue()
}

// list reads partialExecutions.
func (b *body) list() error {
	if b.seen[none] {
		b.partials = b.partials[:0]
		b.note("partialExecutions: occurs twice; the last value is used")
	}
	b.seen[none] = true
	if _, err := b.dec.ReadToken(); err != nil {
		return err
	}
	b.inList = true
	defer func() { b.inList = false }()
	for kind := b.dec.PeekKind(); kind != ']' && kind != jsontext.KindInvalid; kind = b.dec.PeekKind() {
		var err error
		b.partials = append(b.partials, partial{}) // also for an entry that is not an object, so that the sum is unknown
		if kind == '{' {
			err = b.members(partialShapes)
		} else {
			b.note(fmt.Sprintf("partialExecutions: expected an object, found %s; ignored", kindName(kind)))
			err = b.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := b.dec.ReadToken()
	return err
}

func (b *body) set(name string, p *shape, raw jsontext.Value) {
	value := raw
	if raw[0] == '"' {
		value = raw[1 : len(raw)-1]
		if bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value) {
			value, _ = jsontext.AppendUnquote(nil, raw)
		}
	}
	switch {
	case p.form == number && len(value) > maxNumber:
		b.note(fmt.Sprintf("%s: a number of %d digits is longer than %d; ignored", name, len(value), maxNumber))
		return
	case p.form == text && len(value) > maxText && p.member != orderID && p.member != objectID:
		b.note(fmt.Sprintf("%s: cut from %d to %d bytes", name, len(value), maxText))
		value = bytes.ToValidUTF8(value[:maxText], nil)
	}
	if b.inList {
		at := b.partials[len(b.partials)-1].at(p.member)
		if *at != "" {
			b.note(name + ": occurs twice; the last value is used")
		}
		*at = string(value)
		return
	}
	if b.seen[p.member] {
		b.note(name + ": occurs twice; the last value is used")
	}
	b.seen[p.member] = true
	b.values[p.member] = string(value)
}

func (b *body) note(text string) {
	if len(b.notes) < maxNotes {
		b.notes = append(b.notes, text)
	}
}

// detail returns the value of a detail, from the first place that contains one, and the name of the member.
func (b *body) detail(f statemachine.Field) (value, name string) {
	for _, p := range detailPlaces[f] {
		if value = b.values[p.member]; value != "" {
			return value, p.path[strings.LastIndexByte(p.path, '.')+1:]
		}
	}
	return "", ""
}

// String returns the form as it is written in a note.
func (f form) String() string {
	return [...]string{"text", "a number", "an object", "a list"}[f]
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return k.String()
}

// Bounded cuts text to 256 bytes, the limit for text from a body in a reason.
func Bounded(s string) string {
	const most = 256
	if len(s) > most {
		return string(bytes.ToValidUTF8([]byte(s[:most]), nil)) + "…"
	}
	return s
}
