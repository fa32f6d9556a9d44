package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
)

// requestMetrics counts the requests. Labels are routes and statuses, never text from a caller.
type requestMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newRequestMetrics(registerer prometheus.Registerer) (*requestMetrics, error) {
	m := &requestMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orderfold_api_requests_total", Help: "Requests answered, by route and status code.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orderfold_api_request_duration_seconds", Help: "Time until the answer was written, including the wait for minSequence.",
			Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "code"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orderfold_api_requests_in_flight", Help: "Requests being answered.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.inFlight} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("api: metrics: %w", err)
		}
	}
	return m, nil
}

func (m *requestMetrics) observe(route string, status int, taken time.Duration) {
	code := strconv.Itoa(status)
	m.requests.WithLabelValues(route, code).Inc()
	m.duration.WithLabelValues(route, code).Observe(taken.Seconds())
}

// gauges asks the views and the log at each scrape. Values that cannot be read are left out;
// orderfold_ready reports that something is wrong.
type gauges struct {
	api *API

	orders, breaks, quarantined, last, applied, lagRecords, lagSeconds, feedLag, ready, verified, verifiedAt, different,
	settlement, overdue *prometheus.Desc
}

func newGauges(a *API) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("orderfold_"+name, help, labels, nil)
	}
	return &gauges{
		api:         a,
		orders:      desc("orders", "Orders by status; NONE are those without one.", "status"),
		breaks:      desc("breaks", "Orders with an open break, by its code and severity.", "code", "severity"),
		settlement:  desc("orders_settlement", "Orders by the state of their settlement today in Berlin; none also counts orders without a settlement.", "state"),
		overdue:     desc("oldest_overdue", "Settlement days since the due day of the order that is overdue longest; 0 when none is."),
		quarantined: desc("quarantined", "Records that could not be decoded."),
		last:        desc("log_last_sequence", "The last record of the log."),
		applied:     desc("applied_sequence", "The last record that the views have applied."),
		lagRecords:  desc("lag_records", "Records received but not applied."),
		lagSeconds:  desc("lag_seconds", "Age of the oldest record that is not applied."),
		feedLag:     desc("feed_lag_records", "Records whose order events are not published yet; absent while the feed is off."),
		verified:    desc("verified_sequence", "The position at which the views were last compared with the log."),
		verifiedAt:  desc("verified_timestamp_seconds", "Time of the last comparison of the views with the log."),
		different:   desc("views_different", "1 when the views differed then, or could not be compared since because the log lost records or does not fit, otherwise 0."),
		ready:       desc("ready", "1 when the service is ready, otherwise 0, as in /readyz."),
	}
}

// Describe sends the descriptions of the metrics.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.orders, g.breaks, g.quarantined, g.last, g.applied, g.lagRecords, g.lagSeconds, g.feedLag, g.ready,
		g.verified, g.verifiedAt, g.different, g.settlement, g.overdue} {
		ch <- d
	}
}

// Collect sends the current values. Prometheus passes no context, so the time is bounded here.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*logPatience)
	defer cancel()
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	s := g.api.where(ctx)
	send(g.ready, truth(s.Ready))
	if s.Log.LastSequence != nil {
		send(g.last, float64(*s.Log.LastSequence))
		send(g.lagRecords, float64(*s.LagRecords))
	}
	if s.Log.LastSequence != nil && s.LagSeconds != nil {
		send(g.lagSeconds, *s.LagSeconds)
	}
	if s.FeedLagRecords != nil {
		send(g.feedLag, float64(*s.FeedLagRecords))
	}
	if s.Generation != nil {
		send(g.applied, float64(s.AppliedSequence))
	}
	if s.VerifiedSeq != nil {
		send(g.verified, float64(*s.VerifiedSeq))
		send(g.verifiedAt, float64(s.verifiedAt.UnixNano())/1e9)
	}
	if s.VerifiedSeq != nil || s.different {
		send(g.different, truth(s.different))
	}
	stats, err := g.api.position.Stats(ctx)
	if err != nil {
		return
	}
	// Send all of them, even zeros: a series that appears with its first order cannot have an
	// alert.
	send(g.orders, float64(stats.ByStatus[""]), none)
	for _, row := range statemachine.Statuses() {
		if row.Rank > 0 {
			send(g.orders, float64(stats.ByStatus[row.Status]), string(row.Status))
		}
	}
	for _, rule := range statemachine.Rules() {
		send(g.breaks, float64(stats.ByBreak[rule.Code]), rule.Code.String(), string(rule.Severity))
	}
	on := g.api.settling()
	due := countDue(&stats, on)
	for state, orders := range due.byName() {
		send(g.settlement, float64(orders), state)
	}
	send(g.overdue, float64(due.overdueDays(on)))
	send(g.quarantined, float64(stats.Quarantined))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
