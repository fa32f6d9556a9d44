package eventlog_test

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestTwoLogsCannotUseTheSameFolder(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	_, err := eventlog.Open(t.Context(), p.options)
	require.ErrorIs(t, err, eventlog.ErrLocked)
	require.ErrorContains(t, err, p.options.Dir)
	appendAll(t, l, "still works")
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "a second Close has no effect")
	open(t, p.options)
}

func TestAFailedOpenReturnsAOneLineErrorWithoutCredentials(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	tests := []struct {
		name    string
		options eventlog.Options
		want    string
	}{
		{"no folder", eventlog.Options{MayCreate: true}, "no data folder"},
		{"a folder whose parent is missing", eventlog.Options{Dir: "/no/such/parent", MayCreate: true}, "does not exist: create it"},
		{"a file in the place of the folder", eventlog.Options{Dir: file, MayCreate: true}, "choose one that can be written"},
		{"a folder that cannot be created", eventlog.Options{Dir: "/proc/orderfold", MayCreate: true}, "data folder"},
		{"a port that is in use", eventlog.Options{Dir: t.TempDir(), MayCreate: true, Addr: taken.Addr().String()}, "is taken: choose another"},
		{"an invalid address", eventlog.Options{Dir: t.TempDir(), MayCreate: true, Addr: "4222"}, "is not host:port"},
		{"a server that does not exist", eventlog.Options{URL: "nats://user:s3cret@127.0.0.1:1"}, "no NATS server answers at nats://127.0.0.1:1"},
		{"a token for a server that does not exist", eventlog.Options{URL: "nats://s3cret@127.0.0.1:1"}, "no NATS server answers"},
		{"an invalid URL", eventlog.Options{URL: "nats://user:s3cret/7@127.0.0.1:1"}, "cannot be read"},
		{"a credentials file that does not exist", eventlog.Options{URL: "nats://127.0.0.1:1", CredentialsFile: "/no/such.creds"}, "/no/such.creds"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := eventlog.Open(t.Context(), test.options)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestAFailedOpenReleasesTheFolder(t *testing.T) {
	p := embeddedPlace(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	bad := p.options
	bad.Addr = taken.Addr().String()
	_, err = eventlog.Open(t.Context(), bad)
	require.Error(t, err)
	open(t, p.options)
}

func TestTheErrorForWrongCredentialsDoesNotContainThem(t *testing.T) {
	p := separatePlace(t, `authorization { user: app, password: right }`)
	p.options.URL = strings.Replace(p.options.URL, "nats://", "nats://app:s3cret@", 1)
	_, err := eventlog.Open(t.Context(), p.options)
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	require.ErrorContains(t, err, "refuses the credentials")
	require.NotContains(t, err.Error(), "s3cret")
	p.options.URL = strings.Replace(p.options.URL, "s3cret", "right", 1)
	appendAll(t, open(t, p.options), "hello")
}

func TestTheLogIsCreatedOnlyIfThatIsAllowed(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		careful := p.options
		careful.MayCreate = false
		_, err := eventlog.Open(t.Context(), careful)
		require.ErrorIs(t, err, eventlog.ErrNoStream)
		if careful.Dir != "" {
			entries, err := os.ReadDir(careful.Dir)
			require.NoError(t, err)
			require.Empty(t, entries, "nothing must be created")
		}
		l := open(t, p.options)
		appendAll(t, l, "one")
		require.NoError(t, l.Close())
		read, err := readAll(t.Context(), open(t, careful), eventlog.Position{})
		require.NoError(t, err)
		require.Len(t, read, 1)
	})
}

func TestAStreamThatTheServerCannotRecoverIsNeitherDeletedNorReplaced(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string) (repair func())
	}{
		{"a block is unreadable", func(t *testing.T, dir string) func() {
			block, aside := filepath.Join(dir, "msgs", "1.blk"), filepath.Join(t.TempDir(), "1.blk")
			require.NoError(t, os.Rename(block, aside))
			require.NoError(t, os.Mkdir(block, 0o700)) // a folder cannot be read as a file, even by the superuser
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "msgs", "index.db")))
			return func() {
				require.NoError(t, os.RemoveAll(block))
				require.NoError(t, os.Rename(aside, block))
			}
		}},
		{"a file is in the place of a folder", func(t *testing.T, dir string) func() {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "obs")))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "obs"), nil, 0o600))
			return func() { require.NoError(t, os.Remove(filepath.Join(dir, "obs"))) }
		}},
		{"the stream settings are missing", func(t *testing.T, dir string) func() {
			meta, aside := filepath.Join(dir, "meta.inf"), filepath.Join(t.TempDir(), "meta.inf")
			require.NoError(t, os.Rename(meta, aside))
			return func() { require.NoError(t, os.Rename(aside, meta)) }
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := embeddedPlace(t)
			l := open(t, p.options)
			appendAll(t, l, numbered(1, 5)...)
			require.NoError(t, l.Close())
			repair := test.damage(t, p.streamDir)
			before := files(t, p.streamDir)
			for _, mayCreate := range []bool{true, true, false} {
				options := p.options
				options.MayCreate = mayCreate
				_, err := eventlog.Open(t.Context(), options)
				require.ErrorIs(t, err, eventlog.ErrNoStream)
				require.ErrorContains(t, err, p.streamDir)
				require.NotContains(t, err.Error(), "\n")
				require.Subset(t, files(t, p.streamDir), before, "no file must be deleted")
				require.NoDirExists(t, filepath.Join(p.options.Dir, "nats-kept"))
			}
			repair()
			read, err := readAll(t.Context(), open(t, p.options), eventlog.Position{})
			require.NoError(t, err)
			require.Equal(t, numbered(1, 5), bodies(read))
		})
	}
}

