package api_test

import (
	"encoding/json"

	"github.com/orderfold/orderfold/api"
)

// shownOrder is what the tests look at of an order that the API shows.
type shownOrder struct {
	OrderID       string
	Status        *string
	Settlement    *api.Settlement
	Breaks        []api.Break
	Asked         *api.Asked
	Notifications api.Notifications
	raw           json.RawMessage
}

// UnmarshalJSON keeps the text too.
func (o *shownOrder) UnmarshalJSON(text []byte) error {
	type plain shownOrder
	o.raw = append(json.RawMessage(nil), text...)
	return json.Unmarshal(text, (*plain)(o))
}

// shownChange is what they look at of an event of the stream.
type shownChange struct {
	Order        shownOrder
	Cause        api.StreamCause
	StatusBefore *string
	Matches      bool
}
