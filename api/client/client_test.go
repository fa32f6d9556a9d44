package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/api/client"
	"github.com/stretchr/testify/require"
)

const filled = `{"orderId":%q,"status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z","quantity":"10","execution":{"quantity":"10"}}`

func TestAnOrderIsReadImmediatelyAfterItWasPosted(t *testing.T) {
	s := startService(t)
	placed := s.post(`{"orderId":"a/b","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z","quantity":"10"}`)
	sequence := s.post(filled, "a/b")
	o, err := s.Order(t.Context(), "a/b", client.AsOf{AtLeast: client.AtLeast{MinSequence: sequence}})
	require.NoError(t, err)
	require.Equal(t, []any{"a/b", "TRADITIONAL", "FILLED", "10", ""}, []any{o.OrderID, o.AssetClass, o.Status, o.ExecutedQuantity, o.ISIN})
	require.Equal(t, time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC), o.StatusSince.Time())
	require.GreaterOrEqual(t, o.LogSequence, sequence)
	require.Contains(t, string(o.Raw), `"isin":null`)

	then, err := s.Order(t.Context(), "a/b", client.AsOf{Sequence: placed})
	require.NoError(t, err)
	require.Equal(t, "PLACED", then.Status)
	var effects []string
	for entry, err := range s.History(t.Context(), "a/b", client.AsOf{}) {
		require.NoError(t, err)
		effects = append(effects, entry.Effect)
	}
	require.Equal(t, []string{"applied", "applied"}, effects)
	for page, err := range s.HistoryPages(t.Context(), "a/b", client.AsOf{}, 1) {
		require.NoError(t, err)
		require.Len(t, page.Data, 1, "every page is read")
		effects = effects[1:]
	}
	require.Empty(t, effects)
	why, err := s.Explain(t.Context(), "a/b", client.AsOf{})
	require.NoError(t, err)
	require.Equal(t, sequence, *why.DecidedBy)
	stats, err := s.Stats(t.Context(), client.AtLeast{MinSequence: sequence})
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{"FILLED": 1}, stats.ByStatus)
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, sequence, *status.Log.LastSequence)
	n, err := s.Notification(t.Context(), placed)
	require.NoError(t, err)
	require.Equal(t, "traditional-asset-order application/json webhook", strings.Join([]string{n.Object, n.ContentType, n.Source}, " "))
	require.Contains(t, string(n.Body), `"PLACED"`)
}

func TestListsAreReadPageByPage(t *testing.T) {
	s := startService(t)
	var last uint64
	for i := range 25 {
		last = s.post(`{"orderId":"o-%d","status":%q,"modifiedOn":"2026-03-02T09:00:00Z"}`, i, []string{"PLACED", "SETTLED"}[i%2])
	}
	open := true
	for _, c := range []struct {
		filter client.OrderFilter
		want   int
	}{
		{client.OrderFilter{}, 25}, {client.OrderFilter{Statuses: []string{"PLACED", "FILLED"}}, 13}, {client.OrderFilter{Open: &open}, 13},
		{client.OrderFilter{Breaks: []string{"settled_without_fill"}}, 12}, {client.OrderFilter{AssetClass: "DIGITAL"}, 0},
		{client.OrderFilter{ExternalIDs: []string{"nobody's"}}, 0},
	} {
		q := client.OrderQuery{OrderFilter: c.filter, AtLeast: client.AtLeast{MinSequence: last}, Limit: 10}
		pages := s.OrderPages(t.Context(), q)
		for range 2 { // it can be ranged over again
			found, count := 0, 0
			for page, err := range pages {
				require.NoError(t, err)
				found, count = found+len(page.Data), count+1
			}
			require.Equal(t, c.want, found)
			require.Equal(t, max(1, (c.want+9)/10), count)
		}
	}
	var ids []string
	for o, err := range s.Orders(t.Context(), client.OrderQuery{Limit: 3}) {
		require.NoError(t, err)
		if ids = append(ids, o.OrderID); len(ids) == 7 {
			break
		}
	}
	require.Len(t, ids, 7)
	breaks := 0
	for b, err := range s.Breaks(t.Context(), client.BreakQuery{Codes: []string{"settled_without_fill"}, Limit: 5}) {
		require.NoError(t, err)
		require.Equal(t, "settled_without_fill", b.Code)
		breaks++
	}
	require.Equal(t, 12, breaks)
}

