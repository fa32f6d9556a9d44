package eventlog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// The streams of subscribers, by the names that people use.
const (
	SubscribeOrders        = "orders"        // the feed
	SubscribeNotifications = "notifications" // the log
)

// Where a subscription begins that begins at no particular message.
const (
	FromNow   uint64 = 0 // after the last message
	FromStart uint64 = 1 // at the first one that is kept
)

// MaxSubscribers is how many there may be: each is a row of metrics, and a question to the server when they are listed.
const MaxSubscribers = 100

var (
	// ErrSubscriberTaken occurs when a subscriber is to be added and there is another one of that name, or too many. Nothing was changed.
	ErrSubscriberTaken = errors.New("eventlog: the subscriber cannot be added")
	// ErrSubscription occurs when a subscriber is to be added with settings that cannot be. Nothing was changed.
	ErrSubscription = errors.New("eventlog: the subscriber cannot have these settings")
	// ErrNotHere occurs when a subscriber is to be added or removed by a process that cannot. Nothing was changed.
	ErrNotHere = errors.New("eventlog: subscribers cannot be changed here")
	// ErrNoSubscriber occurs when a subscriber is to be removed that does not exist.
	ErrNoSubscriber = errors.New("eventlog: there is no subscriber of that name")
)

// Subscription says which messages a subscriber gets.
type Subscription struct {
	Name         string   // see CheckSubscriber
	Stream       string   // SubscribeOrders or SubscribeNotifications
	AssetClasses []string // of the orders, such as digital; none: every message
	From         uint64   // the sequence in the stream at which it begins; FromNow, FromStart
	MaxPending   int      // how many messages it may have that it has not acknowledged
}

// subscriberKey marks consumers of subscribers in their metadata.
const subscriberKey = "orderfold-subscriber"

// redeliverAfter is when a message is delivered again that was not acknowledged.
const redeliverAfter = 10 * time.Second

// SubscriberNames describes, as a regular expression, the names that a subscriber may have: it becomes that of a consumer, a user, a file
// and a subject.
const SubscriberNames = `^[a-z0-9][a-z0-9_-]{0,63}$`

var subscriberNames = regexp.MustCompile(SubscriberNames)

// reservedNames are those of users that the embedded server has anyway.
var reservedNames = []string{"self", "subscriber", "operator"}

// CheckSubscriber returns why a subscriber may not have that name: 1 to 64 lower-case letters, digits, hyphens and underscores.
func CheckSubscriber(name string) error {
	if !subscriberNames.MatchString(name) {
		return fmt.Errorf("%w: a name has 1 to 64 characters, lower-case letters, digits, - and _, and begins with a letter or a digit", ErrSubscription)
	}
	if slices.Contains(reservedNames, name) {
		return fmt.Errorf("%w: %s is a user of the server already: choose another name", ErrSubscription, name)
	}
	return nil
}

// check returns why the subscription cannot be, whatever there is in the stream.
func (s *Subscription) check() error {
	if err := CheckSubscriber(s.Name); err != nil {
		return err
	}
	if s.Stream != SubscribeOrders && s.Stream != SubscribeNotifications {
		return fmt.Errorf("%w: the stream is %s or %s", ErrSubscription, SubscribeOrders, SubscribeNotifications)
	}
	known := []string{"digital", "tokenized", "traditional"}
	if s.Stream == SubscribeOrders {
		known = append(known, "other")
	}
	for _, class := range s.AssetClasses {
		if !slices.Contains(known, class) {
			return fmt.Errorf("%w: the asset class %.40q is none of %s, which %s have", ErrSubscription, class, strings.Join(known, ", "), s.Stream)
		}
	}
	if s.MaxPending < 1 {
		return fmt.Errorf("%w: without messages pending it would get none", ErrSubscription)
	}
	return nil
}

// streamOf returns the name of the stream in JetStream.
func (s *Subscription) streamOf() string {
	if s.Stream == SubscribeOrders {
		return feedName
	}
	return streamName
}

// filters returns the subjects of the messages; none: all of the stream. Of the log they are named in any case, since it also contains
// what people did.
func (s *Subscription) filters() (subjects []string) {
	if s.Stream == SubscribeOrders {
		for _, class := range s.AssetClasses {
			subjects = append(subjects, "orders."+class+".*")
		}
		return subjects
	}
	objects := []string{"*"}
	if len(s.AssetClasses) > 0 {
		objects = nil
	}
	for _, class := range s.AssetClasses {
		objects = append(objects, class+orderObject)
	}
	for _, object := range objects {
		subjects = append(subjects, "notifications."+object+".*", "snapshots."+object+".*")
	}
	return subjects
}

