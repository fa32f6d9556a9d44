package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// exampleEvents returns one event of each type.
func exampleEvents(t testing.TB) map[string]feed.Event {
	t.Helper()
	o := &statemachine.Order{ID: "6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11"}
	at := func(m int) time.Time { return time.Date(2026, 3, 2, 9, 30+m, 7, 214e6, time.UTC) }
	n := statemachine.Notification{OrderID: o.ID, Sequence: 3, Received: at(0).Add(time.Second), At: at(0), Dated: true, Type: "CREATED", AssetClass: statemachine.Traditional,
		Status: statemachine.Placed}
	n.Details[statemachine.Side], n.Details[statemachine.ISIN], n.Details[statemachine.Quantity] = "BUY", "DE0007164600", "100"
	n.Details[statemachine.OrderType], n.Details[statemachine.LimitPrice], n.Details[statemachine.ExternalID] = "LIMIT", "101.25", "ord-000123"
	_, ok := feed.Apply(o, &n, api.AppendEventOrder)
	require.True(t, ok)
	n.Sequence, n.Received, n.At, n.Type, n.Status, n.Executed = 19, at(1).Add(time.Second), at(1), "UPDATED", statemachine.PartiallyFilled, "40"
	before := o.Clone()
	changed, ok := feed.Apply(o, &n, api.AppendEventOrder)
	require.True(t, ok)
	corrected := uint64(1)
	return map[string]feed.Event{
		"changed":   changed,
		"corrected": feed.Correct(o, &before, at(9), api.AppendEventOrder),
		"withdrawn": feed.Withdraw(o.ID, 20, o, at(9)),
		"revision": feed.Revise(feed.Revision{Revision: 1772443807214, State: feed.Finished, Cause: "rebuild", FoldVersions: [2]string{"5.0a1b2c3d4", "6.1b2c3d4e5"},
			Corrected: &corrected, Withdrawn: &corrected}, 20, at(9)),
	}
}

func parsed(t testing.TB, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return value
}

func compiled(t testing.TB, id string, text []byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource(id, parsed(t, text)))
	s, err := c.Compile(id)
	require.NoError(t, err)
	return s
}

// schemaOfEvents is the committed schema, compiled.
func schemaOfEvents(t testing.TB) *jsonschema.Schema {
	t.Helper()
	_, text, err := api.EventDocuments()
	require.NoError(t, err)
	return compiled(t, api.EventSchemaID, text)
}

func TestGeneratedExamplesOfEventsAreCurrent(t *testing.T) {
	const path = "event_examples.json"
	examples := map[string]any{}
	schema := schemaOfEvents(t)
	for name, e := range exampleEvents(t) {
		require.NoError(t, schema.Validate(parsed(t, e.Body)), name)
		headers := map[string]string{}
		for header, values := range e.Headers(&feed.Place{Log: "5V2SXWXEGZ7PNHHKLMYVMBJGYT", Revision: 1772443807214, Sequence: 17, Position: 20}) {
			headers[header] = values[0]
		}
		examples[name] = map[string]any{"name": name, "headers": headers, "payload": json.RawMessage(e.Body)}
	}
	want, err := json.MarshalIndent(examples, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(path, append(want, '\n'), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(got), "%s is stale: make docs", path)
}

func TestTheDescriptionOfTheFeedMatchesPublishedEvents(t *testing.T) {
	require.Equal(t, feed.Schema, api.EventSchemaID)
	text, _, err := api.EventDocuments()
	require.NoError(t, err)
	var document struct {
		Components struct {
			Messages map[string]struct {
				Name    feed.Type
				Headers json.RawMessage
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &document))
	events := exampleEvents(t)
	require.Len(t, document.Components.Messages, len(events))
	for name, m := range document.Components.Messages {
		e := events[name]
		require.Equal(t, m.Name, e.Type)
		headers := map[string]any{}
		for header, values := range e.Headers(&feed.Place{Log: "L"}) {
			headers[header] = values[0]
		}
		require.NoError(t, compiled(t, "urn:headers:"+name, m.Headers).Validate(headers), name)
		for header := range headers {
			missing := map[string]any{}
			for other, value := range headers {
				if other != header {
					missing[other] = value
				}
			}
			require.Error(t, compiled(t, "urn:headers:"+name, m.Headers).Validate(missing), "%s without %s", name, header)
		}
	}
}

func TestTheSchemaOfEventsAllowsNewMembersAndRequiresKnownOnes(t *testing.T) {
	schema := schemaOfEvents(t)
	for name, e := range exampleEvents(t) {
		body := parsed(t, e.Body).(map[string]any)
		body["new"] = true
		require.NoError(t, schema.Validate(body), name)
		for member := range parsed(t, e.Body).(map[string]any) {
			if member == "corrected" || member == "withdrawn" {
				continue
			}
			less := parsed(t, e.Body).(map[string]any)
			delete(less, member)
			require.Error(t, schema.Validate(less), "%s without %s", name, member)
		}
	}
	order := parsed(t, exampleEvents(t)["changed"].Body).(map[string]any)
	delete(order["order"].(map[string]any), "status")
	require.Error(t, schema.Validate(order))
	require.NotContains(t, order["order"], "settlement")
}

func TestTheDocumentsOfTheFeedAreServed(t *testing.T) {
	s := start(t, newWorld(t))
	asyncAPI, schema, err := api.EventDocuments()
	require.NoError(t, err)
	for path, want := range map[string]string{"/asyncapi.json": string(asyncAPI), "/schemas/order-event-v1.json": string(schema)} {
		a := s.get(t, path)
		require.Equal(t, 200, a.StatusCode)
		require.Equal(t, want, string(a.body))
	}
}