func TestAnIDOfAnyKindIsFound(t *testing.T) {
	s := startService(t)
	s.post(`{"orderId":"o-1","status":"PLACED","externalId":"ext-1","modifiedOn":"2026-03-02T09:00:00Z"}`)
	at := client.AtLeast{MinSequence: s.append("customer", `{"customerId":"c/1","name":"Ada"}`)}
	for text, want := range map[string]client.Found{
		"o-1":   {Kind: "order", Path: "/v1/orders/o-1", OrderIDs: []string{"o-1"}},
		"ext-1": {Kind: "externalId", Path: "/v1/orders?externalId=ext-1", OrderIDs: []string{"o-1"}},
		"c/1":   {Kind: "object", Path: "/v1/objects/customer/c%2F1", OrderIDs: []string{}, Object: "customer", Sequence: &at.MinSequence},
	} {
		found, err := s.Search(t.Context(), text, at)
		require.NoError(t, err)
		require.Len(t, found.Found, 1, text)
		found.Found[0].ReceivedAt = ""
		require.Equal(t, want, found.Found[0])
		require.Equal(t, at.MinSequence, found.LogSequence)
	}
	found, err := s.Search(t.Context(), "nobody's", at)
	require.NoError(t, err)
	require.Empty(t, found.Found)
}

func TestTheLastNotificationsOfObjectsAreListedAndRead(t *testing.T) {
	s := startService(t)
	s.append("customer", `{"customerId":"c/1","name":"Ada"}`)
	s.append("customer", `{"customerId":"c-2","name":"Grace"}`)
	at := client.AtLeast{MinSequence: s.append("customer", `{"customerId":"c/1","name":"Ada King"}`)}
	var ids []string
	for page, err := range s.ObjectPages(t.Context(), "customer", at, 1) {
		require.NoError(t, err)
		require.Len(t, page.Data, 1, "every page is read")
		ids = append(ids, fmt.Sprint(page.Data[0].ID, " ", page.Data[0].Notifications))
	}
	require.Equal(t, []string{"c/1 2", "c-2 1"}, ids)
	for o, err := range s.Objects(t.Context(), "document", at) {
		require.Failf(t, "there is none", "%v %v", o, err)
	}
	n, err := s.Object(t.Context(), "customer", "c/1", at)
	require.NoError(t, err)
	require.Equal(t, at.MinSequence, n.Sequence)
	require.JSONEq(t, `{"customerId":"c/1","name":"Ada King"}`, string(n.Body))
	_, err = s.Object(t.Context(), "customer", "c-3", at)
	require.ErrorIs(t, err, client.ErrNotFound)
}

func TestTotalsAndSelectedFieldsAreReturned(t *testing.T) {
	s := startService(t)
	s.post(`{"orderId":"a","status":"PLACED","isin":"DE0007164600","quantity":"0.1","modifiedOn":"2026-03-02T09:00:00Z"}`)
	last := s.post(`{"orderId":"b","status":"FILLED","isin":"DE0007164600","quantity":"0.2","execution":{"quantity":"0.2"},"modifiedOn":"2026-03-02T09:00:00Z"}`)
	q := client.OrderQuery{OrderFilter: client.OrderFilter{ISINs: []string{"de0007164600"}}, AtLeast: client.AtLeast{MinSequence: last}, Sort: "-quantity",
		Fields: []string{"orderId", "quantity"}}
	totals, err := s.Totals(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, client.Totals{Orders: 2, Ordered: client.Sums{Units: "0.3", Amount: "0"}, Executed: client.Sums{Units: "0.2", Amount: "0"}}, totals)
	var orders []client.Order
	for o, err := range s.Orders(t.Context(), q) {
		require.NoError(t, err)
		orders = append(orders, o)
	}
	require.Equal(t, []client.Order{{OrderID: "b", Quantity: "0.2"}, {OrderID: "a", Quantity: "0.1"}}, orders)
	q.Fields = []string{"size"}
	for _, err := range s.Orders(t.Context(), q) {
		require.ErrorIs(t, err, client.ErrBadParameter)
	}
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":[]}`) }))
	defer old.Close()
	asked, err := client.New(client.Options{URL: old.URL})
	require.NoError(t, err)
	_, err = asked.Totals(t.Context(), q)
	require.ErrorContains(t, err, "has no totals")
	_, err = asked.Object(t.Context(), "customer", "c", client.AtLeast{})
	require.ErrorContains(t, err, "returned no notification")
}

