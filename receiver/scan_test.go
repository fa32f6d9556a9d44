package receiver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestScanFindsTheIDAndDetectsInvalidJSON(t *testing.T) {
	long := strings.Repeat("i", 128)
	tests := []struct {
		name  string
		body  string
		id    string
		valid bool
	}{
		{"the id is a top-level member", `{"status":"X","orderId":"a"}`, "a", true},
		{"a nested id is ignored", `{"x":{"orderId":"a"},"y":[{"orderId":"b"}]}`, "", true},
		{"the last of two ids is returned", `{"orderId":"a","orderId":"b"}`, "b", true},
		{"the last of two ids is returned even if it is null", `{"orderId":"a","orderId":null}`, "", true},
		{"escapes in name and id are decoded", `{"order\u0049d":"\u0061\n"}`, "a\n", true},
		{"names are case-sensitive", `{"orderid":"a"}`, "", true},
		{"a number is not an id", `{"orderId":17}`, "", true},
		{"an object is not an id", `{"orderId":{"orderId":"a"}}`, "", true},
		{"an empty string is not an id", `{"orderId":""}`, "", true},
		{"an id of 128 bytes is returned", `{"orderId":"` + long + `"}`, long, true},
		{"an id of 129 bytes is ignored", `{"orderId":"` + long + `i"}`, "", true},
		{"space around the value", " \t\r\n{ } \n", "", true},
		{"a string", `"orderId"`, "", true},
		{"null", `null`, "", true},
		{"invalid UTF-8 in a string", "{\"orderId\":\"\xff\"}", "\uFFFD", true},
		{"half a surrogate pair", `{"orderId":"\ud800"}`, "\uFFFD", true},
		{"10,000 levels", strings.Repeat("[", 10000) + strings.Repeat("]", 10000), "", true},
		{"10,001 levels", strings.Repeat("[", 10001) + strings.Repeat("]", 10001), "", false},
		{"a million levels", strings.Repeat(`{"a":`, 1000000), "", false},
		{"an empty body", "", "", false},
		{"white space alone", "  ", "", false},
		{"two values", `{"orderId":"a"}{}`, "", false},
		{"other text after the value", `{"orderId":"a"},`, "", false},
		{"a truncated value", `{"orderId":"a"`, "", false},
		{"a byte order mark", "\uFEFF{\"orderId\":\"a\"}", "a", true},
		{"a byte order mark and space", "\uFEFF \n{}", "", true},
		{"two byte order marks", "\uFEFF\uFEFF{}", "", false},
		{"a byte order mark after space", " \uFEFF{}", "", false},
		{"a byte order mark alone", "\uFEFF", "", false},
		{"a UTF-16 byte order mark", "\xff\xfe{}", "", false},
		{"a comment", "{} // x", "", false},
		{"a trailing comma", `{"orderId":"a",}`, "", false},
		{"a control character in a string", "\"\n\"", "", false},
		{"a zero byte after the value", "{}\x00", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := []byte(test.body)
			id, valid := scan(body, "orderId")
			require.Equal(t, test.valid, valid)
			require.Equal(t, test.id, id)
			require.Equal(t, test.body, string(body), "the body must not change")
			_, valid = scan(body, "")
			require.Equal(t, test.valid, valid)
		})
	}
}

func FuzzScan(f *testing.F) {
	for _, body := range []string{
		`{"orderId":"a","x":[1,-0.5e+7,true,null,{"orderId":"b"}]}`, `{"orderId":"a","orderId":"b"}`, `{"order\u0049d":"\ud83d\ude00"}`,
		`{"orderId":"\ud800"}`, ` [] `, `"x"`, `01`, `-`, `{"a":1}{}`, "{\"\xff\":1}", "\uFEFF{}", `{"orderId":`, "", "\t",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		id, valid := scan(body, "orderId")
		require.Equal(t, before, body)
		bare := bytes.TrimPrefix(body, []byte("\uFEFF"))
		require.Equal(t, json.Valid(bare), valid)
		_, same := scan(body, "")
		require.Equal(t, valid, same)
		require.LessOrEqual(t, len(id), maxID)
		if !utf8.Valid(body) {
			return // readers decode invalid UTF-8 differently
		}
		var object map[string]any
		want := ""
		d := json.NewDecoder(bytes.NewReader(bare))
		d.UseNumber() // 1e400 is valid JSON, but not a float64
		if valid && d.Decode(&object) == nil {
			want, _ = object["orderId"].(string)
		}
		if len(want) > maxID {
			want = ""
		}
		require.Equal(t, want, id)
	})
}

func TestAWellFormedTraceparentIsKept(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for text, want := range map[string]string{
		good: good,
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00": "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
		"": "",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "",
		"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0":  "",
		good + "-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331--1": "",
		"0--0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "",
	} {
		require.Equal(t, want, traceparentOf(http.Header{"Traceparent": {text}}), text)
	}
}
