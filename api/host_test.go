package api_test

import (
	"net/http"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/stretchr/testify/require"
)

// If the name of a page resolves to 127.0.0.1, the browser treats the API as the same origin.
func TestWithoutKeysOnlyHostsOfThisMachineAreAnswered(t *testing.T) {
	s := start(t, newWorld(t))
	for _, c := range []struct {
		name, host string
		answered   bool
	}{
		{"the address with a port", "127.0.0.1:8081", true},
		{"the address without a port", "127.0.0.1", true},
		{"another loopback address", "127.3.2.1:8081", true},
		{"an IPv6 address with a port", "[::1]:8081", true},
		{"an IPv6 address without a port", "[::1]", true},
		{"a loopback address in IPv6", "[::ffff:127.0.0.1]", true},
		{"localhost", "localhost:8081", true},
		{"localhost in capitals and with a dot", "LocalHost.", true},
		{"a name below localhost", "orders.localhost:8081", true},
		{"a name that resolves to this machine", "rebound.example.com:8081", false},
		{"a name that ends with localhost", "notlocalhost", false},
		{"a name that begins with localhost", "localhost.example.com", false},
		{"a name that begins with the address", "127.0.0.1.example.com:8081", false},
		{"an address of the network", "192.168.1.10:8081", false},
		{"the unspecified address", "0.0.0.0:8081", false},
		{"an IPv6 address of the network", "[fe80::1]:8081", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/v1/stats", "/v1/orders?format=csv", "/metrics", "/openapi.json"} {
				a := s.get(t, path, "Host: "+c.host)
				if c.answered {
					require.NotEqual(t, http.StatusMisdirectedRequest, a.StatusCode, path)
					continue
				}
				code, _ := a.problem(t)
				require.Equal(t, "misdirected", code, path)
				require.Equal(t, http.StatusMisdirectedRequest, a.StatusCode, path)
			}
			require.Equal(t, http.StatusOK, s.get(t, "/healthz", "Host: "+c.host).StatusCode, "probes use any name")
			require.Equal(t, http.StatusOK, s.get(t, "/readyz", "Host: "+c.host).StatusCode)
		})
	}
}

func TestWithKeysEveryHostIsAnswered(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Access.Keys = []access.Key{key(t, "a:reader:one")} })
	s.key = "one"
	require.Equal(t, http.StatusOK, s.get(t, "/v1/stats", "Host: orders.example.com").StatusCode)
	s.key = ""
	require.Equal(t, http.StatusUnauthorized, s.get(t, "/v1/stats", "Host: orders.example.com").StatusCode)
}
