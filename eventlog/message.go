package eventlog

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

const (
	shards         = 64
	maxObjectBytes = 64
	maxHeaderBytes = 256
	// headerRoom is more than the headers of one message can take.
	headerRoom = 64 << 10
)

// The headers of a message. nats.Header does not change their case.
const (
	headerContentType = "Content-Type"
	headerRequestID   = "Request-Id"
	headerSource      = "Orderfold-Source"
	headerTraceparent = "traceparent"
)

// The headers that mark the messages of an atomic batch. The server stores them, but a Record does
// not contain them.
const (
	headerBatchID       = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// message returns the message to publish for a record. The error wraps ErrInvalid.
func message(r Record) (*nats.Msg, error) {
	subject, err := subjectOf(r)
	if err != nil {
		return nil, err
	}
	header := nats.Header{headerSource: {string(r.source())}}
	for name, value := range map[string]string{
		headerContentType: r.ContentType, headerRequestID: r.RequestID, headerTraceparent: r.Traceparent,
	} {
		if value = headerValue(value); value != "" {
			header[name] = []string{value}
		}
	}
	return &nats.Msg{Subject: subject, Header: header, Data: r.Body}, nil
}

func (r Record) source() Source {
	if r.Source == "" {
		return Webhook
	}
	return r.Source
}

func subjectOf(r Record) (string, error) {
	if !kebab(r.Object) {
		return "", fmt.Errorf("%w: object %.80q is not a kebab-case word of at most %d bytes", ErrInvalid, r.Object, maxObjectBytes)
	}
	kind := "notifications"
	switch r.source() {
	case Webhook, Recovered:
	case Fetched:
		kind = "snapshots"
	default:
		return "", fmt.Errorf("%w: unknown source %.80q", ErrInvalid, r.Source)
	}
	return fmt.Sprintf("%s.%s.%02d", kind, r.Object, shard(r)), nil
}

func shard(r Record) uint64 {
	hash := fnv.New64a()
	if r.Key != "" {
		hash.Write([]byte(r.Key))
	} else {
		hash.Write(r.Body)
	}
	return hash.Sum64() % shards
}

// kebab reports whether text consists of lower-case words joined by single hyphens, and is short
// enough. Such a string is a single token of a subject.
func kebab(text string) bool {
	if text == "" || len(text) > maxObjectBytes {
		return false
	}
	previous := byte('-')
	for i := range len(text) {
		c := text[i]
		if c == '-' && previous == '-' || c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
		previous = c
	}
	return previous != '-'
}

// headerValue returns text as a valid header value of at most maxHeaderBytes: a control character
// could end the header or the whole header block.
func headerValue(text string) string {
	if len(text) > 4*maxHeaderBytes {
		text = text[:4*maxHeaderBytes]
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r // U+FFFD for an invalid byte
	}, text)
	text = strings.TrimSpace(text)
	if len(text) > maxHeaderBytes {
		end := maxHeaderBytes
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = strings.TrimSpace(text[:end])
	}
	return text
}

// record is the inverse of message, for a stored message.
func record(log string, sequence uint64, received time.Time, subject string, a attributes, body []byte) Record {
	_, object, _ := strings.Cut(subject, ".")
	object, _, _ = strings.Cut(object, ".")
	return Record{
		Sequence:    sequence,
		Received:    received.UTC(),
		Source:      Source(a.source),
		Object:      object,
		ContentType: a.contentType,
		RequestID:   a.requestID,
		Traceparent: a.traceparent,
		Body:        body,
		log:         log,
		subject:     subject,
	}
}

// attributes are the fields of a record that are stored in the headers of its message.
type attributes struct{ source, contentType, requestID, traceparent string }

func attributesOf(header nats.Header) attributes {
	return attributes{first(header, headerSource), first(header, headerContentType), first(header, headerRequestID), first(header, headerTraceparent)}
}

// read sets a to the attributes in a stored header block. It reuses the strings of a that have not
// changed, which saves memory when a is used for record after record.
func (a *attributes) read(block []byte) error {
	if len(block) == 0 {
		*a = attributes{}
		return nil
	}
	if a.readLines(block) {
		return nil
	}
	header, err := nats.DecodeHeadersMsg(block)
	if err != nil {
		return fmt.Errorf("eventlog: read the headers of a record: %w", err)
	}
	*a = attributesOf(header)
	return nil
}

// readLines is a fast version of read for the headers that message writes: it needs none of the maps
// and strings of the client library. For any other header block it returns false and leaves a
// unchanged.
func (a *attributes) readLines(block []byte) bool {
	rest, ok := bytes.CutPrefix(block, []byte("NATS/1.0\r\n"))
	if !ok {
		return false
	}
	var next attributes
	for {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok || bytes.IndexByte(line, '\n') >= 0 {
			return false
		}
		if rest = after; len(line) == 0 {
			*a = next
			return true
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 {
			return false
		}
		var text *string
		before := ""
		switch string(name) {
		case headerSource:
			text, before = &next.source, a.source
		case headerContentType:
			text, before = &next.contentType, a.contentType
		case headerRequestID:
			text, before = &next.requestID, a.requestID
		case headerTraceparent:
			text, before = &next.traceparent, a.traceparent
		default:
			continue
		}
		if *text != "" || len(value) < 2 || value[0] != ' ' || value[1] == ' ' || value[1] == '\t' {
			return false
		}
		value = value[1:]
		if *text = before; string(value) != before {
			*text = string(value)
		}
	}
}

func first(header nats.Header, name string) string {
	if values := header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// delivery parses the sequence and the timestamp of a message from the reply subject with which a
// consumer delivers it:
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<timestamp>.<pending>
//	$JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<timestamp>.<pending>[.<any>]
//
// The client library would parse every token into a struct for each message.
func delivery(reply string) (sequence uint64, received time.Time, err error) {
	skip := 5
	if n := strings.Count(reply, "."); n >= 10 {
		skip = 7
	} else if n != 8 {
		return 0, time.Time{}, fmt.Errorf("not the reply subject of a log message: %q", reply)
	}
	rest := reply
	for range skip {
		_, rest, _ = strings.Cut(rest, ".")
	}
	number, rest, _ := strings.Cut(rest, ".")
	_, rest, _ = strings.Cut(rest, ".")
	stamp, _, _ := strings.Cut(rest, ".")
	if sequence, err = strconv.ParseUint(number, 10, 64); err != nil {
		return 0, time.Time{}, err
	}
	nanos, err := strconv.ParseInt(stamp, 10, 64)
	return sequence, time.Unix(0, nanos), err
}
