package decode

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

var received = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func record(object, body string) *Record {
	return &Record{Sequence: 7, Received: received, Object: object, Body: []byte(body)}
}

func decoded(t testing.TB, body string) statemachine.Notification {
	var d Decoder
	n, err := d.Notification(record("traditional-asset-order", body))
	require.NoError(t, err)
	return n
}

func TestATraditionalOrderIsDecodedCompletely(t *testing.T) {
	n := decoded(t, `{"orderId":"6f1c","externalId":"ord-000123","status":"PARTIALLY_FILLED","notificationType":"UPDATED",
		"modifiedOn":"2026-03-02T09:31:07.214Z","createdOn":"2026-03-02T10:30:00+01:00","isin":"DE0007164600","tradeSide":"BUY",
		"quantity":100,"orderType":"LIMIT","limitPrice":101.250,"stopPrice":null,"exchangeCode":"XFRA","expiryDate":"2026-03-31",
		"depositoryCustomerProductId":"dep","cashCustomerProductId":"cash","message":"said \"so\"",
		"executionData":{"quantity":40,"executionPrice":101.25,"executionAmount":4050.00},"unknown":{"deep":[1,{"x":null}]}}`)
	require.Equal(t, "6f1c", n.OrderID)
	require.Equal(t, uint64(7), n.Sequence)
	require.Equal(t, received, n.Received)
	require.Equal(t, statemachine.Traditional, n.AssetClass)
	require.Equal(t, statemachine.Reported, n.Kind)
	require.Equal(t, statemachine.PartiallyFilled, n.Status)
	require.Equal(t, "UPDATED", n.Type)
	require.Equal(t, time.Date(2026, 3, 2, 9, 31, 7, 214e6, time.UTC), n.At)
	require.Equal(t, statemachine.Decimal("40"), n.Executed)
	require.False(t, n.Refused)
	require.Empty(t, n.Notes)
	require.Equal(t, [statemachine.Fields]string{statemachine.Side: "BUY", statemachine.ISIN: "DE0007164600",
		statemachine.OrderType: "LIMIT", statemachine.ExchangeCode: "XFRA", statemachine.Quantity: "100",
		statemachine.LimitPrice: "101.250", statemachine.ExecutionPrice: "101.25", statemachine.ExternalID: "ord-000123", statemachine.DepositoryProduct: "dep",
		statemachine.CashProduct: "cash", statemachine.CreatedOn: "2026-03-02T09:30:00Z",
		statemachine.ExpiryDate: "2026-03-31", statemachine.Message: `said "so"`}, n.Details)
}

func TestADetailIsReadFromEachOfItsPlaces(t *testing.T) {
	for _, c := range []struct{ detail, body, want string }{
		{"side", `"tradeSide":"buy","side":"SELL"`, "BUY"},
		{"side", `"tradeSide":null,"side":"SELL"`, "SELL"},
		{"symbol", `"marketOrderData":{"symbol":"BTC"}`, "BTC"},
		{"quantity", `"marketOrderData":{"quantity":1.50}`, "1.50"},
		{"executionPrice", `"executionData":{"executionPrice":"101.25"}`, "101.25"},
		{"depositoryProduct", `"depositoryCustomerProductId":"d"`, "d"},
		{"message", `"validationError":{"description":"too late"}`, "too late"},
		{"createdOn", `"createdOn":"2026-03-02T10:30:00+01:00"`, "2026-03-02T09:30:00Z"},
	} {
		f := slices.IndexFunc(statemachine.Details(), func(d statemachine.Detail) bool { return d.Name == c.detail })
		require.GreaterOrEqual(t, f, 0, c.detail)
		require.Equal(t, c.want, decoded(t, `{"orderId":"1",`+c.body+`}`).Details[f], c.body)
	}
}

