package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/receiver/platform"
)

const (
	clientID = "partner"
	secret   = "s3cret&of=the partner"
	orderID  = "6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11"
	object   = "traditional-asset-order"
	patience = 2 * time.Minute
)

// api is a platform that issues tokens as documented. The test sets the other answers.
type api struct {
	*httptest.Server
	tokens  atomic.Int64 // issued
	asked   atomic.Int64 // requests, not counting those for tokens
	expires string       // expires_in; "": left out
	answer  atomic.Pointer[http.HandlerFunc]
	token   atomic.Pointer[http.HandlerFunc]
}

func serve(t testing.TB, answer http.HandlerFunc) *api {
	a := &api{expires: "3600"}
	a.answer.Store(&answer)
	token := http.HandlerFunc(a.giveToken)
	a.token.Store(&token)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/token" {
			(*a.token.Load())(w, r)
			return
		}
		a.asked.Add(1)
		(*a.answer.Load())(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) giveToken(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") != "client_credentials" || r.PostFormValue("client_id") != clientID || r.PostFormValue("client_secret") != secret ||
		r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	text := fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer"`, a.tokens.Add(1))
	if a.expires != "" {
		text += `,"expires_in":` + a.expires
	}
	fmt.Fprint(w, text+"}")
}

func newClient(t testing.TB, a *api, change ...func(*platform.Options)) *platform.Client {
	t.Helper()
	o := platform.Options{URL: a.URL, ClientID: clientID, ClientSecret: secret, PerMinute: 600_000, Pause: time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	c, err := platform.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// after answers the first requests, up to the number times, with before and later ones with then.
func after(times int64, before, then http.HandlerFunc) http.HandlerFunc {
	var count atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= times {
			before(w, r)
		} else {
			then(w, r)
		}
	}
}

const order = `{ "orderId":"` + orderID + `","quantity":1.10, "orderId":"` + orderID + `" }` + "\n"

func TestAnOrderIsRequestedByItsAssetClassAndReturnedByteForByte(t *testing.T) {
	for object, path := range map[string]string{"traditional-asset-order": "/trading/order/", "digital-asset-order": "/digital/orders/",
		"tokenized-asset-order": "/wawex/orders/"} {
		a := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != path+orderID || r.Header.Get("Authorization") != "Bearer token-1" ||
				r.Header.Get("Accept-Encoding") != "" {
				w.WriteHeader(http.StatusTeapot)
			}
			fmt.Fprint(w, order)
		})
		body, err := newClient(t, a).Order(t.Context(), object, orderID)
		require.NoError(t, err)
		require.Equal(t, order, string(body))
	}
}

func TestAnyIDStaysOneElementOfThePath(t *testing.T) {
	const id = "../a?b=c%2F/é"
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/trading/order/"+id || r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprintf(w, `{"orderId":%q}`, id)
	})
	c := newClient(t, a)
	_, err := c.Order(t.Context(), object, id)
	require.NoError(t, err)
	for _, id := range []string{"", ".", ".."} {
		_, err := c.Order(t.Context(), object, id)
		requireFault(t, err, platform.Gone, 0)
	}
	require.Equal(t, int64(1), a.asked.Load())
}

func requireFault(t testing.TB, err error, kind platform.Kind, status int) *platform.Error {
	t.Helper()
	var e *platform.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, "%v", err)
	require.Equal(t, status, e.Status, "%v", err)
	require.NotContains(t, err.Error(), "s3cret")
	require.NotContains(t, err.Error(), "token-")
	require.NotContains(t, err.Error(), "\n")
	return e
}

