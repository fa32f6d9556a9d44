package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// told writes minutes for a test.
func told(all []Minute) (said []string) {
	number := func(n *uint64) string {
		if n == nil {
			return "?"
		}
		return fmt.Sprint(*n)
	}
	seconds := func(f *float64) string {
		if f == nil {
			return "?"
		}
		return fmt.Sprint(*f)
	}
	for _, m := range all {
		said = append(said, fmt.Sprint(m.At[11:16], " received ", number(m.Received), " applied ", m.Applied, " lag ", number(m.LagRecords),
			" took ", seconds(m.LatencyP50), " ", seconds(m.LatencyP99)))
	}
	return said
}

func TestThroughputIsReportedByMinute(t *testing.T) {
	var m minutes
	at := func(second int) time.Time { return time.Date(2026, 3, 2, 9, 0, second, 0, time.UTC) }
	log := func(last uint64) *LogBounds { return &LogBounds{First: 1, Last: last} }
	require.Empty(t, m.tell(1440))
	m.look(at(10), log(100), 90)
	require.Empty(t, m.tell(1440), "a single sample has no result")
	m.look(at(15), log(130), 125)
	m.look(at(20), log(130), 130)
	m.look(at(65), log(150), 150) // most of the time in between belongs to the first minute
	for i := range 100 {
		m.took(at(66), time.Duration(100-i)*time.Millisecond)
	}
	m.took(at(67), -time.Second) // the clock was set
	m.look(at(70), nil, 160)
	m.look(at(130), log(190), 160) // the number of records received while the log was unavailable is unknown
	m.look(at(135), log(200), 40)  // created again
	require.Equal(t, []string{
		"09:00 received 50 applied 60 lag 5 took ? ?",
		"09:01 received 0 applied 10 lag 30 took 0.05 0.099",
		"09:02 received 10 applied 0 lag 160 took ? ?",
	}, told(m.tell(1440)))
	require.Equal(t, []string{"09:02 received 10 applied 0 lag 160 took ? ?"}, told(m.tell(1)))

	require.Empty(t, m.kept[1].latencies, "of a minute that has ended, only the reported values are kept")

	for i := range 3000 {
		m.look(at(200+60*i), log(200), 200)
	}
	require.Len(t, m.tell(1440), 1440, "a day is kept")
	m = minutes{}
	m.look(at(0), nil, 7)
	m.look(at(5), nil, 9)
	require.Equal(t, []string{"09:00 received ? applied 2 lag ? took ? ?"}, told(m.tell(5)))
}
