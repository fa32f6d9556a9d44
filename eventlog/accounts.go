package eventlog

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The users of the embedded server. DESIGN.md says why the subscribers have an account of their own.
const (
	logAccount     = "ORDERFOLD"
	selfUser       = "self"
	subscriberUser = "subscriber"
	operatorUser   = "operator"
)

// service is a request that subscribers may send to the log's account.
type service struct {
	subject  string
	stream   bool // answered by more than one message
	operator bool // for the operator only
}

var services = []service{
	{subject: "$JS.API.STREAM.INFO." + streamName},
	{subject: "$JS.API.STREAM.MSG.GET." + streamName},
	{subject: "$JS.API.DIRECT.GET." + streamName, stream: true},
	{subject: "$JS.API.DIRECT.GET." + streamName + ".>", stream: true},
	{subject: "$JS.API.CONSUMER.INFO." + streamName + ".*"},
	{subject: "$JS.API.CONSUMER.MSG.NEXT." + streamName + ".*", stream: true},
	{subject: "$JS.ACK." + streamName + ".>"},
	{subject: "$JS.API.CONSUMER.CREATE." + streamName, operator: true},
	{subject: "$JS.API.CONSUMER.CREATE." + streamName + ".>", operator: true},
	{subject: "$JS.API.CONSUMER.DURABLE.CREATE." + streamName + ".*", operator: true},
	{subject: "$JS.API.CONSUMER.DELETE." + streamName + ".*", operator: true},
	{subject: "$JS.API.CONSUMER.LIST." + streamName, operator: true},
	{subject: "$JS.API.CONSUMER.NAMES." + streamName, operator: true},
}

// accountsConfig is the part of the server's configuration that says who may do what.
//
// An account without JetStream still gets the server's own answer, "not enabled", to every request of the JetStream API,
// and the first answer wins. The import of nowhere.> stands in the place of that answer.
func accountsConfig(self string, users passwords) (string, error) {
	var exports, imports, read, operate strings.Builder
	for _, s := range services {
		kind := "singleton"
		if s.stream {
			kind = "stream"
		}
		fmt.Fprintf(&exports, "{service: %q, response: %s}\n", s.subject, kind)
		fmt.Fprintf(&imports, "{service: {account: %s, subject: %q}}\n", logAccount, s.subject)
		fmt.Fprintf(&operate, "%q\n", s.subject)
		if !s.operator {
			fmt.Fprintf(&read, "%q\n", s.subject)
		}
	}
	hashes := make([]any, 0, 3)
	for _, password := range []string{self, users.Subscriber, users.Operator} {
		// The lowest cost: the passwords are random and long, and each connection waits for the comparison.
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
    exports: [`+exports.String()+`]
  }
  SUBSCRIBERS {
    users: [
      {user: `+subscriberUser+`, password: %q, permissions: {publish: {allow: [`+read.String()+`]}, subscribe: {allow: ["_INBOX.>"]}}}
      {user: `+operatorUser+`, password: %q, permissions: {publish: {allow: [`+operate.String()+`]}, subscribe: {allow: ["_INBOX.>"]}}}
    ]
    imports: [{service: {account: SYS, subject: "nowhere.>"}, to: "$JS.API.>"}
`+imports.String()+`]
  }
}`, hashes...), nil
}
