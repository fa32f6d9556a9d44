package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// consumer is a subscriber of the feed that follows the one rule and checks the schema, and shares no code with the
// service.
type consumer struct {
	t      testing.TB
	schema *jsonschema.Schema
	orders map[string]consumed
	at     uint64 // the feed sequence of the last event that was processed
	lastID string // its ce-id
	seen   map[string]bool
	types  map[string]int
	began  int // number of snapshots taken
}

// consumed is the state of an order, and the pair that it belongs to.
type consumed struct {
	revision, sequence uint64
	order              map[string]any // nil: withdrawn
}

func newConsumer(t testing.TB) *consumer {
	t.Helper()
	text, err := os.ReadFile("../../docs/schemas/order-event-v1.json")
	require.NoError(t, err)
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("order-event", schema))
	compiled, err := c.Compile("order-event")
	require.NoError(t, err)
	return &consumer{t: t, schema: compiled, orders: map[string]consumed{}, seen: map[string]bool{}, types: map[string]int{}}
}

// snapshot replaces all data with the list of all orders.
func (c *consumer) snapshot(api string) {
	c.t.Helper()
	answer, err := http.Get(api + "/v1/orders?format=ndjson")
	require.NoError(c.t, err)
	defer answer.Body.Close()
	require.Equal(c.t, http.StatusOK, answer.StatusCode)
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(answer.Header.Get(name), 10, 64)
		require.NoError(c.t, err, "%s: %v", name, answer.Header)
		return n
	}
	revision := number("Orderfold-Revision")
	number("Log-Sequence")
	c.orders, c.at, c.lastID = map[string]consumed{}, number("Orderfold-Feed-Sequence"), ""
	c.began++
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		order := decoded[map[string]any](c.t, lines.Bytes())
		last := uint64(order["notifications"].(map[string]any)["lastSequence"].(float64))
		c.orders[order["orderId"].(string)] = consumed{revision, last, order}
	}
	require.NoError(c.t, lines.Err())
}

// read processes every event that the feed has now, and begins with a snapshot if that is necessary.
func (c *consumer) read(natsURL, api string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	nc, err := nats.Connect(natsURL)
	require.NoError(c.t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(c.t, err)
	stream, err := js.Stream(ctx, "ORDERS")
	require.NoError(c.t, err)
	state := stream.CachedInfo().State
	if c.began == 0 && (c.at == 0 && state.FirstSeq > 1) || c.at > 0 && c.lostPlace(ctx, stream) || c.at+1 < state.FirstSeq {
		c.snapshot(api)
		stream, err = js.Stream(ctx, "ORDERS")
		require.NoError(c.t, err)
		state = stream.CachedInfo().State
	}
	if state.LastSeq <= c.at {
		return
	}
	messages, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: c.at + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, InactiveThreshold: time.Minute})
	require.NoError(c.t, err)
	for c.at < state.LastSeq {
		batch, err := messages.Fetch(int(min(1000, state.LastSeq-c.at)), jetstream.FetchMaxWait(10*time.Second))
		require.NoError(c.t, err)
		got := 0
		for m := range batch.Messages() {
			got++
			meta, err := m.Metadata()
			require.NoError(c.t, err)
			require.Equal(c.t, c.at+1, meta.Sequence.Stream, "sequences have no hole")
			c.event(m, meta.Sequence.Stream)
		}
		require.NoError(c.t, batch.Error())
		require.Positive(c.t, got, "the feed ends at %d, read %d", state.LastSeq, c.at)
	}
}

// lostPlace reports whether the event at the position is not the one that was processed.
func (c *consumer) lostPlace(ctx context.Context, stream jetstream.Stream) bool {
	m, err := stream.GetMsg(ctx, c.at)
	if err != nil {
		return true
	}
	return c.lastID != "" && m.Header.Get("ce-id") != c.lastID
}