// orderObject ends the objects of orders.
const orderObject = "-asset-order"

// consumer returns the consumer of the subscription.
func (s *Subscription) consumer() jetstream.ConsumerConfig {
	c := jetstream.ConsumerConfig{Durable: s.Name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: redeliverAfter, MaxDeliver: -1,
		MaxAckPending: s.MaxPending, FilterSubjects: s.filters(), ReplayPolicy: jetstream.ReplayInstantPolicy,
		Metadata: map[string]string{subscriberKey: s.Name}}
	switch s.From {
	case FromNow:
		c.DeliverPolicy = jetstream.DeliverNewPolicy
	case FromStart:
		c.DeliverPolicy = jetstream.DeliverAllPolicy
	default:
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, s.From
	}
	return c
}

// subscriptionOf is the inverse of consumer.
func subscriptionOf(stream string, c *jetstream.ConsumerConfig) Subscription {
	s := Subscription{Name: c.Durable, Stream: SubscribeNotifications, MaxPending: c.MaxAckPending}
	if stream == feedName {
		s.Stream = SubscribeOrders
	}
	switch c.DeliverPolicy {
	case jetstream.DeliverNewPolicy:
		s.From = FromNow
	case jetstream.DeliverAllPolicy:
		s.From = FromStart
	default:
		s.From = c.OptStartSeq
	}
	for _, subject := range filtersOf(c) {
		if tokens := strings.Split(subject, "."); len(tokens) > 1 && tokens[1] != "*" {
			s.AssetClasses = append(s.AssetClasses, strings.TrimSuffix(tokens[1], orderObject))
		}
	}
	s.AssetClasses = inOrder(s.AssetClasses)
	return s
}

// filtersOf returns the subjects of a consumer, which has one of two fields; none: all.
func filtersOf(c *jetstream.ConsumerConfig) []string {
	if c.FilterSubject != "" {
		return []string{c.FilterSubject}
	}
	return c.FilterSubjects
}

// inOrder sorts a list and leaves repeats out.
func inOrder(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// equal reports whether both get the same messages in the same way.
func (s *Subscription) equal(other *Subscription) bool {
	return s.Name == other.Name && s.Stream == other.Stream && s.From == other.From && s.MaxPending == other.MaxPending &&
		slices.Equal(s.AssetClasses, other.AssetClasses)
}

// String returns the settings as the flags of orderfold subscribers add.
func (s *Subscription) String() string {
	from := fmt.Sprint(s.From)
	switch s.From {
	case FromNow:
		from = "now"
	case FromStart:
		from = "start"
	}
	text := fmt.Sprintf("--stream %s --from %s --max-pending %d", s.Stream, from, s.MaxPending)
	for _, class := range s.AssetClasses {
		text += " --asset-class " + class
	}
	return text
}

// permissions returns what an operator sets on a server of its own, in the syntax of its configuration. An account without JetStream
// needs the import of nowhere.>, see embedded.
func (s *Subscription) permissions() string {
	requests := embedded.Requests(s.Name, s.streamOf())
	var exports, imports, publish strings.Builder
	for i, subject := range requests {
		response := ""
		if i == 1 {
			response = ", response: stream"
		}
		fmt.Fprintf(&exports, "      {service: %q%s}\n", subject, response)
		fmt.Fprintf(&imports, "      {service: {account: ORDERFOLD, subject: %q}}\n", subject)
		fmt.Fprintf(&publish, "          %q\n", subject)
	}
	return fmt.Sprintf(`# Add these lines to the accounts of the server, and choose a password.
# SYS is the system account, ORDERFOLD the account with the streams. SUBSCRIBERS
# must be another one: within one account, a user who may only send requests can
# have the answers stored in a stream. With the accounts of contrib/nats only the
# user is new.
accounts {
  SYS {
    exports: [{service: "nowhere.>"}]
  }
  ORDERFOLD {
    exports: [
%s    ]
  }
  SUBSCRIBERS {
    imports: [
      {service: {account: SYS, subject: "nowhere.>"}, to: "$JS.API.>"}
%s    ]
    users: [
      {user: %q, password: "PASSWORD", permissions: {
        publish: {allow: [
%s        ]}
        subscribe: {allow: [%q]}
      }}
    ]
  }
}
`, exports.String(), imports.String(), s.Name, publish.String(), embedded.Inboxes(s.Name)+".>")
}
