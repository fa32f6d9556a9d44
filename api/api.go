package api

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/api/dashboard"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// New returns an API. It fails if a required source is missing, an option is invalid, two keys
// share a secret, an allowed origin is invalid, or a metric is already registered.
func New(o Options) (*API, error) {
	if o.Views == nil || o.Objects == nil || o.Position == nil || o.Log == nil || o.History == nil || o.Feed == nil {
		return nil, errors.New("api: Views, Objects, Position, Log, History, Feed and Copies are required")
	}
	if o.DrainTimeout < 0 || o.ReadyLag < 0 || (o.Registerer == nil) != (o.Gatherer == nil) {
		return nil, errors.New("api: the drain timeout or the lag is negative, or one of Registerer and Gatherer is missing")
	}
	if err := CheckPrefix(o.Prefix); err != nil {
		return nil, err
	}
	return build(o)
}

// Document returns the OpenAPI 3.1 document, indented. The same source always gives the same bytes.
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
	gate, err := access.New(o.Access)
	if err != nil {
		return nil, err
	}
	if o.Schedule == nil {
		if o.Schedule, err = statemachine.NewSchedule(nil, nil); err != nil {
			return nil, err
		}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	a := &API{
		schedule: o.Schedule, clock: o.Clock,
		views: o.Views, objects: o.Objects, orderOf: o.OrderOf, position: o.Position, log: o.Log, history: o.History, rebuilds: o.Rebuilds, copies: o.Copies, redrives: o.Redrives, platform: o.Platform,
		subscribers: o.Subscribers, events: o.Events, duties: o.Duties,
		receives: o.Receives,
		gate:     gate,
		logger:   cmp.Or(o.Logger, zap.NewNop()), version: cmp.Or(o.Version, "unknown"), prefix: o.Prefix, zone: cmp.Or(o.Zone, time.UTC),
		started: time.Now().UTC(), drain: cmp.Or(o.DrainTimeout, 20*time.Second), tls: o.TLS,
		readyLag: cmp.Or(o.ReadyLag, MaxLag),
		echo:     echo.New(),
	}
	if a.dashboard, err = dashboard.New(); err != nil {
		return nil, err
	}
	a.refused = sampled(a.logger)
	a.echo.Logger.SetOutput(io.Discard) // else stdout; the access log already contains its reports
	a.echo.Use(a.around)
	a.huma = huma.NewAPI(a.config(), adapter{a.echo})
	a.huma.UseMiddleware(strictQuery)
	a.route(o.Gatherer)
	if a.hub, err = newHub(&o, a.logger, a.settling); err != nil {
		return nil, err
	}
	if a.compressed, err = compress(a.echo); err != nil {
		return nil, err
	}
	if a.document, err = a.describe(); err != nil {
		return nil, fmt.Errorf("api: OpenAPI document: %w", err)
	}
	if err := a.describeFeed(); err != nil {
		return nil, fmt.Errorf("api: documents of the feed: %w", err)
	}
	a.gate.Describe(crossOriginHeaders(a.huma.OpenAPI()))
	if a.metrics, err = newRequestMetrics(o.Registerer); err != nil {
		return nil, err
	}
	for _, g := range []prometheus.Collector{newGauges(a), newSubscriberGauges(a)} {
		if err := o.Registerer.Register(g); err != nil {
			return nil, fmt.Errorf("api: metrics: %w", err)
		}
	}
	return a, nil
}

// route adds all routes: those of the document, the two that huma does not serve, and the
// dashboard.
func (a *API) route(metrics prometheus.Gatherer) {
	a.register()
	read := []string{http.MethodGet, http.MethodHead}
	a.echo.Match(read, metricsPath, echo.WrapHandler(promhttp.HandlerFor(metrics,
		promhttp.HandlerOpts{ErrorLog: zap.NewStdLog(a.logger), ErrorHandling: promhttp.ContinueOnError})))
	a.echo.Match(read, "/openapi.json", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/openapi+json", a.document)
	})
	a.routeFeed()
	a.routeDashboard()
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
	a.registerCalendar()
	a.registerRaw()
	a.registerStatus()
	a.registerAccess()
	a.registerObjects()
	a.registerSearch()
	a.registerThroughput()
	a.registerRebuilds()
	a.registerCopies()
	a.registerRedrives()
	a.registerSubscribers()
	a.registerFeedPlace()
}

// EventDocuments returns the two documents that describe the feed, indented: the AsyncAPI 3
// document, and the JSON Schema of the bodies of events.
func EventDocuments() (asyncAPI, schema []byte, err error) {
	a, err := build(Options{}) // nothing is read until a request comes
	if err != nil {
		return nil, nil, err
	}
	return a.asyncAPI, a.eventSchema, nil
}
