package decode

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/receiver/platform/platformtest"
)

// requireAlike reads a body with usual and, if it is usual, with readAny, and requires equal results. It
// reports whether the body is usual.
func requireAlike(t testing.TB, data []byte) bool {
	var short, long body
	short.clear()
	long.clear()
	if !short.usual(data, orderShapes) {
		return false
	}
	require.NoError(t, long.readAny(data, orderShapes), "%q", data)
	require.Empty(t, long.notes, "%q", data)
	require.Equal(t, long.values, short.values, "%q", data)
	require.Equal(t, long.refused, short.refused, "%q", data)
	require.Equal(t, append([]partial{}, long.partials...), append([]partial{}, short.partials...), "%q", data)
	return true
}

func TestUsualReadsOnlyUsualBodies(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		usual bool
	}{
		"an order":                       {`{"orderId":"1","quantity":100,"execution":{"quantity":4e1},"partialExecutions":[{"executionId":"a"},{}]}`, true},
		"white space":                    {"\t{ \"orderId\" :\r\n \"1\" , \"side\" : null }\n ", true},
		"an empty object":                {`{}`, true},
		"unknown members":                {`{"a":[1,{"b":[]},"c",true,false,null],"orderId":"1","d":{"e":-0.5E+7}}`, true},
		"nulls":                          {`{"orderId":"1","quantity":null,"execution":null,"partialExecutions":null,"validationError":null}`, true},
		"a quantity as text":             {`{"orderId":"1","quantity":"7"}`, true},
		"a refusal":                      {`{"orderId":"1","validationError":{"errorType":"A","description":"b"}}`, true},
		"a member twice":                 {`{"orderId":"1","side":"BUY","side":"BUY"}`, false},
		"a partial member twice":         {`{"partialExecutions":[{"executionId":"a","executionId":"a"}]}`, false},
		"executions twice":               {`{"partialExecutions":[],"partialExecutions":[]}`, false},
		"an unexpected form":             {`{"orderId":1}`, false},
		"a string in place of an object": {`{"execution":"1"}`, false},
		"a list of numbers":              {`{"partialExecutions":[1]}`, false},
		"an escape":                      {`{"orderId":"\u0031"}`, false},
		"an escaped name":                {`{"order\u0049d":"1"}`, false},
		"characters outside ASCII":       {`{"orderId":"ä"}`, false},
		"a control character":            {"{\"orderId\":\"\x01\"}", false},
		"a list":                         {`[]`, false},
		"an empty body":                  {``, false},
		"two values":                     {`{}{}`, false},
		"a trailing comma":               {`{"orderId":"1",}`, false},
		"no comma":                       {`{"orderId":"1" "side":"BUY"}`, false},
		"no colon":                       {`{"orderId" "1"}`, false},
		"no closing brace":               {`{"orderId":"1"`, false},
		"a string without an end":        {`{"orderId":"1`, false},
		"a number with a leading zero":   {`{"quantity":01}`, false},
		"a number that ends with a decimal point": {`{"quantity":1.}`, false},
		"a number without a digit":                {`{"quantity":-}`, false},
		"an exponent without a digit":             {`{"quantity":1e+}`, false},
		"a truncated word":                        {`{"a":tru}`, false},
		"deeply nested values":                    {`{"a":` + strings.Repeat("[", usualDepth+1) + strings.Repeat("]", usualDepth+1) + `}`, false},
		"a long text":                             {`{"message":"` + strings.Repeat("m", maxText+1) + `"}`, false},
		"a long body":                             {`{"a":"` + strings.Repeat("m", usualBytes) + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.usual, requireAlike(t, []byte(c.body))) })
	}
}

func TestUsualReadsNearlyAllBodiesOfThePlatform(t *testing.T) {
	all, usual := 0, 0
	for n := range (platformtest.Traffic{Seed: 3, Orders: 2000}).Notifications() {
		if all++; requireAlike(t, n.Body) {
			usual++
		}
	}
	require.Greater(t, usual, all*9/10)
}

func FuzzUsualAgreesWithReadAny(f *testing.F) {
	for _, body := range []string{`{"orderId":"1","status":"PLACED","modifiedOn":"2026-03-02T09:31:07.214Z"}`,
		`{"orderId":"1","partialExecutions":[{"executionQuantity":1e5},{"executionQuantity":-2.50}],"a":[true,{"b":null}]}`,
		`{"orderId":"1","execution":{"quantity":"1"},"execution":{"quantity":1}}`, `{"a":1,}`, `{"validationError":{}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) { requireAlike(t, data) })
}
