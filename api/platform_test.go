package api_test

import (
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// asking stands for a process that asks the platform.
type asking struct {
	status api.Asking
	orders map[string]api.Asked
}

func (a *asking) Asking() api.Asking { return a.status }

func (a *asking) Asked(id string, _ uint64) (api.Asked, bool) {
	asked, ok := a.orders[id]
	return asked, ok
}

func TestTheStateOfAskingIsShownForAnOrderAndForTheService(t *testing.T) {
	reason, failure := "new", "platform: get order: 404 not found"
	a := &asking{status: api.Asking{Enabled: true, Pending: 1, LastError: &failure}, orders: map[string]api.Asked{}}
	s := start(t, newWorld(t), func(o *api.Options) { o.Platform = a })
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	view := func(path string) *api.Asked { return into[shownOrder](t, s.get(t, path)).Asked }
	require.Nil(t, view("/v1/orders/o-1"))
	before := s.get(t, "/v1/orders/o-1").Header.Get("ETag")

	pending := api.Asked{State: "pending", At: "2026-03-02T09:00:00Z", Reason: &reason, Attempts: 1, Error: &failure}
	a.orders["o-1"] = pending
	require.Equal(t, &pending, view("/v1/orders/o-1"))
	require.Equal(t, 200, s.get(t, "/v1/orders/o-1", "If-None-Match: "+before).StatusCode, "it has changed without a notification")
	require.Nil(t, view("/v1/orders/o-1?asOfSequence=1"), "it is current")
	delete(a.orders, "o-1")

	fetched := order("o-1", statemachine.Filled, 2, "1")
	fetched.Kind = statemachine.Fetched
	s.receive(fetched, `{}`)
	s.apply(t)
	two := uint64(2)
	require.Equal(t, &api.Asked{State: "asked", At: "2026-03-02T09:31:00Z", Sequence: &two}, view("/v1/orders/o-1"))
	require.Equal(t, "asked", into[api.List[shownOrder]](t, s.get(t, "/v1/orders")).Data[0].Asked.State)

	require.Equal(t, &a.status, into[api.Status](t, s.get(t, "/v1/status")).Platform)
	other := start(t, newWorld(t))
	require.Nil(t, into[api.Status](t, other.get(t, "/v1/status")).Platform)
}
