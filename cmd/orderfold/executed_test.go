package main

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// This test posts notifications and compares the JSON and CSV of their orders.
func TestAnExecutedOrderShowsItsAmountAndAveragePrice(t *testing.T) {
	t.Parallel()
	p := serving(t)
	type shown struct{ executed, amount, average, executions string }
	tests := []struct {
		name, body, breaks string
		want               shown
	}{
		{"the platform reports the amount", `"status":"PARTIALLY_FILLED","executionData":{"quantity":40,"executionPrice":101.25,"executionAmount":4050.00}`, "",
			shown{"40", "4050.00", "101.25", "0"}},
		{"the executions have amounts", `"status":"FILLED","quantity":3,"partialExecutions":[
			{"executionId":"a","executionQuantity":1,"amount":"10.10"},{"executionId":"b","executionQuantity":2,"amount":"20.1"}]`, "",
			shown{"3", "30.20", "10.06666667", "2"}},
		{"the executions have prices", `"status":"FILLED","quantity":3,"partialExecutions":[
			{"executionId":"a","executionPrice":"0.1","executionQuantity":1},{"executionId":"b","executionPrice":"0.25","executionQuantity":2}]`, "",
			shown{"3", "0.60", "0.2", "2"}},
		{"half of the last digit rounds to even", `"status":"FILLED","quantity":8,"execution":{"quantity":8,"executionAmount":"0.00000020"}`, "",
			shown{"8", "0.00000020", "0.00000002", "0"}},
		{"an execution is listed twice", `"status":"PARTIALLY_FILLED","partialExecutions":[
			{"executionId":"a","executionQuantity":1,"amount":"5"},{"executionId":"a","executionQuantity":2,"amount":"10"}]`, "",
			shown{"2", "10", "5", "1"}},
		{"an execution has no quantity", `"status":"PARTIALLY_FILLED","partialExecutions":[
			{"executionId":"a","executionQuantity":1,"amount":"5"},{"executionId":"b","amount":"5"}]`, "",
			shown{"", "10", "", "2"}},
		{"a quantity has an exponent", `"status":"PARTIALLY_FILLED","executionData":{"quantity":30314594E-8}`, "",
			shown{"0.30314594", "", "", "0"}},
		{"less is filled than was ordered", `"status":"FILLED","quantity":10,"executionData":{"quantity":7}`, "underfilled",
			shown{"7", "", "", "0"}},
	}
	byID := map[string]int{}
	for i, test := range tests {
		id := strings.ReplaceAll(test.name, " ", "-")
		byID[id] = i
		p.notify(`{"orderId":"` + id + `","modifiedOn":"2026-03-02T09:31:07Z",` + test.body + `}`)
		view := decoded[map[string]any](t, p.get("/v1/orders/"+id))
		text := func(field string) string { s, _ := view[field].(string); return s }
		require.Equal(t, test.want, shown{text("executedQuantity"), text("executedAmount"), text("averagePrice"), test.want.executions}, test.name)
		var codes []string
		for _, b := range view["breaks"].([]any) {
			codes = append(codes, b.(map[string]any)["code"].(string))
		}
		require.Equal(t, test.breaks, strings.Join(codes, " "), test.name)
	}
	rows, err := csv.NewReader(strings.NewReader(string(p.get("/v1/orders?format=csv")))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(tests)+1)
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		test := tests[byID[row[column["orderId"]]]]
		require.Equal(t, test.want, shown{row[column["executedQuantity"]], row[column["executedAmount"]], row[column["averagePrice"]],
			row[column["executions"]]}, test.name)
	}
}