func TestADigitalOrderIsReadFromItsOwnPlaces(t *testing.T) {
	var d Decoder
	r := record("digital-asset-order", `{"orderId":"d1","side":"sell","walletCustomerProductId":"w",
		"marketOrderData":{"symbol":"BTC","assetType":"CRYPTO","quantityType":"UNIT","quantity":0.00100000},
		"executionData":{"quantity":"0.001"},"status":"FILLED","modifiedOn":"2026-03-02T09:31:07Z"}`)
	r.Fetched = true
	n, err := d.Notification(r)
	require.NoError(t, err)
	require.Equal(t, statemachine.Digital, n.AssetClass)
	require.Equal(t, statemachine.Fetched, n.Kind)
	require.Equal(t, "SELL", n.Details[statemachine.Side])
	require.Equal(t, "BTC", n.Details[statemachine.Symbol])
	require.Equal(t, "w", n.Details[statemachine.WalletProduct])
	require.Equal(t, "0.00100000", n.Details[statemachine.Quantity])
	require.Equal(t, statemachine.Decimal("0.001"), n.Executed)
}

func TestAnOrderOfAnAmountHasNoQuantityOfUnits(t *testing.T) {
	n := decoded(t, `{"orderId":"1","marketOrderData":{"quantityType":"AMOUNT","quantity":50}}`)
	require.Equal(t, "50", n.Details[statemachine.Amount])
	require.Empty(t, n.Details[statemachine.Quantity])
}

func TestTheExecutedQuantityIsReadFromEachOfItsPlaces(t *testing.T) {
	for body, want := range map[string]statemachine.Decimal{
		`"execution":{"quantity":3}`:                                                         "3",
		`"execution":{"quantity":3},"executionData":{"quantity":4}`:                          "3",
		`"execution":null,"executionData":{"quantity":4}`:                                    "4",
		`"execution":{},"executionData":{"quantity":4}`:                                      "4",
		`"partialExecutions":[{"executionQuantity":1.5,"amount":9},{"executionQuantity":2}]`: "3.5",
		`"partialExecutions":[]`:                                                             "",
		`"partialExecutions":[{"executionQuantity":1},{}]`:                                   "",
		`"partialExecutions":[{"executionQuantity":1},{"executionQuantity":null}]`:           "",
		`"partialExecutions":[{"executionQuantity":1},{"executionQuantity":"one"}]`:          "",
		`"partialExecutions":[{"executionQuantity":1},7]`:                                    "",
		`"partialExecutions":[null,{"executionQuantity":1}]`:                                 "",
		`"partialExecutions":[{"executionQuantity":1}],"execution":{"quantity":2}`:           "2",
		`"partialExecutions":[{}],"execution":{"quantity":2}`:                                "2",
		`"partialExecutions":[{"executionId":"a","executionQuantity":1},{"executionId":"a","executionQuantity":3},{"executionQuantity":1},{"executionQuantity":1}]`: "5",
		`"partialExecutions":[{"executionId":"a","executionQuantity":3},{"executionId":"b","executionQuantity":3.5},{"executionId":"a","executionQuantity":3.0}]`:   "6.5",
		`"partialExecutions":[{"executionId":"a","executionQuantity":3},{"executionId":"a"}]`:                                                                       "",
		`"partialExecutions":[{"executionQuantity":1},{"executionQuantity":1e9999}]`:                                                                                "",
		`"partialExecutions":[{"executionQuantity":1,"executionQuantity":2}]`:                                                                                       "2",
		`"partialExecutions":[{"executionQuantity":1}],"partialExecutions":[{"executionQuantity":5}]`:                                                               "5",
		`"quantity":9`: "",
		`"execution":{"quantity":123456789012345678901234567890.1}`: "123456789012345678901234567890.1",
	} {
		require.Equal(t, want, decoded(t, `{"orderId":"1",`+body+`}`).Executed, body)
	}
}

