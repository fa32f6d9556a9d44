package platform

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lax: what the log takes must not be called invalid here.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// byteOrderMark is what some senders begin a text in UTF-8 with. It is no part of the JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// messageOf returns the message of an ErrorMessage on one line; "" of anything else.
func messageOf(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(bytes.TrimPrefix(body, byteOrderMark), &m, lax) != nil {
		return ""
	}
	return strings.Join(strings.Fields(m.Message), " ")
}
