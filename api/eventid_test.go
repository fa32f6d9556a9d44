package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestTheIDOfAnEventNamesOneRecordOfOneLog(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 5 {
		s.tell(t, order(fmt.Sprint(i), statemachine.Placed, 1, ""))
	}
	s.mu.Lock()
	s.records[4].Hash = strings.Repeat("0a1b2c3d", 8)
	s.mu.Unlock()
	for _, c := range []struct{ name, id, reason string }{
		{"of the existing record", "5-0a1b2c3d", ""},
		{"a bare sequence", "5", ""},
		{"of another record at that sequence", "5-0a1b2c3e", "unknown"},
		{"of a record after the end", "6-0a1b2c3d", "unknown"},
		{"with too few digits", "5-0a1b2c3", "unknown"},
		{"with too many digits", "5-0a1b2c3d4", "unknown"},
		{"in upper case", "5-0A1B2C3D", "unknown"},
		{"without digits", "5-", "unknown"},
		{"without a sequence", "-0a1b2c3d", "unknown"},
		{"that is not a number", "x-0a1b2c3d", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s.listen(t, "", "Last-Event-ID: "+c.id)
			if c.reason != "" {
				r.resync(t, c.reason)
				return
			}
			requireResumed(t, r)
		})
	}
	require.Equal(t, "5-0a1b2c3d", s.listen(t, "?snapshot=false").tag(t))
	s.lose("", 5, 5)
	requireResumed(t, s.listen(t, "", "Last-Event-ID: 5-ffffffff")) // there is no record to compare with
	s.fail(errors.New("gone"), nil)
	code, _ := s.get(t, "/v1/stream", "Last-Event-ID: 5-0a1b2c3d").problem(t)
	require.Equal(t, "log-unavailable", code)
}

func requireResumed(t *testing.T, r *reader) {
	t.Helper()
	e, err := r.read()
	require.NoError(t, err)
	require.Equal(t, "heartbeat", e.kind)
}

// tag returns the text of the first id of the stream.
func (r *reader) tag(t *testing.T) string {
	t.Helper()
	for {
		line, err := r.lines.ReadString('\n')
		require.NoError(t, err)
		if id, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "id: "); ok {
			return id
		}
	}
}
