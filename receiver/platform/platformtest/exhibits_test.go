package platformtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExhibitsHaveOverdueSettlementsBreaksAndAnUnreadableNotification(t *testing.T) {
	traffic := Traffic{Seed: 5, Start: start, Orders: 40, Lost: 1, Listed: 0, Exhibits: true}
	overdue, before := 0, time.Time{}
	breaks := map[string]int{}
	for i := range exhibits {
		o := traffic.Order(i)
		at := traffic.order(i).created
		require.Equal(t, Traditional, o.AssetClass)
		require.False(t, at.Before(before), "exhibits are created in this sequence")
		before = at
		last := o.Facts[len(o.Facts)-1]
		if age := start.Sub(last.At); age > 7*oneDay {
			require.Less(t, age, 17*oneDay)
			require.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, last.At.Weekday())
			require.NotContains(t, []string{"SETTLED", "INVALID", "REJECTED"}, last.Status)
			require.NotNil(t, o.Expected.ExecutedQuantity)
			require.Empty(t, o.Expected.Breaks)
			overdue++
		}
		for _, code := range o.Expected.Breaks {
			breaks[code]++
		}
		for _, what := range traffic.fates(traffic.order(i)) {
			require.Equal(t, delivered, what, "no notification of an exhibit is lost")
		}
	}
	require.Equal(t, 5, overdue)
	for _, code := range []string{"fill_after_close", "close_after_fill", "overfill", "unknown_status"} {
		require.NotZero(t, breaks[code], code)
	}
	plain := traffic
	plain.Exhibits = false
	for i := len(exhibits); i < traffic.Orders; i++ {
		require.Equal(t, plain.Order(i), traffic.Order(i), "exhibits do not change other orders")
	}
	require.NotEqual(t, plain.Order(0), traffic.Order(0))

	unread := 0
	for n := range traffic.Notifications() {
		var body map[string]any
		require.NoError(t, json.Unmarshal(n.Body, &body))
		if strings.HasSuffix(n.Path, "-asset-order-notification") && body["orderId"] == nil {
			unread++
		}
	}
	require.Equal(t, 1, unread)
}

const oneDay = 24 * time.Hour

// There may be fewer orders than exhibits, and the start may be on any weekday.
func TestExhibitsAreCreatedInSequenceOnEveryDayOfTheWeek(t *testing.T) {
	for offset := range 7 {
		for orders := range len(exhibits) + 1 {
			traffic := Traffic{Start: start.AddDate(0, 0, offset), Orders: orders, Exhibits: true}
			before := time.Time{}
			for i := range orders {
				at := traffic.order(i).created
				require.True(t, at.After(before))
				before = at
			}
		}
	}
}

func TestThePlatformDoesNotHaveSomeExhibits(t *testing.T) {
	traffic := Traffic{Seed: 5, Start: start, Orders: len(exhibits), Exhibits: true}
	p := newPartner(t, ServerOptions{Traffic: traffic, Now: atStart}).signIn()
	p.Server.HappenAll()
	for i, e := range exhibits {
		o := traffic.Order(i)
		answer := p.do(http.MethodGet, orderPath(o), "", "")
		if e.gone {
			require.Equal(t, http.StatusNotFound, answer.code, e.name)
			continue
		}
		require.Equal(t, http.StatusOK, answer.code, e.name)
		fetched := readFetched(t, o.AssetClass, answer.body)
		require.ElementsMatch(t, o.Expected.Breaks, Truth(append(o.Facts, fetched)).Breaks, "asking does not change the breaks: %s", e.name)
	}
}

func TestOrdersOfTheLastServersThatJoinedAreKnown(t *testing.T) {
	p := newPartner(t, ServerOptions{Traffic: Traffic{Seed: 1, Start: start, Orders: 3}, Now: atStart}).signIn()
	p.Server.HappenAll()
	code := func(o Order) int { return p.do(http.MethodGet, orderPath(o), "", "").code }
	var all []Order
	for i := range 7 {
		traffic := Traffic{Seed: uint64(i + 2), Start: start, Orders: 4}
		joining, err := NewServer(ServerOptions{Traffic: traffic, Now: atStart})
		require.NoError(t, err)
		_, o := find(t, traffic, func(o Order) bool { return o.AssetClass != Digital && *o.Expected.Status != invalid })
		require.Equal(t, http.StatusNotFound, code(o))
		p.Server.Join(joining, 3)
		require.Equal(t, http.StatusNotFound, code(o), "nothing has happened yet")
		joining.HappenAll()
		all = append(all, o)
		for j, known := range all {
			want := http.StatusOK
			if j <= i-3 {
				want = http.StatusNotFound
			}
			require.Equal(t, want, code(known), "order %d after %d joined", j, i+1)
		}
		require.LessOrEqual(t, len(*p.Server.joined.Load()), 3)
	}
	_, own := find(t, p.Server.Traffic(), func(o Order) bool { return o.AssetClass != Digital })
	require.Equal(t, http.StatusOK, code(own))
}

// The test runs in virtual time.
func TestALivePlayPostsNoNotificationBeforeItsTime(t *testing.T) {
	bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the start time of a synctest bubble
	traffic := Traffic{Seed: 2, Start: bubble.Add(Tail), Orders: 60, Repeats: 0.2, Overtaking: 0.2}
	var mu sync.Mutex
	early, posted := 0, 0
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ ModifiedOn time.Time }
		err := json.NewDecoder(r.Body).Decode(&body)
		mu.Lock()
		defer mu.Unlock()
		posted++
		if err == nil && body.ModifiedOn.After(time.Now()) {
			early++
		}
	})
	inBubble(t, h, Options{Traffic: traffic, Live: true}, func(t *testing.T, r Result, err error, took time.Duration) {
		require.NoError(t, err)
		require.Zero(t, early, "nothing is posted before it happens")
		require.Equal(t, r.Totals.Notifications, posted)
		require.Greater(t, took, Arrival-5*time.Minute)
		require.Less(t, took, Tail+time.Hour, "repeats and delayed notifications come later")
	})
}