func TestFilesMovedAsideByAKilledStartAreUsed(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	require.NoError(t, l.Close())
	// This is the state after a process was killed when the server had deleted the folder.
	require.NoError(t, os.Rename(p.streamDir, filepath.Join(p.options.Dir, "nats-kept")))
	read, err := readAll(t.Context(), open(t, p.options), eventlog.Position{})
	require.NoError(t, err)
	require.Equal(t, numbered(1, 5), bodies(read))
}

// files returns the paths of the files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Name() != "index.db" { // which the server derives from the other files
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func TestAnEmbeddedLogSyncsAlways(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	info, err := l.Info(t.Context())
	require.NoError(t, err)
	require.True(t, info.Embedded)
	require.Equal(t, "always", info.SyncMode)
	require.Equal(t, eventlog.Replication{Replicas: 1, Wanted: 1, Servers: []eventlog.Replica{{Server: "orderfold", Leader: true, Online: true, SyncMode: "always"}}},
		info.Replication)
	require.Empty(t, info.TooFew())
	require.Positive(t, info.MaxBytes, "the default limit is below the size of the disk")
	require.Empty(t, l.Addr())
	external, err := open(t, separatePlace(t, "").options).Info(t.Context())
	require.NoError(t, err)
	require.Len(t, external.Servers, 1)
	require.NotEmpty(t, external.Servers[0].Server)
	external.Servers[0].Server = ""
	alone := eventlog.Replication{Replicas: 1, Wanted: 1, Servers: []eventlog.Replica{{Leader: true, Online: true, SyncMode: "unknown"}}}
	require.Equal(t, eventlog.Info{SyncMode: "unknown", Replication: alone, Room: eventlog.Room{MaxBytes: -1, Left: -1, DiskFree: -1}}, external)
}

func TestCredentialsAreCreatedOnceAndReadableOnlyByTheOwner(t *testing.T) {
	p := embeddedPlace(t)
	listening := p.options
	listening.Addr = "127.0.0.1:0"
	urls := func() (found []*url.URL) {
		for _, user := range []string{"subscriber", "operator"} {
			path := filepath.Join(p.options.Dir, user+".url")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode())
			u, err := url.Parse(strings.TrimSpace(string(text)))
			require.NoError(t, err)
			require.Equal(t, user, u.User.Username())
			found = append(found, u)
		}
		return found
	}
	secrets := filepath.Join(p.options.Dir, "credentials.json")

	l := open(t, listening)
	first := urls()
	require.Equal(t, l.Addr(), first[0].Host)
	info, err := os.Stat(secrets)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoError(t, l.Close())
	require.NoFileExists(t, filepath.Join(p.options.Dir, "operator.url"))

	l = open(t, listening)
	for i, u := range urls() {
		require.Equal(t, first[i].User.String(), u.User.String(), "the password is unchanged")
		require.Equal(t, l.Addr(), u.Host, "the file contains the new port")
	}
	require.NoError(t, l.Close())

	require.NoError(t, open(t, p.options).Close())
	require.NoFileExists(t, filepath.Join(p.options.Dir, "subscriber.url"), "there is no URL without a listener")

	text, err := os.ReadFile(secrets)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(secrets, append([]byte("\uFEFF"), text...), 0o600))
	require.NoError(t, open(t, p.options).Close(), "a byte order mark is ignored")
	require.NoError(t, os.WriteFile(secrets, []byte(`{"subscriber":"s3cret"`), 0o600))
	_, err = eventlog.Open(t.Context(), p.options)
	require.ErrorContains(t, err, "remove it")
	require.NotContains(t, err.Error(), "s3cret")
}

