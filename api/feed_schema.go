package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// EventSchemaID identifies the JSON Schema of the bodies of events. It is the value of the header
// ce-dataschema.
const EventSchemaID = "urn:orderfold:schema:order-event-v1"

// EventOrder is an order as the events show it.
type EventOrder Order

// OrderEvent is the body of an event of an order.
type OrderEvent struct {
	Order  *EventOrder  `json:"order" doc:"The whole order, as GET /v1/orders/{id} shows it, except what depends on the current day. null: it was withdrawn, or the order does not fit in a message and must be read from the API."`
	Cause  *EventCause  `json:"cause" doc:"The notification that changed the order; null: no notification did."`
	Before *EventBefore `json:"before" doc:"The order as shown before; null: there was none, or it is unknown."`
}

// EventCause is the notification that changed an order.
type EventCause struct {
	Sequence uint64 `json:"sequence" doc:"Sequence in the log."`
	Effect   string `json:"effect" enum:"applied,confirmed,late,superseded,restated,annotated" doc:"The effect of the notification, as in the order's history."`
	Rule     string `json:"rule" doc:"The reason in words."`
}

// EventBefore contains what was shown of an order before the event.
type EventBefore struct {
	Status           *string  `json:"status" example:"PLACED"`
	ExecutedQuantity *string  `json:"executedQuantity" example:"40"`
	Breaks           []string `json:"breaks" doc:"Codes of the breaks that were open."`
}

// RevisionEvent is the body of an event which reports that orders are being published again, or
// have been, without a notification.
type RevisionEvent struct {
	Revision     uint64    `json:"revision" doc:"The revision; it only increases."`
	State        string    `json:"state" enum:"started,finished" doc:"A revision that is replaced by a newer one before its end never finishes."`
	Cause        string    `json:"cause" enum:"rebuild,redrive,epoch,feed" doc:"rebuild: another generation of the views, possibly with other rules. redrive: records were decoded again. epoch: the log was set back. feed: the feed begins."`
	FoldVersions [2]string `json:"foldVersions" doc:"Fold versions before and after."`
	At           string    `json:"at" format:"date-time"`
	Corrected    *uint64   `json:"corrected,omitempty" doc:"Number of orders published as corrected, when it is finished."`
	Withdrawn    *uint64   `json:"withdrawn,omitempty" doc:"Number of orders that were withdrawn."`
}

// TransformSchema leaves out the members that events do not show.
func (*EventOrder) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	s = (*Order)(nil).TransformSchema(r, s)
	for _, name := range dated {
		delete(s.Properties, name)
	}
	s.Required = slices.DeleteFunc(s.Required, func(name string) bool { return slices.Contains(dated, name) })
	return s
}

// TransformSchema allows the members to be null.
func (*OrderEvent) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(orNull(orNull(s, "order"), "cause"), "before")
}

// eventExamplesText contains events that were made in a test, which compares them again in every
// run.
//
//go:embed event_examples.json
var eventExamplesText []byte

// eventMessages are the messages of the feed.
var eventMessages = []struct{ name, eventType, title, summary string }{
	{"changed", "orderfold.order.changed.v1", "An order changed", "A notification changed the order."},
	{"corrected", "orderfold.order.corrected.v1", "An order was corrected", "The order changed without a notification: the rules changed, or records were decoded again."},
	{"withdrawn", "orderfold.order.withdrawn.v1", "An order was withdrawn", "Under the current rules no notification belongs to it."},
	{"revision", "orderfold.revision.v1", "Orders are published again", "A revision begins or has ended."},
}

type object = map[string]any

// eventSchemas returns, by name, the schemas of the bodies of events and all schemas that they
// refer to.
func (a *API) eventSchemas() (object, error) {
	registry := a.huma.OpenAPI().Components.Schemas
	due := []string{"OrderEvent", "RevisionEvent"}
	registry.Schema(reflect.TypeFor[OrderEvent](), true, "")
	registry.Schema(reflect.TypeFor[RevisionEvent](), true, "")
	schemas := object{}
	for len(due) > 0 {
		name := due[0]
		due = due[1:]
		if schemas[name] != nil {
			continue
		}
		text, err := json.Marshal(registry.Map()[name])
		if err != nil {
			return nil, err
		}
		schemas[name] = json.RawMessage(text)
		for _, ref := range schemaRef.FindAllSubmatch(text, -1) {
			due = append(due, string(ref[1]))
		}
	}
	return schemas, nil
}

var schemaRef = regexp.MustCompile(`"` + schemaPrefix + `([A-Za-z]+)"`)