func TestEveryAnswerIsClassified(t *testing.T) {
	cutShort := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, order)
	}
	for name, c := range map[string]struct {
		object string
		answer http.HandlerFunc
		kind   platform.Kind
		status int
		asked  int64
	}{
		"429 is retried":                         {object, says(429, ""), platform.Again, 429, 4},
		"500 is retried":                         {object, says(500, ""), platform.Again, 500, 4},
		"503 is retried":                         {object, says(503, "<html>"), platform.Again, 503, 4},
		"a truncated answer is retried":          {object, cutShort, platform.Again, 200, 4},
		"404 is gone":                            {object, says(404, `{"message":"no"}`), platform.Gone, 404, 1},
		"400 is gone for a digital order":        {"digital-asset-order", says(400, ""), platform.Gone, 400, 1},
		"400 is our fault for others":            {"tokenized-asset-order", says(400, ""), platform.Ours, 400, 1},
		"403 is our fault":                       {object, says(403, ""), platform.Ours, 403, 1},
		"a redirect is not followed":             {object, http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, platform.Ours, 302, 1},
		"401 is our fault after a second token":  {object, says(401, ""), platform.Ours, 401, 2},
		"a 200 that is not JSON is theirs":       {object, says(200, "<html>"), platform.Theirs, 200, 1},
		"a 200 without content is theirs":        {object, says(200, ""), platform.Theirs, 200, 1},
		"a 200 about another order is theirs":    {object, says(200, `{"orderId":"other"}`), platform.Theirs, 200, 1},
		"an answer of more than 1 MiB is theirs": {object, says(200, `{"orderId":"`+orderID+`","a":"`+strings.Repeat("a", 1<<20)+`"}`), platform.Theirs, 200, 1},
		"an encoding that was not requested is theirs": {object, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, order)
		}, platform.Theirs, 200, 1},
		"the text of an error contains no secret": {object, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
			text, _ := json.Marshal(map[string]string{"message": "bad " + r.Header.Get("Authorization") + "\n" + secret + strings.Repeat("x", 9000)})
			w.Write(text)
		}, platform.Ours, 403, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, c.answer)
			_, err := newClient(t, a).Order(t.Context(), c.object, orderID)
			e := requireFault(t, err, c.kind, c.status)
			require.Less(t, len(e.Error()), 400)
			require.Equal(t, c.asked, a.asked.Load())
		})
	}
}

func TestRequestsToAnUnreachableOrSlowPlatformAreRetried(t *testing.T) {
	t.Parallel()
	a := serve(t, says(200, order))
	a.Close()
	_, err := newClient(t, a).Order(t.Context(), object, orderID)
	requireFault(t, err, platform.Again, 0)
	require.NotContains(t, err.Error(), a.URL+"/")

	hang := make(chan struct{})
	a = serve(t, after(1, func(http.ResponseWriter, *http.Request) { <-hang }, says(200, order)))
	t.Cleanup(func() { close(hang) }) // must run before the server closes
	_, err = newClient(t, a, func(o *platform.Options) { o.Timeout = 2 * time.Second }).Order(t.Context(), object, orderID)
	require.NoError(t, err)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, value := range map[string]func() string{
		"in seconds": func() string { return "1" },
		"as a date":  func() string { return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first atomic.Int64
			a := serve(t, after(1, func(w http.ResponseWriter, _ *http.Request) {
				first.Store(time.Now().UnixNano())
				w.Header().Set("Retry-After", value())
				w.WriteHeader(429)
			}, says(200, order)))
			_, err := newClient(t, a).Order(t.Context(), object, orderID)
			require.NoError(t, err)
			require.Greater(t, time.Since(time.Unix(0, first.Load())), 900*time.Millisecond)
		})
	}
	for name, value := range map[string]string{"a long pause ends the request and is returned": "3600", "an invalid value is ignored": "soon", "a time in the past is ignored": "Mon, 02 Jan 2006 15:04:05 GMT"} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(503)
			})
			_, err := newClient(t, a).Order(t.Context(), object, orderID)
			e := requireFault(t, err, platform.Again, 503)
			if seconds, _ := strconv.Atoi(value); seconds > 0 {
				require.Equal(t, time.Hour, e.After)
				require.Equal(t, int64(1), a.asked.Load())
			} else {
				require.Zero(t, e.After)
			}
		})
	}
}

func TestOneTokenIsSharedAndReplacedOnce(t *testing.T) {
	const callers = 20
	var rejected atomic.Bool
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if rejected.Load() && r.Header.Get("Authorization") == "Bearer token-1" {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, order)
	})
	c := newClient(t, a, func(o *platform.Options) { o.Concurrency = callers })
	together := func() {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				_, err := c.Order(t.Context(), object, orderID)
				assert.NoError(t, err)
			})
		}
		all.Wait()
	}
	together()
	require.Equal(t, int64(1), a.tokens.Load())
	rejected.Store(true)
	together()
	require.Equal(t, int64(2), a.tokens.Load())
}

func TestATokenIsReplacedBeforeItExpires(t *testing.T) {
	a := serve(t, says(200, order))
	a.expires = "1"
	c := newClient(t, a)
	require.Eventually(t, func() bool {
		_, err := c.Order(t.Context(), object, orderID)
		require.NoError(t, err)
		return a.tokens.Load() == 3
	}, patience, 10*time.Millisecond)
	a = serve(t, says(200, order))
	a.expires = ""
	c = newClient(t, a)
	for range 3 {
		_, err := c.Order(t.Context(), object, orderID)
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), a.tokens.Load(), "a token without expires_in is reused")
}

