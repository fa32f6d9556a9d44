package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"golang.org/x/sync/errgroup"
)

// demo runs the service and simulates a platform. The service also asks that platform for the
// notifications that it loses. Without --data, the folder is temporary.
func (p *program) demo(ctx context.Context, args []string) (err error) {
	var s settings
	var o platformtest.Options
	var open bool
	_, err = p.flags("demo", "", args, func(f *flagSet) {
		s.registerAll(f)
		f.Lookup("data").DefValue = "a temporary folder, removed at the end"
		s.data = ""
		f.Lookup("feed").DefValue = "true"
		s.feed.on = true
		// In a demo, the causes of warnings are intended: no keys, and notifications that cannot be
		// read.
		s.quiet(f, "error")
		registerTraffic(f, &o, 2000, 200)
		f.Float64Var(&o.Lost, "lost", 0.02, "share of notifications that are never posted, so that the platform is asked for them")
		f.BoolVar(&open, "open", false, "open the dashboard in the desktop's browser")
		s.platform.hurry(f)
	})
	if err != nil {
		return err
	}
	if s.api.access.keyFile != "" && len(s.api.access.keys.values) == 0 {
		return usagef("demo: with --api-key-file, --api-key is needed too, because the demo itself uses the API")
	}
	if s.data == "" {
		if s.data, err = demoFolder(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.data)) }()
	}
	if len(s.receiver.auth.values) > 0 {
		o.Auth = s.receiver.auth.values[0]
	}
	o.Start, o.Exhibits = time.Now(), true
	if s.platform.url == "" {
		if o.Platform, err = startPlatform(o.Traffic, "127.0.0.1:0"); err != nil {
			return err
		}
		defer o.Platform.Close()
		s.platform.url = o.Platform.URL
		s.platform.clientID, s.platform.secret = o.Platform.Credentials()
	}
	return p.runService(ctx, &s, roles{receiver: true, projector: true, api: true}, func(sv *service) []part {
		return []part{{"platform", func(ctx context.Context) error {
			err := p.play(ctx, sv, o, open)
			if ctx.Err() != nil {
				return nil // stopped at any point
			}
			return err
		}}}
	})
}

// hurry makes the service ask the simulated platform within seconds instead of minutes.
func (p *platformSettings) hurry(f *flagSet) {
	p.settle, p.spacing, p.recoverEvery, p.rate = 2*time.Second, 5*time.Second, 10*time.Second, 6000
	for name, value := range map[string]string{"ask-after": "2s", "ask-every": "5s", "recover-every": "10s", "platform-rate": "6000"} {
		f.Lookup(name).DefValue = value
	}
}

// play posts one notification, prints where to look as soon as it is visible, opens the dashboard
// if requested, and posts the rest.
func (p *program) play(ctx context.Context, sv *service, o platformtest.Options, open bool) error {
	o.URL, o.TLS = sv.baseURL("receiver"), sv.tls["receiver"].trusted()
	sample := o.Traffic.Order(0)
	if o.Platform != nil {
		o.Platform.HappenUntil(sample.Facts[0].At)
	}
	sequence, err := postSample(ctx, o, sample)
	if err != nil {
		return err
	}
	api, key := sv.baseURL("api"), ""
	if keys := sv.settings.api.access.keys.values; len(keys) > 0 {
		key = strings.SplitN(keys[0], ":", 3)[2]
	}
	c, err := client.New(client.Options{URL: api, Key: key, HTTP: sv.tls["api"].client()})
	if err != nil {
		return err
	}
	if _, err := c.Order(ctx, sample.ID, client.AsOf{AtLeast: client.AtLeast{MinSequence: sequence}}); err != nil {
		return err
	}
	p.announceDemo(&o, api, sample.ID, key != "", sv.tls["api"] != nil)
	if open {
		if err := openPage(api + "/"); err != nil {
			fmt.Fprintln(p.stderr, "demo:", err)
		}
	}
	result, err := p.playTraffic(ctx, o)
	if ctx.Err() != nil {
		return err
	}
	// The sample has already been posted.
	result.Totals.Notifications, result.Totals.Repeats, result.Totals.Acknowledged =
		result.Totals.Notifications+1, result.Totals.Repeats+1, result.Totals.Acknowledged+1
	if err = errors.Join(err, printTotals(p.stdout, result.Totals, false)); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The platform has posted everything so far. From now on a new order arrives about\n"+
		"every %.0f seconds, until Ctrl-C.\n", (platformtest.Arrival / liveOrders).Seconds())
	return p.playLive(ctx, o)
}

