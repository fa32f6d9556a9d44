package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/dashboard"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// document is the OpenAPI document with which every answer in the tests of this package is compared. It is between
// the tests and the network, so that no request can bypass it.
var document *documented

func TestMain(m *testing.M) {
	var err error
	if document, err = newDocumented(http.DefaultTransport); err != nil {
		panic(err)
	}
	http.DefaultTransport = document
	code := m.Run()
	for _, fault := range document.faults {
		fmt.Println("NOT AS DOCUMENTED:", fault)
		code = 1
	}
	os.Exit(code)
}

// documented passes requests on and compares the answers with the document.
type documented struct {
	next  http.RoundTripper
	paths map[string]map[string]any

	mu      sync.Mutex
	schemas *jsonschema.Compiler
	faults  []string
	checked int
}

// newDocumented reads the document with every object closed, so that an undocumented member is found too.
func newDocumented(next http.RoundTripper) (*documented, error) {
	text, err := api.Document()
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(`"additionalProperties": true`), []byte(`"additionalProperties": false`))
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	d := &documented{next: next, paths: map[string]map[string]any{}, schemas: jsonschema.NewCompiler()}
	for path, item := range parsed.(map[string]any)["paths"].(map[string]any) {
		d.paths[path] = item.(map[string]any)
	}
	d.schemas.AssertFormat()
	return d, d.schemas.AddResource("urn:openapi", parsed)
}

// RoundTrip sends the request and compares the answer.
func (d *documented) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := d.next.RoundTrip(r)
	if err != nil {
		return response, err
	}
	var body []byte
	mediaType := mediaTypeOf(response)
	if strings.HasSuffix(mediaType, "json") && !strings.HasSuffix(mediaType, "ndjson") && response.Header.Get("Content-Encoding") == "" {
		body, err = io.ReadAll(response.Body)
		rest := io.NopCloser(bytes.NewReader(nil))
		if err != nil { // the test gave up: further reads return that error
			rest = response.Body
		}
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), rest), response.Body}
	}
	fault := ""
	if err == nil {
		fault = d.compare(r, response, body)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checked++
	if fault != "" {
		d.faults = append(d.faults, fmt.Sprintf("%s %s: %d: %s", r.Method, r.URL.Path, response.StatusCode, fault))
	}
	return response, nil
}

func mediaTypeOf(response *http.Response) string {
	mediaType, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(mediaType)
}

// compare returns what differs from the document, or "" if nothing does.
func (d *documented) compare(r *http.Request, response *http.Response, body []byte) string {
	template, method := d.template(r.URL.EscapedPath()), strings.ToLower(r.Method)
	if method == "head" {
		method = "get"
	}
	operation, ok := d.paths[template][method].(map[string]any)
	if !ok {
		return d.compareRefusal(r, template, response, body)
	}
	described, ok := operation["responses"].(map[string]any)[strconv.Itoa(response.StatusCode)].(map[string]any)
	if !ok {
		return "the status is not documented"
	}
	if fault := compareHeaders(described, response.Header); fault != "" {
		return fault
	}
	content, _ := described["content"].(map[string]any)
	mediaType := mediaTypeOf(response)
	switch {
	case content == nil && mediaType == "" || content["*/*"] != nil:
		return ""
	case content[mediaType] == nil:
		return fmt.Sprintf("the content type %q is not documented", mediaType)
	case body == nil || r.Method == http.MethodHead || content[mediaType].(map[string]any)["schema"] == nil:
		return ""
	}
	if mediaType == "application/problem+json" {
		if fault := compareCode(described["description"].(string), body); fault != "" {
			return fault
		}
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	return d.validate(fmt.Sprintf("urn:openapi#/paths/%s/%s/responses/%d/content/%s/schema",
		escape.Replace(template), method, response.StatusCode, escape.Replace(mediaType)), body)
}

// compareRefusal compares answers for which no operation is documented: those to other methods and unknown paths.
func (d *documented) compareRefusal(r *http.Request, template string, response *http.Response, body []byte) string {
	if r.Method == http.MethodOptions && response.StatusCode == http.StatusNoContent {
		return ""
	}
	if response.Header.Get("Content-Security-Policy") == dashboard.Policy {
		return "" // a page for people, which is not in the document
	}
	allowed := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests,
		http.StatusNotFound}
	if template != "" {
		allowed[len(allowed)-1] = http.StatusMethodNotAllowed
	}
	if !slices.Contains(allowed, response.StatusCode) || mediaTypeOf(response) != "application/problem+json" {
		return "nothing is documented there, and it is not refused"
	}
	if r.Method == http.MethodHead {
		return ""
	}
	return d.validate("urn:openapi#/components/schemas/Problem", body)
}

