package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write examples.json anew")

// patience is how long a test waits for something that must happen.
const patience = time.Minute

const exampleOrder = "6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11"

// exampleWorld contains the life of one order: placed, filled, a fill taken back, a repeat, a refusal.
func exampleWorld(t testing.TB) *world {
	w := newWorld(t)
	placed := statemachine.Notification{OrderID: exampleOrder, AssetClass: statemachine.Traditional, Type: "CREATED",
		Status: statemachine.Placed, At: minute(30)}
	for f, detail := range statemachine.Details() {
		placed.Details[f] = detail.Example
	}
	placed.Details[statemachine.DepositoryProduct] = "9400e036-6c1f-4f5b-8a0e-1f1d3b1f2a77"
	placed.Details[statemachine.CashProduct] = "018f09cb-2a44-7c3e-9d21-5f0b6f1f9e02"
	placed.Details[statemachine.CreatedOn], placed.Details[statemachine.ExecutionPrice] = "2026-03-02T09:29:58.402Z", ""
	part := statemachine.Notification{OrderID: exampleOrder, AssetClass: statemachine.Traditional, Type: "UPDATED",
		Status: statemachine.PartiallyFilled, At: minute(31).Add(7214 * time.Millisecond), Executed: "40"}
	part.Details[statemachine.ExecutionPrice], part.Amount, part.Reported = "101.25", "4050.00", true
	undone := part
	undone.At, undone.Executed = minute(33), "35"
	refused := statemachine.Notification{OrderID: exampleOrder, AssetClass: statemachine.Traditional, At: minute(32), Refused: true,
		Refusal: statemachine.Refusal{ErrorType: "CANCELLATION_REJECTED", Description: "The order is being executed."}}
	w.receive(placed, `{"data":{"order":{"id":"`+exampleOrder+`","status":"PLACED"}}}`)
	w.receive(part, `{}`)
	w.receive(part, `{}`)
	w.receive(refused, `{}`)
	w.receive(undone, `{}`)
	w.receiveRaw(api.Record{Object: "customer", Source: "webhook", ContentType: "application/json",
		Body: []byte(`{"id":"123e4567-e89b-12d3-a456-426614174000","type":"NATURAL"}`)})
	w.receiveRaw(api.Record{Object: "customer", Source: "webhook", ContentType: "application/json", Body: []byte(`not json`)})
	for i := range w.records {
		w.records[i].Hash = fmt.Sprintf("%x", sha256.Sum256(w.records[i].Body))
	}
	w.apply(t)
	return w
}

// oneRebuild is a rebuild without progress.
type oneRebuild struct{ running bool }

var standing = api.Rebuild{Mode: "rebuild", State: "running", Phase: "folding", Records: 4, Total: 7, RecordsPerSecond: 2,
	StartedAt: "2026-03-02T09:40:00Z", Seconds: 2}

func (oneRebuild) Current() (api.Rebuild, bool) { return standing, true }

func (r oneRebuild) Start(string) (api.Rebuild, error) {
	if r.running {
		return standing, api.ErrRunning
	}
	return standing, nil
}

func (oneRebuild) Cancel() (api.Rebuild, error) {
	canceled := standing
	canceled.State = "canceled"
	return canceled, nil
}

var (
	notJSON, unreadable = "not-json", "The body is not JSON."
	// mended is a redriver that finds the record in quarantine unchanged: it is still not JSON.
	mended = redriver{answer: api.Redrive{Examined: 1, Remain: 1,
		Records: []api.RedrivenRecord{{Sequence: 7, Object: "customer", Class: &notJSON, Reason: &unreadable}}}}
)