func TestAFailureToGetATokenIsClassified(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   platform.Kind
		status int
	}{
		"400 is our fault": {says(400, `{"error":"invalid_client","error_description":"`+"s3cret&of=the partner"+`"}`), platform.Ours, 400},
		"an error that could be a secret is not in the text": {says(400, `{"error":"`+"s3cret&of=the partner"+`"}`), platform.Ours, 400},
		"404 is our fault":                  {says(404, ""), platform.Ours, 404},
		"429 is retried":                    {says(429, ""), platform.Again, 429},
		"500 is retried":                    {says(500, "s3cret&of=the partner"), platform.Again, 500},
		"a 200 without a token is retried":  {says(200, `{"x":"s3cret&of=the partner"}`), platform.Again, 200},
		"a 200 that is not JSON is retried": {says(200, "s3cret&of=the partner"), platform.Again, 200},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, says(200, order))
			a.token.Store(&c.answer)
			_, err := newClient(t, a).Order(t.Context(), object, orderID)
			requireFault(t, err, c.kind, c.status)
			require.Zero(t, a.asked.Load())
		})
	}
}

func TestATokenIsReadFromAnAnswerThatDeviatesFromOAuth2(t *testing.T) {
	answer := func(members string) string { return `{"access_token":"token-1","token_type":"Bearer"` + members + `}` }
	for name, c := range map[string]struct{ contentType, body, why string }{
		"expires_in with a decimal point":             {"application/json", answer(`,"expires_in":3600.0`), ""},
		"expires_in with an exponent":                 {"application/json", answer(`,"expires_in":3.6e3`), ""},
		"expires_in in a string":                      {"application/json", answer(`,"expires_in":"3600"`), ""},
		"expires_in in a string with a decimal point": {"application/json", answer(`,"expires_in":" 3600.0 "`), ""},
		"no expires_in":                               {"application/json", answer(``), ""},
		"expires_in is null":                          {"application/json", answer(`,"expires_in":null`), ""},
		"expires_in of many centuries":                {"application/json", answer(`,"expires_in":1e300`), ""},
		"expires_in beyond the range of floats":       {"application/json", answer(`,"expires_in":1e999`), ""},
		"a negative expires_in":                       {"application/json", answer(`,"expires_in":-5`), "the token has already expired"},
		"expires_in is 0":                             {"application/json", answer(`,"expires_in":0`), "the token has already expired"},
		"expires_in in words":                         {"application/json", answer(`,"expires_in":"an hour"`), "expires_in is not a number of seconds"},
		"expires_in is NaN":                           {"application/json", answer(`,"expires_in":"NaN"`), "expires_in is not a number of seconds"},
		"expires_in is an object":                     {"application/json", answer(`,"expires_in":{}`), "expires_in is not a number of seconds"},
		"JSON sent as plain text":                     {"text/plain", answer(`,"expires_in":3600`), ""},
		"JSON sent as a form":                         {"application/x-www-form-urlencoded", answer(``), ""},
		"JSON sent as HTML":                           {"text/html; charset=utf-8", answer(``), ""},
		"an invalid content type":                     {"@", answer(``), ""},
		"a byte order mark":                           {"application/json", "\uFEFF" + answer(``), ""},
		"token_type in lower case":                    {"", `{"access_token":"token-1","token_type":"bearer"}`, ""},
		"token_type in upper case":                    {"", `{"access_token":"token-1","token_type":"BEARER"}`, ""},
		"no token_type":                               {"", `{"access_token":"token-1"}`, ""},
		"token_type is null":                          {"", `{"access_token":"token-1","token_type":null}`, ""},
		"another token_type":                          {"application/json", `{"access_token":"token-1","token_type":"mac"}`, "the token_type is not Bearer"},
		"token_type is a number":                      {"application/json", `{"access_token":"token-1","token_type":7}`, "the token_type is not Bearer"},
		"no token":                                    {"application/json", `{"token_type":"Bearer"}`, "no access_token"},
		"a token that is a number":                    {"application/json", `{"access_token":17}`, "no access_token"},
		"a token that cannot be in a header":          {"application/json", `{"access_token":"token-1\r\nX: y"}`, "cannot be sent in a header"},
		"HTML":                                        {"text/html", "<html>token-1", "the answer is not a JSON object; its content type is text/html"},
		"a form":                                      {"application/x-www-form-urlencoded", "access_token=token-1", "its content type is application/x-www-form-urlencoded"},
		"an array":                                    {"application/json", `["token-1"]`, "the answer is not a JSON object"},
		"an answer that is too large":                 {"application/json", `{"access_token":"` + strings.Repeat("x", 1<<20) + `"}`, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, says(200, order))
			a.token.Store(new(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				a.tokens.Add(1)
				w.Header().Set("Content-Type", c.contentType)
				fmt.Fprint(w, c.body)
			})))
			client := newClient(t, a, func(o *platform.Options) { o.Attempts = 1 })
			for range 2 {
				_, err := client.Order(t.Context(), object, orderID)
				if c.why == "" {
					require.NoError(t, err)
					require.Equal(t, int64(1), a.tokens.Load(), "the token is reused")
					continue
				}
				requireFault(t, err, platform.Again, 200)
				require.Contains(t, err.Error(), c.why)
				require.Zero(t, a.asked.Load())
			}
		})
	}
}

