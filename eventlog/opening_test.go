package eventlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// With -race, this test also shows that no method uses a connection that is still being made.
func TestALogThatIsNotOpenYetIsUnavailable(t *testing.T) {
	p := separatePlace(t, "")
	p.stop()
	p.options.Later = true
	l := open(t, p.options)
	s := l.Subscribers()
	require.ErrorIs(t, s.Remove(t.Context(), "billing"), eventlog.ErrUnavailable)
	_, _, err := s.Add(t.Context(), usual("billing"))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = l.Holders(t.Context())
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = l.Bounds(t.Context())
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
}