// exampleAnswers requests an answer from each operation, by media type.
func exampleAnswers(t testing.TB, w *world) map[string]map[string]json.RawMessage {
	switchFeedOn(t, w)
	s := start(t, w, func(o *api.Options) {
		o.Rebuilds, o.Redrives = oneRebuild{}, &mended
		o.Subscribers, o.Events = &roll{all: []api.Subscriber{billing, tax}}, place{7: "6.0." + exampleOrder}
	})
	answers := map[string]map[string]json.RawMessage{}
	for _, c := range []struct{ operation, method, path string }{
		{"list-orders", "GET", "/v1/orders?externalId=ord-000123"},
		{"list-orders", "GET", "/v1/orders?externalId=ord-000123&format=csv"},
		{"list-orders", "GET", "/v1/orders?externalId=ord-000123&format=ndjson"},
		{"get-order", "GET", "/v1/orders/" + exampleOrder},
		{"get-order-history", "GET", "/v1/orders/" + exampleOrder + "/history"},
		{"get-order-explanation", "GET", "/v1/orders/" + exampleOrder + "/explain"},
		{"list-breaks", "GET", "/v1/breaks"},
		{"get-notification", "GET", "/v1/notifications/1"},
		{"get-object", "GET", "/v1/objects/customer/123e4567-e89b-12d3-a456-426614174000"},
		{"list-objects", "GET", "/v1/objects/customer"},
		{"search", "GET", "/v1/search?q=ord-000123"},
		{"get-stats", "GET", "/v1/stats"},
		{"list-quarantine", "GET", "/v1/quarantine"},
		{"get-status", "GET", "/v1/status"},
		{"get-throughput", "GET", "/v1/throughput?minutes=1"},
		{"get-calendar", "GET", "/v1/calendar?from=2026-12-24&until=2026-12-31"},
		{"get-states", "GET", "/v1/states"},
		{"get-states", "GET", "/v1/states?format=mermaid"},
		{"get-access", "GET", "/v1/access"},
		{"get-healthz", "GET", "/healthz"},
		{"get-readyz", "GET", "/readyz"},
		{"start-rebuild", "POST", "/v1/rebuilds"},
		{"get-rebuild", "GET", "/v1/rebuilds/current"},
		{"cancel-rebuild", "DELETE", "/v1/rebuilds/current"},
		{"redrive", "POST", "/v1/redrives?sequence=7"},
		{"list-subscribers", "GET", "/v1/subscribers"},
		{"add-subscriber", "POST", "/v1/subscribers?name=billing&assetClass=DIGITAL&assetClass=TOKENIZED"},
		{"get-feed", "GET", "/v1/feed?sequence=7"},
	} {
		a := s.do(t, c.method, c.path)
		require.Less(t, a.StatusCode, 300, "%s: %s", c.path, a.body)
		mediaType := mediaTypeOf(a.Response)
		if c.operation == "get-notification" || c.operation == "get-object" {
			mediaType = "*/*"
			a.body = quoted(t, a.body)
		} else if !strings.HasSuffix(mediaType, "/json") && !strings.HasSuffix(mediaType, "+json") {
			a.body = quoted(t, a.body)
		}
		if answers[c.operation] == nil {
			answers[c.operation] = map[string]json.RawMessage{}
		}
		answers[c.operation][mediaType] = settled(a.body)
	}
	answers["stream-orders"] = map[string]json.RawMessage{"text/event-stream": exampleStream(t, s)}
	return answers
}

// exampleStream returns the events for a reader that has seen everything except the last record.
func exampleStream(t testing.TB, s *server) json.RawMessage {
	type shown struct {
		Event string          `json:"event"`
		ID    string          `json:"id,omitempty"`
		Data  json.RawMessage `json:"data"`
	}
	r := s.listen(t, "", "Last-Event-ID: 4")
	e := r.next(t)
	text, err := json.Marshal([]shown{{e.kind, e.text, e.data}})
	require.NoError(t, err)
	return text
}

func quoted(t testing.TB, body []byte) []byte {
	text, err := json.Marshal(string(body))
	require.NoError(t, err)
	return text
}

var (
	startedAt = regexp.MustCompile(`"startedAt":"[^"]*"`)
	since     = regexp.MustCompile(`"since":"[^"]*","minutes":.*`)
	ageDays   = regexp.MustCompile(`"ageDays":\d+`)
)

// settled replaces values that depend on the day of the test with possible values.
func settled(body []byte) []byte {
	body = startedAt.ReplaceAll(bytes.TrimSpace(body), []byte(`"startedAt":"2026-03-02T09:00:00Z"`))
	body = since.ReplaceAll(body, []byte(`"since":"2026-03-02T09:00:00Z","minutes":[{"at":"2026-03-02T09:34:00Z","received":5280,"applied":5280,`+
		`"latencyP50":0.0021,"latencyP99":0.0148,"lagRecords":3}]}`))
	return ageDays.ReplaceAll(body, []byte(`"ageDays":6`))
}

// exampleProblems causes each kind of problem once.
func exampleProblems(t testing.TB) map[string]json.RawMessage {
	problems := map[string]json.RawMessage{}
	note := func(s *server, method, path string, headers ...string) {
		t.Helper()
		a := s.do(t, method, path, append(headers, "Request-Id: 01JNB7M4Q2")...)
		code, _ := a.problem(t)
		require.NotContains(t, problems, code)
		problems[code] = bytes.TrimSpace(a.body)
	}
	w := exampleWorld(t)
	s := start(t, w, func(o *api.Options) { o.Rebuilds = oneRebuild{running: true} })
	note(s, "GET", "/v1/orders?stauts=FILLED")
	note(s, "GET", "/v1/orders/unknown")
	note(s, "GET", "/v1/orders/"+exampleOrder+"?asOf=2026-03-02T09:00:00Z")
	note(s, "PUT", "/v1/orders")
	note(s, "POST", "/v1/rebuilds")
	note(s, "GET", "/v1/orders/panic")
	note(s, "GET", "/v1/orders", "Host: rebound.example.com")
	note(s, "GET", "/v1/orders?minSequence=8", "Prefer: wait=0")
	note(s, "GET", "/v1/orders?format=csv", "Via: 1.0 proxy.example.com")
	guarded := start(t, w, func(o *api.Options) { o.Access.Keys = []access.Key{key(t, "dashboard:reader:one")} })
	note(guarded, "GET", "/v1/orders")
	guarded.key = "one"
	note(guarded, "POST", "/v1/rebuilds")
	note(start(t, w), "POST", "/v1/rebuilds")
	limited := start(t, w, func(o *api.Options) { o.Access.Limit = access.Limit{PerSecond: 0.01, Burst: 1} })
	limited.get(t, "/v1/stats")
	note(limited, "GET", "/v1/stats")
	problems["rate-limited"] = regexp.MustCompile(`after \d+ s`).ReplaceAll(problems["rate-limited"], []byte("after 100 s"))
	problems["too-large"] = tooLarge(t, s)

	w.receive(order("another", statemachine.Placed, 55, ""), `{}`)
	w.apply(t)
	cursor := into[api.List[shownOrder]](t, s.get(t, "/v1/orders?limit=1")).NextCursor
	w.rebuild(t, "8")
	note(s, "GET", "/v1/orders?limit=1&cursor="+url.QueryEscape(*cursor))
	full := start(t, w, func(o *api.Options) { o.Stream.Readers = 1 })
	full.listen(t, "").next(t)
	note(full, "GET", "/v1/stream")
	w.lose("", 3, 3)
	note(s, "GET", "/v1/notifications/3")
	w.fail(api.ErrUnavailable, nil)
	note(s, "GET", "/v1/notifications/1")
	w.fail(nil, views.ErrTooManyToSum) // which needs two hundred thousand orders
	note(s, "GET", "/v1/orders?isin=DE0007164600&totals=true")
	w.fail(nil, views.ErrNoViews)
	note(s, "GET", "/v1/orders")
	return problems
}

