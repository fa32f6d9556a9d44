package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/receiver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// roles states which parts of the service a process runs.
type roles struct{ receiver, projector, api bool }

// service is one process: the resources that it has opened, in order, and the parts that use them.
type service struct {
	settings  *settings
	logger    *zap.Logger
	metrics   *prometheus.Registry
	log       *eventlog.Log
	views     *views.Store
	listeners map[string]net.Listener
	tls       map[string]*certificate // by listener; nil: plain HTTP
	auth      []receiver.Credentials
	keyFile   *access.KeyFile // nil: no key file is named
	keys      []access.Key
	rebuilds  api.Rebuilds      // nil without a projector
	redrives  api.Redrives      // nil without a projector
	asking    api.Platform      // nil without a receiver
	answers   *api.API          // nil without an API
	duties    []*eventlog.Lease // those that this process may have
	started   bool
	parts     []part
	closers   []func() error
}

// runService opens what the roles need, prints the addresses, and runs until ctx ends. The parts of
// extra are started last.
func (p *program) runService(ctx context.Context, s *settings, r roles, extra func(*service) []part) (err error) {
	logger, err := p.logger(s.logLevel)
	if err := errors.Join(err, s.check(r)); err != nil {
		return err
	}
	sv := &service{settings: s, logger: logger, metrics: prometheus.NewRegistry(), listeners: map[string]net.Listener{}, tls: map[string]*certificate{}}
	sv.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err = errors.Join(err, sv.close()); sv.started {
			logger.Info("stopped", zap.NamedError("cause", cmp.Or(err, context.Cause(ctx))))
		}
	}()
	if err := sv.open(ctx, r); err != nil {
		if ctx.Err() != nil { // a start that was interrupted is not a failure
			logger.Info("stopped before it was started", zap.Error(err))
			return nil
		}
		return err
	}
	if err := sv.addGauges(); err != nil {
		return err
	}
	for _, add := range []struct {
		due   bool
		build func() error
	}{{r.projector, func() error { return sv.addProjector(ctx) }}, {r.receiver, sv.addPlatform}, {r.api, sv.addAPI}, {r.receiver, sv.addReceiver}, {s.metrics != "", sv.addMetrics}, {true, sv.addDuties}} {
		if add.due {
			if err := add.build(); err != nil {
				return err
			}
		}
	}
	if extra != nil {
		sv.parts = append(sv.parts, extra(sv)...)
	}
	p.announce(sv)
	sv.logStart(ctx)
	sv.parts = append(sv.parts, part{"readiness", sv.logReadiness}, part{"memory", sv.releaseMemory})
	return runParts(ctx, sv.parts)
}

// open opens the listeners, then the views, then the log. So a taken port is reported before
// anything is changed, and the views decide whether a log may be created.
func (sv *service) open(ctx context.Context, r roles) error {
	s := sv.settings
	if err := sv.listenAll(r); err != nil {
		return err
	}
	if err := errors.Join(sv.checkExposure(r), sv.openCertificates(r)); err != nil {
		return err
	}
	for _, folder := range []string{s.data, s.viewsFolder()} {
		if err := writable(folder); err != nil && (r.projector || s.log.url == "") {
			return err
		}
	}
	// A receiver does not need views, but the views in its folder show whether there was a log.
	mayCreate, err := sv.openViews(ctx, !r.projector)
	if err != nil {
		return err
	}
	return sv.openLog(ctx, mayCreate)
}

// checkExposure requires credentials for each listener that other machines can reach. It reads the
// key file.
func (sv *service) checkExposure(r roles) (err error) {
	if r.receiver {
		if sv.auth, err = sv.settings.receiver.credentials(); err != nil {
			return err
		}
		if err := receiver.CheckExposure(sv.listeners["receiver"].Addr(), sv.auth); err != nil {
			return err
		}
	}
	if !r.api {
		return nil
	}
	if sv.keyFile, sv.keys, err = sv.openKeys(); err != nil {
		return err
	}
	return access.CheckExposure(sv.listeners["api"].Addr(), sv.keys)
}

func (sv *service) openCertificates(r roles) (err error) {
	if r.receiver {
		sv.tls["receiver"], err = sv.settings.receiver.tls.open("", sv.logger.Named("receiver"))
	}
	if r.api && err == nil {
		sv.tls["api"], err = sv.settings.api.tls.open("api-", sv.logger.Named("api"))
	}
	return err
}

