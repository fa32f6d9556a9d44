package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
)

// demo serves and plays a platform against it, which is asked for what it loses. Without --data its folder is temporary.
func (p *program) demo(ctx context.Context, args []string) (err error) {
	var s settings
	var o platformtest.Options
	_, err = p.flags("demo", "", args, func(f *flag.FlagSet) {
		s.registerAll(f)
		f.Lookup("data").DefValue = "a temporary folder, removed at the end"
		s.data = ""
		s.quiet(f, "warn")
		registerTraffic(f, &o, 2000, 200)
		f.Float64Var(&o.Lost, "lost", 0.02, "share of notifications that are never posted, and that the platform is asked for")
		s.platform.hurry(f)
	})
	if err != nil {
		return err
	}
	if s.api.access.keyFile != "" && len(s.api.access.keys.values) == 0 {
		return usagef("demo: with --api-key-file give an --api-key too: the demo asks with it")
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
	o.Start = time.Now()
	if s.platform.url == "" {
		if o.Platform, err = startPlatform(o.Traffic, "127.0.0.1:0"); err != nil {
			return err
		}
		defer o.Platform.Close()
		s.platform.url = o.Platform.URL
		s.platform.clientID, s.platform.secret = o.Platform.Credentials()
	}
	return p.runService(ctx, &s, roles{receiver: true, projector: true, api: true}, func(sv *service) []part {
		return []part{{"platform", func(ctx context.Context) error { return p.play(ctx, sv, o) }}}
	})
}

// hurry makes the demonstration's platform be asked in seconds and not in minutes.
func (p *platformSettings) hurry(f *flag.FlagSet) {
	p.settle, p.spacing, p.recoverEvery, p.rate = 2*time.Second, 5*time.Second, 10*time.Second, 6000
	for name, value := range map[string]string{"ask-after": "2s", "ask-every": "5s", "recover-every": "10s", "platform-rate": "6000"} {
		f.Lookup(name).DefValue = value
	}
}

// play posts one notification, prints where to look once it can be seen, and posts the rest.
func (p *program) play(ctx context.Context, sv *service, o platformtest.Options) error {
	o.URL = sv.baseURL("receiver")
	sample := o.Traffic.Order(0)
	if o.Platform != nil {
		o.Platform.HappenUntil(sample.Facts[0].At)
	}
	sequence, err := postSample(ctx, o, sample)
	if err != nil {
		return err
	}
	api, key, shownKey := sv.baseURL("api"), "", ""
	if keys := sv.settings.api.access.keys.values; len(keys) > 0 {
		key = strings.SplitN(keys[0], ":", 3)[2]
		shownKey = " -H 'Authorization: Bearer KEY'" // not the key itself: this is a terminal
	}
	c, err := newClient(api, key)
	if err != nil {
		return err
	}
	if _, err := c.Order(ctx, sample.ID, client.AsOf{AtLeast: client.AtLeast{MinSequence: sequence}}); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\nA simulated platform posts %d orders. Look at them with\n\n"+
		"  curl%[2]s '%[3]s/v1/orders?limit=3'\n"+
		"  curl%[2]s '%[3]s/v1/orders/%[4]s/history'\n"+
		"  curl%[2]s '%[3]s/v1/stats'\n\nand stop with Ctrl-C.\n\n", o.Orders, shownKey, api, sample.ID)
	result, err := p.playTraffic(ctx, o)
	if ctx.Err() != nil {
		return nil // stopped
	}
	err = errors.Join(err, printTotals(p.stdout, result.Totals, false))
	if err == nil {
		fmt.Fprintln(p.stdout, "The platform has posted everything; the API goes on answering until Ctrl-C.")
	}
	return err
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
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("demo: the receiver does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("demo: the receiver answers %s to the first notification", response.Status)
	}
	sequence, err = strconv.ParseUint(response.Header.Get("Log-Sequence"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("demo: what answers is not the receiver: %w", err)
	}
	return sequence, nil
}
