package platformtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// partner calls the platform over a real socket.
type partner struct {
	t testing.TB
	*Server
	token string
}

// got is an answer as received.
type got struct {
	code   int
	header http.Header
	body   []byte
	err    error // of reading the body
}

func newPartner(t testing.TB, o ServerOptions) *partner {
	s, err := NewServer(o)
	require.NoError(t, err)
	require.NoError(t, s.Start())
	t.Cleanup(s.Close)
	return &partner{t: t, Server: s}
}

func (p *partner) do(method, path, kind, body string) got {
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+path, strings.NewReader(body))
	require.NoError(p.t, err)
	request.Header.Set("Content-Type", kind)
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return got{err: err}
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return got{response.StatusCode, response.Header, read, err}
}

func (p *partner) get(path string) got { return p.do(http.MethodGet, path, "", "") }

func (p *partner) askToken(change func(url.Values)) got {
	id, secret := p.Credentials()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	if change != nil {
		change(form)
	}
	return p.do(http.MethodPost, "/oauth2/token", "application/x-www-form-urlencoded", form.Encode())
}

func (p *partner) signIn() *partner {
	answer := p.askToken(nil)
	require.Equal(p.t, http.StatusOK, answer.code, "%s", answer.body)
	var read struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(p.t, json.Unmarshal(answer.body, &read))
	p.token = read.AccessToken
	return p
}

func orderPath(o Order) string {
	return map[string]string{Traditional: "/trading/order/", Digital: "/digital/orders/", Tokenized: "/wawex/orders/"}[o.AssetClass] + o.ID
}

// find returns the first order of the traffic for which is returns true, and its index.
func find(t testing.TB, traffic Traffic, is func(Order) bool) (int, Order) {
	for i := range traffic.Orders {
		if o := traffic.Order(i); is(o) {
			return i, o
		}
	}
	require.Fail(t, "there is no such order in the traffic")
	return 0, Order{}
}

func requireMessage(t testing.TB, answer got) {
	var m struct{ Message, ResponseType, RequestID string }
	require.NoError(t, json.Unmarshal(answer.body, &m), "%s", answer.body)
	require.NotEmpty(t, m.Message)
	require.NotEmpty(t, m.ResponseType)
	require.NotEmpty(t, m.RequestID)
}

var aThousand = Traffic{Seed: 21, Start: start, Orders: 1_000}

// atStart is a clock that always returns the start of the traffic.
func atStart() time.Time { return start }

func TestATokenIsIssuedForTheDocumentedForm(t *testing.T) {
	p := newPartner(t, ServerOptions{ClientID: "me", ClientSecret: "s&=+ %", TokenLifetime: 90 * time.Second})
	answer := p.askToken(nil)
	require.Equal(t, http.StatusOK, answer.code)
	var read map[string]any
	require.NoError(t, json.Unmarshal(answer.body, &read))
	require.Equal(t, "Bearer", read["token_type"])
	require.EqualValues(t, 90, read["expires_in"])
	require.NotEmpty(t, read["access_token"])

	set := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	for name, c := range map[string]struct {
		answer got
		want   string
	}{
		"another grant":    {p.askToken(set("grant_type", "password")), "unsupported_grant_type"},
		"no grant":         {p.askToken(set("grant_type", "")), "unsupported_grant_type"},
		"another secret":   {p.askToken(set("client_secret", "x")), "invalid_client"},
		"another client":   {p.askToken(set("client_id", "you")), "invalid_client"},
		"JSON":             {p.do("POST", "/oauth2/token", "application/json", `{}`), "invalid_request"},
		"an invalid form":  {p.do("POST", "/oauth2/token", "application/x-www-form-urlencoded", "%zz"), "invalid_request"},
		"an empty request": {p.do("POST", "/oauth2/token", "", ""), "invalid_request"},
	} {
		require.Equal(t, http.StatusBadRequest, c.answer.code, name)
		require.JSONEq(t, `{"error":"`+c.want+`"}`, string(c.answer.body), name)
	}
}