func TestErrorsHaveCodes(t *testing.T) {
	key, err := access.ParseKey("desk:reader:secret")
	require.NoError(t, err)
	s := startService(t, func(o *api.Options) { o.Access.Keys = []access.Key{key} })
	_, err = s.Status(t.Context())
	require.ErrorIs(t, err, client.ErrUnauthorized)
	reader, err := client.New(client.Options{URL: s.url + "/", Key: "secret"})
	require.NoError(t, err)
	who, err := reader.Access(t.Context())
	require.NoError(t, err)
	require.Equal(t, "desk reader", who.Name+" "+who.Role)
	minutes, err := reader.Throughput(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), minutes.Since.Time(), time.Minute)
	sequence := s.post(filled, "a")
	_, err = reader.Order(t.Context(), "nobody's", client.AsOf{AtLeast: client.AtLeast{MinSequence: sequence}})
	require.ErrorIs(t, err, client.ErrNotFound)
	var problem *client.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, http.StatusNotFound, problem.Status)
	require.NotEmpty(t, problem.RequestID)
	_, err = reader.Order(t.Context(), "a", client.AsOf{Received: time.Unix(1, 0)})
	require.ErrorIs(t, err, client.ErrNotYetKnown)
	require.ErrorAs(t, err, &problem)
	require.Equal(t, sequence, problem.FirstSequence)
	_, err = reader.Stats(t.Context(), client.AtLeast{MinSequence: 99, Wait: time.Millisecond})
	require.ErrorIs(t, err, client.ErrViewBehind)
	require.ErrorAs(t, err, &problem)
	require.Equal(t, time.Second, problem.RetryAfter)
	_, err = reader.Rebuild(t.Context(), "dry-run")
	require.ErrorIs(t, err, client.ErrForbidden)
	_, err = reader.Notification(t.Context(), 99)
	require.ErrorIs(t, err, client.ErrNotFound)
	for _, err := range reader.Orders(t.Context(), client.OrderQuery{Limit: 501}) {
		require.ErrorIs(t, err, client.ErrBadParameter)
		require.ErrorAs(t, err, &problem)
		require.Equal(t, "query.limit", problem.Errors[0].Location)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = reader.Status(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, fmt.Sprintf("%v %+v", err, err), "secret")
}

func TestAServerThatIsNotTheAPIIsReportedAndReadUpToALimit(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"HTML":               {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "is not this API"},
		"a proxy's error":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) }, "502 Bad Gateway"},
		"a broken problem":   {problemText(`{"code":`), "503 Service Unavailable"},
		"a truncated answer": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9") }, "was cut"},
		"an endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			for piece := make([]byte, 1<<20); ; {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}, "has more than"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			asked, err := client.New(client.Options{URL: server.URL})
			require.NoError(t, err)
			_, err = asked.Status(t.Context())
			require.ErrorContains(t, err, c.want)
		})
	}
	for _, url := range []string{"", "localhost:8081", "ftp://x", "http://", "http://user:secret@host", "http://host?x=1"} {
		_, err := client.New(client.Options{URL: url})
		require.ErrorContains(t, err, "the URL of an API must be")
	}
}

func problemText(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, body)
	}
}

