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

// Options say what an API reads and who may ask. Views, Objects, Position, Log, History, Feed and Copies are required; every other zero field
// means the default noted beside it.
type Options struct {
	Views    Views
	Objects  Objects
	Position Position
	Log      Log
	History  History
	Feed     Feed
	Copies   Copies
	Rebuilds Rebuilds // nil: none can be started here
	Redrives Redrives // nil: none can be done here
	Platform Platform // nil: another process asks the platform, if any
	Duties   Duties   // nil: no other process shares the log

	Subscribers Subscribers // nil: none can be added or listed here
	Events      Events      // nil: no place in the feed can be looked up
	// OrderOf returns the id of the order that a record is about, "" when it is about none. nil: a search does not tell.
	OrderOf  func(*Record) string
	Receives bool // notifications are received by this process

	Access access.Options // who may ask; everybody, and then only loopback addresses are served

	Logger     *zap.Logger           // logs nothing
	Registerer prometheus.Registerer // with Gatherer: both or none; a registry of its own
	Gatherer   prometheus.Gatherer   // what /metrics shows

	Prefix string         // of every path, such as /orders-api; "": none. See CheckPrefix
	Zone   *time.Location // in which a day in a query is read; UTC

	Schedule *statemachine.Schedule // when orders settle; that of statemachine.NewSchedule
	Clock    func() time.Time       // what day it is, for settlements and the age of breaks; time.Now

	TLS          *tls.Config // of Serve, with a certificate; nil: plain HTTP
	Stream       StreamOptions
	Version      string        // of the program, for /v1/status; "unknown"
	ReadyLag     time.Duration // by which the views may be behind the log while the service is ready; MaxLag
	DrainTimeout time.Duration // for accepted requests when the context of Serve has ended; 20s
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
	refused *zap.Logger // for the requests of callers who are not let in
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
	compressed http.Handler // the same, for those who take gzip or zstd
	huma       huma.API
	// document is the OpenAPI document as it is served, the others those of the feed.
	document, asyncAPI, eventSchema []byte
	// routes are the paths of requests as metrics and log name them.
	routes map[string]string
}
