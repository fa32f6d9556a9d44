package receiver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCredentialsReadsHeadersAndSecrets(t *testing.T) {
	tests := []struct {
		name    string
		text    string
		headers []string // matching headers; nil: an error
		err     string
	}{
		{name: "one header", text: "api-key=secret", headers: []string{"Api-Key", "secret"}},
		{name: "two headers", text: "api-key=hush,x-tenant=husher", headers: []string{"Api-Key", "hush", "X-Tenant", "husher"}},
		{name: "space around names and values is ignored", text: " api-key = hush , x-tenant = husher ", headers: []string{"Api-Key", "hush", "X-Tenant", "husher"}},
		{name: "a secret may contain an equals sign", text: "api-key=c2VjcmV0==", headers: []string{"Api-Key", "c2VjcmV0=="}},
		{name: "a secret may contain space", text: "authorization=Bearer secret", headers: []string{"Authorization", "Bearer secret"}},
		{name: "an empty text", text: "", err: "part 1 is not of the form header=secret"},
		{name: "a secret alone", text: "hush", err: "part 1 is not of the form header=secret"},
		{name: "a secret with a comma", text: "api-key=hush,hush", err: "part 2 is not of the form header=secret"},
		{name: "a comma at the end", text: "api-key=hush,", err: "part 2 is not of the form header=secret"},
		{name: "an empty name", text: "=hush", err: "part 1 does not begin with the name of a header"},
		{name: "a name with a space", text: "hush hush=hush", err: "part 1 does not begin with the name of a header"},
		{name: "a name outside ASCII", text: "hüsh=hush", err: "part 1 does not begin with the name of a header"},
		{name: "an empty secret", text: "api-key= ", err: "the secret of part 1 is empty"},
		{name: "a secret outside ASCII", text: "api-key=hüsh", err: "not printable"},
		{name: "a header named twice", text: "api-key=hush,API-KEY=hush", err: "part 2 repeats"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := ParseCredentials(test.text)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				require.NotContains(t, err.Error(), "hush")
				return
			}
			require.NoError(t, err)
			h := http.Header{}
			for i := 0; i < len(test.headers); i += 2 {
				require.False(t, authorized([]Credentials{c}, h.Get))
				h.Set(test.headers[i], test.headers[i+1])
			}
			require.True(t, authorized([]Credentials{c}, h.Get))
			require.NotContains(t, fmt.Sprintf("%v %+v %s", c, c, c), test.headers[1])
		})
	}
}

// Every header of every entry is fetched, hashed and compared even after a match, so that the number
// of comparisons is the same for every request.
func TestAllCredentialsAreComparedEvenAfterAMatch(t *testing.T) {
	var auth []Credentials
	for _, text := range []string{"a=1,b=2", "a=3", "b=4,c=5"} {
		c, err := ParseCredentials(text)
		require.NoError(t, err)
		auth = append(auth, c)
	}
	for _, test := range []struct {
		headers string
		want    bool
	}{
		{"", false}, {"A=1", false}, {"A=1 B=2", true}, {"A=3", true}, {"A=3 B=4 C=5", true}, {"B=4", false}, {"A=9 B=9 C=9", false},
	} {
		h := http.Header{}
		for _, field := range strings.Fields(test.headers) {
			name, value, _ := strings.Cut(field, "=")
			h.Set(name, value)
		}
		var asked []string
		got := authorized(auth, func(name string) string {
			asked = append(asked, name)
			return h.Get(name)
		})
		require.Equal(t, test.want, got, test.headers)
		require.Equal(t, []string{"A", "B", "A", "B", "C"}, asked, test.headers)
	}
}

func FuzzParseCredentials(f *testing.F) {
	for _, text := range []string{"api-key=secret", "a=1,b=2", "a=1,a=2", "=", ",", "a", "a=\x00", "é=1", " a = b=c "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCredentials(text)
		if err != nil {
			require.Regexp(t, `^receiver: credentials: (the secret of )?part \d+ (is not of the form header=secret \(a secret cannot contain a comma\)|`+
				`does not begin with the name of a header|is empty or not printable ASCII|repeats the header of an earlier one)$`, err.Error())
			require.Empty(t, c.headers)
			return
		}
		h := http.Header{}
		for _, part := range strings.Split(text, ",") {
			require.False(t, authorized([]Credentials{c}, h.Get), "a header is missing")
			name, value, _ := strings.Cut(part, "=")
			h.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		require.True(t, authorized([]Credentials{c}, h.Get))
	})
}
