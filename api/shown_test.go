package api_test

import (
	"encoding/json"

	"github.com/orderfold/orderfold/api"
)

// shownOrder contains the members of an order that the tests examine.
type shownOrder struct {
	OrderID       string
	Status        *string
	Settlement    *api.Settlement
	Breaks        []api.Break
	Asked         *api.Asked
	Notifications api.Notifications
	raw           json.RawMessage
}

// UnmarshalJSON also stores the text.
func (o *shownOrder) UnmarshalJSON(text []byte) error {
	type plain shownOrder
	o.raw = append(json.RawMessage(nil), text...)
	return json.Unmarshal(text, (*plain)(o))
}

// shownChange contains the members of an event of the stream that the tests examine.
type shownChange struct {
	Order        shownOrder
	Cause        api.StreamCause
	StatusBefore *string
	Matches      bool
}