// The types have the same members as the schemas of the document.
func TestTheTypesHaveTheMembersOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/openapi.json")
	require.NoError(t, err)
	var document struct {
		Paths map[string]struct {
			Get struct{ Parameters []struct{ Name, In string } }
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(text, &document))
	for name, value := range map[string]any{"Order": client.Order{}, "Break": client.Break{}, "Refusal": client.Refusal{},
		"Notifications": client.Notifications{}, "HistoryEntry": client.HistoryEntry{}, "ListHistoryEntry": client.Page[client.HistoryEntry]{},
		"Explanation": client.Explanation{}, "Judgement": client.Judgement{}, "OpenBreak": client.OpenBreak{}, "Stats": client.Stats{},
		"Status": client.Status{}, "LogStatus": client.LogStatus{}, "Replica": client.Replica{}, "Rebuild": client.Rebuild{}, "Changes": client.Changes{},
		"Redrive": client.Redrive{}, "RedrivenRecord": client.RedrivenRecord{},
		"Subscriber": client.Subscriber{}, "ListSubscriber": client.Page[client.Subscriber]{}, "AddedSubscriber": client.AddedSubscriber{},
		"FeedPlace": client.FeedPlace{}, "FeedEvent": client.FeedEvent{},
		"OrderChange": client.OrderChange{}, "FieldChange": client.FieldChange{}, "FieldError": client.FieldError{},
		"Execution": client.Execution{}, "Asked": client.Asked{}, "Asking": client.Asking{},
		"Access": client.Access{}, "Search": client.Search{}, "Found": client.Found{}, "Throughput": client.Throughput{}, "Minute": client.Minute{},
		"Totals": client.Totals{}, "Sums": client.Sums{}, "LastNotification": client.LastNotification{},
		"ListLastNotification": client.Page[client.LastNotification]{},
		"ListOrder":            client.Page[client.Order]{}, "StreamSnapshot": client.Snapshot{}, "StreamOrder": client.Change{},
		"StreamCause": client.Cause{}, "StreamResync": client.Resync{}, "StreamHeartbeat": client.Heartbeat{}} {
		want := map[string]bool{}
		require.Contains(t, document.Components.Schemas, name)
		for member := range document.Components.Schemas[name].Properties {
			want[member] = true
		}
		require.Equal(t, want, members(reflect.TypeOf(value)), name)
	}
	for path, own := range map[string][]string{"/v1/orders": {"cursor", "fields", "format", "limit", "minSequence", "sort", "totals"}, "/v1/stream": {"interval", "lastEventId", "minSequence", "snapshot"}} {
		var filters []string
		for _, p := range document.Paths[path].Get.Parameters {
			if p.In == "query" && !slices.Contains(own, p.Name) {
				filters = append(filters, p.Name)
			}
		}
		require.ElementsMatch(t, filterNames(t), filters, "filters of %s", path)
	}
}

func members(typ reflect.Type) map[string]bool {
	found := map[string]bool{}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case field.Anonymous:
			for inner := range members(field.Type) {
				found[inner] = true
			}
		default:
			found[name] = true
		}
	}
	return found
}

// filterNames returns the parameters that a filter sends if every field is set.
func filterNames(t *testing.T) (names []string) {
	f := client.OrderFilter{}
	fill(reflect.ValueOf(&f).Elem())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.URL.Query() {
			names = append(names, name)
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	asked, err := client.New(client.Options{URL: server.URL})
	require.NoError(t, err)
	for _, err := range asked.OrderPages(t.Context(), client.OrderQuery{OrderFilter: f}) {
		require.NoError(t, err)
	}
	return names
}

// fill gives every field a value that is not zero.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch field := v.Field(i); field.Interface().(type) {
		case string:
			field.SetString("x")
		case []string:
			field.Set(reflect.ValueOf([]string{"x"}))
		case *bool:
			field.Set(reflect.ValueOf(new(bool)))
		case *time.Time:
			field.Set(reflect.ValueOf(new(time.Time)))
		case url.Values: // any parameter by its name
		default:
			panic(errors.New("a filter field of an unknown type"))
		}
	}
}
