package platform

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lax accepts whatever the log accepts.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// byteOrderMark precedes the JSON of some senders, and is not part of it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// messageOf returns the message of an ErrorMessage on one line; "" for anything else.
func messageOf(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(bytes.TrimPrefix(body, byteOrderMark), &m, lax) != nil {
		return ""
	}
	return strings.Join(strings.Fields(m.Message), " ")
}
