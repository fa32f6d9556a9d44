package eventlog_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// FuzzHeaderValue checks that a header value is read back unchanged, as a single value, whatever text
// it was made from.
func FuzzHeaderValue(f *testing.F) {
	for _, seed := range []string{"application/json", "a\r\nNats-Rollup: all\r\n\r\n", "\xff\xfe\x00", strings.Repeat("é", 200), " \t ", "a:b", "\u2028\u0085\u00a0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value := eventlog.HeaderValue(text)
		require.LessOrEqual(t, len(value), 256)
		require.True(t, utf8.ValidString(value))
		require.Equal(t, value, eventlog.HeaderValue(value), "a valid value is not changed")
		if value == "" {
			return
		}
		// The client library writes and reads headers like this.
		var block bytes.Buffer
		block.WriteString("NATS/1.0\r\n")
		require.NoError(t, http.Header{"Request-Id": {value}}.Write(&block))
		block.WriteString("\r\n")
		header, err := nats.DecodeHeadersMsg(block.Bytes())
		require.NoError(t, err)
		require.Equal(t, nats.Header{"Request-Id": {value}}, header)
	})
}

// FuzzMessage checks that an accepted object is a single token of the subject.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{"traditional-asset-order", "a.b", "*", ">", "", "-", "a b", "É"} {
		f.Add(seed, seed, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, object, key string, body []byte) {
		msg, err := eventlog.Message(eventlog.Record{Object: object, Key: key, Body: body})
		if err != nil {
			require.ErrorIs(t, err, eventlog.ErrInvalid)
			return
		}
		require.Regexp(t, `^notifications\.[a-z0-9]+(-[a-z0-9]+)*\.([0-5][0-9]|6[0-3])$`, msg.Subject)
		require.Contains(t, msg.Subject, "."+object+".")
		require.Equal(t, body, msg.Data)
	})
}
