package main

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/receiver"
)

// settings contains the values of the flags and the environment. Each part reads its own.
type settings struct {
	logLevel string
	data     string
	log      logSettings
	feed     feedSettings
	receiver receiverSettings
	api      apiSettings
	views    string
	from     viewsFrom
	verify   verifySettings
	metrics  string
	platform platformSettings
}

type logSettings struct {
	url, credentials, addr string
	replicas               int
	maxBytes               int64
	singly                 bool
}

type feedSettings struct {
	on       bool
	maxAge   time.Duration
	maxBytes int64
	replicas int
}

type receiverSettings struct {
	addr                       string
	auth                       texts
	maxBody                    int64
	maxWaiting                 int
	appendTimeout, readTimeout time.Duration
	drainTimeout               time.Duration
	tls                        certificateFiles
}

type verifySettings struct {
	share float64
	every time.Duration
}

type apiSettings struct {
	addr     string
	prefix   string
	zone     timeZone
	readyLag time.Duration
	tls      certificateFiles
	access   accessSettings

	settlement settlementSettings
}

func (s *settings) registerCommon(f *flagSet) {
	defer f.group("Data and logging")()
	f.StringVar(&s.logLevel, "log-level", "info", "`level`: debug, info, warn or error; logs go to stderr")
	f.StringVar(&s.data, "data", "data", "`folder` for the log, the views and the generated credentials")
}

// quiet lowers the default log level, for commands whose output is for people.
func (s *settings) quiet(f *flagSet, level string) {
	f.Lookup("log-level").DefValue = level
	s.logLevel = level
}

// registerLog declares the flags of the log, and with listen also those of the embedded server.
func (s *settings) registerLog(f *flagSet, listen bool) {
	defer f.group("The log")()
	f.StringVar(&s.log.url, "nats-url", "", "`URL` of the NATS server that keeps the log; empty: an embedded one in the data folder")
	f.StringVar(&s.log.credentials, "nats-creds", "", "NATS credentials `file` for --nats-url")
	if listen {
		f.StringVar(&s.log.addr, "nats-addr", "127.0.0.1:4222", "`address` where the embedded server listens for subscribers; empty: nowhere")
		f.IntVar(&s.log.replicas, "replicas", 1, "replicas of the log on a cluster; a start gives an existing log more, never fewer")
		f.sizeVar(&s.log.maxBytes, "log-max-bytes", 0, "size limit, at which the log refuses more; it raises the limit of an existing log, never lowers it; 0: most of the free disk for a new log")
		f.BoolVar(&s.log.singly, "publish-singly", false, "publish each notification to the log separately; slower, for comparison in bench serve")
	}
}

// registerFeed declares the flags of the processes that publish order events.
func (s *settings) registerFeed(f *flagSet) {
	defer f.group("The feed of order events")()
	f.BoolVar(&s.feed.on, "feed", false, "publish each change of an order as an event in the stream ORDERS")
	f.DurationVar(&s.feed.maxAge, "feed-max-age", 7*24*time.Hour, "how long the feed keeps an event")
	f.sizeVar(&s.feed.maxBytes, "feed-max-bytes", 0, "size at which the feed drops its oldest events; 0: an eighth of the free disk when it is created")
	f.IntVar(&s.feed.replicas, "feed-replicas", 1, "replicas of the feed on a cluster; a start gives an existing feed more, never fewer")
}

func (s *feedSettings) check() error {
	switch {
	case s.maxAge <= 0:
		return usagef("--feed-max-age must be above 0")
	case s.maxBytes < 0:
		return usagef("--feed-max-bytes must not be negative")
	case s.replicas < 1:
		return usagef("--feed-replicas must be at least 1")
	}
	return nil
}

