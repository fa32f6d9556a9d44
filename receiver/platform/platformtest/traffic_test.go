package platformtest

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func collect(t Traffic) []Notification { return slices.Collect(t.Notifications()) }

func TestTrafficIsAFunctionOfSeedAndStart(t *testing.T) {
	traffic := Traffic{Seed: 7, Start: start, Orders: 300, Repeats: 0.1, Overtaking: 0.2}
	other := func(change func(*Traffic)) Traffic {
		o := traffic
		change(&o)
		return o
	}
	for _, c := range []struct {
		name    string
		traffic Traffic
		same    bool
	}{
		{"the same traffic", traffic, true},
		{"the same start in another zone", other(func(o *Traffic) { o.Start = start.In(time.FixedZone("", 7200)) }), true},
		{"another seed", other(func(o *Traffic) { o.Seed = 8 }), false},
		{"another start", other(func(o *Traffic) { o.Start = start.Add(time.Second) }), false},
		{"another delivery", other(func(o *Traffic) { o.Overtaking = 1 }), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, got := collect(traffic), collect(c.traffic)
			if c.same {
				require.Equal(t, want, got)
				require.Equal(t, traffic.Order(5), c.traffic.Order(5))
				return
			}
			require.NotEqual(t, want, got)
		})
	}
}

// outcome is the expected outcome of a scenario, whatever its random parts are.
type outcome struct {
	statuses string // one of these
	breaks   string // exactly these; those with a "?" are optional
	open     bool
	final    string // "yes", "no", or "?" if it depends on the random parts
}

var outcomes = map[string]outcome{
	"received":                          {"RECEIVED", "", true, "no"},
	"active":                            {"PLACED PENDING", "", true, "no"},
	"partially filled":                  {"PARTIALLY_FILLED", "", true, "no"},
	"filled":                            {"FILLED", "", false, "no"},
	"settled":                           {"SETTLED", "", false, "yes"},
	"amended":                           {"FILLED SETTLED", "", false, "?"},
	"amended and active":                {"PARTIALLY_FILLED", "", true, "no"},
	"canceled":                          {"CANCELED", "", false, "yes"},
	"canceled after a part":             {"CANCELED", "", false, "?"}, // the notifications of a digital order may never contain the part
	"canceled after a part and settled": {"SETTLED", "?settled_without_fill", false, "yes"},
	"cancellation failed":               {"FILLED SETTLED", "", false, "?"},
	"expired":                           {"EXPIRED", "", false, "yes"},
	"expired after a part":              {"EXPIRED", "", false, "no"},
	"rejected":                          {"REJECTED", "", false, "yes"},
	"rejected at once":                  {"REJECTED", "", false, "yes"},
	"invalid":                           {"INVALID", "", false, "yes"},
	"update refused":                    {"FILLED SETTLED", "", false, "?"},
	"request invalid":                   {"FILLED SETTLED", "", false, "?"},
	"corrected":                         {"CORRECTED", "", false, "no"},
	"corrected and canceled":            {"CANCELED", "", false, "yes"},
	"corrected and filled again":        {"SETTLED", "", false, "yes"},
	"corrected and settled":             {"SETTLED", "?settled_without_fill", false, "yes"},
	"two statuses at once":              {"FILLED SETTLED", "", false, "?"},
	"canceled with two Ls":              {"CANCELED", "", false, "yes"},
	"canceled and then filled":          {"FILLED", "fill_after_close", false, "no"},
	"canceled and then partly filled":   {"CANCELED", "fill_after_close", false, "no"},
	"filled and then canceled":          {"FILLED", "close_after_fill", false, "no"},
	"settled and then canceled":         {"SETTLED", "after_settlement close_after_fill", false, "yes"},
	"closed twice":                      {"EXPIRED", "conflicting_close", false, "yes"},
	"closed twice at once":              {"CANCELED", "conflicting_close", false, "yes"},
	"busted":                            {"FILLED", "possible_bust ?executed_decreased", false, "no"},
	"rejected after a part":             {"REJECTED", "rejected_after_fill", false, "no"},
	"invalid and then placed":           {"FILLED", "invalid_superseded", false, "no"},
	"reopened":                          {"CANCELED", "reopened", false, "yes"},
	"placed after the fill":             {"FILLED", "time_inversion", false, "no"},
	"overfilled":                        {"FILLED", "overfill", false, "no"},
	"settled without a fill":            {"SETTLED", "settled_without_fill", false, "yes"},
	"of an unknown status":              {"PLACED PENDING", "unknown_status", true, "no"},
	"of an unused status":               {"FILLED", "unused_status", false, "no"},
}