// as connects as a user, with the URL in the user's file. The channel receives an error for each
// request that the server refuses.
func as(t *testing.T, p *place, user string) (*nats.Conn, jetstream.JetStream, <-chan error) {
	t.Helper()
	u, err := os.ReadFile(filepath.Join(p.options.Dir, user+".url"))
	require.NoError(t, err)
	refusals := make(chan error, 100)
	conn, err := nats.Connect(strings.TrimSpace(string(u)), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refusals <- err }))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return conn, js, refusals
}

// requireRefusal waits for the next refusal, whose message must contain what.
func requireRefusal(t *testing.T, refusals <-chan error, what string) {
	t.Helper()
	select {
	case err := <-refusals:
		require.ErrorIs(t, err, nats.ErrPermissionViolation)
		require.ErrorContains(t, err, what)
	case <-time.After(patience):
		require.Fail(t, "the request was not refused", what)
	}
}

func TestASubscriberUsesTheConsumerThatTheOperatorCreated(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	_, operator, _ := as(t, p, "operator")
	_, err := operator.CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{
		Durable: "books", FilterSubject: "notifications.traditional-asset-order.>", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)

	_, subscriber, _ := as(t, p, "subscriber")
	consumer, err := subscriber.Consumer(t.Context(), "NOTIFICATIONS", "books")
	require.NoError(t, err)
	messages, err := consumer.Messages()
	require.NoError(t, err)
	defer messages.Stop()
	for _, want := range numbered(1, 5) {
		msg, err := messages.Next(jetstream.NextContext(t.Context()))
		require.NoError(t, err)
		require.Equal(t, want, string(msg.Data()))
		require.NoError(t, msg.DoubleAck(t.Context()))
	}
	info, err := consumer.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(5), info.AckFloor.Stream)

	stream, err := subscriber.Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	msg, err := stream.GetMsg(t.Context(), 3)
	require.NoError(t, err)
	require.Equal(t, numbered(3, 3)[0], string(msg.Data))

	managed, err := operator.Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	names := managed.ConsumerNames(t.Context())
	require.Equal(t, "books", <-names.Name())
	require.NoError(t, operator.DeleteConsumer(t.Context(), "NOTIFICATIONS", "books"))
}

