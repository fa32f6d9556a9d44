package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

// contract is the version of the HTTP contract, not of the program.
const contract = "1.0.0"

const schemaPrefix = "#/components/schemas/"

func (a *API) config() huma.Config {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Orderfold", Version: contract,
				Contact:     &huma.Contact{Name: "Orderfold", URL: "https://github.com/orderfold/orderfold"},
				License:     &huma.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
				Description: "The current state of every order, folded from the notifications of the platform."},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer",
					Description: "A configured API key. Not required if none is configured."}},
			},
			Servers:  []*huma.Server{{URL: "http://127.0.0.1:8081" + a.prefix, Description: "The default of --api-addr."}},
			Security: []map[string][]string{{"key": {}}, {}},
		},
		// huma looks up application/problem+json by the short name "json".
		Formats:       map[string]huma.Format{"application/json": {Marshal: writeJSON}, "json": {Marshal: writeJSON}},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{completeProblem},
	}
	// Details may be added later; a client that checks answers against the document must accept
	// them.
	config.AllowAdditionalPropertiesByDefault = true
	return config
}

// writeJSON fails if v cannot be encoded as JSON. It does not fail if the client is gone, because
// huma would panic.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(deaf{w})
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// deaf is a writer that ignores errors, such as a client that is gone.
type deaf struct{ io.Writer }

func (d deaf) Write(p []byte) (int, error) {
	_, _ = d.Writer.Write(p)
	return len(p), nil
}

// completeProblem adds the details of the request to a problem that a handler returned.
func completeProblem(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*Problem); ok {
		prepare(echoOf(ctx), p)
	}
	return v, nil
}

// get registers a handler for GET path. problems are the statuses it answers besides 400, 401, 405,
// 413, 421, 429 and 500. A question that embeds AtLeast is answered when the views have applied the
// record that it names. A page after a cursor is answered when the views are as far as those that
// made the cursor.
func get[I, O any](a *API, op huma.Operation, problems []int, handler func(context.Context, *I) (*O, error)) {
	op.Method = http.MethodGet
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	a.describeProblems(&op, problems)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		var wanted AtLeast
		if q, ok := any(in).(asker); ok {
			wanted = q.asked()
		}
		if err := a.await(ctx, wanted); err != nil {
			return nil, asProblem(err)
		}
		out, err := handler(ctx, in)
		// The cursor was made by another machine, whose views have advanced further.
		if late := (*views.BehindError)(nil); errors.As(err, &late) {
			wanted.MinSequence = max(wanted.MinSequence, late.Sequence)
			if err = a.await(ctx, wanted); err == nil {
				out, err = handler(ctx, in)
			}
		}
		if err != nil {
			return nil, asProblem(err)
		}
		// Between the wait and the read, another generation may have been promoted that is further
		// behind.
		if s, ok := any(out).(answerer); ok && s.applied() < wanted.MinSequence {
			return nil, behind(wanted.MinSequence).at(s.applied())
		}
		return out, nil
	})
}

// describeProblems adds the problems of every operation and the given ones. OpenAPI can describe
// the answer to an unsupported method (405) only under an operation of the path.
func (a *API) describeProblems(op *huma.Operation, problems []int) {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	problems = append([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusMisdirectedRequest, http.StatusTooManyRequests, http.StatusInternalServerError}, problems...)
	for _, status := range problems {
		var codes []string
		for _, kind := range problemKinds {
			if kind.Status == status {
				codes = append(codes, kind.Code)
			}
		}
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: strings.Join(codes, ", "),
			Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
		}
	}
}

// plain describes a route that is served without huma.
func (a *API) plain(id, path, summary, mediaType string) *huma.Operation {
	op := &huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{"operations"},
		Responses: map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK),
			Content: map[string]*huma.MediaType{mediaType: {}}}}}
	a.describeProblems(op, nil)
	delete(op.Responses, "400")
	return op
}

// describe adds to the document what the types of the handlers do not show, and returns the
// document.
func (a *API) describe() ([]byte, error) {
	document := a.huma.OpenAPI()
	document.AddOperation(a.plain("get-metrics", "/metrics", "Metrics in the Prometheus text format", "text/plain"))
	document.AddOperation(a.plain("get-openapi", "/openapi.json", "This document", "application/openapi+json"))
	document.AddOperation(a.plain("get-asyncapi", asyncAPIPath, "The feed of order events in AsyncAPI 3", "application/json"))
	document.AddOperation(a.plain("get-order-event-schema", eventSchemaPath, "JSON Schema of the bodies of order events", "application/schema+json"))
	examples, err := readExamples()
	if err != nil {
		return nil, err
	}
	document.Components.Examples = examples.problems()
	for _, tag := range tagDescriptions {
		document.Tags = append(document.Tags, &huma.Tag{Name: tag[0], Description: tag[1]})
	}
	for path, item := range document.Paths {
		for _, op := range operations(item) {
			if op.Description = descriptions[op.OperationID]; op.Description == "" {
				return nil, fmt.Errorf("%s is not described", op.OperationID)
			}
			completeOperation(path, op)
			for _, parameter := range op.Parameters {
				// The messages contain it now, and it is not a keyword of OpenAPI.
				parameter.Schema.PatternDescription = ""
			}
			examples.show(op)
		}
	}
	compact, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	return indented(compact)
}

// operations returns the operations of a path.
func operations(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Get, item.Post, item.Delete}, func(op *huma.Operation) bool { return op == nil })
}

// refused contains the statuses of answers to callers who are not let in. Such answers reveal
// nothing about the log.
var refused = map[string]bool{"401": true, "403": true, "421": true, "429": true}

func logSequenceOf(path string) string {
	const text = "The last record of the log that the views have applied."
	if path == readyPath {
		return text + " If keys are configured, only a caller with a key gets it."
	}
	return text
}

// completeOperation adds what is common to all operations.
func completeOperation(path string, op *huma.Operation) {
	if path == healthPath || path == readyPath {
		op.Security = []map[string][]string{}
		delete(op.Responses, "400")
		delete(op.Responses, "401")
		delete(op.Responses, "421")
		delete(op.Responses, "429")
	}
	for status, response := range op.Responses {
		if response.Headers == nil {
			response.Headers = map[string]*huma.Header{}
		}
		response.Headers[requestID] = &huma.Header{Description: "The caller's X-Request-Id or Request-Id, otherwise a new one.",
			Schema: &huma.Schema{Type: huma.TypeString}}
		if path != healthPath && !refused[status] {
			response.Headers[logSequence] = &huma.Header{Description: logSequenceOf(path),
				Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}}
		}
		if status == "304" {
			response.Headers["ETag"] = op.Responses["200"].Headers["ETag"]
		}
		if status == "405" {
			response.Headers["Allow"] = &huma.Header{Description: "The methods that the path accepts.", Schema: &huma.Schema{Type: huma.TypeString}}
		}
		if status == "401" {
			response.Headers["WWW-Authenticate"] = &huma.Header{Description: "The authentication scheme.",
				Schema: &huma.Schema{Type: huma.TypeString}}
		}
		if (status == "503" || status == "429") && response.Content[problemType] != nil {
			response.Headers["Retry-After"] = &huma.Header{Description: "Seconds.", Schema: &huma.Schema{Type: huma.TypeInteger}}
		}
	}
}

// The paths of the documents that describe the feed of order events.
const (
	asyncAPIPath    = "/asyncapi.json"
	eventSchemaPath = "/schemas/order-event-v1.json"
)

func indented(compact []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