func TestTradesAreReadAsReported(t *testing.T) {
	n := decoded(t, `{"orderId":"1","execution":{"quantity":40,"executionPrice":101.250,"executionAmount":4050},"partialExecutions":[`+
		`{"executionId":"e1","executionPrice":101.250,"executionQuantity":"30","amount":3037.50},{"executionQuantity":10,"executionPrice":"ten"},{}]}`)
	require.Equal(t, "101.250", n.Details[statemachine.ExecutionPrice])
	require.Equal(t, statemachine.Decimal("4050"), n.Amount)
	require.True(t, n.Reported)
	o := statemachine.Order{ID: "1"}
	o.Apply(&n)
	require.Equal(t, []statemachine.Execution{{ID: "e1", Quantity: "30", Price: "101.250", Amount: "3037.50"}, {Quantity: "10"}, {}}, o.Executions())
	require.Equal(t, statemachine.Decimal("40"), n.Executed)
	require.Equal(t, []string{`partialExecutions.executionPrice: "ten" is not a number; ignored`}, n.Notes)

	n = decoded(t, `{"orderId":"1","executionData":{"executionPrice":2,"executionAmount":4}}`)
	require.Equal(t, "2", n.Details[statemachine.ExecutionPrice])
	require.Equal(t, statemachine.Decimal("4"), n.Amount)
	require.Empty(t, n.Details[statemachine.Executions])

	entries := ""
	for i := range 99 {
		entries += fmt.Sprintf(`{"executionQuantity":1,"executionId":"%0200d"},`, i)
	}
	n = decoded(t, `{"orderId":"1","partialExecutions":[`+entries+
		`{"executionQuantity":`+strings.Repeat("9", 50)+`}]}`)
	require.True(t, n.Executed.Known(), "all quantities are added up")
	o = statemachine.Order{ID: "1"}
	o.Apply(&n)
	require.Len(t, o.Executions(), 64, "an order contains at most 64 executions")
	require.Equal(t, statemachine.Execution{Quantity: "1"}, o.Executions()[0], "an order does not contain a long id")
}

