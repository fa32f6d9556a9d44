package eventlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestAFaultContainsAHintAndWhetherItClears(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 3)...)
	at := position(t, l)
	read := func(after eventlog.Position) error {
		_, err := readAll(t.Context(), l, after)
		return err
	}
	opened := func(o eventlog.Options) error {
		_, err := eventlog.Open(t.Context(), o)
		return err
	}
	for _, test := range []struct {
		name   string
		err    error
		is     error
		hint   string
		clears bool
	}{
		{"the log ends before the position", read(eventlog.Position{Log: at.Log, Sequence: 7}), eventlog.ErrFuture, "delete the folder of the views", false},
		{"the position belongs to another log", read(eventlog.Position{Log: "other", Sequence: 1}), eventlog.ErrDiverged, "put the right one back", false},
		{"another record is at the position", read(eventlog.Position{Log: at.Log, Sequence: 3, Hash: "other"}), eventlog.ErrDiverged, "put the right one back", false},
		{"another process uses the folder", opened(p.options), eventlog.ErrLocked, "stop that process", false},
		{"there is no log", opened(eventlog.Options{Dir: t.TempDir()}), eventlog.ErrNoStream, "start the receiver", false},
		{"no server answers", opened(eventlog.Options{URL: "nats://127.0.0.1:1"}), eventlog.ErrUnavailable, "start it or correct the URL", true},
		{"the URL is invalid", opened(eventlog.Options{URL: "nats://user:s3cret/7@127.0.0.1:1"}), nil, "nats://host:port", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.is != nil {
				require.ErrorIs(t, test.err, test.is)
			}
			f := eventlog.FaultOf(test.err)
			require.NotNil(t, f, "%v", test.err)
			require.Contains(t, f.Hint, test.hint)
			require.Equal(t, test.clears, f.Clears)
			require.False(t, strings.Contains(f.Err.Error(), f.Hint), "Err does not contain the hint")
			require.ErrorContains(t, test.err, f.Hint, "the message contains the hint")
		})
	}
	require.Nil(t, eventlog.FaultOf(nil))
	require.Nil(t, eventlog.FaultOf(errors.New("another error")))
}
