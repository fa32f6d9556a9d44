package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// accountsURL starts a nats-server with the accounts of contrib/nats, and returns a function that returns the URL for a
// user and a password.
func accountsURL(t *testing.T) func(user, password string) string {
	t.Helper()
	dir := t.TempDir()
	accounts, err := os.ReadFile("../../contrib/nats/accounts.conf")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "accounts.conf"), accounts, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "passwords.conf"), []byte("NATS_PASSWORD: \"ours\"\nSUBSCRIBER_PASSWORD: \"theirs\"\n"), 0o600))
	server := launchNATS(t, dir, `include "accounts.conf"`)
	return func(user, password string) string {
		return strings.Replace(server.url, "nats://", "nats://"+user+":"+password+"@", 1)
	}
}

func TestTheAccountsInContribAllowASubscriberOnlyToRead(t *testing.T) {
	t.Parallel()
	url := accountsURL(t)
	p := start(t, []string{"receiver"}, "receiver", "--nats-url", url("orderfold", "ours"), "--receiver-addr", "127.0.0.1:0", "--data", t.TempDir())
	for range 3 {
		post(t, p.addrs["receiver"], "customer", `{"id":"1"}`)
	}
	ours := jetStreamAt(t, url("orderfold", "ours"))
	_, err := ours.CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{Durable: "billing", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)

	before, err := ours.Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)

	theirs := jetStreamAt(t, url("subscriber", "theirs"))
	consumer, err := theirs.Consumer(t.Context(), "NOTIFICATIONS", "billing")
	require.NoError(t, err)
	batch, err := consumer.Fetch(3, jetstream.FetchMaxWait(patience))
	require.NoError(t, err)
	read := 0
	for m := range batch.Messages() {
		require.NoError(t, m.DoubleAck(t.Context()))
		read++
	}
	require.NoError(t, batch.Error())
	require.Equal(t, 3, read)
	info, err := consumer.Info(t.Context())
	require.NoError(t, err)
	require.Zero(t, info.NumAckPending)

	for _, refused := range []struct{ act, subject, body string }{
		{"publish into the log", "notifications.traditional-asset-order.00", "{}"},
		{"purge the log", "$JS.API.STREAM.PURGE.NOTIFICATIONS", ""},
		{"delete the log", "$JS.API.STREAM.DELETE.NOTIFICATIONS", ""},
		{"delete a record", "$JS.API.STREAM.MSG.DELETE.NOTIFICATIONS", `{"seq":1}`},
		{"create a consumer", "$JS.API.CONSUMER.CREATE.NOTIFICATIONS.mine", `{"stream_name":"NOTIFICATIONS","config":{"name":"mine","deliver_subject":"notifications.x.00"}}`},
		{"delete a consumer", "$JS.API.CONSUMER.DELETE.NOTIFICATIONS.billing", ""},
		{"back up the log", "$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", `{"deliver_subject":"_INBOX.x"}`},
		{"list the streams", "$JS.API.STREAM.NAMES", ""},
	} {
		_, err := theirs.Conn().Request(refused.subject, []byte(refused.body), 300*time.Millisecond)
		require.Error(t, err, refused.act)
	}
	_, err = consumer.Info(t.Context())
	require.NoError(t, err)
	after, err := ours.Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	require.Equal(t, before.CachedInfo().State, after.CachedInfo().State)
}
