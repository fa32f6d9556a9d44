package embedded

import (
	"net"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// caller is a connection that asks for access.
type caller struct {
	server.ClientAuthentication
	options server.ClientOpts
}

func (c *caller) GetOpts() *server.ClientOpts { return &c.options }

func (c *caller) RemoteAddress() net.Addr { return &net.TCPAddr{} }

func (c *caller) Kind() int { return server.CLIENT }

func TestAUserWhoConnectsWhileTheServerStopsIsRefused(t *testing.T) {
	g := newGuard(func() *server.Server { return nil }, "secret", passwords{Subscriber: "password"})
	require.False(t, g.Check(&caller{options: server.ClientOpts{Username: subscriberUser, Password: "password"}}))
	require.NoError(t, g.dismiss(subscriberUser))
}