// announceDemo prints where to look, in lines of at most 80 characters.
func (p *program) announceDemo(o *platformtest.Options, api, sample string, withKey, encrypted bool) {
	curl := "curl"
	if encrypted {
		curl = "curl -k" // whatever the name in the certificate
	}
	fmt.Fprintf(p.stdout, "\nA simulated platform posts %[1]d orders. Look at them in a browser, at\n%[2]s/, or with\n\n"+
		"  %[4]s '%[2]s/v1/orders?limit=3'\n"+
		"  %[4]s '%[2]s/v1/orders/%[3]s'\n"+
		"  %[4]s '%[2]s/v1/stats'\n\n", o.Orders, api, sample, curl)
	if withKey { // do not print the key itself: the output goes to a terminal
		fmt.Fprint(p.stdout, "and your key in each of them, as -H 'Authorization: Bearer KEY' (the dashboard\nasks for it),\n")
	}
	fmt.Fprint(p.stdout, "or with orderfold orders, order and breaks. Stop with Ctrl-C.\nThese stay until the end:\n\n"+
		"  /v1/breaks      orders that contradict themselves\n"+
		"  /v1/quarantine  a notification that contains no order id\n"+
		"  /v1/orders?settlement=overdue&sort=due\n"+
		"                  orders that should have settled days ago\n\n")
}

const (
	// liveOrders is the number of orders in one traffic, which places one every five seconds.
	liveOrders = 600
	// knownTraffics is the number of traffics whose orders the platform knows. They cover more than a
	// day.
	knownTraffics = 32
	// mostOvertaking is low enough to keep the orders in time order. A shuffled traffic cannot be
	// played in real time.
	mostOvertaking = 0.5
)

// playLive plays orders in real time until ctx ends, one traffic after the other. Of earlier
// traffics, it keeps only the orders that the platform knows, so that a demo can run for a long
// time.
func (p *program) playLive(ctx context.Context, o platformtest.Options) error {
	o.Lost, o.Exhibits, o.Rate, o.Live, o.Orders = 0, false, 0, true, liveOrders
	o.Overtaking = min(o.Overtaking, mostOvertaking)
	known := o.Platform
	playing, ctx := errgroup.WithContext(ctx)
	for begin := time.Now(); ctx.Err() == nil; begin = begin.Add(platformtest.Arrival) {
		next := o
		next.Seed, next.Start = o.Seed+uint64(begin.UnixNano()), begin.Add(platformtest.Tail)
		if known != nil {
			server, err := platformtest.NewServer(platformtest.ServerOptions{Traffic: next.Traffic})
			if err != nil {
				return err
			}
			known.Join(server, knownTraffics)
			next.Platform = server
		}
		playing.Go(func() error {
			_, err := platformtest.Play(ctx, next)
			return err
		})
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(begin.Add(platformtest.Arrival))):
		}
	}
	if err := playing.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // stopped
}

// postSample posts the first notification of an order and returns its sequence.
func postSample(ctx context.Context, o platformtest.Options, sample platformtest.Order) (sequence uint64, err error) {
	header, err := platformtest.ParseAuth(o.Auth)
	if err != nil {
		return 0, err
	}
	n := sample.Notifications[0]
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL+n.Path, bytes.NewReader(n.Body))
	if err != nil {
		return 0, fmt.Errorf("demo: %w", err)
	}
	request.Header = header
	transport := &http.Transport{TLSClientConfig: o.TLS}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, fmt.Errorf("demo: the receiver does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("demo: the receiver answers %s to the first notification", response.Status)
	}
	sequence, err = strconv.ParseUint(response.Header.Get("Log-Sequence"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("demo: the server that answers is not the receiver: %w", err)
	}
	return sequence, nil
}