// writable returns an error if the folder exists and cannot be written. A folder that does not
// exist yet is no error.
func writable(folder string) error {
	f, err := os.CreateTemp(folder, ".writable-")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the folder %s cannot be written: %w; mount it for writing, give it to this user, or name another", folder, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// openViews opens the views and reports whether they are at the beginning of the log. Only in that
// case may a log be created.
func (sv *service) openViews(ctx context.Context, readOnly bool) (atBeginning bool, err error) {
	sv.views, err = views.Open(ctx, views.Options{Dir: sv.settings.viewsFolder(), FoldVersion: decode.FoldVersion(),
		ReadOnly: readOnly, FirstByPromotion: true, Logger: sv.logger.Named("views")})
	if err != nil {
		return false, err
	}
	sv.closeLast(sv.views.Close)
	if !readOnly {
		// Until the projector has compared the views with the log, it is unknown whether they fit.
		// They are not ready until then.
		health := views.Health{Reason: "the position of the views is being compared with the log", At: time.Now()}
		err := sv.views.SetHealth(ctx, health)
		// With a full disk the service can still answer.
		if err != nil && !errors.Is(err, views.ErrNoViews) {
			sv.logger.Warn("the views cannot be written", zap.Error(err))
		}
	}
	c, err := sv.views.Checkpoint(ctx)
	switch {
	case errors.Is(err, views.ErrNoViews):
		left, err := fs.Glob(os.DirFS(sv.settings.viewsFolder()), "orders-*.db")
		// Files that remain cannot be used, but they were made from a log.
		return len(left) == 0, err
	case errors.Is(err, views.ErrVersion):
		// The views have a position that this program cannot read; the API reports that it is not
		// ready.
		return false, nil
	}
	return c.Sequence == 0, err
}

func (sv *service) openLog(ctx context.Context, mayCreate bool) (err error) {
	s := sv.settings
	sv.log, err = eventlog.Open(ctx, eventlog.Options{URL: s.log.url, CredentialsFile: s.log.credentials, Dir: s.data,
		Addr: s.log.addr, Replicas: s.log.replicas, MaxBytes: s.log.maxBytes, MaxRecord: int(s.receiver.maxBody),
		MaxWaitingBytes: waitingMemory, MayCreate: mayCreate, Later: true, PublishSingly: s.log.singly, Logger: sv.logger.Named("eventlog")})
	why := func(err error) error {
		if errors.Is(err, eventlog.ErrNoStream) && !mayCreate {
			err = fmt.Errorf("the views in %s were made from a log, and there is none: find it; a new one is only created "+
				"if that folder is deleted: %w", s.viewsFolder(), err)
		}
		return err
	}
	if err != nil {
		return why(err)
	}
	sv.closeLast(sv.log.Close)
	sv.parts = append(sv.parts, part{"log", func(ctx context.Context) error { return why(sv.log.Opened(ctx)) }})
	return nil
}

func (sv *service) closeLast(f func() error) { sv.closers = append(sv.closers, f) }

func (sv *service) close() error {
	var errs []error
	for i := len(sv.closers) - 1; i >= 0; i-- {
		errs = append(errs, sv.closers[i]())
	}
	return errors.Join(errs...)
}

func (sv *service) addProjector(ctx context.Context) error {
	publisher := sv.publisher(ctx)
	pr := projector.New(projector.Options{Log: sv.log, Views: sv.views, Publisher: publisher, Logger: sv.logger.Named("projector"), Metrics: sv.metrics})
	sv.parts = append(sv.parts, part{"projector", pr.Run})
	s := sv.settings
	from, err := s.from.client()
	if err != nil {
		return err
	}
	sv.addRebuilder(ctx, publisher, from)
	v := &rebuild.Verifier{Examination: rebuild.Examination{Log: sv.log, Dir: s.viewsFolder(), Share: s.verify.share},
		Verdicts: sv.views, Never: s.verify.share == 0, Every: s.verify.every, Logger: sv.logger.Named("verifier")}
	sv.parts = append(sv.parts, part{"verifier", v.Run})
	return nil
}

// publisher returns nil if the feed is off, and records that in the views.
func (sv *service) publisher(ctx context.Context) *projector.Publisher {
	s := &sv.settings.feed
	if !s.on {
		status, err := sv.views.Status(ctx)
		if err == nil && status.Feed.On {
			status.Feed.On, status.Feed.Reason = false, ""
			err = sv.views.SetFeed(ctx, status.Generation, status.Feed)
		}
		if err != nil && !errors.Is(err, views.ErrNoViews) {
			sv.logger.Warn("the views cannot record that the feed is off", zap.Error(err))
		}
		return nil
	}
	feed := sv.log.Feed(eventlog.FeedOptions{MaxAge: s.maxAge, MaxBytes: s.maxBytes, Replicas: s.replicas})
	o := projector.PublisherOptions{Log: sv.log, Events: feed, MaxBody: feed.MaxBody, Views: sv.views, Former: sv.views,
		Render: api.AppendEventOrder, Logger: sv.logger.Named("publisher"), Metrics: sv.metrics}
	if s := sv.settings; s.log.url != "" {
		o.Duty = sv.lease(eventlog.PublishFeed)
	}
	return projector.NewPublisher(o)
}

// addRebuilder adds rebuilds and redrives. A rebuild runs until the service stops, even if the
// request that started it ends.
func (sv *service) addRebuilder(ctx context.Context, publisher *projector.Publisher, from *client.Client) {
	r := &rebuild.Rebuilder{Log: sv.log, Views: sv.views, Dir: sv.settings.viewsFolder(), Logger: sv.logger.Named("rebuilder"),
		Metrics: sv.metrics}
	if from != nil {
		r.Fetch = fetchViews(from, r.Dir)
	}
	// A rebuild that fails, for example because the disk is full, must not stop the receiver. It is tried again.
	if err := r.Begin(ctx); err != nil {
		sv.logger.Warn("the first generation of the views is not made yet", zap.Error(err))
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	sv.rebuilds = apiRebuilds{running, r}
	sv.redrives = apiRedrives{&projector.Redriver{Log: sv.log, Views: sv.views, Publisher: publisher, Logger: sv.logger.Named("redriver")}}
	sv.parts = append(sv.parts, part{"rebuilder", func(stop context.Context) error {
		defer context.AfterFunc(stop, cancel)()
		return r.Run(running)
	}})
}

func (sv *service) addAPI() error {
	l := sv.listeners["api"]
	schedule, err := sv.settings.api.settlement.schedule()
	if err != nil {
		return err
	}
	o := api.Options{Schedule: schedule, Views: sv.views, Objects: sv.views, OrderOf: orderOf, Position: sv.views, Feed: sv.views, Log: apiLog{sv.log},
		History:     apiHistory{projector.NewHistorian(sv.log, sv.views)},
		Subscribers: apiSubscribers{sv.log.Subscribers()}, Events: apiEvents{sv.log.Feed(eventlog.FeedOptions{Keep: true})},
		Copies: apiCopies{sv.views, sv.settings.viewsFolder()}, Rebuilds: sv.rebuilds, Redrives: sv.redrives, Platform: sv.asking, Receives: sv.listeners["receiver"] != nil, Prefix: sv.settings.api.prefix, Zone: sv.settings.api.zone.Location, ReadyLag: sv.settings.api.readyLag,
		Access: access.Options{Keys: sv.keys, Limit: sv.settings.api.access.limit, Origins: sv.settings.api.access.origins.values},
		TLS:    sv.tls["api"].server(), Logger: sv.logger.Named("api"),
		Registerer: sv.metrics, Gatherer: sv.metrics, Version: versionText()}
	if sv.settings.log.url != "" {
		o.Duties = apiLog{sv.log}
	}
	a, err := api.New(o)
	if err != nil {
		return err
	}
	sv.answers = a
	sv.parts = append(sv.parts, part{"api", func(ctx context.Context) error { return a.Serve(ctx, l) }})
	if sv.keyFile != nil {
		sv.parts = append(sv.parts, followKeys(sv.keyFile, a))
	}
	return nil
}

func (sv *service) addReceiver() error {
	s := &sv.settings.receiver
	l := sv.listeners["receiver"]
	rc, err := receiver.New(receiver.Options{Log: sv.log, Auth: sv.auth, MaxBody: s.maxBody, MaxWaiting: s.maxWaiting, MaxWaitingBytes: waitingMemory,
		AppendTimeout: s.appendTimeout, ReadTimeout: s.readTimeout, HeaderTimeout: s.readTimeout, DrainTimeout: s.drainTimeout,
		TLS: sv.tls["receiver"].server(), Logger: sv.logger.Named("receiver"), Metrics: sv.metrics})
	if err != nil {
		return err
	}
	sv.parts = append(sv.parts, part{"receiver", func(ctx context.Context) error { return rc.Serve(ctx, l) }})
	return nil
}

// addMetrics serves /metrics and /healthz in a process without an API.
func (sv *service) addMetrics() error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(sv.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	sv.parts = append(sv.parts, part{"metrics", func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { server.Close() })
		defer stop()
		if err := server.Serve(sv.listeners["metrics"]); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}})
	return nil
}