func TestEveryScenarioHasItsExpectedOutcome(t *testing.T) {
	for _, parts := range []int{0, 2} {
		traffic := Traffic{Seed: 1, Start: start, Orders: 6_000, Parts: parts}
		for i := range traffic.Orders {
			o := traffic.Order(i)
			want, known := outcomes[o.Scenario]
			require.True(t, known, "there is no outcome for %q", o.Scenario)
			require.NotNil(t, o.Expected.Status, o.Scenario)
			require.Contains(t, strings.Fields(want.statuses), *o.Expected.Status, o.Scenario)
			require.Equal(t, want.open, o.Expected.Open, o.Scenario)
			if want.final != "?" {
				require.Equal(t, want.final == "yes", o.Expected.Final, "%s %s", o.Scenario, o.ID)
			}
			requireBreaks(t, want.breaks, o)
		}
	}
}

func requireBreaks(t *testing.T, want string, o Order) {
	got := slices.Clone(o.Expected.Breaks)
	for code := range strings.FieldsSeq(want) {
		code, perhaps := strings.CutPrefix(code, "?")
		at := slices.Index(got, code)
		if at >= 0 {
			got = slices.Delete(got, at, at+1)
		} else {
			require.True(t, perhaps, "%s: %s is missing in %v", o.Scenario, code, o.Expected.Breaks)
		}
	}
	require.Empty(t, got, "%s %s", o.Scenario, o.ID)
}

func TestTwoThousandOrdersContainEveryKind(t *testing.T) {
	for _, seed := range []uint64{0, 1, 1 << 63} {
		traffic := Traffic{Seed: seed, Start: start, Orders: 2_000}
		seen := map[string]int{}
		ids := map[string]bool{}
		var others, all int
		for i := range traffic.Orders {
			o := traffic.Order(i)
			seen[o.Scenario]++
			seen[o.AssetClass]++
			for _, code := range o.Expected.Breaks {
				seen[code]++
			}
			for n, f := range o.Facts {
				seen[f.Status]++
				countBody(seen, o.Notifications[n])
			}
			all += len(o.Notifications)
			if traffic.order(i).other != nil {
				others++
			}
			require.False(t, ids[o.ID], "the id occurs twice")
			ids[o.ID] = true
		}
		for name := range outcomes {
			require.NotZero(t, seen[name], "seed %d: %s", seed, name)
		}
		for _, name := range []string{Traditional, Digital, Tokenized, "", "RECEIVED", "INVALID", "PENDING", "PLACED",
			"PARTIALLY_FILLED", "CORRECTED", "CANCELED", "CANCELLED", "EXPIRED", "REJECTED", "FILLED", "SETTLED",
			"unknown_status", "unused_status", "conflicting_close", "close_after_fill", "fill_after_close",
			"settled_without_fill", "after_settlement", "rejected_after_fill", "possible_bust", "reopened",
			"time_inversion", "invalid_superseded", "overfill", "executed_decreased", "0 digits", "3 digits", "6 digits",
			"9 digits", "offset", "lower-case side", "execution", "executionData", "partialExecutions", "exponent"} {
			require.NotZero(t, seen[name], "seed %d: %s", seed, name)
		}
		require.InDelta(t, 0.04, float64(others)/float64(all+others), 0.015, "share of other objects")
	}
}

var fraction = regexp.MustCompile(`"modifiedOn":"[^".Z+]+?(?:\.(\d+))?(Z|[+-]\d\d:\d\d)"`)

var exponents = regexp.MustCompile(`"quantity":\d+E-?\d+[,}]`)

func countBody(seen map[string]int, n Notification) {
	body := string(n.Body)
	if found := fraction.FindStringSubmatch(body); found != nil {
		seen[string(rune('0'+len(found[1])))+" digits"]++
		if found[2] != "Z" {
			seen["offset"]++
		}
	}
	for name, text := range map[string]string{"lower-case side": `"side":"buy"`, "execution": `"execution":{`,
		"executionData": `"executionData":{`, "partialExecutions": `"partialExecutions":[{`} {
		if strings.Contains(body, text) {
			seen[name]++
		}
	}
	if exponents.MatchString(body) {
		seen["exponent"]++
	}
}