func (c *consumer) event(m jetstream.Msg, sequence uint64) {
	c.t.Helper()
	h := m.Headers()
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Data()))
	require.NoError(c.t, err)
	require.NoError(c.t, c.schema.Validate(body), "%s", m.Data())
	require.Equal(c.t, fmt.Sprintf("%020d", sequence), h["ce-sequence"][0])
	for _, name := range []string{"ce-specversion", "ce-source", "ce-time", "ce-datacontenttype", "Content-Type", "ce-dataschema", "Orderfold-Sequence", "Orderfold-Revision"} {
		require.Len(c.t, h[name], 1, name)
	}
	id, kind := h["ce-id"][0], h["ce-type"][0]
	require.False(c.t, c.seen[id], "event %s comes twice", id)
	c.seen[id] = true
	c.types[kind]++
	c.at, c.lastID = sequence, id
	if kind == "orderfold.revision.v1" {
		require.Equal(c.t, "orders.revision", m.Subject())
		return
	}
	order, err := url.PathUnescape(h["ce-subject"][0])
	require.NoError(c.t, err)
	require.Regexp(c.t, `^orders\.(traditional|digital|tokenized|other)\.[0-6][0-9]$`, m.Subject())
	revision, err := strconv.ParseUint(h["Orderfold-Revision"][0], 10, 64)
	require.NoError(c.t, err)
	logged, err := strconv.ParseUint(h["Orderfold-Sequence"][0], 10, 64)
	require.NoError(c.t, err)
	require.True(c.t, strings.HasPrefix(id, fmt.Sprintf("%d.%d.", logged, revision)))
	parts := decoded[struct{ Order json.RawMessage }](c.t, m.Data())
	sum := sha256.Sum256(parts.Order)
	require.Equal(c.t, base64.RawURLEncoding.EncodeToString(sum[:16]), h["Orderfold-Digest"][0])
	if known, is := c.orders[order]; is && (revision < known.revision || revision == known.revision && logged <= known.sequence) {
		return // the one rule
	}
	state, _ := body.(map[string]any)["order"].(map[string]any)
	require.Equal(c.t, kind == "orderfold.order.withdrawn.v1", state == nil)
	if state != nil {
		state = decoded[map[string]any](c.t, parts.Order)
	}
	c.orders[order] = consumed{revision, logged, state}
}

// requireSame requires that the consumer has every order as GET /v1/orders shows it, except for the settlement, which
// depends on the day, and repeats after the last notification that contained something new.
func (c *consumer) requireSame(p *process) {
	c.t.Helper()
	exist := map[string]bool{}
	for page := "/v1/orders?limit=500"; page != ""; {
		list := decoded[struct {
			Data       []map[string]any
			NextCursor string
		}](c.t, p.get(page))
		for _, want := range list.Data {
			id := want["orderId"].(string)
			exist[id] = true
			got := maps.Clone(c.orders[id].order)
			require.NotNil(c.t, got, "order %s", id)
			delete(want, "settlement")
			delete(got, "settlement") // from a snapshot
			is, was := want["notifications"].(map[string]any), got["notifications"].(map[string]any)
			if is["lastSequence"] != was["lastSequence"] {
				require.Equal(c.t, is["count"].(float64)-was["count"].(float64), is["duplicates"].(float64)-was["duplicates"].(float64), "order %s", id)
				delete(want, "notifications")
				delete(got, "notifications")
			}
			require.Equal(c.t, want, got, "order %s", id)
		}
		page = ""
		if list.NextCursor != "" {
			page = "/v1/orders?limit=500&cursor=" + list.NextCursor
		}
	}
	for id, o := range c.orders {
		require.Equal(c.t, exist[id], o.order != nil, "order %s", id)
	}
	require.NotEmpty(c.t, exist)
}

// requireFed waits until everything in the log is published, and no revision is in progress.
func requireFed(t testing.TB, p *process) {
	t.Helper()
	var status struct {
		Log            struct{ LastSequence uint64 }
		Applied        uint64 `json:"appliedSequence"`
		FeedLagRecords *uint64
		FeedReason     *string
	}
	eventually(t, "the feed is complete", func() bool {
		status = decoded[struct {
			Log            struct{ LastSequence uint64 }
			Applied        uint64 `json:"appliedSequence"`
			FeedLagRecords *uint64
			FeedReason     *string
		}](t, p.get("/v1/status"))
		return status.FeedLagRecords != nil && *status.FeedLagRecords == 0 && status.FeedReason == nil && status.Applied == status.Log.LastSequence
	})
}