// announce prints the bound addresses. All listeners are open; the parts start immediately after.
func (p *program) announce(sv *service) {
	fmt.Fprintf(p.stdout, "orderfold %s\n", versionText())
	if sv.listeners["api"] != nil {
		fmt.Fprintf(p.stdout, "  dashboard %s/\n", sv.baseURL("api"))
	}
	if l := sv.listeners["receiver"]; l != nil {
		fmt.Fprintf(p.stdout, "  receiver  %s://%s\n", sv.settings.receiver.tls.scheme(), l.Addr())
	}
	if l := sv.listeners["api"]; l != nil {
		fmt.Fprintf(p.stdout, "  api       %s://%s%s\n", sv.settings.api.tls.scheme(), l.Addr(), sv.settings.api.prefix)
	}
	if l := sv.listeners["metrics"]; l != nil {
		fmt.Fprintf(p.stdout, "  metrics   http://%s/metrics\n", l.Addr())
	}
	if addr := sv.log.Addr(); addr != "" {
		fmt.Fprintf(p.stdout, "  log       nats://%s\n            credentials in %s\n", addr, filepath.Join(sv.settings.data, "subscriber.url"))
	}
}

// baseURL returns the URL with which a client on this machine reaches a listener.
func (sv *service) baseURL(name string) string {
	addr := sv.listeners[name].Addr().String()
	addr = strings.Replace(addr, "[::]", "127.0.0.1", 1)
	files := map[string]certificateFiles{"receiver": sv.settings.receiver.tls, "api": sv.settings.api.tls}[name]
	return files.scheme() + "://" + addr + map[string]string{"api": sv.settings.api.prefix}[name]
}