func TestTimesAreReadInEveryForm(t *testing.T) {
	base := time.Date(2026, 3, 2, 9, 31, 7, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-03-02t09:31:07z":              base,
		"2026-03-02t09:31:07.2+00:00":       base.Add(200 * time.Millisecond),
		"2026-03-02T09:31:07Z":              base,
		"2026-03-02T09:31:07.2Z":            base.Add(200 * time.Millisecond),
		"2026-03-02T09:31:07.214Z":          base.Add(214 * time.Millisecond),
		"2026-03-02T09:31:07.214123Z":       base.Add(214123 * time.Microsecond),
		"2026-03-02T09:31:07.214123456Z":    base.Add(214123456),
		"2026-03-02T10:31:07+01:00":         base,
		"2026-03-02T01:01:07.000000-08:30":  base,
		"2026-03-02":                        {},
		"2026-03-02T09:31:07":               {},
		"2016-12-31T23:59:60Z":              time.Date(2016, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		"0001-01-01T00:00:00+01:00":         time.Date(0, 12, 31, 23, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59-23:59":         time.Date(10000, 1, 1, 23, 58, 59, 0, time.UTC),
		"yesterday":                         {},
		"0000-01-01T00:00:00Z":              {},
		"2026-02-30T00:00:00Z":              {},
		"99999999999999999-01-01T00:00:00Z": {},
	} {
		n := decoded(t, `{"orderId":"1","modifiedOn":"`+text+`"}`)
		require.True(t, want.Equal(n.At), "%s: %s", text, n.At)
		require.Equal(t, !want.IsZero(), n.Dated)
		if want.IsZero() {
			require.Len(t, n.Notes, 1)
			require.Contains(t, n.Notes[0], "the time received is used")
		} else {
			require.Empty(t, n.Notes)
		}
	}
}

func TestTheFirstInstantOfTheYear0001IsATimeLikeAnyOther(t *testing.T) {
	n := decoded(t, `{"orderId":"1","status":"PLACED","modifiedOn":"0001-01-01T00:00:00Z","createdOn":"9999-12-31T23:59:60-01:00"}`)
	require.Empty(t, n.Notes)
	require.True(t, n.Dated)
	require.Equal(t, "9999-12-31T23:59:59.999999999-01:00", n.Details[statemachine.CreatedOn])
	var o statemachine.Order
	entry := statemachine.NewObserver(&o).Observe(&n)
	require.True(t, entry.Dated)
	state := o.State()
	require.True(t, state.Dated)
	require.Equal(t, time.Time{}, state.StatusSince)
	require.Equal(t, time.Time{}, state.ModifiedOn, "it is not the time received")
	require.Equal(t, statemachine.Applied, o.LastChange().Effect)
}

func TestTheAmountIsReportedOrElseTheSumOfTheExecutions(t *testing.T) {
	const trades = `"partialExecutions":[{"executionId":"a","executionQuantity":1,"amount":10.50},{"executionId":"b","executionQuantity":2,"executionPrice":30314594E-8}]`
	for body, want := range map[string]statemachine.Decimal{
		trades: "11.10629188",
		trades + `,"execution":{"quantity":3,"executionAmount":12}`:                                                                       "12",
		trades + `,"execution":{"executionAmount":"x"},"executionData":{"executionAmount":1e1}`:                                           "10",
		trades + `,"execution":{"quantity":4}`:                                                                                            "",
		`"executionData":{"quantity":3,"executionAmount":"12.0"}`:                                                                         "12.0",
		`"partialExecutions":[{"executionQuantity":1,"amount":5},{"executionQuantity":1}]`:                                                "",
		`"partialExecutions":[{"executionQuantity":1,"amount":5},{"executionQuantity":1,"executionPrice":"x"}]`:                           "",
		`"partialExecutions":[{"executionQuantity":1,"amount":5},7]`:                                                                      "",
		`"partialExecutions":[{"executionId":"a","executionQuantity":1,"amount":5},{"executionId":"a","executionQuantity":2,"amount":9}]`: "9",
		`"partialExecutions":[]`: "", `"quantity":3`: "",
	} {
		n := decoded(t, `{"orderId":"1",`+body+`}`)
		require.Equal(t, want, n.Amount, body)
	}
	n := decoded(t, `{"orderId":"1","quantity":30314594E-8,"limitPrice":1e3,"execution":{"quantity":2E-1}}`)
	require.Equal(t, []string{"0.30314594", "1000", "0.2"}, []string{n.Details[statemachine.Quantity], n.Details[statemachine.LimitPrice], string(n.Executed)})
}

func TestAByteOrderMarkBeforeABodyIsSkipped(t *testing.T) {
	for name, body := range map[string]string{
		"a usual body":    `{"orderId":"1","status":"PLACED","executionData":{"quantity":4}}`,
		"an unusual body": `{"orderId":"1","status":"PL\u0041CED","side":"BUY","side":"SELL"}`,
		"not an order":    `{"orderId":5}`,
		"not an object":   `[]`,
		"not JSON":        `{`,
		"an empty body":   ``,
	} {
		t.Run(name, func(t *testing.T) {
			var d, marked Decoder
			want, wantErr := d.Notification(record("traditional-asset-order", body))
			n, err := marked.Notification(record("traditional-asset-order", "\ufeff"+body))
			require.Equal(t, wantErr, err)
			require.Equal(t, want, n)
		})
	}
	var d Decoder
	id, err := d.Object(record("customer", "\ufeff"+`{"customerId":"c"}`))
	require.NoError(t, err)
	require.Equal(t, "c", id)
	for _, body := range []string{"\ufeff\ufeff{}", " \ufeff{}", "{\ufeff}"} {
		_, err := d.Notification(record("traditional-asset-order", body))
		require.ErrorContains(t, err, "not-json", "%q", body)
	}
}

func TestWordsAreReadInAnyCaseExceptStatuses(t *testing.T) {
	for _, quantityType := range []string{"AMOUNT", "amount", "Amount"} {
		n := decoded(t, `{"orderId":"1","marketOrderData":{"quantityType":"`+quantityType+`","quantity":50}}`)
		require.Equal(t, "50", n.Details[statemachine.Amount])
		require.Empty(t, n.Details[statemachine.Quantity])
	}
	require.Equal(t, "50", decoded(t, `{"orderId":"1","quantityType":"unit","quantity":50}`).Details[statemachine.Quantity])
	n := decoded(t, `{"orderId":"1","side":"sell","orderType":"Limit","notificationType":"validation_error","status":"placed"}`)
	require.Equal(t, "SELL", n.Details[statemachine.Side])
	require.Equal(t, "LIMIT", n.Details[statemachine.OrderType])
	require.True(t, n.Refused)
	require.Equal(t, statemachine.Status("placed"), n.Status, "a status is compared exactly")
}

func TestUnusualMembersAreNotedAndTheRestIsRead(t *testing.T) {
	for body, note := range map[string]string{
		`"status":5`:                 "status: expected text, found a number; ignored",
		`"status":{"a":1}`:           "status: expected text, found an object; ignored",
		`"status":true`:              "status: expected text, found true; ignored",
		`"quantity":"ten"`:           `quantity: "ten" is not a number; ignored`,
		`"quantity":[1]`:             "quantity: expected a number, found a list; ignored",
		`"execution":7`:              "execution: expected an object, found a number; ignored",
		`"partialExecutions":{}`:     "partialExecutions: expected a list, found an object; ignored",
		`"partialExecutions":[7]`:    "partialExecutions: expected an object, found a number; ignored",
		`"side":"BUY","side":"SELL"`: "side: occurs twice; the last value is used",
		`"message":"` + strings.Repeat("ä", 1000) + `"`: "message: cut from 2000 to 1024 bytes",
		`"limitPrice":` + strings.Repeat("9", 5000):     "limitPrice: a number of 5000 digits is longer than 4096; ignored",
		"\"isin\":\"\xff\"":                             "bytes that are not UTF-8 were read as U+FFFD",
	} {
		n := decoded(t, `{"orderId":"1",`+body+`,"externalId":"e"}`)
		require.Equal(t, []string{note}, n.Notes, body)
		require.Equal(t, "e", n.Details[statemachine.ExternalID])
	}
	require.Empty(t, decoded(t, `{"orderId":"1","status":null,"execution":null,"partialExecutions":null,"quantity":null}`).Notes)
}

func TestTheMessageComesFromTheFirstPlaceThatContainsIt(t *testing.T) {
	for body, want := range map[string]string{
		`"message":"a","rejectionReason":"b"`:                   "a",
		`"rejectionReason":"b","rejectReason":"c"`:              "b",
		`"rejectReason":"c","reason":"d"`:                       "c",
		`"reason":"d","validationError":{"description":"e"}`:    "d",
		`"validationError":{"errorType":"X","description":"e"}`: "e",
	} {
		require.Equal(t, want, decoded(t, `{"orderId":"1",`+body+`}`).Details[statemachine.Message], body)
	}
}

func TestARefusalIsRecognizedByItsTypeOrItsError(t *testing.T) {
	n := decoded(t, `{"orderId":"1","notificationType":"VALIDATION_ERROR","validationError":{"errorType":"X","description":"d"}}`)
	require.True(t, n.Refused)
	require.Equal(t, statemachine.Refusal{ErrorType: "X", Description: "d"}, n.Refusal)
	require.True(t, decoded(t, `{"orderId":"1","notificationType":"VALIDATION_ERROR"}`).Refused)
	require.True(t, decoded(t, `{"orderId":"1","validationError":{}}`).Refused)
	require.False(t, decoded(t, `{"orderId":"1","validationError":null}`).Refused)
}

func TestABodyThatCannotBecomePartOfAnOrderIsRefusedWithAReason(t *testing.T) {
	for body, class := range map[string]string{
		``: "not-json", `   `: "not-json", `{`: "not-json", `{"orderId":"1"`: "not-json", `{"orderId":"1"} x`: "not-json",
		`{"orderId":"1"}{}`: "not-json", `nonsense`: "not-json", `{"orderId":01}`: "not-json",
		strings.Repeat("[", 100_000): "not-json",
		`[]`:                         "not-an-object", `"text"`: "not-an-object", `7`: "not-an-object", `null`: "not-an-object",
		`{}`: "no-order-id", `{"orderId":""}`: "no-order-id", `{"orderId":null}`: "no-order-id", `{"orderId":5}`: "no-order-id",
		`{"orderID":"x"}`: "no-order-id",
		`{"orderId":"` + strings.Repeat("x", 129) + `"}`: "bad-order-id",
		"{\"orderId\":\"a\xff\"}":                        "bad-order-id",
	} {
		var d Decoder
		_, err := d.Notification(record("traditional-asset-order", body))
		var unreadable *UnreadableError
		require.ErrorAs(t, err, &unreadable, "%.40s", body)
		require.Equal(t, class, unreadable.Class, "%.40s", body)
		require.NotEmpty(t, unreadable.Reason)
		require.LessOrEqual(t, len(unreadable.Reason), 512)
	}
	require.Equal(t, strings.Repeat("x", 128), decoded(t, `{"orderId":"`+strings.Repeat("x", 128)+`"}`).OrderID)
	require.Equal(t, "a/b", decoded(t, `{"order\u0049d":"a\/b"}`).OrderID)
}

func TestTheIDOfOtherObjectsIsRead(t *testing.T) {
	var d Decoder
	for _, c := range []struct{ object, body, id string }{
		{"customer", `{"customerId":"c1","orderId":"o"}`, "c1"},
		{"customer-product", `{"customerProductId":"p1"}`, "p1"},
		{"corporate-action", `{"eventId":"e1","corporateActionId":"x"}`, "e1"},
		{"labels-update", `{"updatedCustomers":["a"],"labelsUpdateId":"x"}`, ""},
		{"customer", `{}`, ""},
		{"customer", `{"customerId":5}`, ""},
	} {
		id, err := d.Object(record(c.object, c.body))
		require.NoError(t, err)
		require.Equal(t, c.id, id, c.body)
	}
	_, err := d.Object(record("customer", "<xml/>"))
	require.ErrorAs(t, err, new(*UnreadableError))
}

func TestTheDecoderForgetsThePreviousBody(t *testing.T) {
	var d Decoder
	_, err := d.Notification(record("traditional-asset-order", `{"orderId":"1","status":"PLACED","validationError":{},"partialExecutions":[{"executionQuantity":3}],"side":7}`))
	require.NoError(t, err)
	n, err := d.Notification(record("traditional-asset-order", `{"orderId":"2"}`))
	require.NoError(t, err)
	require.Equal(t, statemachine.Notification{OrderID: "2", Sequence: 7, Received: received, AssetClass: statemachine.Traditional}, n)
}

func TestTextsThatAnOrderRetainsDoNotRetainOtherTexts(t *testing.T) {
	var d Decoder
	n, err := d.Notification(record("traditional-asset-order", `{"orderId":"1","status":"FILLED","notificationType":"VALIDATION_ERROR",
		"execution":{"quantity":40},"validationError":{"errorType":"TOO_LATE","description":"a text"},"message":"much more"}`))
	require.NoError(t, err)
	d.Compact(&n)
	address := func(text string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(text))) }
	begin, end := address(n.OrderID), address(n.OrderID)+uintptr(len(d.encoded))
	require.Less(t, address(n.Details[statemachine.Message]), end, "the other texts are parts of one text")
	for _, text := range []string{string(n.Status), string(n.Executed), n.Refusal.ErrorType, n.Refusal.Description} {
		require.NotEmpty(t, text)
		require.False(t, begin <= address(text) && address(text) < end, text)
	}
}