func TestAByteOrderMarkBeforeAnAnswerIsIgnored(t *testing.T) {
	const mark = "\uFEFF"
	answer := mark + order
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/undelivered-webhooks":
			fmt.Fprint(w, mark+`["a"]`)
		case "/webhooks", "/webhooks-missing":
			fmt.Fprint(w, mark+`[{"eventType":"USER_NOTIFICATION"}]`)
		case "/webhooks/USER_NOTIFICATION":
			w.WriteHeader(400)
			fmt.Fprint(w, mark+`{"message":"why not"}`)
		default:
			fmt.Fprint(w, answer)
		}
	})
	c := newClient(t, a)
	body, err := c.Order(t.Context(), object, orderID)
	require.NoError(t, err)
	require.Equal(t, answer, string(body), "the answer is returned byte for byte")
	require.NoError(t, c.Undelivered(t.Context(), func(entry []byte) error { require.Equal(t, `"a"`, string(entry)); return nil }))
	all, err := c.Webhooks(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	missing, err := c.WebhooksMissing(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"USER_NOTIFICATION"}, missing)
	require.ErrorContains(t, c.DeleteWebhook(t.Context(), "USER_NOTIFICATION"), "why not")
}

func TestACycleOfCursorsEndsTheListAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		next  map[string]string // by cursor
		pages int64
		why   string
	}{
		"A again":                 {map[string]string{"": "A", "A": "A"}, 2, "page 2 is followed by page 2 again"},
		"A, B, A":                 {map[string]string{"": "A", "A": "B", "B": "A"}, 3, "page 3 is followed by page 2 again"},
		"A, B, C, D, B":           {map[string]string{"": "A", "A": "B", "B": "C", "C": "D", "D": "B"}, 5, "page 5 is followed by page 3 again"},
		"new cursors without end": {nil, 1000, "after 1000 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, func(w http.ResponseWriter, r *http.Request) {
				cursor := r.URL.Query().Get("cursor")
				next := c.next[cursor]
				if c.next == nil {
					number, _ := strconv.Atoi(cursor)
					next = strconv.Itoa(number + 1)
				}
				fmt.Fprintf(w, `{"data":[1],"pagination":{"cursor":%q}}`, next)
			})
			entries := int64(0)
			err := newClient(t, a).Undelivered(t.Context(), func([]byte) error { entries++; return nil })
			requireFault(t, err, platform.Theirs, 200)
			require.ErrorContains(t, err, c.why)
			require.Equal(t, c.pages, a.asked.Load())
			require.Equal(t, c.pages, entries, "every listed entry was taken")
		})
	}
}

