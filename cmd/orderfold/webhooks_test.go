package main

import (
	"encoding/json"
	"testing"

	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

func TestWebhooksAreComparedSetAndDeleted(t *testing.T) {
	t.Parallel()
	server := runPlatform(t, platformtest.ServerOptions{})
	id, secret := server.Credentials()
	const key, tenant = "k3y-of-ours", "t3nant-of-ours"
	webhooks := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		environ := []string{"ORDERFOLD_PLATFORM_CLIENT_SECRET=" + secret, "ORDERFOLD_PLATFORM_CLIENT_ID=" + id, "ORDERFOLD_PLATFORM_URL=" + server.URL}
		code, stdout, stderr := execute(t, environ, append([]string{"webhooks"}, args...)...)
		require.Equal(t, want, code, "%v: %s%s", args, stdout, stderr)
		for _, hidden := range []string{key, tenant, secret} {
			require.NotContains(t, stdout+stderr, hidden)
		}
		return stdout, stderr
	}
	ours := []string{"--url", "https://orders.example.com/hooks/", "--webhook-auth", "api-key=" + key + ", x-tenant=" + tenant}
	with := func(args ...string) []string { return append(args, ours...) }

	stdout, _ := webhooks(1, with("diff")...)
	require.Contains(t, stdout, "TRADITIONAL_ASSET_ORDER_NOTIFICATION: missing\n  + https://orders.example.com/hooks/traditional-asset-order-notification")
	_, stderr := webhooks(2, with("set")...)
	require.Contains(t, stderr, "--yes", "without a terminal nothing is changed")
	webhooks(1, with("diff")...)

	stdout, _ = webhooks(0, with("set", "--yes")...)
	require.Contains(t, stdout, "set: 3")
	webhooks(0, with("diff")...)
	stdout, _ = webhooks(0, with("set", "--yes", "--json")...)
	var set struct {
		Set         []string
		Differences []webhookDifference
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &set))
	require.Empty(t, set.Set, "equal webhooks are not changed")
	require.Len(t, set.Differences, 3)
	stdout, _ = webhooks(0, "list")
	require.Contains(t, stdout, "x-tenant: ***")
	require.True(t, sameEndpoint("https://a.example/b/", "https://a.example/b"), "the receiver accepts both")
	require.False(t, sameEndpoint("https://a.example/b", "https://a.example/c"))
	require.Contains(t, stdout, "missing webhook for: CUSTOMER_NOTIFICATION")

	stdout, _ = webhooks(1, "diff", "--url", "https://orders.example.com/hooks", "--webhook-auth", "api-key=another", "--json")
	var differences []webhookDifference
	require.NoError(t, json.Unmarshal([]byte(stdout), &differences))
	require.Len(t, differences, 3)
	require.Equal(t, []headerDifference{{"api-key", "differs"}, {"x-tenant", "extra"}}, differences[0].Headers)
	webhooks(1, with("diff", "--event", "ALL")...)
	stdout, _ = webhooks(1, with("diff", "--event", "USER_NOTIFICATION")...)
	require.Contains(t, stdout, "DIGITAL_ASSET_ORDER_NOTIFICATION: extra")

	for _, action := range [][]string{{"diff"}, {"diff", "--json"}} { // key is a password here
		stdout, _ = webhooks(1, append(action, "--url", "https://us:"+key+"@orders.example.com/hooks")...)
		require.Contains(t, stdout, "https://us:xxxxx@orders.example.com/hooks/digital-asset-order-notification")
	}

	webhooks(2, "delete", "--yes")
	webhooks(2, "delete", "--event", "DIGITAL_ASSET_ORDER_NOTIFICATION")
	stdout, _ = webhooks(0, "delete", "--yes", "--event", "DIGITAL_ASSET_ORDER_NOTIFICATION", "--event", "USER_NOTIFICATION")
	require.Contains(t, stdout, "deleted: 1")
	webhooks(1, with("diff")...)

	webhooks(2, with("diff", "--event", "NO_SUCH_NOTIFICATION")...)
	webhooks(2, "diff", "--url", "http://orders.example.com")
	webhooks(2, "diff", "--url", "https://orders.example.com", "--webhook-auth", key)
	webhooks(2, "forget")
	server.Down(true)
	_, stderr = webhooks(2, with("diff")...)
	require.Contains(t, stderr, "503")
	webhooks(1, "list")
}

func TestARegisteredURLIsShownWithoutPartsThatMayBeSecret(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://u:xxxxx@a.example/b?***", withoutSecrets("https://u:p@a.example/b?key=c"))
	require.Equal(t, "a URL that cannot be read", withoutSecrets("https://a\x00b"))
}
