package api

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// Options say what an API reads and who may ask. Views, Position, Log, History and Feed are required; every other zero field
// means the default noted beside it.
type Options struct {
	Views    Views
	Position Position
	Log      Log
	History  History
	Feed     Feed
	Rebuilds Rebuilds // nil: none can be started here
	Redrives Redrives // nil: none can be done here
	Platform Platform // nil: another process asks the platform, if any

	Keys    []Key    // none: everybody may read, and only loopback addresses are served
	Limit   Limit    // of each key, or of each address without one; none
	Origins []string // such as https://dashboard.example.com, whose pages a browser lets in; none

	Logger     *zap.Logger           // logs nothing
	Registerer prometheus.Registerer // with Gatherer: both or none; a registry of its own
	Gatherer   prometheus.Gatherer   // what /metrics shows

	Stream       StreamOptions
	Version      string        // of the program, for /v1/status; "unknown"
	DrainTimeout time.Duration // for accepted requests when the context of Serve has ended; 20s
}

// API is the HTTP handler. Make one with New.
type API struct {
	views    Views
	position Position
	log      Log
	history  History
	rebuilds Rebuilds
	redrives Redrives
	platform Platform

	keys    *keyring
	limiter *limiter
	origins *origins
	logger  *zap.Logger
	metrics *requestMetrics
	version string
	started time.Time
	drain   time.Duration

	hub *hub

	throughput throughput

	echo       *echo.Echo
	compressed http.Handler // the same, for those who take gzip or zstd
	huma       huma.API
	// document is the OpenAPI document as it is served.
	document []byte
	// routes are the paths of requests as metrics and log name them.
	routes map[string]string
}

// New returns an API. It fails if something to read from is missing, an option makes no sense, two keys share a secret, an
// origin is none, or a metric is registered already.
func New(o Options) (*API, error) {
	if o.Views == nil || o.Position == nil || o.Log == nil || o.History == nil || o.Feed == nil {
		return nil, errors.New("api: Views, Position, Log, History and Feed are required")
	}
	if o.DrainTimeout < 0 || (o.Registerer == nil) != (o.Gatherer == nil) {
		return nil, errors.New("api: the drain timeout is negative, or one of Registerer and Gatherer is missing")
	}
	if err := errors.Join(distinct(o.Keys), o.Limit.Check()); err != nil {
		return nil, err
	}
	return build(o)
}

// Document returns the OpenAPI 3.1 document, indented, the same bytes for the same source.
func Document() ([]byte, error) {
	a, err := build(Options{}) // nothing is read until a request comes
	if err != nil {
		return nil, err
	}
	return a.document, nil
}

func build(o Options) (*API, error) {
	if o.Registerer == nil {
		registry := prometheus.NewRegistry()
		o.Registerer, o.Gatherer = registry, registry
	}
	from, err := newOrigins(o.Origins)
	if err != nil {
		return nil, err
	}
	a := &API{
		views: o.Views, position: o.Position, log: o.Log, history: o.History, rebuilds: o.Rebuilds, redrives: o.Redrives, platform: o.Platform,
		keys: newKeyring(o.Keys), limiter: newLimiter(o.Limit), origins: from,
		logger: cmp.Or(o.Logger, zap.NewNop()), version: cmp.Or(o.Version, "unknown"),
		started: time.Now().UTC(), drain: cmp.Or(o.DrainTimeout, 20*time.Second),
		echo: echo.New(),
	}
	a.echo.Logger.SetOutput(io.Discard) // it would write to stdout; what it has to say is in the access log
	a.echo.Use(a.around)
	a.huma = huma.NewAPI(a.config(), adapter{humaecho.New(a.echo, huma.Config{}).Adapter()})
	a.huma.UseMiddleware(strictQuery)
	a.route(o.Gatherer)
	if a.hub, err = newHub(&o, a.logger); err != nil {
		return nil, err
	}
	if a.compressed, err = compress(a.echo); err != nil {
		return nil, err
	}
	if a.document, err = a.describe(); err != nil {
		return nil, fmt.Errorf("api: OpenAPI document: %w", err)
	}
	if a.metrics, err = newRequestMetrics(o.Registerer); err != nil {
		return nil, err
	}
	if err := o.Registerer.Register(newGauges(a)); err != nil {
		return nil, fmt.Errorf("api: metrics: %w", err)
	}
	return a, nil
}

// route adds all routes: those of the document, and the two that huma has no part in.
func (a *API) route(metrics prometheus.Gatherer) {
	a.register()
	read := []string{http.MethodGet, http.MethodHead}
	a.echo.Match(read, "/metrics", echo.WrapHandler(promhttp.HandlerFor(metrics,
		promhttp.HandlerOpts{ErrorLog: zap.NewStdLog(a.logger), ErrorHandling: promhttp.ContinueOnError})))
	a.echo.Match(read, "/openapi.json", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/openapi+json", a.document)
	})
	a.routes = make(map[string]string)
	for _, r := range a.echo.Routes() {
		a.routes[r.Path] = r.Path
	}
}

// register adds every route that the document is generated from.
func (a *API) register() {
	a.registerOrders()
	a.registerStream()
	a.registerBreaks()
	a.registerRaw()
	a.registerStatus()
	a.registerRebuilds()
	a.registerRedrives()
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if streams(r.URL.Path) {
		a.echo.ServeHTTP(w, r)
		return
	}
	a.compressed.ServeHTTP(w, r)
}
