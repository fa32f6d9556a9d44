package eventlog_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// With -race, this test also shows that no method uses a connection that is still being opened.
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

func TestProcessesThatCreateTheLogAtTheSameTimeGetTheSameLog(t *testing.T) {
	p := separatePlace(t, "")
	p.options.MayCreate = true
	const processes = 16
	logs, errs := make([]*eventlog.Log, processes), make([]error, processes)
	begin := make(chan struct{})
	var opening sync.WaitGroup
	for i := range processes {
		opening.Go(func() {
			<-begin
			logs[i], errs[i] = eventlog.Open(t.Context(), p.options)
		})
	}
	close(begin)
	opening.Wait()
	names := map[string]bool{}
	for i := range processes {
		require.NoError(t, errs[i])
		bounds, err := logs[i].Bounds(t.Context())
		require.NoError(t, err)
		names[bounds.Log] = true
		require.NoError(t, logs[i].Close())
	}
	require.Len(t, names, 1)
}
