package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
)

// registerTraffic declares the flags that simulate and demo share.
func registerTraffic(f *flagSet, o *platformtest.Options, orders int, rate float64) {
	f.IntVar(&o.Orders, "orders", orders, "number of orders")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of random choices; the same seed and start give the same orders")
	f.Float64Var(&o.Rate, "rate", rate, "notifications per second; 0: as fast as the receiver accepts them")
	f.Float64Var(&o.Repeats, "repeats", 0.1, "share of notifications posted again later")
	f.Float64Var(&o.Overtaking, "overtaking", 0.2, "share of notifications that arrive late; 1 shuffles the whole delivery")
	f.IntVar(&o.Connections, "connections", 16, "number of concurrent requests")
}

// simulate simulates a platform that posts to a receiver, and reports what it sent.
func (p *program) simulate(ctx context.Context, args []string) error {
	var o platformtest.Options
	var report, platformAddr string
	var start when
	var api apiAccess
	var asJSON bool
	_, err := p.flags("simulate", "", args, func(f *flagSet) {
		f.StringVar(&o.URL, "url", "http://127.0.0.1:8080", "`URL` of the receiver; its path is kept in front of the event type")
		f.StringVar(&o.Auth, "webhook-auth", "", "headers to send, 'name=value' or 'name=value,other=value'")
		registerTraffic(f, &o, 1000, 0)
		f.BoolFunc("shuffle", "the same as --overtaking 1", func(string) error { o.Overtaking = 1; return nil })
		f.Float64Var(&o.Lost, "lost", 0, "share of notifications that are never posted")
		f.Float64Var(&o.Listed, "listed", 0.5, "share of the lost notifications that the platform lists as undelivered; more if there is no other way to learn of them")
		f.StringVar(&platformAddr, "platform-addr", "", "`address` of the platform's own API, served until Ctrl-C; on loopback; port 0: a free one; empty: none")
		f.Var(&start, "start", "time of the last order's placement: "+fmt.Sprintf(whenExamples, "UTC")+"; empty: now")
		f.StringVar(&report, "report", "", "`file` for the posted facts and the expected state of each order, as JSON")
		api.registerAs(f, "", "`URL` of the read API with which every order is compared at the end; empty: none", "key for --api-url")
		f.BoolVar(&asJSON, "json", false, "print the totals as JSON, and everything else to stderr")
	})
	if err != nil {
		return err
	}
	data, p := p.apart(asJSON)
	o.Start = start.in(time.UTC)
	if platformAddr != "" && api.url != "" {
		return usagef("simulate: --platform-addr adds answers that --api-url does not expect: give only one of them")
	}
	if platformAddr != "" {
		if o.Platform, err = startPlatform(o.Traffic, platformAddr); err != nil {
			return err
		}
		defer o.Platform.Close()
	}
	if err := reach(ctx, o.URL); err != nil {
		return fmt.Errorf("simulate: %w; start orderfold serve, or name the receiver with --url", err)
	}
	return p.playOnce(ctx, o, report, &api, data, asJSON)
}

// playOnce plays the traffic, reports what was sent and, if the URL of the API is known, compares
// it with the answers of the API.
func (p *program) playOnce(ctx context.Context, o platformtest.Options, report string, api *apiAccess, data io.Writer, asJSON bool) error {
	if o.Platform != nil {
		p.announcePlatform(o.Platform)
	}
	result, err := p.playTraffic(ctx, o)
	if report != "" {
		err = errors.Join(err, writeReport(report, result))
	}
	err = errors.Join(err, printTotals(data, result.Totals, asJSON))
	if err != nil {
		return err
	}
	if failed := result.Totals.Notifications - result.Totals.Acknowledged; failed > 0 {
		return fmt.Errorf("simulate: %d notifications were not acknowledged%s", failed, firstFailure(result))
	}
	if api.url != "" {
		return p.compare(ctx, api, result)
	}
	if o.Platform != nil {
		fmt.Fprintln(p.stdout, "Everything is posted; the platform continues to answer until Ctrl-C.")
		<-ctx.Done()
	}
	return nil
}

// reachPatience is the maximum time in which a host must accept a connection.
const reachPatience = 5 * time.Second