// generalHeaders contains the headers of every HTTP answer, which no operation describes.
var generalHeaders = []string{"Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Security-Policy", "Content-Type",
	"Date", "Referrer-Policy", "Transfer-Encoding", "Vary", "X-Accel-Buffering", "X-Content-Type-Options"}

// compareHeaders compares every header with the description, and with the headers that pages of other sites may read.
func compareHeaders(described map[string]any, h http.Header) string {
	headers, _ := described["headers"].(map[string]any)
	known := slices.Clone(generalHeaders)
	for name := range headers {
		known = append(known, http.CanonicalHeaderKey(name))
	}
	exposed := strings.Split(h.Get("Access-Control-Expose-Headers"), ", ")
	for name := range h {
		switch {
		case strings.HasPrefix(name, "Access-Control-"):
		case !slices.Contains(known, name):
			return "the header " + name + " is not documented"
		case h.Get("Access-Control-Allow-Origin") != "" && !slices.Contains(generalHeaders, name) &&
			!slices.ContainsFunc(exposed, func(e string) bool { return http.CanonicalHeaderKey(e) == name }):
			return "the header " + name + " cannot be read by a page whose origin is allowed"
		}
	}
	return ""
}

func compareCode(description string, body []byte) string {
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return err.Error()
	}
	if !slices.Contains(strings.Split(description, ", "), p.Code) {
		return "the problem " + p.Code + " is not documented for that status"
	}
	return ""
}

func (d *documented) validate(location string, body []byte) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	schema, err := d.schemas.Compile(location)
	if err != nil {
		return err.Error()
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return fmt.Sprintf("%v: %s", err, body)
	}
	return ""
}

// template returns the documented path that a path is an instance of.
func (d *documented) template(path string) string {
	parts := strings.Split(path, "/")
	for template := range d.paths {
		names := strings.Split(template, "/")
		if len(names) == len(parts) && !slices.ContainsFunc(names, func(name string) bool {
			i := slices.Index(names, name)
			return name != parts[i] && !strings.HasPrefix(name, "{")
		}) {
			return template
		}
	}
	return ""
}

// scripted answers every request with one answer.
type scripted struct {
	status            int
	contentType, body string
}

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Header: http.Header{"Content-Type": {s.contentType}}, Request: r,
		Body: io.NopCloser(strings.NewReader(s.body))}, nil
}

func TestAnUndocumentedAnswerIsNoticed(t *testing.T) {
	problem := func(code string) string {
		return fmt.Sprintf(`{"type":"urn:orderfold:problem:%s","title":"t","status":404,"code":%q,"detail":"d","requestId":"r"}`, code, code)
	}
	for name, c := range map[string]struct {
		path  string
		says  scripted
		fault string
	}{
		"as documented":            {"/healthz", scripted{200, "application/json", `{"alive":true}`}, ""},
		"another status":           {"/healthz", scripted{202, "application/json", `{"alive":true}`}, "the status is not documented"},
		"another content type":     {"/healthz", scripted{200, "text/html", `alive`}, "the content type"},
		"another type":             {"/healthz", scripted{200, "application/json", `{"alive":"yes"}`}, "alive"},
		"an additional member":     {"/healthz", scripted{200, "application/json", `{"alive":true,"well":true}`}, "well"},
		"a missing member":         {"/healthz", scripted{200, "application/json", `{}`}, "alive"},
		"half a body":              {"/healthz", scripted{200, "application/json", `{"alive":tr`}, "EOF"},
		"a problem":                {"/v1/orders/x", scripted{404, "application/problem+json", problem("not-found")}, ""},
		"another problem":          {"/v1/orders/x", scripted{404, "application/problem+json", problem("conflict")}, "conflict is not documented"},
		"an unknown problem":       {"/v1/none", scripted{404, "application/problem+json", problem("strange")}, "strange"},
		"an unknown path":          {"/v1/none", scripted{200, "application/json", `{}`}, "nothing is documented there"},
		"a refusal without a body": {"/v1/none", scripted{404, "application/problem+json", ``}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := newDocumented(c.says)
			require.NoError(t, err)
			response, err := (&http.Client{Transport: d}).Get("http://api" + c.path)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, c.says.body, string(body), "callers that asked still read it")
			if c.fault == "" {
				require.Empty(t, d.faults)
				return
			}
			require.Len(t, d.faults, 1)
			require.Contains(t, d.faults[0], c.fault)
		})
	}
}
