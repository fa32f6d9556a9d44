package platformtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// ServerOptions configure a [Server].
type ServerOptions struct {
	Traffic // a zero Start means now

	Addr string // to listen on; "": a free port of 127.0.0.1
	// ClientID and ClientSecret are the credentials for a token. "": "simulated-partner", and a secret
	// derived from the seed.
	ClientID, ClientSecret string
	TokenLifetime          time.Duration // in whole seconds; 0: one hour
	Faults                 Faults
	// Now is the clock for the expiry of tokens, the purge of INVALID orders and the list of
	// undelivered webhooks; nil: time.Now. It must be safe for concurrent use. Events of orders do
	// not depend on it: see HappenUntil.
	Now func() time.Time
}

// The limits of a [Server]. Those of the platform are not documented. These are small, so that lists have
// several pages.
const (
	defaultLimit = 20       // entries of a page, if the request has no limit
	maxLimit     = 100      // a larger limit is answered with 400
	maxBody      = 16 << 10 // of a request
	maxHead      = 16 << 10 // of a request's headers
	maxHeaders   = 5        // of a webhook

	defaultLifetime = time.Hour
	purgedAfter     = 48 * time.Hour
	listedFor       = 30 * 24 * time.Hour
)

// Server implements the platform's API for the orders of a [Traffic]: token, GET order, the list of
// digital orders, undelivered webhooks, registration. It is an http.Handler, and Start makes it listen.
//
// An order exists from its first event on. The answer to GET order follows from the events that have
// happened, whether or not their notifications were posted. At first no event has happened: [Play]
// with Options.Platform, HappenUntil and HappenAll make events happen. The orders are generated again
// from the traffic for each request; about 60 bytes are stored for each.
//
// Some behaviour is not documented for the platform. Here, a request for a token has the credentials
// in the form alone. The list of undelivered webhooks is
// {"data":[{"eventType","createdOn","payload"}],"pagination":{"cursor","limit"}}, oldest first, and
// reading it removes nothing. webhooks-missing returns the event types without a webhook.
type Server struct {
	URL string // set by Start, without a trailing slash

	options ServerOptions
	key     []byte // signs tokens
	handler http.Handler
	index   map[uuid.UUID]uint32 // orders
	wallets map[uuid.UUID]int    // index of the first order of each wallet
	waiting []due                // undelivered webhooks, by time

	joined atomic.Pointer[[]*Server] // servers whose orders are known, too

	until atomic.Int64 // events up to this time have happened; in nanoseconds since 1970
	down  atomic.Bool

	mu       sync.Mutex
	ways     ways
	requests map[Request]int
	serial   uint64
	webhooks map[string]webhook

	listening *http.Server
	serving   sync.WaitGroup
}

// Request is a kind of request and its result. Route is the documented route, such as
// "GET /trading/order/{id}", or "other". Answer is the status code, followed by " cut" if the answer was
// cut off.
type Request struct{ Route, Answer string }

// NewServer returns a server. It generates the whole traffic once, which takes some microseconds per
// order. It fails if the traffic is invalid.
func NewServer(o ServerOptions) (*Server, error) {
	if err := o.Traffic.check(); err != nil {
		return nil, err
	}
	o.Traffic = o.started()
	if o.ClientID == "" {
		o.ClientID = "simulated-partner"
	}
	if o.ClientSecret == "" {
		o.ClientSecret = newSource(o.Seed, 'c').uuid().String()
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = defaultLifetime
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		options: o, key: make([]byte, 32), ways: newWays(o.Faults, o.Seed), requests: map[Request]int{}, webhooks: map[string]webhook{},
		index: make(map[uuid.UUID]uint32, o.Orders), wallets: map[uuid.UUID]int{},
	}
	rand.Read(s.key) // never fails
	s.until.Store(math.MinInt64)
	for i := range o.Orders {
		order := o.order(i)
		s.index[order.id] = uint32(i)
		if i%ordersPerWallet == 0 {
			s.wallets[o.wallet(i/ordersPerWallet)] = i
		}
		_, undelivered := o.deliveriesOf(order)
		s.waiting = append(s.waiting, undelivered...)
	}
	slices.SortFunc(s.waiting, due.compare)
	s.handler = s.routes()
	return s, nil
}

