package embedded

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// guard decides who may connect, and what each user may do. The server asks it for every
// connection, so users can change without a reload of the server. A reload would create the imports
// of all accounts again, and requests that wait for a message would never be answered.
type guard struct {
	running func() *server.Server

	mu    sync.RWMutex
	users map[string]user
}

// user is a user that may connect.
type user struct {
	secret  [sha256.Size]byte // the hash of the password, which is random and long
	account string
	inside  bool                // accepted only on connections inside the process
	allowed *server.Permissions // nil: every subject of the account
}

// newGuard returns a guard that accepts our own user and those with a stored password.
func newGuard(running func() *server.Server, self string, p passwords) *guard {
	g := &guard{running: running, users: map[string]user{
		selfUser:       {secret: sha256.Sum256([]byte(self)), account: logAccount, inside: true},
		subscriberUser: outside(p.Subscriber, allowed(false), "_INBOX.>"),
		OperatorUser:   outside(p.Operator, allowed(true), "_INBOX.>"),
	}}
	for name, l := range p.Subscribers {
		g.admit(name, l)
	}
	return g
}

// outside returns a user of the subscribers' account.
func outside(password string, requests []string, inboxes string) user {
	return user{secret: sha256.Sum256([]byte(password)), account: subscriberAccount, allowed: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: requests},
		Subscribe: &server.SubjectPermission{Allow: []string{inboxes}},
	}}
}

// admit allows a subscriber to connect.
func (g *guard) admit(name string, l login) {
	requests := Requests(name, l.Stream)
	u := outside(l.Password, requests[:], Inboxes(name)+".>")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users[name] = u
}

// dismiss forbids a subscriber to connect, and ends its connections.
func (g *guard) dismiss(name string) error {
	g.mu.Lock()
	delete(g.users, name)
	g.mu.Unlock()
	running := g.running()
	if running == nil {
		return nil // there are no connections, and the next server calls Check for each one
	}
	// The list contains every connection that was accepted before the user was deleted, because
	// Check holds the lock until the connection has its user.
	connections, err := running.Connz(&server.ConnzOptions{Username: true, User: name, Limit: running.NumClients() + 1000})
	if err != nil {
		return fmt.Errorf("eventlog: end the connections of subscriber %s: %w", name, err)
	}
	for _, c := range connections.Conns {
		_ = running.DisconnectClientByID(c.Cid) // an error means that it has already ended
	}
	return nil
}

// Check reports whether a connection has the password of the user that it names, and gives it the
// rights of that user.
func (g *guard) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	// A connection that also has a key is refused, because dismiss would not find it.
	if c.Kind() != server.CLIENT || o.Nkey != "" {
		return false
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	u, known := g.users[o.Username]
	given := sha256.Sum256([]byte(o.Password))
	if !known || subtle.ConstantTimeCompare(given[:], u.secret[:]) != 1 {
		return false
	}
	if from := c.RemoteAddress(); u.inside && (from == nil || from.Network() != "pipe") {
		return false
	}
	running := g.running()
	if running == nil { // the server of the connection is being stopped
		return false
	}
	account, err := running.LookupAccount(u.account)
	if err != nil {
		return false
	}
	c.RegisterUser(&server.User{Username: o.Username, Account: account, Permissions: u.allowed})
	return true
}