// reach returns an error if nothing listens at the URL. If a receiver stops later, simulate waits
// for it.
func reach(ctx context.Context, text string) error {
	request, err := http.NewRequest(http.MethodPost, text, nil)
	if err != nil || request.URL.Host == "" || request.URL.Scheme != "http" && request.URL.Scheme != "https" {
		return nil // the play reports what is wrong with the URL
	}
	if proxy, err := http.ProxyFromEnvironment(request); err != nil || proxy != nil {
		return nil // the proxy answers in its place
	}
	u := request.URL
	port := u.Port()
	if port == "" {
		port = u.Scheme // http and https are also names of ports
	}
	conn, err := (&net.Dialer{Timeout: reachPatience}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("nothing listens at %s: %w", text, err)
	}
	return conn.Close()
}

// playTraffic plays the traffic and shows the progress.
func (p *program) playTraffic(ctx context.Context, o platformtest.Options) (platformtest.Result, error) {
	line := newLine(p.stderr)
	defer line.end()
	o.Progress = playProgress(line)
	return platformtest.Play(ctx, o)
}

// announcePlatform prints how to reach the platform. The secret gives access to nothing else.
func (p *program) announcePlatform(server *platformtest.Server) {
	id, secret := server.Credentials()
	fmt.Fprintf(p.stdout, "  platform   %s, client id %s, client secret %s\n", server.URL, id, secret)
}

// startPlatform serves the simulated platform's API.
func startPlatform(t platformtest.Traffic, addr string) (*platformtest.Server, error) {
	server, err := platformtest.NewServer(platformtest.ServerOptions{Traffic: t, Addr: addr})
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("the simulated platform does not listen: %w", err)
	}
	return server, nil
}

func firstFailure(r platformtest.Result) string {
	if len(r.Failures) == 0 {
		return ""
	}
	return fmt.Sprintf("; the first: %s: %s", r.Failures[0].Path, r.Failures[0].Reason)
}

func writeReport(path string, r platformtest.Result) error {
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return errors.Join(platformtest.WriteReport(f, r), f.Close())
}

// apart returns the writer of the totals, and the program that prints everything else, which goes
// to stderr if the totals are JSON.
func (p *program) apart(asJSON bool) (io.Writer, *program) {
	data := p.stdout
	if asJSON {
		p = &program{environ: p.environ, stdout: p.stderr, stderr: p.stderr}
	}
	return data, p
}

func printTotals(w io.Writer, t platformtest.Totals, asJSON bool) error {
	if asJSON {
		return printJSON(w, t)
	}
	fmt.Fprintln(w, wrapped(fmt.Sprintf("orders %d, notifications %d (repeats %d, other objects %d), acknowledged %d, retries %d, last sequence %d",
		t.Orders, t.Notifications, t.Repeats, t.OtherObjects, t.Acknowledged, t.Retries, t.HighestLogSequence), helpWidth))
	if t.Lost > 0 {
		fmt.Fprintf(w, "lost on purpose: %d\n", t.Lost)
	}
	for code, n := range t.Refused {
		fmt.Fprintf(w, "answered %s: %d\n", code, n)
	}
	return nil
}

// compare reads every order from the API and reports where it differs from what was played.
func (p *program) compare(ctx context.Context, api *apiAccess, r platformtest.Result) error {
	c, err := api.client()
	if err != nil {
		return err
	}
	compared, different := 0, 0
	for o := range r.Orders() {
		view, err := c.Order(ctx, o.OrderID, client.AsOf{AtLeast: client.AtLeast{MinSequence: r.Totals.HighestLogSequence}})
		if err != nil {
			return hinted(err)
		}
		compared++
		if differences := platformtest.Compare(o.Expected, view.Raw); len(differences) > 0 {
			different++
			fmt.Fprintf(p.stdout, "order %s (%s): %v\n", o.OrderID, o.Scenario, differences)
		}
	}
	fmt.Fprintf(p.stdout, "orders compared %d, different %d\n", compared, different)
	if different > 0 {
		return fmt.Errorf("simulate: %d of %d orders are not in the expected state", different, compared)
	}
	return nil
}

// playProgress returns a function that shows the progress of a play.
func playProgress(line *statusLine) func(platformtest.Progress) {
	return func(at platformtest.Progress) {
		line.show(at.Posted >= at.Total, fmt.Sprintf("posted %d of %d, acknowledged %d, %.0f/s", at.Posted, at.Total,
			at.Acknowledged, float64(at.Posted)/time.Since(line.begin).Seconds()))
	}
}
