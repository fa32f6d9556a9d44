package projector

import (
	"time"

	"github.com/orderfold/orderfold/projector/feed"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records, quarantined, failures prometheus.Counter
	fold, commit                   prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	seconds := prometheus.ExponentialBuckets(0.0001, 2.5, 12)
	return &metrics{
		records: f.NewCounter(prometheus.CounterOpts{Name: "orderfold_projector_records_total",
			Help: "Log records folded into the views."}),
		quarantined: f.NewCounter(prometheus.CounterOpts{Name: "orderfold_projector_quarantined_total",
			Help: "Log records put into quarantine."}),
		failures: f.NewCounter(prometheus.CounterOpts{Name: "orderfold_projector_failures_total",
			Help: "Attempts to fold that ended in an error."}),
		fold: f.NewHistogram(prometheus.HistogramOpts{Name: "orderfold_projector_fold_seconds",
			Help: "Time to decode and apply one batch.", Buckets: seconds}),
		commit: f.NewHistogram(prometheus.HistogramOpts{Name: "orderfold_projector_commit_seconds",
			Help: "Time to write one batch and its position.", Buckets: seconds}),
	}
}

func (m *metrics) batch(records, quarantined int, fold, commit time.Duration) {
	m.records.Add(float64(records))
	m.quarantined.Add(float64(quarantined))
	m.fold.Observe(fold.Seconds())
	m.commit.Observe(commit.Seconds())
}

type feedMetrics struct {
	events   *prometheus.CounterVec
	failures prometheus.Counter
	seconds  prometheus.Histogram
}

func newFeedMetrics(r prometheus.Registerer) *feedMetrics {
	f := promauto.With(r)
	return &feedMetrics{
		events: f.NewCounterVec(prometheus.CounterOpts{Name: "orderfold_feed_events_total", Help: "Events published to the feed, by type."},
			[]string{"type"}),
		failures: f.NewCounter(prometheus.CounterOpts{Name: "orderfold_feed_failures_total",
			Help: "Attempts to publish to the feed that ended in an error."}),
		seconds: f.NewHistogram(prometheus.HistogramOpts{Name: "orderfold_feed_publish_seconds",
			Help: "Time to publish the events of one batch.", Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12)}),
	}
}

func (m *feedMetrics) published(events []feed.Event, taken time.Duration) {
	m.seconds.Observe(taken.Seconds())
	for i := range events {
		m.events.WithLabelValues(string(events[i].Type)).Inc()
	}
}