// Traffic returns the traffic of the options; its Start is set.
func (s *Server) Traffic() Traffic { return s.options.Traffic }

// Credentials returns the credentials for a token.
func (s *Server) Credentials() (clientID, clientSecret string) {
	return s.options.ClientID, s.options.ClientSecret
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start listens, and serves until Close. It must be called only once. It fails if the address is not a
// loopback address or cannot be listened on.
func (s *Server) Start() error {
	addr := s.options.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("platformtest: listen: %w", err)
	}
	// The server has no TLS, so it must not be reachable from a network.
	if at, isTCP := listener.Addr().(*net.TCPAddr); !isTCP || !at.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("platformtest: the simulated platform listens on loopback only, not on %s", addr), listener.Close())
	}
	s.URL = "http://" + listener.Addr().String()
	s.listening = &http.Server{
		Handler: s, MaxHeaderBytes: maxHead, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute,
		WriteTimeout: s.ways.faults.SlowFor + 40*time.Second,
	}
	s.serving.Go(func() { s.listening.Serve(listener) }) // ends with ErrServerClosed
	return nil
}

// Close closes all connections and waits for the server to end. It does nothing before Start or when
// called again.
func (s *Server) Close() {
	if s.listening != nil {
		s.listening.Close() // nothing can be done about an error
		s.serving.Wait()
	}
}

// Down sets whether every request is answered with 503.
func (s *Server) Down(down bool) { s.down.Store(down) }

// HappenUntil makes all events up to then happen. The events are in the hour before the traffic's Start,
// except those of exhibits. An earlier time than before has no effect.
func (s *Server) HappenUntil(then time.Time) { s.happen(then.UnixNano()) }

// HappenAll makes all events happen.
func (s *Server) HappenAll() { s.happen(math.MaxInt64) }

func (s *Server) happen(until int64) {
	for was := s.until.Load(); was < until && !s.until.CompareAndSwap(was, until); was = s.until.Load() {
	}
}

// State returns the current state of an order by its index in the traffic, even if the order was purged.
// It returns false if the order does not exist yet.
func (s *Server) State(index int) (State, bool) {
	o := s.options.order(index)
	is := o.standing(o.happenedBy(s.until.Load()))
	if is == nil {
		return State{}, false
	}
	return o.state(is), true
}

// Final returns the state of an order after all events. index is the index in the traffic.
func (s *Server) Final(index int) State {
	o := s.options.order(index)
	return o.state(o.standing(len(o.notes)))
}

// Orders returns all orders in their state after all events.
func (s *Server) Orders() iter.Seq[State] {
	return func(yield func(State) bool) {
		for i := range s.options.Orders {
			if !yield(s.Final(i)) {
				return
			}
		}
	}
}

// Requests returns how many requests of each kind there were so far.
func (s *Server) Requests() map[Request]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// Join makes s answer for the orders of another server, too, which need not listen. The orders of the
// last keep servers that joined are known, and those of earlier servers are forgotten, so that s can run
// for ever. The list of undelivered webhooks remains that of s alone.
func (s *Server) Join(other *Server, keep int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Server
	if was := s.joined.Load(); was != nil {
		all = *was
	}
	all = append(slices.Clone(all[max(0, len(all)-keep+1):]), other)
	s.joined.Store(&all)
}

// ofOrder returns the server that knows the order, or s if none does.
func (s *Server) ofOrder(id uuid.UUID) *Server {
	return s.that(func(t *Server) bool { _, known := t.index[id]; return known })
}

func (s *Server) ofWallet(id uuid.UUID) *Server {
	return s.that(func(t *Server) bool { _, known := t.wallets[id]; return known })
}

func (s *Server) that(knows func(*Server) bool) *Server {
	if joined := s.joined.Load(); joined != nil && !knows(s) {
		if i := slices.IndexFunc(*joined, knows); i >= 0 {
			return (*joined)[i]
		}
	}
	return s
}

func (s *Server) now() time.Time { return s.options.Now() }
