package embedded

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Stream is the name of the stream that is the log.
const Stream = "NOTIFICATIONS"

// Feed is the name of the stream of order events.
const Feed = "ORDERS"

// ServerName is the name that the server reports to its clients.
const ServerName = "orderfold"

// The users of the server. DESIGN.md explains why subscribers have an account of their own.
const (
	// OperatorUser has more rights than subscribers: it may manage consumers, and send the requests
	// below.
	OperatorUser = "operator"

	logAccount        = "ORDERFOLD"
	subscriberAccount = "SUBSCRIBERS"
	selfUser          = "self"
	subscriberUser    = "subscriber"
)

// Users contains the names of the users that the server always has.
var Users = []string{selfUser, subscriberUser, OperatorUser}

// The requests of the operator that the process with the log answers, and the inboxes in the log's
// account.
const (
	// BackupRequest is the subject at which the operator's requests for a backup arrive in the
	// log's account.
	BackupRequest = "orderfold.backup"
	// LimitRequest is the subject of the operator's requests for another limit of the log.
	LimitRequest = "orderfold.limit"
	// ConsumerRequest begins the subjects at which the operator's requests for a consumer arrive in
	// the log's account. The rest of the subject is the same as after "$JS.API.CONSUMER.".
	ConsumerRequest = "orderfold.consumer."
	// BackupInboxes are the subjects to which a backup may be sent. Messages to them leave the
	// log's account.
	BackupInboxes = "_INBOX.>"
	// SelfInboxes is the prefix of the inboxes of the user returned by Login. Its answers stay in
	// the log's account because BackupInboxes do not contain them.
	SelfInboxes = "_SELF"
)

// service is a request that subscribers may send to the log's account.
type service struct {
	subject  string
	stream   bool   // answered by more than one message
	operator bool   // only for the operator
	served   string // the subject in the log's account, if different
}

// services are the requests about the log and the feed, followed by those about the log alone.
var services = slices.Concat(readServices(Stream), readServices(Feed), []service{
	{subject: "$JS.API.STREAM.SNAPSHOT." + Stream, operator: true, served: BackupRequest},
	{subject: "$JS.SNAPSHOT.ACK." + Stream + ".>", operator: true},
	{subject: LimitRequest, operator: true},
})

// readServices returns the requests that a reader of the stream may send.
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

// Requests returns the subjects to which the subscriber with that name may publish: to inspect its
// consumer, to request the next messages, and to acknowledge them. The second request is answered
// by more than one message.
func Requests(name, stream string) [3]string {
	return [3]string{"$JS.API.CONSUMER.INFO." + stream + "." + name, "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + name,
		"$JS.ACK." + stream + "." + name + ".>"}
}

// Inboxes returns the prefix of the subjects at which the subscriber with that name receives
// answers. The prefix is not _INBOX, because the users subscriber and operator may listen there.
func Inboxes(name string) string { return "_INBOX_" + name }

// allowed returns the requests of the users subscriber and operator.
func allowed(operator bool) (subjects []string) {
	for _, s := range services {
		if operator || !s.operator {
			subjects = append(subjects, s.subject)
		}
	}
	return subjects
}

// accountsConfig returns the part of the server's configuration that contains the accounts. The
// guard decides who may connect.
//
// An account without JetStream still gets the server's own answer, "not enabled", to every request
// of the JetStream API, and the first answer wins. The import of nowhere.> takes the place of that
// answer.
func accountsConfig() string {
	var exports, imports strings.Builder
	for _, s := range services {
		kind := "singleton"
		if s.stream {
			kind = "stream"
		}
		served := cmp.Or(s.served, s.subject)
		fmt.Fprintf(&exports, "{service: %q, response: %s}\n", served, kind)
		fmt.Fprintf(&imports, "{service: {account: %s, subject: %q}, to: %q}\n", logAccount, served, s.subject)
	}
	return `
system_account: SYS
accounts {
  SYS { exports: [{service: "nowhere.>"}] }
  ` + logAccount + ` {
    jetstream: enabled
    exports: [` + exports.String() + `{stream: "` + BackupInboxes + `"}]
  }
  ` + subscriberAccount + ` {
    imports: [{service: {account: SYS, subject: "nowhere.>"}, to: "$JS.API.>"}
      {stream: {account: ` + logAccount + `, subject: "` + BackupInboxes + `"}}
` + imports.String() + `]
  }
}`
}
