package api

import (
	"crypto/tls"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/api/dashboard"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Options states what an API reads and who may ask. Views, Objects, Position, Log, History, Feed
// and Copies are required. Every other zero field means the default noted beside it.
type Options struct {
	Views    Views
	Objects  Objects
	Position Position
	Log      Log
	History  History
	Feed     Feed
	Copies   Copies
	Rebuilds Rebuilds // nil: no rebuild can be started in this process
	Redrives Redrives // nil: no redrive can be done in this process
	Platform Platform // nil: another process asks the platform, if any
	Duties   Duties   // nil: no other process shares the log

	Subscribers Subscribers // nil: no subscriber can be added or listed in this process
	Events      Events      // nil: no event of the feed can be looked up
	// OrderOf returns the id of the order that a record is about, or "" if there is none. nil: a
	// search does not show the order of a record.
	OrderOf  func(*Record) string
	Receives bool // whether this process receives notifications

	// Access states who may ask; zero: everybody, but then only loopback addresses are served.
	Access access.Options

	Logger     *zap.Logger           // nil: nothing is logged
	Registerer prometheus.Registerer // set together with Gatherer; nil: a registry of its own
	Gatherer   prometheus.Gatherer   // source of /metrics

	Prefix string         // in front of every path, such as /orders-api; see CheckPrefix
	Zone   *time.Location // of a day in a query; nil: UTC

	Schedule *statemachine.Schedule // when orders settle; nil: statemachine.NewSchedule
	// Clock returns the current date, for settlements and the age of breaks; nil: time.Now.
	Clock func() time.Time

	TLS     *tls.Config // for Serve, with a certificate; nil: plain HTTP
	Stream  StreamOptions
	Version string // of the program, shown in /v1/status; "": "unknown"
	// ReadyLag is how far the views may be behind the log while the service is ready; 0: MaxLag.
	ReadyLag     time.Duration
	DrainTimeout time.Duration // for accepted requests after the context of Serve has ended; 0: 20s
}

// API is the HTTP handler. Make one with New.
type API struct {
	views    Views
	objects  Objects
	position Position
	log      Log
	history  History
	rebuilds Rebuilds
	copies   Copies
	copying  sync.Mutex
	redrives Redrives
	platform Platform
	duties   Duties

	subscribers Subscribers
	roster      roster
	events      Events

	orderOf  func(*Record) string
	receives bool

	gate    *access.Gate
	logger  *zap.Logger
	refused *zap.Logger // logs the requests of callers who are not let in
	metrics *requestMetrics
	version string
	prefix  string
	zone    *time.Location

	schedule *statemachine.Schedule
	clock    func() time.Time

	started  time.Time
	current  atomic.Pointer[time.Time] // when the views were last known to be current; nil: never
	readyLag time.Duration
	drain    time.Duration
	tls      *tls.Config

	hub *hub

	throughput throughput
	minutes    minutes
	glance     glance

	dashboard  *dashboard.Handler
	echo       *echo.Echo
	compressed http.Handler // huma and Echo, with compression for clients that accept gzip or zstd
	huma       huma.API
	// document is the OpenAPI document as it is served; the other two are the documents of the
	// feed.
	document, asyncAPI, eventSchema []byte
	// routes maps the paths of requests to their names in metrics and log.
	routes map[string]string
}
