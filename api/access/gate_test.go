package access_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/api/access"
)

func gate(t testing.TB, o access.Options) *access.Gate {
	t.Helper()
	g, err := access.New(o)
	require.NoError(t, err)
	return g
}

func TestARefusalContainsItsReason(t *testing.T) {
	keys := []access.Key{key(t, "r:reader:one"), key(t, "o:operator:two")}
	for _, test := range []struct {
		name    string
		options access.Options
		method  string
		host    string
		headers []string // names and values
		reason  access.Reason
		key     string
	}{
		{"a reader reads", access.Options{Keys: keys}, "GET", "any.example.com", []string{"Authorization", "Bearer one"}, 0, "r"},
		{"an operator changes", access.Options{Keys: keys}, "POST", "any.example.com", []string{"Authorization", "bearer two"}, 0, "o"},
		{"a reader may not change anything", access.Options{Keys: keys}, "DELETE", "", []string{"Authorization", "Bearer one"}, access.NotOperator, "r"},
		{"no key", access.Options{Keys: keys}, "GET", "", nil, access.NoKey, ""},
		{"an unknown key", access.Options{Keys: keys}, "GET", "", []string{"Authorization", "Bearer three"}, access.NoKey, ""},
		{"a key in another scheme", access.Options{Keys: keys}, "GET", "", []string{"Authorization", "Basic one"}, access.NoKey, ""},
		{"without keys, a loopback name", access.Options{}, "POST", "localhost:1", nil, 0, ""},
		{"without keys, another name", access.Options{}, "GET", "evil.example.com", nil, access.WrongHost, ""},
		{"a page of another site", access.Options{Keys: keys}, "POST", "x", []string{"Authorization", "Bearer two", "Origin", "https://evil.example.com"}, access.ForeignPage, "o"},
		{"a page of an allowed site", access.Options{Keys: keys, Origins: []string{"https://ok.example.com"}}, "POST", "x",
			[]string{"Authorization", "Bearer two", "Origin", "https://ok.example.com"}, 0, "o"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "/", nil)
			r.Host = test.host
			for i := 0; i < len(test.headers); i += 2 {
				r.Header.Set(test.headers[i], test.headers[i+1])
			}
			k, err := gate(t, test.options).Allow(r, time.Now())
			require.Equal(t, test.key, k.Name)
			if test.reason == 0 {
				require.NoError(t, err)
				return
			}
			var refusal *access.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, test.reason, refusal.Reason)
		})
	}
}

func TestARefusalOverTheLimitContainsTheTimeToWait(t *testing.T) {
	g := gate(t, access.Options{Limit: access.Limit{PerSecond: 0.5}})
	r, now := httptest.NewRequest(http.MethodGet, "/", nil), time.Now()
	r.Host = "localhost"
	_, err := g.Allow(r, now)
	require.NoError(t, err)
	for range 2 {
		_, err = g.Allow(r, now)
		var refusal *access.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, access.Refusal{Reason: access.TooOften, Wait: 2 * time.Second, Limit: access.Limit{PerSecond: 0.5, Burst: 1}}, *refusal)
	}
	_, err = g.Allow(r, now.Add(2*time.Second))
	require.NoError(t, err)
}

func TestOnlyAProbeWithAKeyIsCounted(t *testing.T) {
	g := gate(t, access.Options{Keys: []access.Key{key(t, "r:reader:one")}, Limit: access.Limit{PerSecond: 0.001, Burst: 1}})
	plain, now := httptest.NewRequest(http.MethodGet, "/readyz", nil), time.Now()
	for range 3 {
		_, known := g.Knows(plain, now)
		require.False(t, known)
	}
	keyed := httptest.NewRequest(http.MethodGet, "/readyz", nil)
	keyed.Header.Set("Authorization", "Bearer one")
	k, known := g.Knows(keyed, now)
	require.True(t, known)
	require.Equal(t, "r", k.Name)
	_, known = g.Knows(keyed, now)
	require.False(t, known, "over the limit, the caller is not known")
}

func TestARequestWhoseKeyIsRemovedIsCut(t *testing.T) {
	one, two := key(t, "a:reader:one"), key(t, "b:reader:two")
	g := gate(t, access.Options{Keys: []access.Key{one, two}})
	hold := func(k access.Key) (ctx context.Context, release func()) {
		ctx, cut := context.WithCancel(t.Context())
		return ctx, g.Hold(k, cut)
	}
	ofOne, _ := hold(one)
	ofTwo, _ := hold(two)
	gone, release := hold(one)
	release()
	require.NoError(t, g.ReplaceKeys([]access.Key{two}))
	require.ErrorIs(t, ofOne.Err(), context.Canceled)
	require.NoError(t, ofTwo.Err())
	require.NoError(t, gone.Err(), "the request had ended")
	late, _ := hold(one)
	require.ErrorIs(t, late.Err(), context.Canceled, "the key was removed after it was authenticated")
	require.Error(t, g.ReplaceKeys(nil))
	require.Equal(t, []access.Key{two}, g.Keys())
	require.Error(t, gate(t, access.Options{}).ReplaceKeys([]access.Key{one}), "a gate created without keys stays open")
}

func TestInvalidOptionsAndExposedAddressesAreRefused(t *testing.T) {
	_, err := access.New(access.Options{Limit: access.Limit{PerSecond: -1}, Origins: []string{"*"}})
	require.ErrorContains(t, err, "rate limit")
	require.ErrorContains(t, err, "is not an origin")
	require.Error(t, access.CheckExposure(&net.TCPAddr{IP: net.IPv4zero}, nil))
	require.NoError(t, access.CheckExposure(&net.TCPAddr{IP: net.IPv4zero}, []access.Key{key(t, "a:reader:one")}))
}

// FuzzParseKey checks that ParseKey returns an error and the zero key, or a key that is accepted when it is
// sent in a header.
func FuzzParseKey(f *testing.F) {
	for _, text := range []string{"a:reader:one", "a:operator:s:t", "a:boss:x", ":reader:x", "a:reader:", "a b:reader:c", "a:reader:ü", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := access.ParseKey(text)
		if err != nil {
			require.Equal(t, access.Key{}, k)
			return
		}
		secret := text[len(k.Name)+1+len(k.Role)+1:]
		g := gate(t, access.Options{Keys: []access.Key{k}})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		got, err := g.Allow(r, time.Now())
		require.NoError(t, err)
		require.Equal(t, k, got)
		r.Header.Set("Authorization", "Bearer "+secret+"x")
		_, err = g.Allow(r, time.Now())
		require.True(t, errors.As(err, new(*access.Refusal)))
	})
}
