package eventlog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/eventlog"
)

func TestTheSyncModeOfAnExternalServerIsReported(t *testing.T) {
	const asking = `
server_name: one
system_account: SYS
accounts {
  SYS { exports: [{service: "$SYS.REQ.SERVER.PING.JSZ", response: stream}] }
  APP { jetstream: enabled, users: [{user: app, password: secret}], imports: [{service: {account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ"}}] }
}`
	const forbidden = `
accounts { APP { jetstream: enabled, users: [{user: app, password: secret, permissions: {publish: {deny: "$SYS.>"}}}] } }`
	tests := []struct {
		name     string
		config   string
		interval string
		want     string
		warning  string
	}{
		{"always, and the user may request the mode", asking, "always", "always", ""},
		{"every 30s, and the user may request the mode", asking, "30s", "every 30s", "acknowledges records before they are on its disk"},
		{"the request is not exported", "accounts { APP { jetstream: enabled, users: [{user: app, password: secret}] } }", "always", "unknown", "does not report"},
		{"the request is forbidden", forbidden, "always", "unknown", "does not report"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := syncingPlace(t, test.config, test.interval)
			p.options.URL = strings.Replace(p.options.URL, "nats://", "nats://app:secret@", 1)
			core, logged := observer.New(zap.WarnLevel)
			p.options.Logger = zap.New(core)
			l, err := eventlog.Open(t.Context(), p.options)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, l.Close()) })
			info, err := l.Info(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, info.SyncMode)
			require.Equal(t, 1, info.Replicas)
			var warnings []string
			for _, entry := range logged.All() {
				warnings = append(warnings, entry.Message)
			}
			if test.warning == "" {
				require.Empty(t, warnings)
			} else {
				require.Contains(t, strings.Join(warnings, "\n"), test.warning)
			}
		})
	}
}