// Any bytes are decoded or refused, decoded values are bounded, and every decoded body is valid for
// encoding/json.
func FuzzNotification(f *testing.F) {
	for _, body := range []string{`{"orderId":"1","status":"PLACED","modifiedOn":"2026-03-02T09:31:07.214Z"}`,
		`{"orderId":"1","partialExecutions":[{"executionQuantity":1e5},{"executionQuantity":-2.50}]}`, `{"orderId":"\ud800"}`,
		`{"orderId":"1","orderId":"2","execution":{"quantity":"1"}}`, `[[[[`, "\xff", `{"a":1,}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d Decoder
		n, err := d.Notification(record("traditional-asset-order", string(body)))
		var loose struct {
			OrderID any `json:"orderId"`
		}
		valid := json.Valid(body)
		if err != nil {
			require.ErrorAs(t, err, new(*UnreadableError))
			return
		}
		require.True(t, valid, "decoded, although encoding/json refuses it")
		_ = json.Unmarshal(body, &loose)
		require.LessOrEqual(t, len(n.OrderID), maxID)
		require.NotEmpty(t, n.OrderID)
		for f, v := range n.Details {
			most := maxNumber
			if statemachine.Field(f) == statemachine.Executions {
				most = maxExecutions * 1024
			}
			require.LessOrEqual(t, len(v), most)
		}
		require.LessOrEqual(t, len(n.Notes), maxNotes)
		compact := n
		d.Compact(&compact)
		require.Equal(t, n, compact)
		o := statemachine.Order{ID: n.OrderID}
		o.Apply(&n)
		_ = o.State()
	})
}

func BenchmarkNotification(b *testing.B) {
	var d Decoder
	r := record("traditional-asset-order", `{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11","externalId":"ord-000123","status":"PARTIALLY_FILLED",
    "notificationType":"UPDATED","modifiedOn":"2026-03-02T09:31:07.214Z","isin":"DE0007164600","tradeSide":"BUY",
    "quantity":100,"executionData":{"quantity":40,"executionPrice":101.25,"executionAmount":4050.00}}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Body)))
	for b.Loop() {
		if _, err := d.Notification(r); err != nil {
			b.Fatal(err)
		}
	}
}

