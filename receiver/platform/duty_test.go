package platform_test

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"

	"github.com/orderfold/orderfold/receiver/platform"
	"github.com/stretchr/testify/require"
)

// lapsing is a duty that the test takes away.
type lapsing struct{ held atomic.Bool }

func (l *lapsing) Held() bool { return l.held.Load() }

func (l *lapsing) Hold(ctx context.Context) (context.Context, func()) { return ctx, func() {} }

func TestAProcessThatLostTheDutyAfterItsLastCheckSendsNothing(t *testing.T) {
	for name, used := range map[string]bool{"on a new connection": false, "on a reused connection": true} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, says(http.StatusOK, order))
			duty := &lapsing{}
			c := newClient(t, a, func(o *platform.Options) { o.Duty, o.Attempts = duty, 2 })
			before := int64(0)
			duty.held.Store(true)
			if used {
				_, err := c.Order(t.Context(), object, orderID)
				require.NoError(t, err)
				before = 1
			}
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { duty.held.Store(false) }})
			_, err := c.Order(ctx, object, orderID)
			require.ErrorContains(t, err, "another process has the duty to ask")
			require.Equal(t, before, a.asked.Load())
			require.Equal(t, before, a.tokens.Load())
		})
	}
}