// sent is a decoded body.
type sent struct {
	OrderID          string      `json:"orderId"`
	ExternalID       string      `json:"externalId"`
	Status           string      `json:"status"`
	NotificationType string      `json:"notificationType"`
	ModifiedOn       string      `json:"modifiedOn"`
	ISIN             string      `json:"isin"`
	Quantity         json.Number `json:"quantity"`
	LimitPrice       json.Number `json:"limitPrice"`
	MarketOrderData  struct {
		Symbol   string      `json:"symbol"`
		Quantity json.Number `json:"quantity"`
	} `json:"marketOrderData"`
	Execution, ExecutionData struct {
		Quantity json.Number `json:"quantity"`
	}
	PartialExecutions []struct {
		ExecutionQuantity json.Number `json:"executionQuantity"`
	} `json:"partialExecutions"`
	ValidationError *struct {
		ErrorType   string `json:"errorType"`
		Description string `json:"description"`
	} `json:"validationError"`
}

func number(t testing.TB, n json.Number) *big.Rat {
	if n == "" {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	require.True(t, ok, n)
	return r
}

// executed returns the executed quantity. If it is in several places of the body, the values must agree.
func (s *sent) executed(t testing.TB) *big.Rat {
	var told []*big.Rat
	for _, n := range []json.Number{s.Execution.Quantity, s.ExecutionData.Quantity} {
		if n != "" {
			told = append(told, number(t, n))
		}
	}
	if s.PartialExecutions != nil {
		sum := new(big.Rat)
		for _, p := range s.PartialExecutions {
			sum.Add(sum, number(t, p.ExecutionQuantity))
		}
		told = append(told, sum)
	}
	if len(told) == 0 {
		return nil
	}
	for _, r := range told {
		require.Zero(t, r.Cmp(told[0]))
	}
	return told[0]
}

func TestBodiesContainTheFacts(t *testing.T) {
	traffic := Traffic{Seed: 3, Start: start, Orders: 1_500}
	for i := range traffic.Orders {
		o := traffic.Order(i)
		for n, f := range o.Facts {
			body := o.Notifications[n].Body
			var s sent
			require.NoError(t, json.Unmarshal(body, &s), "%s", body)
			require.Equal(t, o.ID, s.OrderID)
			_, err := uuid.Parse(s.OrderID)
			require.NoError(t, err)
			require.Equal(t, f.Status, s.Status)
			if f.Status == "" {
				require.Empty(t, s.ModifiedOn)
				require.Equal(t, "VALIDATION_ERROR", s.NotificationType)
				require.NotNil(t, s.ValidationError)
				continue
			}
			at, err := time.Parse(time.RFC3339Nano, s.ModifiedOn)
			require.NoError(t, err)
			require.True(t, at.Equal(f.At), "%s", body)
			require.True(t, equal(f.Executed, s.executed(t)), "%s", body)
			quantity := s.Quantity
			if o.AssetClass != Traditional {
				require.Empty(t, s.ISIN)
				quantity = s.MarketOrderData.Quantity
			}
			require.True(t, equal(f.Quantity, number(t, quantity)), "%s", body)
			require.Equal(t, f.Status == "INVALID", s.ValidationError != nil)
		}
	}
}

func TestDigitalOrdersHaveOnlyStatusesOfTheirEnumeration(t *testing.T) {
	allowed := []string{"", "RECEIVED", "INVALID", "PENDING", "CANCELED", "REJECTED", "FILLED", "CORRECTED", "SETTLED"}
	odd := []string{"canceled with two Ls", "of an unknown status", "of an unused status"}
	traffic := Traffic{Seed: 4, Start: start, Orders: 1_500}
	for i := range traffic.Orders {
		o := traffic.Order(i)
		if o.AssetClass != Digital || slices.Contains(odd, o.Scenario) {
			continue
		}
		for _, f := range o.Facts {
			require.Contains(t, allowed, f.Status, o.Scenario)
		}
	}
}

func TestTheEventsOfOrdersAreInTheHourBeforeTheStart(t *testing.T) {
	traffic := Traffic{Seed: 5, Start: start, Orders: 2_000, Parts: 2}
	for i := range traffic.Orders {
		o := traffic.Order(i)
		for n, f := range o.Facts {
			require.False(t, f.At.Before(start.Add(-time.Hour)))
			require.False(t, f.At.After(start))
			if n > 0 {
				require.False(t, f.At.Before(o.Facts[n-1].At), "%s: a later fact has an earlier time", o.Scenario)
			}
		}
	}
}

func TestShufflingAndRepeatingFactsDoesNotChangeTheState(t *testing.T) {
	traffic := Traffic{Seed: 6, Start: start, Orders: 100}
	for i := range traffic.Orders {
		requireOrderNotToMatter(t, traffic.Order(i).Facts)
	}
}

func TestBodiesHaveTheDocumentedForm(t *testing.T) {
	o := &order{
		id: uuid.MustParse("6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11"), index: 122, assetClass: Traditional, side: "BUY",
		orderType: "LIMIT", isin: "DE0007164600", exchange: "XFRA", created: start, expiry: start.AddDate(0, 0, 1), shape: inBoth,
	}
	n := note{
		status: "PARTIALLY_FILLED", notificationType: "UPDATED", at: start.Add(214 * time.Millisecond), digits: 3, offset: 60,
		quantity: amount{100, 0}, price: amount{101250, 3}, tells: true,
		fills: []fill{{quantity: amount{40, 0}, price: amount{101250, 3}}},
	}
	require.Equal(t, `{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11","externalId":"ord-000123","status":"PARTIALLY_FILLED",`+
		`"notificationType":"UPDATED","modifiedOn":"2026-03-02T11:00:00.214+01:00","createdOn":"2026-03-02T10:00:00.000Z",`+
		`"isin":"DE0007164600","tradeSide":"BUY","quantity":100,"quantityType":"UNIT","orderType":"LIMIT","limitPrice":101.250,`+
		`"exchangeCode":"XFRA","depositoryCustomerProductId":"00000000-0000-0000-0000-000000000000",`+
		`"cashCustomerProductId":"00000000-0000-0000-0000-000000000000","expiryDate":"2026-03-03",`+
		`"execution":{"quantity":40,"executionPrice":101.250,"executionAmount":4050.000},`+
		`"partialExecutions":[{"executionId":"00000000-0000-0000-0000-000000000000","executionPrice":101.250,`+
		`"executionQuantity":40,"amount":4050.000}]}`, string(o.body(&n)))

	o.assetClass, o.symbol, o.side, n.digits, n.offset = Tokenized, "RE-MUC-01", "buy", 0, 0
	require.Equal(t, `{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11","externalId":"ord-000123","status":"PARTIALLY_FILLED",`+
		`"notificationType":"UPDATED","modifiedOn":"2026-03-02T10:00:00Z","createdOn":"2026-03-02T10:00:00.000Z","side":"buy",`+
		`"walletCustomerProductId":"00000000-0000-0000-0000-000000000000",`+
		`"cashCustomerProductId":"00000000-0000-0000-0000-000000000000",`+
		`"marketOrderData":{"symbol":"RE-MUC-01","assetType":"REAL_ESTATE","quantityType":"UNIT","quantity":100},`+
		`"executionData":{"quantity":40,"executionPrice":101.250,"executionAmount":4050.000}}`, string(o.body(&n)))
}

func TestNotificationsOfOtherObjectsAreJSONOnTheirOwnPaths(t *testing.T) {
	paths := map[string]bool{}
	for seed := range uint64(500) {
		n := (&other{at: start, seed: seed}).notification()
		require.True(t, json.Valid(n.Body), "%s", n.Body)
		require.NotContains(t, string(n.Body), "orderId")
		require.True(t, strings.HasPrefix(n.Path, "/"))
		paths[n.Path] = true
	}
	require.Greater(t, len(paths), 9)
}

func TestAmountsAreWrittenExactly(t *testing.T) {
	for _, c := range []struct {
		name     string
		amount   amount
		notation notation
		want     string
	}{
		{"a whole number", amount{100, 0}, plain, "100"},
		{"all digits of the scale", amount{150, 2}, plain, "1.50"},
		{"less than one", amount{7, 3}, plain, "0.007"},
		{"zero with a scale", amount{0, 2}, plain, "0.00"},
		{"a whole number with zeros added", amount{100, 0}, padded, "100.00"},
		{"an exponent", amount{100, 0}, exponent, "1E2"},
		{"a negative exponent", amount{12345678, 8}, exponent, "12345678E-8"},
		{"zero as an exponent", amount{0, 0}, exponent, "0E0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.amount.in(c.notation)
			require.Equal(t, c.want, got)
			require.True(t, equal(c.amount.rat(), number(t, json.Number(got))))
		})
	}
}
