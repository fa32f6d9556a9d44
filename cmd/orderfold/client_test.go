package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARefusedCommandExplainsHowToSendAKey(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"receiver", "api"}, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--receiver-addr", "127.0.0.1:0",
		"--api-addr", "127.0.0.1:0", "--nats-addr", "", "--api-key", "ops:operator:s3cret-key")
	for name, c := range map[string]struct {
		environ []string
		args    []string
		code    int
	}{
		"order without a key":                             {nil, []string{"order", "o-1"}, exitFailed},
		"orders with another key":                         {nil, []string{"orders", "--api-key", "another"}, exitFailed},
		"breaks with a whole line of the key file":        {[]string{"ORDERFOLD_API_KEY=ops:operator:s3cret-key"}, []string{"breaks"}, exitFailed},
		"status without a key":                            {nil, []string{"status"}, exitUsage},
		"a redrive without a key":                         {nil, []string{"redrive"}, exitFailed},
		"a rebuild with a wrong key from the environment": {[]string{"ORDERFOLD_API_KEY=another"}, []string{"rebuild"}, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := execute(t, c.environ, append(c.args, "--api-url", p.addrs["api"])...)
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr, "--api-key or of ORDERFOLD_API_KEY: only the key, without its name and role")
			require.NotContains(t, stderr, "s3cret")
		})
	}
	code, _, stderr := execute(t, []string{"ORDERFOLD_API_KEY=s3cret-key"}, "orders", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
}
