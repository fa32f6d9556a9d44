package api_test

import (
	"net/http"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/stretchr/testify/require"
)

func TestACallerLearnsTheNameAndTheRoleOfItsKey(t *testing.T) {
	w := newWorld(t)
	s := start(t, w, func(o *api.Options) {
		o.Access.Keys = []access.Key{key(t, "clerk:reader:one"), key(t, "night:operator:two")}
	})
	for secret, want := range map[string][2]string{"one": {"clerk", "reader"}, "two": {"night", "operator"}} {
		found := into[api.Access](t, s.get(t, "/v1/access", "Authorization: Bearer "+secret))
		require.Equal(t, want, [2]string{*found.Name, found.Role})
	}
	require.Equal(t, http.StatusUnauthorized, s.get(t, "/v1/access").StatusCode)
	require.Equal(t, http.StatusUnauthorized, s.get(t, "/v1/access", "Authorization: Bearer three").StatusCode)

	require.Equal(t, api.Access{Role: "operator"}, into[api.Access](t, start(t, w).get(t, "/v1/access")), "every caller may do everything")
}