func (s *settings) registerReceiver(f *flagSet) {
	defer f.group("The receiver")()
	r := &s.receiver
	f.StringVar(&r.addr, "receiver-addr", "127.0.0.1:8080", "`address` where the platform posts notifications")
	f.Var(&r.auth, "webhook-auth", "headers that the platform sends, 'name=value' or 'name=value,other=value'; repeatable, any one suffices")
	f.sizeVar(&r.maxBody, "max-body", 1<<20, "maximum size of a notification; larger ones are answered 413")
	f.IntVar(&r.maxWaiting, "max-waiting", 1024, "maximum number of requests in progress; more are answered 503")
	f.DurationVar(&r.appendTimeout, "append-timeout", 5*time.Second, "how long an append to the log may take before the answer is 503")
	f.DurationVar(&r.readTimeout, "read-timeout", 10*time.Second, "how long a client may take to send its request")
	f.DurationVar(&r.drainTimeout, "drain-timeout", 10*time.Second, "how long accepted requests may take after the first stop signal")
	r.tls.register(f, "", "the receiver")
}

func (s *settings) registerViews(f *flagSet) {
	defer f.group("The views")()
	f.StringVar(&s.views, "views", "", "`folder` of the order views; empty: views in the data folder")
}

// registerVerify declares the flags of the processes that write the views.
func (s *settings) registerVerify(f *flagSet) {
	defer f.group("The views")()
	f.Float64Var(&s.verify.share, "verify-share", 0.05, "share of one processor for verifying the views against the log, up to 1; 0: never")
	f.DurationVar(&s.verify.every, "verify-every", 10*time.Minute, "pause between two verifications")
	s.from.register(f)
}

func (s *settings) registerAPI(f *flagSet) {
	defer f.group("The API")()
	f.StringVar(&s.api.addr, "api-addr", "127.0.0.1:8081", "`address` where the read API answers")
	f.StringVar(&s.api.prefix, "api-prefix", "", "`path` prefix of the API and the dashboard, such as /orders-api, for a proxy that passes it on")
	f.DurationVar(&s.api.readyLag, "ready-lag", api.MaxLag, "how far the views may be behind the log, or how long without the log, before /readyz reports that they are not ready")
	s.api.zone.register(f, "in which the API reads a day in a query,")
	s.api.tls.register(f, "api-", "the API")
	s.api.access.register(f)
	s.api.settlement.register(f)
}

func (s *settings) registerMetrics(f *flagSet) {
	defer f.group("Metrics")()
	f.StringVar(&s.metrics, "metrics-addr", "", "`address` where /metrics and /healthz answer; empty: nowhere")
}

// check returns an error for settings with which the roles cannot run, before anything is opened
// or created.
func (s *settings) check(r roles) error {
	switch {
	case !(s.verify.share >= 0 && s.verify.share <= 1): // NaN fails both comparisons
		return usagef("--verify-share: %v is not between 0 and 1", s.verify.share)
	}
	if r.projector {
		_, err := s.from.client()
		if err := errors.Join(s.feed.check(), err); err != nil {
			return err
		}
	}
	if r.receiver {
		if err := errors.Join(s.receiver.check(), s.platform.check()); err != nil {
			return err
		}
	}
	if r.api {
		if err := api.CheckPrefix(s.api.prefix); err != nil {
			return usagef("--api-prefix: %v", err)
		}
		if s.api.readyLag <= 0 {
			return usagef("--ready-lag must be above 0")
		}
		_, err := s.api.settlement.schedule()
		return errors.Join(s.api.tls.check("api-"), s.api.access.check(), err)
	}
	return nil
}

func (r *receiverSettings) check() error {
	for _, limit := range []struct {
		flag  string
		value int64
	}{
		{"max-body", r.maxBody}, {"max-waiting", int64(r.maxWaiting)}, {"append-timeout", int64(r.appendTimeout)},
		{"read-timeout", int64(r.readTimeout)}, {"drain-timeout", int64(r.drainTimeout)},
	} {
		if limit.value <= 0 {
			return usagef("--%s must be above 0", limit.flag)
		}
	}
	_, err := r.credentials()
	return errors.Join(r.tls.check(""), err)
}

// viewsFolder returns the folder of the views.
func (s *settings) viewsFolder() string {
	if s.views != "" {
		return s.views
	}
	return filepath.Join(s.data, "views")
}

// credentials parses --webhook-auth.
func (r *receiverSettings) credentials() ([]receiver.Credentials, error) {
	var all []receiver.Credentials
	for _, text := range r.auth.values {
		c, err := receiver.ParseCredentials(text)
		if err != nil {
			return nil, usagef("--webhook-auth: %v", err)
		}
		all = append(all, c)
	}
	return all, nil
}