// describeFeed makes the two documents of the feed.
func (a *API) describeFeed() error {
	schemas, err := a.eventSchemas()
	if err != nil {
		return err
	}
	text, err := json.Marshal(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": EventSchemaID, "title": "The body of an event of the feed of order events",
		"anyOf": []object{{"$ref": schemaPrefix + "OrderEvent"}, {"$ref": schemaPrefix + "RevisionEvent"}}, "$defs": schemas})
	if err != nil {
		return err
	}
	if a.eventSchema, err = indented(bytes.ReplaceAll(text, []byte(schemaPrefix), []byte("#/$defs/"))); err != nil {
		return err
	}
	var examples map[string]json.RawMessage
	if err := json.Unmarshal(eventExamplesText, &examples); err != nil {
		return fmt.Errorf("event_examples.json: %w", err)
	}
	if text, err = json.Marshal(asyncAPI(schemas, examples)); err == nil {
		a.asyncAPI, err = indented(text)
	}
	return err
}

// asyncAPI returns the document of the feed's channels.
func asyncAPI(schemas object, examples map[string]json.RawMessage) object {
	messages, all, orders := object{}, object{}, object{}
	for _, m := range eventMessages {
		payload := "OrderEvent"
		if m.name == "revision" {
			payload = "RevisionEvent"
		}
		messages[m.name] = object{"name": m.eventType, "title": m.title, "summary": m.summary, "contentType": "application/json",
			"headers": eventHeaders(m.eventType), "payload": object{"$ref": schemaPrefix + payload}, "examples": []json.RawMessage{examples[m.name]}}
		all[m.name] = object{"$ref": "#/components/messages/" + m.name}
		if m.name != "revision" {
			orders[m.name] = all[m.name]
		}
	}
	return object{
		"asyncapi": "3.0.0",
		"info": object{"title": "Orderfold's feed of order events", "version": contract, "license": object{"name": "Apache License 2.0"},
			"description": "The state of each order, the cause, and the state before, in the order of the log. Off unless --feed is given. For each order, keep the pair " +
				"(Orderfold-Revision, Orderfold-Sequence) of the state you have, and apply an event only if its pair is greater."},
		"servers": object{"embedded": object{"host": "127.0.0.1:4222", "protocol": "nats", "description": "The default address of the embedded server (--nats-addr); the stream is ORDERS."}},
		"channels": object{
			"orders": object{"address": "orders.{assetClass}.{shard}", "messages": orders, "parameters": object{
				"assetClass": object{"enum": []string{"traditional", "digital", "tokenized", "other"}},
				"shard":      object{"description": "00 to 63: the shard of the order in the log."}}},
			"revision": object{"address": "orders.revision", "messages": object{"revision": all["revision"]}}},
		"operations": object{
			"publishOrders":   object{"action": "send", "channel": object{"$ref": "#/channels/orders"}},
			"publishRevision": object{"action": "send", "channel": object{"$ref": "#/channels/revision"}}},
		"components": object{"messages": messages, "schemas": schemas},
	}
}

// eventHeaders is the schema of the headers of an event.
func eventHeaders(eventType string) object {
	text := func(doc string) object { return object{"type": "string", "description": doc} }
	properties := object{
		"ce-specversion": object{"const": "1.0"}, "ce-type": object{"const": eventType},
		"ce-id":     text("The log's sequence, the revision and the order's id, joined by dots; unique."),
		"ce-source": text("urn:orderfold: and the identity of the log."), "ce-time": object{"type": "string", "format": "date-time"},
		"ce-datacontenttype": object{"const": "application/json"}, "Content-Type": object{"const": "application/json"},
		"ce-dataschema": object{"const": EventSchemaID}, "ce-sequence": object{"type": "string", "pattern": "^[0-9]{20}$", "description": "The feed's own sequence."},
		"Orderfold-Sequence": object{"type": "string", "pattern": "^[0-9]+$", "description": "The log's sequence to which the state belongs."},
		"Orderfold-Revision": object{"type": "string", "pattern": "^[0-9]+$"},
	}
	required := []string{"ce-specversion", "ce-type", "ce-id", "ce-source", "ce-time", "ce-datacontenttype", "Content-Type", "ce-dataschema", "ce-sequence",
		"Orderfold-Sequence", "Orderfold-Revision"}
	if eventType != "orderfold.revision.v1" {
		properties["ce-subject"] = text("The order's id, percent-encoded.")
		properties["Orderfold-Digest"] = text("The first 16 bytes of the SHA-256 of the order as shown, in base64url.")
		required = append(required, "ce-subject", "Orderfold-Digest")
	}
	if eventType != "orderfold.order.changed.v1" {
		properties["Orderfold-Position"] = text("The log's sequence up to which the events of all records are in the feed. For a changed order it is Orderfold-Sequence.")
		required = append(required, "Orderfold-Position")
	}
	return object{"type": "object", "properties": properties, "required": required}
}

// routeFeed serves the documents of the feed.
func (a *API) routeFeed() {
	for path, serve := range map[string]echo.HandlerFunc{
		asyncAPIPath:    func(c echo.Context) error { return c.Blob(http.StatusOK, "application/json", a.asyncAPI) },
		eventSchemaPath: func(c echo.Context) error { return c.Blob(http.StatusOK, "application/schema+json", a.eventSchema) },
	} {
		a.echo.Match([]string{http.MethodGet, http.MethodHead}, path, serve)
	}
}
