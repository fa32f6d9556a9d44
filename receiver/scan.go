package receiver

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxID bounds the length of an id for sharding, in bytes.
const maxID = 128

// byteOrderMark precedes the JSON of some senders. It is stored, but is not part of the JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// lax accepts repeated names and invalid UTF-8, because a reader of the log may accept them.
var lax = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// scan reads body once. It reports whether body is exactly one JSON value, nested at most 10,000
// levels deep, surrounded by nothing but white space and at most one byte order mark at the start. It
// returns the string in the member idField of the object; if the member is repeated, the last one
// counts. The id is empty if there is no such member, if its value is not a string of 1 to 128 bytes,
// and if body is not JSON. scan does not change body.
func scan(body []byte, idField string) (id string, valid bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(bytes.TrimPrefix(body, byteOrderMark)), lax...)
	if idField != "" && d.PeekKind() == jsontext.KindBeginObject {
		var err error
		if id, err = scanObject(d, idField); err != nil {
			return "", false
		}
	} else if d.SkipValue() != nil {
		return "", false
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return "", false
	}
	return id, true
}

func scanObject(d *jsontext.Decoder, idField string) (id string, err error) {
	if _, err := d.ReadToken(); err != nil {
		return "", err
	}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		if name.String() != idField {
			if err := d.SkipValue(); err != nil {
				return "", err
			}
			continue
		}
		if id, err = readID(d); err != nil {
			return "", err
		}
	}
	_, err = d.ReadToken()
	return id, err
}

// readID reads one value and returns it, or "" if it is not a string or is longer than maxID.
func readID(d *jsontext.Decoder) (string, error) {
	if d.PeekKind() != jsontext.KindString {
		return "", d.SkipValue()
	}
	value, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	if id := value.String(); len(id) <= maxID {
		return id, nil
	}
	return "", nil
}

// Key returns the id in body, from which the log derives a shard. It returns "" if there is no id or
// if object is not an object of the platform.
func Key(object string, body []byte) string {
	for i := range eventTypes {
		if eventTypes[i].Object == object {
			id, _ := scan(body, eventTypes[i].IDField)
			return id
		}
	}
	return ""
}
