package platform_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
	"github.com/orderfold/orderfold/receiver/platform"
)

// undelivered is a platform with a list of undelivered notifications.
type undelivered struct {
	mu      sync.Mutex
	entries []string
	polls   int
}

func (u *undelivered) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.polls++
	fmt.Fprintf(w, "[%s]", strings.Join(u.entries, ", "))
}

func (u *undelivered) add(entries ...string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.entries = append(u.entries, entries...)
}

func (u *undelivered) polled() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.polls
}

// twicePolled waits until a poll that began after now is complete.
func (u *undelivered) twicePolled(t testing.TB) {
	t.Helper()
	before := u.polled()
	eventually(t, "the list is polled", func() bool { return u.polled() >= before+3 })
}

// recovering is a recoverer that runs until the test ends.
func recovering(t testing.TB, log platform.Log, u *undelivered) (r *platform.Recoverer, stop func()) {
	t.Helper()
	r, err := platform.NewRecoverer(platform.RecovererOptions{Client: newClient(t, serve(t, u.ServeHTTP)), Log: log, Key: receiver.Key,
		Every: 5 * time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return r, stop
}

func records(t testing.TB, log *eventlog.Log) (all []eventlog.Record) {
	t.Helper()
	for r, err := range log.Read(t.Context(), eventlog.Position{}) {
		require.NoError(t, err)
		all = append(all, r)
	}
	return all
}

func TestEveryFormOfAnUndeliveredNotificationIsAppended(t *testing.T) {
	log := openLog(t)
	forms := []struct{ name, entry, object, body string }{
		{"a body beside the event type", `{"eventType":"DIGITAL_ASSET_ORDER_NOTIFICATION","body": { "orderId":"a", "x":1.10 } }`, "digital-asset-order", `{ "orderId":"a", "x":1.10 }`},
		{"a payload", `{"payload":{"customerId":"c"},"eventType":"CUSTOMER_NOTIFICATION"}`, "customer", `{"customerId":"c"}`},
		{"a notification", `{"eventType":"RE_TOKEN_PRICES","notification":{}}`, "re-token-prices", `{}`},
		{"a body in a string", `{"eventType":"CUSTOMER_NOTIFICATION","body":"{\"customerId\": \"d\"}"}`, "customer", `{"customerId": "d"}`},
		{"an event type in the notification", `{"eventType":"USER_NOTIFICATION","userId":"u"}`, "user", `{"eventType":"USER_NOTIFICATION","userId":"u"}`},
		{"an unknown event type", `{"eventType":"MARGIN_CALL_NOTIFICATION","body":{"a":1}}`, "margin-call", `{"a":1}`},
		{"no event type", `{"orderId":"a"}`, "undelivered", `{"orderId":"a"}`},
		{"an invalid event type", `{"eventType":"a b/c","body":{}}`, "undelivered", `{"eventType":"a b/c","body":{}}`},
		{"a string that contains no object", `{"eventType":"USER_NOTIFICATION","body":"no"}`, "undelivered", `{"eventType":"USER_NOTIFICATION","body":"no"}`},
		{"an entry that is not an object", `17`, "undelivered", `17`},
		{"a member that contains the id", `{"eventType":"CUSTOMER_NOTIFICATION","attempts":3,"data":{"customerId":"e"}}`, "customer", `{"customerId":"e"}`},
		{"a string in a member", `{"id":7,"event":"CUSTOMER_NOTIFICATION","json":"{\"customerId\":\"f\"}"}`, "customer", `{"customerId":"f"}`},
		{"two envelopes", `{"webhook":{"type":"CUSTOMER_NOTIFICATION"},"request":{"method":"POST","body":"{\"customerId\":\"g\"}"}}`, "customer", `{"customerId":"g"}`},
		{"a notification with a nested object", `{"eventType":"CUSTOMER_NOTIFICATION","customerId":"h","address":{"customerId":"no"}}`, "customer",
			`{"eventType":"CUSTOMER_NOTIFICATION","customerId":"h","address":{"customerId":"no"}}`},
	}
	u := &undelivered{}
	for _, f := range forms {
		u.add(f.entry, f.entry)
	}
	r, _ := recovering(t, log, u)
	u.twicePolled(t)
	all := records(t, log)
	require.Len(t, all, len(forms))
	for i, f := range forms {
		require.Equal(t, eventlog.Recovered, all[i].Source)
		require.Equal(t, f.object, all[i].Object, f.name)
		require.Equal(t, f.body, string(all[i].Body), f.name)
	}
	status := r.Status()
	require.Equal(t, uint64(len(forms)), status.Holes)
	require.Equal(t, uint64(4), status.Unreadable)
	require.Empty(t, status.LastError)
	require.False(t, status.LastPolledAt.IsZero())
}

func TestDeliveryDetailsDoNotMakeAnotherNotification(t *testing.T) {
	for name, form := range map[string]string{
		"a notification beside the delivery details":  `{"eventType":"CUSTOMER_NOTIFICATION","attempts":%d,"lastAttemptAt":"%[1]d","body":{"customerId":"a","status":"NEW"}}`,
		"in a member of any name":                     `{"eventType":"CUSTOMER_NOTIFICATION","tries":%d,"data":{"customerId":"a","status":"NEW"}}`,
		"in a string":                                 `{"eventType":"CUSTOMER_NOTIFICATION","payload":"{ \"status\":\"NEW\", \"customerId\":\"a\" }","next_attempt":%d}`,
		"with delivery details among its own members": `{"eventType":"CUSTOMER_NOTIFICATION","customerId":"a","status":"NEW","attempts":%d,"lastAttemptAt":"%[1]d"}`,
		"with an object about the delivery":           `{"delivery":{"attempts":%d,"at":"%[1]d"},"status":"NEW","customerId":"a","eventType":"CUSTOMER_NOTIFICATION"}`,
		"two envelopes deep":                          `{"attempt":%d,"webhook":{"eventType":"CUSTOMER_NOTIFICATION","n":%[1]d},"request":{"body":"{\"customerId\":\"a\",\"status\":\"NEW\"}"}}`,
		"without an event type":                       `{"customerId":"a","status":"NEW","retryCount":%d,"sentAt":"%[1]d"}`,
		"without an event type, in a member":          `{"n":%d,"stuff":{"customerId":"a","status":"NEW"},"when":"%[1]d"}`,
		"in another order and spacing":                `{"n":%d,"notification":{ "status" : "NE\u0057" , "customerId":"a" },"eventType":"CUSTOMER_NOTIFICATION"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, u := openLog(t), &undelivered{}
			for attempt := range 4 { // first in one process, then in others
				u.mu.Lock()
				u.entries = []string{fmt.Sprintf(form, attempt)}
				u.mu.Unlock()
				_, stop := recovering(t, log, u)
				u.twicePolled(t)
				u.mu.Lock()
				u.entries = []string{fmt.Sprintf(form, 10+attempt)}
				u.mu.Unlock()
				u.twicePolled(t)
				stop()
			}
			require.Len(t, records(t, log), 1)
			u.add(strings.ReplaceAll(strings.ReplaceAll(fmt.Sprintf(form, 1), "NEW", "OLD"), `NE\u0057`, "OLD"))
			recovering(t, log, u)
			eventually(t, "another notification is appended", func() bool { return len(records(t, log)) == 2 })
		})
	}
}

func TestAnEntryThatAnEarlierVersionStoredWholeIsNotAppendedAgain(t *testing.T) {
	log, u := openLog(t), &undelivered{}
	whole := `{"eventType":"CUSTOMER_NOTIFICATION","attempts":1,"data":{"customerId":"a"}}`
	_, err := log.Append(t.Context(), eventlog.Record{Source: eventlog.Recovered, Object: "customer", Body: []byte(whole)})
	require.NoError(t, err)
	u.add(strings.Replace(whole, "1", "2", 1))
	recovering(t, log, u)
	u.twicePolled(t)
	require.Len(t, records(t, log), 1)
}

func TestAWebhookThatArrivedIsNotRecoveredHoweverItIsListed(t *testing.T) {
	log, u := openLog(t), &undelivered{}
	_, err := log.Append(t.Context(), eventlog.Record{Object: "customer", Body: []byte("\uFEFF{\"customerId\":\"a\", \"n\":1.10}\n")})
	require.NoError(t, err)
	u.add(`{"eventType":"CUSTOMER_NOTIFICATION","attempts":2,"n":1.10,"customerId":"a"}`, `{"eventType":"CUSTOMER_NOTIFICATION","x":{"n":1.10,"customerId":"a"}}`)
	r, _ := recovering(t, log, u)
	u.twicePolled(t)
	require.Zero(t, r.Status().Holes)
	u.add(`{"eventType":"CUSTOMER_NOTIFICATION","x":{"n":1.1,"customerId":"a"}}`)
	eventually(t, "another number is another notification", func() bool { return r.Status().Holes == 1 })
}

// forgetful is a log that appends a record and returns an error, as if the outcome were unknown.
type forgetful struct {
	*eventlog.Log
	fails int
}

func (f *forgetful) Append(ctx context.Context, r eventlog.Record) (uint64, error) {
	sequence, err := f.Log.Append(ctx, r)
	if f.fails > 0 {
		f.fails--
		return 0, fmt.Errorf("%w: it was cut off", eventlog.ErrUnavailable)
	}
	return sequence, err
}

func TestNoUndeliveredNotificationIsAppendedTwice(t *testing.T) {
	log := openLog(t)
	entry := func(id int) string {
		return fmt.Sprintf(`{"eventType":"CUSTOMER_NOTIFICATION","body":{"customerId":"%d"}}`, id)
	}
	u := &undelivered{}
	u.add(entry(1), entry(2), entry(1))
	_, stop := recovering(t, &forgetful{log, 2}, u)
	u.twicePolled(t)
	stop()
	require.Len(t, records(t, log), 2, "the log is searched for an append with an unknown outcome")

	u.add(entry(3))
	r, stop := recovering(t, log, u)
	u.twicePolled(t)
	stop()
	require.Len(t, records(t, log), 3, "the log is searched after a restart")
	require.Equal(t, uint64(1), r.Status().Holes)
}

func TestAWebhookThatArrivedIsNotRecovered(t *testing.T) {
	log := openLog(t)
	_, err := log.Append(t.Context(), eventlog.Record{Object: "customer", Body: []byte(`{"customerId":"a"}`)})
	require.NoError(t, err)
	u := &undelivered{}
	u.add(`{"eventType":"CUSTOMER_NOTIFICATION","body":{"customerId":"a"}}`, `{"eventType":"USER_NOTIFICATION","body":{"customerId":"a"}}`)
	r, stop := recovering(t, log, u)
	u.twicePolled(t)
	stop()
	require.Len(t, records(t, log), 2)
	require.Equal(t, uint64(1), r.Status().Holes)
}

func TestAListThatCannotBeReadIsReported(t *testing.T) {
	u := &undelivered{}
	u.add("{")
	r, _ := recovering(t, openLog(t), u)
	eventually(t, "the failure is reported", func() bool { return strings.Contains(r.Status().LastError, "list") })
	u.mu.Lock()
	u.entries = nil
	u.mu.Unlock()
	eventually(t, "the failure is over", func() bool { return r.Status().LastError == "" && !r.Status().LastPolledAt.IsZero() })
}

func TestMissingOptionsAreRefused(t *testing.T) {
	_, err := platform.NewRecoverer(platform.RecovererOptions{})
	require.Error(t, err)
	_, err = platform.NewAsker(platform.AskerOptions{})
	require.Error(t, err)
}
