package embedded

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Stream is the name of the stream that is the log.
const Stream = "NOTIFICATIONS"

// Feed is the name of the stream of order events.
const Feed = "ORDERS"

// The users of the server. DESIGN.md says why the subscribers have an account of their own.
const (
	// OperatorUser may do more than subscribers: manage consumers, and send the requests below.
	OperatorUser = "operator"

	logAccount     = "ORDERFOLD"
	selfUser       = "self"
	subscriberUser = "subscriber"
)

// The requests of the operator that the process with the log answers, and the inboxes in the log's
// account.
const (
	// BackupRequest is the subject at which the operator's requests for a backup arrive in the log's
	// account.
	BackupRequest = "orderfold.backup"
	// LimitRequest is the subject of the operator's requests for another limit of the log.
	LimitRequest = "orderfold.limit"
	// ConsumerRequest begins the subjects at which the operator's requests for a consumer arrive in the log's
	// account; what follows is as after "$JS.API.CONSUMER.".
	ConsumerRequest = "orderfold.consumer."
	// BackupInboxes are the subjects to which a backup may be sent: messages to them leave the log's
	// account.
	BackupInboxes = "_INBOX.>"
	// SelfInboxes is the prefix of the inboxes of the user returned by Login. Its answers stay in the
	// log's account because BackupInboxes do not contain them.
	SelfInboxes = "_SELF"
)

// passwords of the embedded server's users for subscribers, as kept in the data folder.
type passwords struct {
	Subscriber string `json:"subscriber"`
	Operator   string `json:"operator"`
}

// service is a request that subscribers may send to the log's account.
type service struct {
	subject  string
	stream   bool   // answered by more than one message
	operator bool   // for the operator only
	served   string // the subject in the log's account, if it is another one
}

// services are the requests about the log and the feed, and those about the log alone.
var services = slices.Concat(readServices(Stream), readServices(Feed), []service{
	{subject: "$JS.API.STREAM.SNAPSHOT." + Stream, operator: true, served: BackupRequest},
	{subject: "$JS.SNAPSHOT.ACK." + Stream + ".>", operator: true},
	{subject: LimitRequest, operator: true},
})

// readServices are the requests of those who read a stream.
func readServices(stream string) []service {
	return []service{
		{subject: "$JS.API.STREAM.INFO." + stream},
		{subject: "$JS.API.STREAM.MSG.GET." + stream},
		{subject: "$JS.API.DIRECT.GET." + stream, stream: true},
		{subject: "$JS.API.DIRECT.GET." + stream + ".>", stream: true},
		{subject: "$JS.API.CONSUMER.INFO." + stream + ".*"},
		{subject: "$JS.API.CONSUMER.MSG.NEXT." + stream + ".*", stream: true},
		{subject: "$JS.ACK." + stream + ".>"},
		createConsumer("CREATE." + stream),
		createConsumer("CREATE." + stream + ".>"),
		createConsumer("DURABLE.CREATE." + stream + ".*"),
		{subject: "$JS.API.CONSUMER.DELETE." + stream + ".*", operator: true},
		{subject: "$JS.API.CONSUMER.LIST." + stream, operator: true},
		{subject: "$JS.API.CONSUMER.NAMES." + stream, operator: true},
	}
}

func createConsumer(subject string) service {
	return service{subject: "$JS.API.CONSUMER." + subject, operator: true, served: ConsumerRequest + subject}
}

// accountsConfig returns the part of the server's configuration that contains the accounts, users and
// permissions.
//
// An account without JetStream still gets the server's own answer, "not enabled", to every request of
// the JetStream API, and the first answer wins. The import of nowhere.> takes the place of that answer.
func accountsConfig(self string, users passwords) (string, error) {
	var exports, imports, read, operate strings.Builder
	for _, s := range services {
		kind := "singleton"
		if s.stream {
			kind = "stream"
		}
		served := cmp.Or(s.served, s.subject)
		fmt.Fprintf(&exports, "{service: %q, response: %s}\n", served, kind)
		fmt.Fprintf(&imports, "{service: {account: %s, subject: %q}, to: %q}\n", logAccount, served, s.subject)
		fmt.Fprintf(&operate, "%q\n", s.subject)
		if !s.operator {
			fmt.Fprintf(&read, "%q\n", s.subject)
		}
	}
	hashes := make([]any, 0, 3)
	for _, password := range []string{self, users.Subscriber, users.Operator} {
		// The cost is the lowest: the passwords are random and long, and each connection waits for the
		// comparison.
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			return "", fmt.Errorf("eventlog: configure the embedded server: %w", err)
		}
		hashes = append(hashes, string(hash))
	}
	return fmt.Sprintf(`
system_account: SYS
accounts {
  SYS { exports: [{service: "nowhere.>"}] }
  `+logAccount+` {
    jetstream: enabled
    users: [{user: `+selfUser+`, password: %q, allowed_connection_types: ["IN_PROCESS"]}]
    exports: [`+exports.String()+`{stream: "`+BackupInboxes+`"}]
  }
  SUBSCRIBERS {
    users: [
      {user: `+subscriberUser+`, password: %q, permissions: {publish: {allow: [`+read.String()+`]}, subscribe: {allow: ["_INBOX.>"]}}}
      {user: `+OperatorUser+`, password: %q, permissions: {publish: {allow: [`+operate.String()+`]}, subscribe: {allow: ["_INBOX.>"]}}}
    ]
    imports: [{service: {account: SYS, subject: "nowhere.>"}, to: "$JS.API.>"}
      {stream: {account: `+logAccount+`, subject: "`+BackupInboxes+`"}}
`+imports.String()+`]
  }
}`, hashes...), nil
}
