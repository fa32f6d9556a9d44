package platformtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// ErrUndelivered means that a notification got no final answer within Options.RetryFor. It ends the
// play. The receiver may have stored that notification.
var ErrUndelivered = errors.New("the receiver did not accept a notification in time")

// Options configure a play.
type Options struct {
	Traffic // a zero Start means now

	URL         string        // of the receiver, with any path prefix; the paths of the event types are appended
	TLS         *tls.Config   // for an https URL; nil: the certificates that the system trusts
	Auth        string        // headers of every request, as "name=value,name2=value2"; "": none
	Connections int           // concurrent postings, each on its own connection; 0: 16
	Rate        float64       // postings per second, evenly spaced; 0: as fast as possible
	RetryFor    time.Duration // how long to try one notification; 0: 30 s
	// Platform, if not nil, provides the traffic in place of Traffic. Events happen at that platform
	// before they are posted, and all events have happened at the end.
	Platform *Server
	// Live posts no notification before its time. With a Start in the future, orders are played in
	// real time.
	Live bool
	// Progress is called after every posting, by one goroutine at a time; the play waits for it.
	Progress func(Progress)

	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network
}

// Progress is the progress of a play.
type Progress struct {
	Posted, Acknowledged, Total int
}

const (
	defaultConnections = 16
	defaultRetryFor    = 30 * time.Second
)

// Play posts the traffic. With more than one connection, postings overlap, so neighbouring
// notifications may arrive in either sequence. A notification that is answered with 429 or 5xx, or not
// at all, is posted again after a pause, which is that of Retry-After but at most five seconds. Any
// other answer is final and is counted, and the play continues.
//
// Play returns an error if the options are invalid, if the context ends, or if a notification is
// undelivered ([ErrUndelivered]); otherwise a missing receiver would cost RetryFor for every
// notification. The Result is valid even if there is an error.
func Play(ctx context.Context, o Options) (Result, error) {
	if o.Platform != nil {
		o.Traffic = o.Platform.Traffic()
	}
	o.Traffic = o.started()
	p, err := newPlayer(ctx, o)
	if err != nil {
		return Result{Summary: Summary{Seed: o.Seed, Start: o.Start}}, err
	}
	defer p.client.CloseIdleConnections()
	err = p.run(ctx)
	if err == nil && o.Platform != nil {
		o.Platform.HappenAll()
	}
	r := Result{Summary{Seed: o.Seed, Start: o.Start, Totals: p.tally.totals, Failures: p.tally.failures}, p.tally}
	return r, err
}

type player struct {
	Options
	client  *http.Client
	header  http.Header
	limiter *rate.Limiter
	tally   *tally
}

func newPlayer(ctx context.Context, o Options) (*player, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("platformtest: the URL of a receiver must be of the form http://127.0.0.1:8080") // the URL may contain a password
	}
	o.URL = strings.TrimRight(o.URL, "/")
	header, err := ParseAuth(o.Auth)
	if err != nil {
		return nil, err
	}
	if o.Connections < 0 || o.Rate < 0 {
		return nil, errors.New("platformtest: connections and rate cannot be negative")
	}
	if err := o.Traffic.check(); err != nil {
		return nil, err
	}
	if o.Connections == 0 {
		o.Connections = defaultConnections
	}
	if o.RetryFor == 0 {
		o.RetryFor = defaultRetryFor
	}
	planned, err := newTally(ctx, o.Traffic)
	if err != nil {
		return nil, err
	}
	return &player{Options: o, client: newClient(o), header: header, limiter: newLimiter(o.Rate), tally: planned}, nil
}

// ParseAuth parses "name=value,name2=value2" into the headers of a posting. A value may contain "=",
// but no comma. The error does not contain text, which is a secret.
func ParseAuth(text string) (http.Header, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if text == "" {
		return header, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		if !found || name == "" {
			return nil, errors.New("platformtest: the headers for authentication are not of the form name=value,name2=value2")
		}
		header.Set(name, value)
	}
	return header, nil
}

// newClient returns a client for HTTP/1.1, so that each posting has its own connection.
func newClient(o Options) *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Client{
		Timeout: attemptTimeout,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         o.dial,
			TLSClientConfig:     o.TLS,
			MaxIdleConnsPerHost: o.Connections,
			MaxConnsPerHost:     o.Connections,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
			Protocols:           &protocols,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newLimiter allows the postings of ten milliseconds at once, because the timers of an operating system
// are too coarse to space single postings at thousands per second.
func newLimiter(perSecond float64) *rate.Limiter {
	if perSecond == 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond/100)))
}

func (p *player) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	jobs := make(chan ref, p.Connections)
	group.Go(func() error {
		defer close(jobs)
		return p.schedule(ctx, jobs)
	})
	for range p.Connections {
		group.Go(func() error { return p.work(ctx, jobs) })
	}
	return group.Wait()
}

func (p *player) schedule(ctx context.Context, jobs chan<- ref) error {
	for d := range p.deliveries() {
		// Wait would fail early near a deadline, and not with the error of ctx.
		if delay := p.limiter.Reserve().Delay(); delay > 0 {
			sleep(ctx, delay)
		}
		if p.Live {
			sleep(ctx, time.Until(time.Unix(0, d.at)))
		}
		if p.Platform != nil && ctx.Err() == nil {
			p.Platform.HappenUntil(time.Unix(0, d.at))
		}
		select {
		case jobs <- d.ref:
		case <-ctx.Done():
			return fmt.Errorf("platformtest: play: %w", ctx.Err())
		}
	}
	return nil
}

func (p *player) work(ctx context.Context, jobs <-chan ref) error {
	for r := range jobs {
		if ctx.Err() != nil {
			return fmt.Errorf("platformtest: play: %w", ctx.Err())
		}
		o := p.order(int(r.order))
		a := p.post(ctx, o.notification(int(r.note)))
		p.tally.add(r, o, a, p.Progress)
		if a.err != nil {
			return a.err
		}
	}
	return nil
}