func TestNoExternalUserCanChangeTheLog(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	_, operator, _ := as(t, p, "operator")
	_, err := operator.CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{Durable: "books", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)

	forBoth := [][2]string{
		{"notifications.customer.00", "forged"},
		{"snapshots.customer.00", "forged"},
		{"$JS.API.STREAM.CREATE.OTHER", `{"name":"OTHER","subjects":["other"]}`},
		{"$JS.API.STREAM.UPDATE.NOTIFICATIONS", `{"name":"NOTIFICATIONS","subjects":["other"]}`},
		{"$JS.API.STREAM.DELETE.NOTIFICATIONS", ""},
		{"$JS.API.STREAM.PURGE.NOTIFICATIONS", ""},
		{"$JS.API.STREAM.MSG.DELETE.NOTIFICATIONS", `{"seq":1}`},
		{"$JS.API.STREAM.RESTORE.NOTIFICATIONS", `{"config":{"name":"NOTIFICATIONS"}}`},
		{"$JS.API.SERVER.REMOVE", "{}"},
		{"$SYS.REQ.SERVER.PING", ""},
	}
	forSubscriber := append([][2]string{
		{"$JS.API.CONSUMER.CREATE.NOTIFICATIONS", `{"stream_name":"NOTIFICATIONS","config":{"ack_policy":"none"}}`},
		{"$JS.API.CONSUMER.CREATE.NOTIFICATIONS.mine", `{"stream_name":"NOTIFICATIONS","config":{"name":"mine"}}`},
		{"$JS.API.CONSUMER.DURABLE.CREATE.NOTIFICATIONS.mine", `{"stream_name":"NOTIFICATIONS","config":{"durable_name":"mine"}}`},
		{"$JS.API.CONSUMER.DELETE.NOTIFICATIONS.books", ""},
		{"$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", `{"deliver_subject":"_INBOX.x"}`},
		{"$JS.SNAPSHOT.ACK.NOTIFICATIONS.x.1.1", ""},
		{"orderfold.backup", `{"deliver_subject":"_INBOX.x"}`},
		{"orderfold.limit", "1073741824"},
	}, forBoth...)
	limit := room(t, l).MaxBytes
	for user, requests := range map[string][][2]string{"subscriber": forSubscriber, "operator": forBoth} {
		conn, _, refusals := as(t, p, user)
		for _, request := range requests {
			require.NoError(t, conn.PublishRequest(request[0], conn.NewInbox(), []byte(request[1])))
			requireRefusal(t, refusals, `Publish to "`+request[0]+`"`)
		}
		for _, subject := range []string{">", "notifications.>", "$JS.>"} {
			_, err := conn.SubscribeSync(subject)
			require.NoError(t, err)
			requireRefusal(t, refusals, `Subscription to "`+subject+`"`)
		}
		// The server sends an answer to the reply subject of the request, which must not be one of the log.
		for _, allowed := range [][2]string{
			{"$JS.API.STREAM.INFO.NOTIFICATIONS", ""},
			{"$JS.API.DIRECT.GET.NOTIFICATIONS", `{"seq":1}`},
			{"$JS.API.STREAM.MSG.GET.NOTIFICATIONS", `{"seq":1}`},
			{"$JS.API.CONSUMER.INFO.NOTIFICATIONS.books", ""},
			{"$JS.API.CONSUMER.MSG.NEXT.NOTIFICATIONS.books", `{"batch":1}`},
		} {
			require.NoError(t, conn.PublishRequest(allowed[0], "notifications.customer.00", []byte(allowed[1])))
			// The server refuses a reply subject of its own API. Refusals arrive in order, so the request
			// before was not refused.
			const refused = "$JS.API.STREAM.DELETE.NOTIFICATIONS"
			require.NoError(t, conn.PublishRequest(allowed[0], refused, []byte(allowed[1])))
			requireRefusal(t, refusals, `Publish with Reply of "`+refused+`"`)
		}
	}
	// A push consumer would deliver to any subject with the permissions of the log.
	for _, target := range []string{"notifications.customer.00", "$JS.API.STREAM.DELETE.NOTIFICATIONS", "$JS.API.STREAM.PURGE.NOTIFICATIONS"} {
		_, err = operator.CreatePushConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{
			DeliverSubject: target, AckPolicy: jetstream.AckNonePolicy, HeadersOnly: true})
		t.Logf("push consumer to %s: %v", target, err)
	}
	// The server would send a backup to any subject, too.
	conn, _, _ := as(t, p, "operator")
	for _, request := range []string{
		`{"deliver_subject":"notifications.customer.00"}`,
		`{"deliver_subject":"$JS.API.STREAM.PURGE.NOTIFICATIONS"}`,
		`{"deliver_subject":"_INBOX.x","deliver_subject":"notifications.customer.00"}`,
		`{"deliver_subject":"_INBOX.x","Deliver_Subject":"notifications.customer.00"}`,
		`{}`, `[]`, ``,
	} {
		answer, err := conn.Request("$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", []byte(request), patience)
		require.NoError(t, err)
		require.Contains(t, string(answer.Data), "deliver_subject must begin with _INBOX.", request)
	}
	// The answer to a request for a limit must not be sent into the log.
	require.NoError(t, conn.PublishRequest("orderfold.limit", "notifications.customer.00", []byte("1")))
	_, err = conn.Request("orderfold.limit", []byte("1"), patience)
	require.NoError(t, err, "the request before has been answered, too")
	require.Equal(t, limit, room(t, l).MaxBytes)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Equal(t, numbered(1, 5), bodies(read))
	require.Never(t, func() bool {
		bounds, err := l.Bounds(t.Context())
		return err != nil || bounds.First != 1 || bounds.Last != 5
	}, 300*time.Millisecond, 20*time.Millisecond)
}

func TestOnlyKnownUsersCanConnect(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	for _, user := range []string{"", "subscriber:wrong@", "self:@", "operator@"} {
		_, err := nats.Connect("nats://" + user + l.Addr())
		require.ErrorIs(t, err, nats.ErrAuthorization, user)
	}
}