// The bodies are as large as the receiver accepts and made to be expensive. Each is decoded in bounded
// memory and time.
func TestHostileBodiesAreDecodedWithinBounds(t *testing.T) {
	fill := func(part string) string { return strings.Repeat(part, (1<<20-200)/len(part)) }
	for name, body := range map[string]string{
		"deep nesting":                 `{"orderId":"1","x":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}`,
		"many partial executions":      `{"orderId":"1","partialExecutions":[` + strings.TrimSuffix(fill(`{"executionQuantity":1e500},`), ",") + `]}`,
		"many entries of another form": `{"orderId":"1","partialExecutions":[` + strings.TrimSuffix(fill(`7,`), ",") + `]}`,
		"the same member again":        `{"orderId":"1"` + fill(`,"side":"BUY"`) + `}`,
		"a long status":                `{"orderId":"1","status":"` + fill("S") + `"}`,
		"a long number":                `{"orderId":"1","quantity":` + fill("9") + `}`,
		"a long name":                  `{"orderId":"1","` + fill("n") + `":1}`,
		"many escapes":                 `{"orderId":"1","message":"` + fill(`\u00e4`) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.LessOrEqual(t, len(body), 1<<20)
			n := decoded(t, body)
			o := statemachine.Order{ID: n.OrderID}
			o.Apply(&n)
			encoded, err := o.AppendBinary(nil)
			require.NoError(t, err)
			require.Less(t, len(encoded), 4*maxNumber, "the encoded order is small")
			require.LessOrEqual(t, len(n.Notes), maxNotes)
		})
	}
}
