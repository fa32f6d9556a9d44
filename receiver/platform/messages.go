package platform

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lax: what the log takes must not be called invalid here.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// messageOf returns the message of an ErrorMessage on one line; "" of anything else.
func messageOf(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &m, lax) != nil {
		return ""
	}
	return strings.Join(strings.Fields(m.Message), " ")
}