func tooLarge(t testing.TB, s *server) []byte {
	request, err := http.NewRequest(http.MethodGet, s.base+"/v1/stats", strings.NewReader(strings.Repeat("x", 100<<10)))
	require.NoError(t, err)
	request.Header.Set("Request-Id", "01JNB7M4Q2")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(t, err)
	return bytes.TrimSpace(body.Bytes())
}

// The examples in the document are answers of the handlers, on any day.
func TestGeneratedExamplesAreAnswersOfTheHandlers(t *testing.T) {
	found := struct {
		Answers  map[string]map[string]json.RawMessage `json:"answers"`
		Problems map[string]json.RawMessage            `json:"problems"`
	}{exampleAnswers(t, exampleWorld(t)), exampleProblems(t)}
	compact, err := json.Marshal(found)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, json.Indent(&text, compact, "", "  "))
	text.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile("examples.json", text.Bytes(), 0o644))
	}
	stored, err := os.ReadFile("examples.json")
	require.NoError(t, err)
	require.Equal(t, text.String(), string(stored), "examples.json is stale: make docs")
}

// Every answer of every operation has an example, and every example is valid against its schema.
func TestEveryExampleOfTheDocumentIsValid(t *testing.T) {
	text, err := api.Document()
	require.NoError(t, err)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	schemas := jsonschema.NewCompiler()
	schemas.AssertFormat()
	require.NoError(t, schemas.AddResource("urn:openapi", parsed))
	root := parsed.(map[string]any)
	valid := func(location string, value any) {
		t.Helper()
		schema, err := schemas.Compile("urn:openapi#" + location)
		require.NoError(t, err)
		require.NoError(t, schema.Validate(value), location)
	}

	components := root["components"].(map[string]any)
	shown := components["examples"].(map[string]any)
	for _, kind := range api.Problems() {
		require.Contains(t, shown, kind.Code)
		value := shown[kind.Code].(map[string]any)["value"].(map[string]any)
		valid("/components/schemas/Problem", value)
		require.Equal(t, kind.Code, value["code"])
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	for path, item := range root["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			operation := operation.(map[string]any)
			for status, response := range operation["responses"].(map[string]any) {
				content, _ := response.(map[string]any)["content"].(map[string]any)
				for mediaType, described := range content {
					described := described.(map[string]any)
					at := "/paths/" + escape.Replace(path) + "/" + method + "/responses/" + status + "/content/" + escape.Replace(mediaType)
					if mediaType == "application/problem+json" {
						for code, example := range described["examples"].(map[string]any) {
							require.Contains(t, shown, code, at)
							require.Equal(t, "#/components/examples/"+code, example.(map[string]any)["$ref"])
						}
						continue
					}
					if status[0] != '2' || described["schema"] == nil {
						continue
					}
					require.Contains(t, described, "example", at)
					valid(at+"/schema", described["example"])
				}
			}
		}
	}
}

// The examples of the members of an order are the values of the example order.
func TestTheExamplesOfMembersAreThoseOfTheExampleOrder(t *testing.T) {
	s := start(t, exampleWorld(t))
	var shown map[string]any
	require.NoError(t, json.Unmarshal(s.get(t, "/v1/orders/"+exampleOrder).body, &shown))
	text, err := api.Document()
	require.NoError(t, err)
	var parsed struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Examples []any }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &parsed))
	compared := 0
	for name, property := range parsed.Components.Schemas["Order"].Properties {
		for _, example := range property.Examples {
			require.Equal(t, shown[name], example, name)
			compared++
		}
	}
	require.Greater(t, compared, 8)
}