func TestConcurrencyAndRateOfRequestsAreLimited(t *testing.T) {
	var now, most atomic.Int64
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		fmt.Fprint(w, order)
		now.Add(-1)
	})
	c := newClient(t, a, func(o *platform.Options) { o.Concurrency, o.PerMinute = 2, 1200 }) // a burst of 20, then one every 50 ms
	began := time.Now()
	var all sync.WaitGroup
	for range 26 {
		all.Go(func() {
			_, err := c.Order(t.Context(), object, orderID)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.LessOrEqual(t, most.Load(), int64(2))
	require.Greater(t, time.Since(began), 250*time.Millisecond)
}

func TestACancelledContextEndsARequest(t *testing.T) {
	a := serve(t, says(503, ""))
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(t, a, func(o *platform.Options) { o.Pause, o.MaxPause = time.Hour, time.Hour })
	ended := make(chan error, 1)
	go func() { _, err := c.Order(ctx, object, orderID); ended <- err }()
	require.Eventually(t, func() bool { return a.asked.Load() == 1 }, patience, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestASecretIsSentOnlyToASafeURL(t *testing.T) {
	for url, safe := range map[string]bool{"https://api.example.com": true, "https://api.example.com/v1/": true, "http://127.0.0.1:80": true,
		"http://localhost": true, "http://[::1]:1": true, "http://api.example.com": false, "http://127.0.0.1.example.com": false, "ftp://127.0.0.1": false,
		"api.example.com": false, "https://user:pw@api.example.com": false, "https://api.example.com?a=b": false, "": false, "https://": false} {
		_, err := platform.NewClient(platform.Options{URL: url, ClientID: clientID, ClientSecret: secret})
		require.Equal(t, safe, err == nil, "%s: %v", url, err)
	}
}

func TestUndeliveredNotificationsAreReadPageByPageInEveryKnownForm(t *testing.T) {
	pages := map[string]string{"": `{"data":[ {"a": 1},2 ],"pagination":{"cursor":"x&y"}}`, "x&y": `{"data":["b"],"pagination":{"cursor":null}}`}
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/undelivered-webhooks" || r.URL.Query().Get("limit") != "100" {
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprint(w, pages[r.URL.Query().Get("cursor")])
	})
	list := func() (entries []string, err error) {
		err = newClient(t, a).Undelivered(t.Context(), func(entry []byte) error { entries = append(entries, string(entry)); return nil })
		return entries, err
	}
	entries, err := list()
	require.NoError(t, err)
	require.Equal(t, []string{`{"a": 1}`, "2", `"b"`}, entries)
	pages[""] = `[ {"a": 1} ]`
	entries, err = list()
	require.NoError(t, err)
	require.Equal(t, []string{`{"a": 1}`}, entries)
	pages[""] = `{"data":[]}`
	entries, err = list()
	require.NoError(t, err)
	require.Empty(t, entries)
	pages[""], pages["again"] = `{"data":[],"pagination":{"cursor":"again"}}`, `{"data":[],"pagination":{"cursor":"again"}}`
	_, err = list()
	requireFault(t, err, platform.Theirs, 200)
	for _, odd := range []string{`{}`, `{"items":[]}`, `7`, ``, `[`, `{"data":{}}`} {
		pages[""] = odd
		_, err = list()
		requireFault(t, err, platform.Theirs, 200)
	}
}

func TestWebhooksAreSetReturnedAndDeleted(t *testing.T) {
	want := platform.Webhook{EventType: "CUSTOMER_NOTIFICATION", URL: "https://a.example/customer-notification", Headers: []platform.Header{{Name: "api-key", Value: "v"}}}
	var set atomic.Pointer[platform.Webhook]
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /webhooks":
			var got platform.Webhook
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&got))
			if got.URL == "" {
				w.WriteHeader(400)
				fmt.Fprintf(w, `{"message":"url is missing; %s"}`, got.Headers[0].Value)
				return
			}
			set.Store(&got)
		case "GET /webhooks":
			assert.NoError(t, json.NewEncoder(w).Encode([]platform.Webhook{*set.Load()}))
		case "GET /webhooks/CUSTOMER_NOTIFICATION":
			assert.NoError(t, json.NewEncoder(w).Encode(set.Load()))
		case "DELETE /webhooks/CUSTOMER_NOTIFICATION":
			w.WriteHeader(204)
		case "GET /webhooks-missing":
			fmt.Fprint(w, `[{"eventType":"USER_NOTIFICATION"}]`)
		default:
			w.WriteHeader(404)
		}
	})
	c := newClient(t, a)
	require.NoError(t, c.SetWebhook(t.Context(), want))
	got, err := c.Webhook(t.Context(), want.EventType)
	require.NoError(t, err)
	require.Equal(t, want, got)
	all, err := c.Webhooks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []platform.Webhook{want}, all)
	missing, err := c.WebhooksMissing(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"USER_NOTIFICATION"}, missing)
	require.NoError(t, c.DeleteWebhook(t.Context(), want.EventType))
	requireFault(t, c.DeleteWebhook(t.Context(), "USER_NOTIFICATION"), platform.Gone, 404)
	_, err = c.Webhook(t.Context(), "USER_NOTIFICATION")
	requireFault(t, err, platform.Gone, 404)
	want.URL, want.Headers[0].Value = "", "s3cret-header"
	e := requireFault(t, c.SetWebhook(t.Context(), want), platform.Ours, 400)
	require.Contains(t, e.Error(), "url is missing; ***")
}
