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

// The names of the streams for subscribers.
const (
	SubscribeOrders        = "orders"        // the feed
	SubscribeNotifications = "notifications" // the log
)

// Values of Subscription.From that are not the sequence of a particular message.
const (
	FromNow   uint64 = 0 // begin after the last message
	FromStart uint64 = 1 // begin at the first message that still exists
)

// MaxSubscribers is the largest number of subscribers. Each one adds a row to the metrics, and a
// request to the server when they are listed.
const MaxSubscribers = 100

var (
	// ErrSubscriberTaken occurs if a new subscriber has the name of another one, or there are
	// already MaxSubscribers. Nothing was changed.
	ErrSubscriberTaken = errors.New("eventlog: the subscriber cannot be added")
	// ErrSubscription occurs if the settings of a new subscriber are invalid. Nothing was changed.
	ErrSubscription = errors.New("eventlog: the subscriber cannot have these settings")
	// ErrNotHere occurs if this process cannot add or remove subscribers. Nothing was changed.
	ErrNotHere = errors.New("eventlog: subscribers cannot be changed here")
	// ErrNoSubscriber occurs if the subscriber to be removed does not exist.
	ErrNoSubscriber = errors.New("eventlog: there is no subscriber of that name")
)

// Subscription selects the messages that a subscriber receives.
type Subscription struct {
	Name         string   // see CheckSubscriber
	Stream       string   // SubscribeOrders or SubscribeNotifications
	AssetClasses []string // of the orders, such as "digital"; empty: every message
	From         uint64   // FromNow, FromStart or the sequence of the first message
	MaxPending   int      // the largest number of unacknowledged messages; at least 1
}

// subscriberKey is the metadata key that marks the consumer of a subscriber.
const subscriberKey = "orderfold-subscriber"

// redeliverAfter is the time after which an unacknowledged message is delivered again.
const redeliverAfter = 10 * time.Second

// SubscriberNames is a regular expression for the names of subscribers. A name is also used for a
// consumer, a user and a file, and in subjects.
const SubscriberNames = `^[a-z0-9][a-z0-9_-]{0,63}$`

var subscriberNames = regexp.MustCompile(SubscriberNames)

// CheckSubscriber returns an error unless a subscriber may have that name: 1 to 64 lower-case
// letters, digits, hyphens and underscores, and not the name of a user that the embedded server
// always has.
func CheckSubscriber(name string) error {
	if !subscriberNames.MatchString(name) {
		return fmt.Errorf("%w: a name has 1 to 64 characters, lower-case letters, digits, - and _, and begins with a letter or a digit", ErrSubscription)
	}
	if slices.Contains(embedded.Users, name) {
		return fmt.Errorf("%w: the server already has a user %s: choose another name", ErrSubscription, name)
	}
	return nil
}

// check returns an error if the settings are invalid for every stream.
func (s *Subscription) check() error {
	if err := CheckSubscriber(s.Name); err != nil {
		return err
	}
	if s.Stream != SubscribeOrders && s.Stream != SubscribeNotifications {
		return fmt.Errorf("%w: the stream must be %s or %s", ErrSubscription, SubscribeOrders, SubscribeNotifications)
	}
	known := []string{"digital", "tokenized", "traditional"}
	if s.Stream == SubscribeOrders {
		known = append(known, "other")
	}
	for _, class := range s.AssetClasses {
		if !slices.Contains(known, class) {
			return fmt.Errorf("%w: the stream %s has no asset class %.40q, only %s", ErrSubscription, s.Stream, class, strings.Join(known, ", "))
		}
	}
	if s.MaxPending < 1 {
		return fmt.Errorf("%w: the largest number of pending messages must be at least 1", ErrSubscription)
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

// filters returns the subjects of the messages, or none for every subject of the feed. The subjects
// of the log are always listed, because the log may also contain records that subscribers do not
// receive.
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

// orderObject is the end of the name of each object that is an order; the beginning is the asset
// class.
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

// filtersOf returns the subjects of a consumer, or none for every subject. The server reports them
// in one of two fields.
func filtersOf(c *jetstream.ConsumerConfig) []string {
	if c.FilterSubject != "" {
		return []string{c.FilterSubject}
	}
	return c.FilterSubjects
}

// inOrder returns a list sorted, without repeats.
func inOrder(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// equal reports whether the settings are the same.
func (s *Subscription) equal(other *Subscription) bool {
	return s.Name == other.Name && s.Stream == other.Stream && s.From == other.From && s.MaxPending == other.MaxPending &&
		slices.Equal(s.AssetClasses, other.AssetClasses)
}

// String returns the settings as flags of orderfold subscribers add.
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

// permissions returns the lines that an operator adds to the configuration of an external server.
// They import nowhere.>, because the account of subscribers has no JetStream; see package embedded.
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
