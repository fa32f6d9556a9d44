package receiver

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxID bounds the length of an id for sharding, in bytes.
const maxID = 128

// byteOrderMark is sent by some senders at the beginning of a text in UTF-8. It is stored, but is
// not part of the JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// A reader of the log may accept repeated names and broken UTF-8, so they count as valid here.
var lax = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// scan reads body once. It reports whether body is exactly one JSON value, nested at most 10,000
// levels deep, with only space around it and at most a byte order mark before that. It returns the
// string in the member idField of that object; the last of repeated members counts. The id is empty
// if there is none, if it is not a string of 1 to 128 bytes, and if body is not JSON. scan does not
// change body.
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

// readID reads one value; the id is empty if the value cannot be one.
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

// Key returns the id of the object in body, from which the log derives a shard, or "" if there is
// none or the object is not one of the platform's.
func Key(object string, body []byte) string {
	for i := range eventTypes {
		if eventTypes[i].Object == object {
			id, _ := scan(body, eventTypes[i].IDField)
			return id
		}
	}
	return ""
}