func TestRequestsNeedATokenThatHasNotExpired(t *testing.T) {
	var mu sync.Mutex
	now := start
	p := newPartner(t, ServerOptions{Traffic: aThousand, TokenLifetime: time.Minute, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	for name, token := range map[string]string{"no token": "", "a token of another form": "abc", "a wrong signature": "1-1.abc"} {
		p.token = token
		for _, path := range []string{"/trading/order/x", "/undelivered-webhooks", "/webhooks", "/webhooks-missing", "/nowhere"} {
			answer := p.get(path)
			require.Equal(t, http.StatusUnauthorized, answer.code, name)
			requireMessage(t, answer)
		}
	}
	p.signIn()
	old := p.token
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	pass(59 * time.Second)
	require.Equal(t, http.StatusOK, p.get("/webhooks").code)
	pass(time.Second)
	require.Equal(t, http.StatusUnauthorized, p.get("/webhooks").code)
	p.token = ""
	require.NotEqual(t, old, p.signIn().token)
	require.Equal(t, http.StatusOK, p.get("/webhooks").code)
}

func TestGetOrderReturnsTheCurrentState(t *testing.T) {
	p := newPartner(t, ServerOptions{Traffic: aThousand, Now: atStart}).signIn()
	required := map[string][]string{
		Traditional: {"orderId", "exAnteId", "createdOn", "modifiedOn", "status", "depositoryCustomerProductId", "cashCustomerProductId",
			"tradeSide", "isin", "quantity", "orderType", "quantityType", "externalId", "exchangeCode"},
		Digital: {"orderId", "status", "side", "walletCustomerProductId", "cashCustomerProductId", "createdOn", "modifiedOn",
			"externalId", "orderType"},
		Tokenized: {"orderId", "status", "side", "walletCustomerProductId", "cashCustomerProductId", "createdOn", "modifiedOn",
			"externalId"},
	}
	seen := map[string]int{}
	for i := 0; i < 1_000; i += 7 {
		o := aThousand.Order(i)
		for n, f := range o.Facts {
			p.HappenUntil(f.At)
			answer := p.get(orderPath(o))
			require.Equal(t, http.StatusOK, answer.code)
			require.Equal(t, "application/json", answer.header.Get("Content-Type"))
			state, exists := p.State(i)
			require.True(t, exists)
			fetched := readFetched(t, o.AssetClass, answer.body)
			if state.Status != "CANCELED" {
				require.Equal(t, state.Status, fetched.Status)
			}
			countBody(seen, Notification{Body: answer.body})
			if n == len(o.Facts)-1 {
				e := Truth(append(slices.Clone(o.Facts), fetched))
				require.Equal(t, p.Final(i).Status, *e.Status, "%s %s", o.Scenario, o.ID)
			}
			var fields map[string]any
			require.NoError(t, json.Unmarshal(answer.body, &fields))
			for _, name := range required[o.AssetClass] {
				require.Contains(t, fields, name, "%s", answer.body)
			}
			if o.AssetClass == Tokenized {
				require.NotContains(t, fields, "orderType")
			}
		}
	}
	for _, oddity := range []string{"0 digits", "3 digits", "6 digits", "9 digits", "offset", "lower-case side"} {
		require.NotZero(t, seen[oddity], oddity)
	}
}

func TestAnOrderIsNotFoundBeforeItsFirstEventOrUnderAnotherName(t *testing.T) {
	missing := map[string]int{Traditional: 404, Digital: 400, Tokenized: 404}
	for class, code := range missing {
		p := newPartner(t, ServerOptions{Traffic: aThousand, Now: atStart}).signIn()
		i, o := find(t, aThousand, func(o Order) bool {
			return o.AssetClass == class && len(o.Facts) > 1 && o.Facts[0].At.After(start.Add(-time.Hour/2))
		})
		_, exists := p.State(i)
		require.False(t, exists)
		answer := p.get(orderPath(o))
		require.Equal(t, code, answer.code, "before it happens")
		requireMessage(t, answer)
		p.HappenUntil(o.Facts[0].At.Add(-1))
		require.Equal(t, code, p.get(orderPath(o)).code, "just before it happens")
		p.HappenUntil(o.Facts[0].At)
		require.Equal(t, 200, p.get(orderPath(o)).code)
		p.HappenUntil(start.Add(-time.Hour))
		require.Equal(t, 200, p.get(orderPath(o)).code, "time does not go back")
		for other := range missing {
			if other != class {
				asked := Order{ID: o.ID, AssetClass: other}
				require.Equal(t, missing[other], p.get(orderPath(asked)).code, "%s asked as %s", class, other)
			}
		}
		for _, id := range []string{"x", strings.ToUpper(o.ID) + "0", "%7B" + o.ID + "%7D", strings.ReplaceAll(o.ID, "-", ""),
			"00000000-0000-4000-8000-000000000000"} {
			require.Equal(t, code, p.get(orderPath(Order{ID: id, AssetClass: class})).code, id)
		}
		require.Equal(t, 404, p.get("/nowhere").code)
		require.Equal(t, 404, p.do("PUT", "/webhooks", "", "").code)
	}
}

func TestInvalidOrdersArePurgedAfterTwoDays(t *testing.T) {
	traffic := Traffic{Seed: 22, Start: start, Orders: 3_000}
	var mu sync.Mutex
	var now time.Time
	p := newPartner(t, ServerOptions{Traffic: traffic, TokenLifetime: 1_000 * time.Hour, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	p.HappenAll()
	for class, code := range map[string]int{Traditional: 404, Digital: 400, Tokenized: 404} {
		i, o := find(t, traffic, func(o Order) bool { return o.AssetClass == class && o.Scenario == "invalid" })
		for _, c := range []struct {
			after time.Duration
			code  int
		}{{48*time.Hour - 1, 200}, {48 * time.Hour, code}} {
			mu.Lock()
			now = o.Facts[0].At.Add(c.after)
			mu.Unlock()
			p.token = ""
			require.Equal(t, c.code, p.signIn().get(orderPath(o)).code, class)
		}
		require.Equal(t, "INVALID", p.Final(i).Status)
	}
	_, o := find(t, traffic, func(o Order) bool { return o.Scenario == "settled" })
	require.Equal(t, 200, p.get(orderPath(o)).code, "other orders are not purged")
}

// list reads all pages of a list.
func (p *partner) list(path string, query url.Values) (entries []json.RawMessage, pages int) {
	for {
		answer := p.get(path + "?" + query.Encode())
		require.Equal(p.t, http.StatusOK, answer.code, "%s", answer.body)
		var page struct {
			Data       []json.RawMessage
			Pagination struct {
				Cursor *string
				Limit  int
			}
		}
		require.NoError(p.t, json.Unmarshal(answer.body, &page), "%s", answer.body)
		require.NotNil(p.t, page.Data, "an empty list is a list")
		require.NotNil(p.t, page.Pagination.Cursor, "the last cursor is empty, not missing")
		require.LessOrEqual(p.t, len(page.Data), page.Pagination.Limit)
		entries, pages = append(entries, page.Data...), pages+1
		if *page.Pagination.Cursor == "" {
			return entries, pages
		}
		query.Set("cursor", *page.Pagination.Cursor)
	}
}

func TestDigitalOrdersAreListedByWallet(t *testing.T) {
	p := newPartner(t, ServerOptions{Traffic: aThousand, Now: atStart}).signIn()
	var want []string
	for i := range ordersPerWallet {
		if o := aThousand.Order(i); o.AssetClass == Digital {
			want = append(want, o.ID)
		}
	}
	path := "/products/" + aThousand.wallet(0).String() + "/digital/orders"
	none, pages := p.list(path, url.Values{})
	require.Empty(t, none, "no event has happened")
	require.Equal(t, 1, pages)
	p.HappenAll()
	all, pages := p.list(path, url.Values{"limit": {"3"}})
	require.Equal(t, (len(want)+2)/3, pages)
	var ids []string
	var orders []sent
	for _, entry := range all {
		var o struct {
			sent
			CreatedOn               time.Time
			WalletCustomerProductID string
		}
		require.NoError(t, json.Unmarshal(entry, &o))
		require.Equal(t, aThousand.wallet(0).String(), o.WalletCustomerProductID)
		ids, orders = append(ids, o.OrderID), append(orders, o.sent)
		one := p.get("/digital/orders/" + o.OrderID)
		require.JSONEq(t, string(one.body), string(entry), "the list and GET order return the same")
	}
	require.Equal(t, want, ids)

	count := func(query url.Values) int { entries, _ := p.list(path, query); return len(entries) }
	middle := aThousand.order(indexOf(t, aThousand, want[len(want)/2])).created.Format(time.RFC3339Nano)
	require.Equal(t, 1, count(url.Values{"externalId": {orders[1].ExternalID}}))
	require.Equal(t, len(want)/2+1, count(url.Values{"endCreatedOn": {middle}}))
	require.Equal(t, len(want)-len(want)/2, count(url.Values{"startCreatedOn": {middle}}))
	nobody, _ := p.list("/products/x/digital/orders", url.Values{})
	require.Empty(t, nobody)
}

func TestInvalidParametersOfListsAreRefused(t *testing.T) {
	p := newPartner(t, ServerOptions{Traffic: aThousand}).signIn()
	for _, path := range []string{"/undelivered-webhooks", "/products/" + aThousand.wallet(0).String() + "/digital/orders"} {
		for _, query := range []string{"limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor=%20", "startDate=soon&startCreatedOn=soon"} {
			answer := p.get(path + "?" + query)
			require.Equal(t, http.StatusBadRequest, answer.code, "%s?%s", path, query)
			requireMessage(t, answer)
		}
	}
}

func TestLostWebhooksAreListedAsUndelivered(t *testing.T) {
	traffic := Traffic{Seed: 23, Start: start, Orders: 1_000, Lost: 0.1, Listed: 0.5}
	var mu sync.Mutex
	now := start
	p := newPartner(t, ServerOptions{Traffic: traffic, TokenLifetime: 1_000 * time.Hour, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}}).signIn()
	before, _ := p.list("/undelivered-webhooks", url.Values{})
	require.Empty(t, before)

	p.HappenUntil(start.Add(-time.Hour / 2))
	half, _ := p.list("/undelivered-webhooks", url.Values{})
	p.HappenAll()
	all, pages := p.list("/undelivered-webhooks", url.Values{"limit": {"50"}})
	require.Greater(t, pages, 2)
	require.NotEmpty(t, half)
	require.Equal(t, half, all[:len(half)], "later webhooks come at the end")

	lost, count := map[string]string{}, 0 // paths by body
	for i := range traffic.Orders {
		o := traffic.order(i)
		for n, f := range traffic.fates(o) {
			if f == listed {
				made := o.notification(n)
				lost[string(made.Body)] = made.Path
				count++
			}
		}
	}
	require.Equal(t, count, len(all))
	var middle time.Time
	for i, entry := range all {
		var e struct {
			EventType string
			CreatedOn time.Time
			Payload   json.RawMessage
		}
		require.NoError(t, json.Unmarshal(entry, &e))
		path, is := lost[string(e.Payload)]
		require.True(t, is, "%s", entry)
		require.Contains(t, eventTypes, e.EventType)
		require.Equal(t, path, "/"+strings.ToLower(strings.ReplaceAll(e.EventType, "_", "-")))
		if i == len(all)/2 {
			middle = e.CreatedOn
		}
	}
	later, _ := p.list("/undelivered-webhooks", url.Values{"startDate": {middle.Format(time.RFC3339Nano)}})
	require.Equal(t, all[len(all)/2:], later)
	tomorrow, _ := p.list("/undelivered-webhooks", url.Values{"startDate": {"2026-03-03"}})
	require.Empty(t, tomorrow)
	mu.Lock()
	now = now.Add(30*24*time.Hour - 30*time.Minute)
	mu.Unlock()
	left, _ := p.list("/undelivered-webhooks", url.Values{})
	require.NotEmpty(t, left)
	require.Less(t, len(left), len(all), "undelivered webhooks are kept for 30 days")
}

func TestWebhooksAreRegisteredAsDocumented(t *testing.T) {
	p := newPartner(t, ServerOptions{}).signIn()
	post := func(body string) got { return p.do("POST", "/webhooks", "application/json", body) }
	const customer = `{"eventType":"CUSTOMER_NOTIFICATION","url":"https://a.example/x","headers":[{"name":"api-key","value":"a b"}]}`
	for name, body := range map[string]string{
		"not JSON":                 `{`,
		"an unknown event type":    `{"eventType":"WEATHER","url":"https://a.example"}`,
		"no event type":            `{"url":"https://a.example"}`,
		"plain HTTP":               `{"eventType":"CUSTOMER_NOTIFICATION","url":"http://a.example"}`,
		"no host":                  `{"eventType":"CUSTOMER_NOTIFICATION","url":"https:///x"}`,
		"no URL":                   `{"eventType":"CUSTOMER_NOTIFICATION"}`,
		"six headers":              `{"eventType":"CUSTOMER_NOTIFICATION","url":"https://a.example","headers":[` + strings.Repeat(`{"name":"a","value":"b"},`, 5) + `{"name":"a","value":"b"}]}`,
		"a space in a name":        `{"eventType":"CUSTOMER_NOTIFICATION","url":"https://a.example","headers":[{"name":"a b","value":"c"}]}`,
		"a header without name":    `{"eventType":"CUSTOMER_NOTIFICATION","url":"https://a.example","headers":[{"value":"c"}]}`,
		"a body that is too large": `{"eventType":"CUSTOMER_NOTIFICATION","url":"https://a.example/` + strings.Repeat("x", maxBody) + `"}`,
	} {
		answer := post(body)
		require.Equal(t, http.StatusBadRequest, answer.code, name)
		requireMessage(t, answer)
	}
	require.JSONEq(t, `[]`, string(p.get("/webhooks").body))
	require.Equal(t, 404, p.get("/webhooks/CUSTOMER_NOTIFICATION").code)
	require.Equal(t, 404, p.do("DELETE", "/webhooks/CUSTOMER_NOTIFICATION", "", "").code)

	require.JSONEq(t, customer, string(post(customer).body))
	require.JSONEq(t, customer, string(p.get("/webhooks/CUSTOMER_NOTIFICATION").body))
	require.JSONEq(t, "["+customer+"]", string(p.get("/webhooks").body))
	const replaced = `{"eventType":"CUSTOMER_NOTIFICATION","url":"https://b.example"}`
	require.Equal(t, 200, post(replaced).code)
	require.JSONEq(t, "["+replaced+"]", string(p.get("/webhooks").body), "an event type has one webhook")

	var missing []struct{ EventType string }
	require.NoError(t, json.Unmarshal(p.get("/webhooks-missing").body, &missing))
	require.Len(t, missing, 25)
	require.Equal(t, 204, p.do("DELETE", "/webhooks/CUSTOMER_NOTIFICATION", "", "").code)
	require.NoError(t, json.Unmarshal(p.get("/webhooks-missing").body, &missing))
	require.Len(t, missing, 26)
}

func TestAPlatformThatIsDownAnswers503(t *testing.T) {
	p := newPartner(t, ServerOptions{}).signIn()
	p.Down(true)
	require.Equal(t, 503, p.get("/webhooks").code)
	require.Equal(t, 503, p.askToken(nil).code)
	p.Down(false)
	require.Equal(t, 200, p.get("/webhooks").code)
	require.Equal(t, map[Request]int{{"POST /oauth2/token", "200"}: 1, {"POST /oauth2/token", "503"}: 1, {"GET /webhooks", "503"}: 1,
		{"GET /webhooks", "200"}: 1}, p.Requests())
}

func TestFaultsAreAsFrequentAsConfigured(t *testing.T) {
	f := Faults{Token429Every: 3, Token5xxEvery: 4, API429Every: 5, API5xxEvery: 6, CutEvery: 7, SlowEvery: 8,
		RetryAfter: 1500 * time.Millisecond, SlowFor: time.Millisecond}
	o := ServerOptions{Traffic: Traffic{Seed: 24, Start: start}, Faults: f, Now: atStart}
	play := func() (codes []string, retryAfter map[string]int, p *partner) {
		p, retryAfter = newPartner(t, o), map[string]int{}
		p.token = p.sign(start.Add(time.Hour))
		for range 120 {
			answers := []got{p.get("/webhooks"), p.askToken(nil)}
			for _, answer := range answers {
				code := strconv.Itoa(answer.code)
				if answer.err != nil {
					require.ErrorIs(t, answer.err, io.ErrUnexpectedEOF)
					code += " cut"
				}
				codes = append(codes, code)
				if after := answer.header.Get("Retry-After"); answer.code == 429 {
					retryAfter[after]++
				}
			}
		}
		return codes, retryAfter, p
	}
	codes, retryAfter, p := play()
	again, _, q := play()
	require.Equal(t, codes, again, "faults are a function of the seed")
	require.Equal(t, p.Requests(), q.Requests())
	require.Equal(t, 24, p.Requests()[Request{"GET /webhooks", "429"}])
	require.Equal(t, 40, p.Requests()[Request{"POST /oauth2/token", "429"}])
	for _, answer := range []string{"500", "502", "503", "504", "200", "200 cut"} {
		require.NotZero(t, p.Requests()[Request{"GET /webhooks", answer}], answer)
	}
	require.Equal(t, map[string]int{"2": 32, start.Add(2 * time.Second).Format(http.TimeFormat): 32}, retryAfter,
		"whole seconds, rounded up, and dates in turn")
	counted := 0
	for _, n := range p.Requests() {
		counted += n
	}
	require.Equal(t, 240, counted)
}

func TestSlowAnswersAreDelayed(t *testing.T) {
	p := newPartner(t, ServerOptions{Faults: Faults{SlowEvery: 1, SlowFor: 30 * time.Millisecond}}).signIn()
	began := time.Now()
	require.Equal(t, 200, p.get("/webhooks").code)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
}

func TestPlayMakesEventsHappenAtThePlatform(t *testing.T) {
	for _, overtaking := range []float64{0.2, 1} {
		traffic := Traffic{Seed: 25, Orders: 300, Repeats: 0.1, Overtaking: overtaking, Lost: 0.05, Listed: 0.5}
		p := newPartner(t, ServerOptions{Traffic: traffic}).signIn()
		var unknown, asked int
		k := &taker{}
		k.refuse = func(_ int, _ http.ResponseWriter, r *http.Request) bool { return false }
		progress := func(at Progress) {
			if at.Posted%20 != 0 {
				return
			}
			k.mu.Lock()
			last := k.bodies[len(k.bodies)-1]
			k.mu.Unlock()
			var s sent
			require.NoError(t, json.Unmarshal(last.Body, &s))
			for class, path := range orderPaths {
				if path == last.Path {
					asked++
					if p.get(orderPath(Order{ID: s.OrderID, AssetClass: class})).code != 200 {
						unknown++
					}
				}
			}
		}
		result, err := Play(t.Context(), Options{Platform: p.Server, URL: listen(t, k), Progress: progress})
		require.NoError(t, err)
		require.NotZero(t, asked)
		require.Zero(t, unknown, "an event happens before its notification is posted")
		require.NotZero(t, result.Totals.Lost)
		require.ElementsMatch(t, collect(p.Traffic()), k.bodies)
		i := 0
		for final := range p.Orders() {
			now, exists := p.State(i)
			require.True(t, exists)
			require.Equal(t, final, now)
			require.Equal(t, p.Traffic().Order(i).ID, now.OrderID)
			i++
		}
		require.Equal(t, 300, i)
	}
}

func TestInvalidServerOptionsAreRefused(t *testing.T) {
	for _, traffic := range []Traffic{{Orders: -1}, {Lost: -1}, {Listed: -1}} {
		_, err := NewServer(ServerOptions{Traffic: traffic})
		require.ErrorContains(t, err, "negative")
	}
	for addr, says := range map[string]string{"0.0.0.0:0": "loopback only", "nowhere": "listen", ":0": "loopback only"} {
		s, err := NewServer(ServerOptions{Addr: addr})
		require.NoError(t, err)
		require.ErrorContains(t, s.Start(), says)
		s.Close()
	}
}

func TestTwoServersWithTheSameSeedAnswerTheSame(t *testing.T) {
	o := ServerOptions{Traffic: Traffic{Seed: 26, Start: start, Orders: 200, Lost: 0.2, Listed: 1}, Now: atStart}
	a, b := newPartner(t, o), newPartner(t, o)
	_, secret := a.Credentials()
	_, same := b.Credentials()
	require.Equal(t, secret, same)
	for _, p := range []*partner{a.signIn(), b.signIn()} {
		p.HappenUntil(start.Add(-20 * time.Minute))
	}
	for i := range o.Orders {
		path := orderPath(o.Order(i))
		require.Equal(t, a.get(path).code, b.get(path).code)
		if a.get(path).code == 200 {
			require.Equal(t, a.get(path).body, b.get(path).body)
		}
	}
	require.Equal(t, a.get("/undelivered-webhooks").body, b.get("/undelivered-webhooks").body)
}
