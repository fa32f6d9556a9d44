package api_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestEveryChangeInAskingThePlatformChangesTheTag(t *testing.T) {
	reason, first, second := "new", "500 internal", "404 not found"
	a := &asking{orders: map[string]api.Asked{}}
	s := start(t, newWorld(t), func(o *api.Options) { o.Platform = a })
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	seven := uint64(7)
	tags := map[string]string{}
	for name, asked := range map[string]api.Asked{
		"pending":        {State: "pending", At: "2026-03-02T09:00:00Z", Reason: &reason, Attempts: 1, Error: &first},
		"another error":  {State: "pending", At: "2026-03-02T09:00:00Z", Reason: &reason, Attempts: 1, Error: &second},
		"no error":       {State: "pending", At: "2026-03-02T09:00:00Z", Reason: &reason, Attempts: 1},
		"no reason":      {State: "pending", At: "2026-03-02T09:00:00Z", Attempts: 1, Error: &first},
		"another time":   {State: "pending", At: "2026-03-02T09:00:01Z", Reason: &reason, Attempts: 1, Error: &first},
		"more attempts":  {State: "pending", At: "2026-03-02T09:00:00Z", Reason: &reason, Attempts: 2, Error: &first},
		"given up":       {State: "gone", At: "2026-03-02T09:00:00Z", Reason: &reason, Attempts: 1, Error: &first},
		"with an answer": {State: "pending", At: "2026-03-02T09:00:00Z", Reason: &reason, Sequence: &seven, Attempts: 1, Error: &first},
	} {
		a.orders["o-1"] = asked
		tag := s.get(t, "/v1/orders/o-1").Header.Get("ETag")
		require.NotContains(t, tags, tag, "%s has the tag of %s", name, tags[tag])
		tags[tag] = name
	}
}

// seen contains the answered bodies of views of one fold version, by path and tag.
type seen map[[2]string]string

// look requests every path whose answers have a tag.
func (k seen) look(t *testing.T, s *server, version int) {
	t.Helper()
	for _, path := range []string{"/v1/orders", "/v1/orders?limit=2", "/v1/orders?status=PLACED", "/v1/stats",
		"/v1/orders/0", "/v1/orders/1", "/v1/orders/0?asOfSequence=1"} {
		a := s.get(t, path)
		if a.StatusCode != 200 {
			continue
		}
		tag := a.Header.Get("ETag")
		address := fmt.Sprint(version, " ", path)
		key := [2]string{address, tag}
		if body, ok := k[key]; ok && body != string(a.body) {
			t.Fatalf("%s: the tag %s is that of two bodies:\n%s\n%s", path, tag, body, a.body)
		}
		for other, body := range k {
			if other[0] == address && body == string(a.body) && other[1] != tag {
				t.Fatalf("%s: the same body has the tags %s and %s:\n%s", path, other[1], tag, body)
			}
		}
		k[key] = string(a.body)
	}
}

func TestTwoAnswersHaveTheSameTagOnlyWithTheSameBody(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { walkThroughTags(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

// walkThroughTags makes random changes, and calls look after each.
func walkThroughTags(t *testing.T, random *rand.Rand) {
	a := &asking{orders: map[string]api.Asked{}}
	s := start(t, newWorld(t), func(o *api.Options) { o.Platform = a })
	s.receive(order("0", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	k := seen{}
	version := 7
	statuses := []statemachine.Status{statemachine.Placed, statemachine.PartiallyFilled, statemachine.Filled}
	for range tagSteps {
		id := fmt.Sprint(random.IntN(3))
		switch random.IntN(5) {
		case 0:
			s.receive(order(id, statuses[random.IntN(len(statuses))], 1+random.IntN(3), "40"), `{}`)
		case 1: // a repeat
			s.receive(order("0", statemachine.Placed, 1, ""), `{}`)
		case 2:
			text := []string{"500 internal", "404 not found"}[random.IntN(2)]
			a.orders[id] = api.Asked{State: "pending", At: "2026-03-02T09:00:00Z", Attempts: random.IntN(2), Error: &text}
		case 3:
			delete(a.orders, id)
		case 4:
			version++
			s.rebuild(t, fmt.Sprint(version))
		}
		if s.applied < uint64(len(s.records)) {
			s.apply(t)
		}
		k.look(t, s, version)
	}
	// Another process with its own views of the same log answers with the same bodies and tags.
	other := newWorld(t)
	other.records, other.said = s.records, maps.Clone(s.said)
	beside := start(t, other, func(o *api.Options) { o.Platform = a })
	beside.rebuild(t, fmt.Sprint(version))
	k.look(t, beside, version)
}
