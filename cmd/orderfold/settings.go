package main

import (
	"errors"
	"flag"
	"path/filepath"
	"time"

	"github.com/orderfold/orderfold/receiver"
)

// settings are what flags and environment say; each part reads its own.
type settings struct {
	logLevel string
	data     string
	log      logSettings
	receiver receiverSettings
	api      apiSettings
	views    string
	verify   verifySettings
	metrics  string
	platform platformSettings
}

type logSettings struct {
	url, credentials, addr string
	replicas               int
	maxBytes               int64
}

type receiverSettings struct {
	addr                       string
	auth                       texts
	maxBody                    int64
	maxWaiting                 int
	appendTimeout, readTimeout time.Duration
	drainTimeout               time.Duration
	tlsCertificate, tlsKey     string
}

type verifySettings struct {
	share float64
	every time.Duration
}

type apiSettings struct {
	addr   string
	access accessSettings
}

func (s *settings) registerCommon(f *flag.FlagSet) {
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error; logs go to stderr")
	f.StringVar(&s.data, "data", "data", "folder for the log, the views and the credentials made here")
}

// quiet makes less of the log the default, for commands whose output is for a person.
func (s *settings) quiet(f *flag.FlagSet, level string) {
	f.Lookup("log-level").DefValue = level
	s.logLevel = level
}

// registerLog declares the flags of the log; listen adds those of the embedded server.
func (s *settings) registerLog(f *flag.FlagSet, listen bool) {
	f.StringVar(&s.log.url, "nats-url", "", "NATS server that keeps the log; empty: an embedded one in the data folder")
	f.StringVar(&s.log.credentials, "nats-creds", "", "NATS credentials file for --nats-url")
	if listen {
		f.StringVar(&s.log.addr, "nats-addr", "127.0.0.1:4222", "where the embedded server listens for subscribers; empty: nowhere")
		f.IntVar(&s.log.replicas, "replicas", 1, "copies of the log when it is created on a cluster")
		f.Int64Var(&s.log.maxBytes, "log-max-bytes", 0, "size at which the log refuses more; 0: most of the free disk when it is created")
	}
}

func (s *settings) registerReceiver(f *flag.FlagSet) {
	r := &s.receiver
	f.StringVar(&r.addr, "receiver-addr", "127.0.0.1:8080", "where the platform posts notifications")
	f.Var(&r.auth, "webhook-auth", "headers the platform sends, 'name=value' or 'name=value,other=value'; repeatable, one of them suffices")
	f.Int64Var(&r.maxBody, "max-body", 1<<20, "largest notification in bytes")
	f.IntVar(&r.maxWaiting, "max-waiting", 1024, "requests at once; more are answered 503")
	f.DurationVar(&r.appendTimeout, "append-timeout", 5*time.Second, "how long the log may take before the answer is 503")
	f.DurationVar(&r.readTimeout, "read-timeout", 10*time.Second, "how long a client may take to send its request")
	f.DurationVar(&r.drainTimeout, "drain-timeout", 10*time.Second, "how long accepted requests may take after the first signal")
	f.StringVar(&r.tlsCertificate, "tls-cert", "", "certificate file; with --tls-key the receiver serves HTTPS")
	f.StringVar(&r.tlsKey, "tls-key", "", "key file of --tls-cert")
}

func (s *settings) registerViews(f *flag.FlagSet) {
	f.StringVar(&s.views, "views", "", "folder of the order views; empty: views in the data folder")
}

// registerVerify declares the flags of whoever writes the views.
func (s *settings) registerVerify(f *flag.FlagSet) {
	f.Float64Var(&s.verify.share, "verify-share", 0.05, "share of one processor for comparing the views with the log, above 0, up to 1; 0: never")
	f.DurationVar(&s.verify.every, "verify-every", 10*time.Minute, "pause between two such comparisons")
}

func (s *settings) registerAPI(f *flag.FlagSet) {
	f.StringVar(&s.api.addr, "api-addr", "127.0.0.1:8081", "where the read API answers")
	s.api.access.register(f)
}

func (s *settings) registerMetrics(f *flag.FlagSet) {
	f.StringVar(&s.metrics, "metrics-addr", "", "where /metrics and /healthz answer; empty: nowhere")
}

// check refuses what the roles cannot run with, before anything is opened or made.
func (s *settings) check(r roles) error {
	switch {
	case !(s.verify.share >= 0 && s.verify.share <= 1): // NaN is neither
		return usagef("--verify-share: %v is not from 0 to 1", s.verify.share)
	case s.verify.every < 0:
		return usagef("--verify-every: %v is below 0", s.verify.every)
	case s.log.maxBytes < 0:
		return usagef("--log-max-bytes: %d is below 0; 0 is most of the free disk", s.log.maxBytes)
	}
	if r.receiver {
		if err := errors.Join(s.receiver.check(), s.platform.check()); err != nil {
			return err
		}
	}
	if r.api {
		return s.api.access.check()
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
	if (r.tlsCertificate == "") != (r.tlsKey == "") {
		return usagef("--tls-cert and --tls-key go together: the certificate and its key")
	}
	_, err := r.credentials()
	return err
}

// viewsFolder is where the views are.
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
