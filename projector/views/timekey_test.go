package views

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// anyInstant draws times of any year, often close to each other, and often near the limits of 64-bit nanoseconds.
func anyInstant() *rapid.Generator[time.Time] {
	ends := []time.Time{{}, time.Date(0, 12, 31, 23, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(10000, 1, 1, 0, 59, 59, 0, time.UTC), time.Unix(0, math.MinInt64).UTC(), time.Unix(0, math.MaxInt64).UTC(),
		time.Unix(0, 0).UTC(), start}
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "near an end") {
			return rapid.SampledFrom(ends).Draw(t, "end").Add(time.Duration(rapid.Int64Range(-2, 2).Draw(t, "nanoseconds")))
		}
		return time.Date(rapid.IntRange(1, 9999).Draw(t, "year"), 1, 1, 0, 0, 0, rapid.IntRange(0, 999_999_999).Draw(t, "nanosecond"), time.UTC)
	})
}

func TestTimeKeysCompareAsTheirTimesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInstant().Draw(t, "a"), anyInstant().Draw(t, "b")
		require.Equal(t, a.Before(b), list.TimeKeyOf(a) < list.TimeKeyOf(b))
		require.Equal(t, a.Equal(b), list.TimeKeyOf(a) == list.TimeKeyOf(b))
		require.Less(t, list.TimeKey(""), list.TimeKeyOf(a))
		shown, err := statemachine.ParseTime(list.TimeKeyOf(a).String())
		if year := a.Add(23 * time.Hour).Year(); err == nil || 1 < year && year < 9999 {
			require.NoError(t, err)
			require.True(t, a.Equal(shown))
		}
	})
}

// The order of a list, the selection by a period, and the order and ages of breaks agree with the instants, for times
// of any year.
func TestTheDatabaseSortsInstantsOfAnyYear(t *testing.T) {
	bounds = small
	t.Cleanup(func() { bounds = usual })
	s, w := open(t, t.TempDir()), newWorld()
	statuses := []statemachine.Status{"", statemachine.Placed, statemachine.Filled, statemachine.Canceled, "UNHEARD_OF"}
	var times []time.Time
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(r, "notifications") {
			at := anyInstant().Draw(r, "time")
			times = append(times, at)
			w.notify(fmt.Sprintf("o-%d", rapid.IntRange(0, len(w.orders)).Draw(r, "order")), statemachine.Notification{
				Status: rapid.SampledFrom(statuses).Draw(r, "status"), At: at, Dated: true})
		}
		w.commit(r, s)
		since, until := times[rapid.IntRange(0, len(times)-1).Draw(r, "since")], anyInstant().Draw(r, "until")
		period := rapid.SampledFrom([]Period{{}, {Since: &since}, {Until: &since}, {Since: &since, Until: &until}}).Draw(r, "period")
		sort := Sort(rapid.IntRange(int(LatestReceived), int(EarliestModified)).Draw(r, "sort"))
		q := Query{Modified: period, Sort: sort, Limit: rapid.IntRange(5, 40).Draw(r, "limit")}
		require.Equal(r, idsOf(w.newestFirst(), q), walk(r, s, q), "%+v", q)
		w.requireBreaks(r, s, BreakQuery{Now: anyInstant().Draw(r, "now"), Limit: 30})
	})
	requireConsistent(t, s)
}

func TestABoundMayBeOutsideTheTimesOfTheLog(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("a", statemachine.Placed)
	w.commit(t, s)
	early, late := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		period Period
		found  bool
	}{
		"since the first year":            {Period{Since: &early}, true},
		"since the last year":             {Period{Since: &late}, false},
		"until the first year":            {Period{Until: &early}, false},
		"until the last year":             {Period{Until: &late}, true},
		"from the first to the last year": {Period{Since: &early, Until: &late}, true},
		"from the last to the first year": {Period{Since: &late, Until: &early}, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.found, len(walk(t, s, Query{Received: c.period})) == 1)
		})
	}
}
