package platform

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type clientMetrics struct{ requests *prometheus.CounterVec }

func newClientMetrics(registerer prometheus.Registerer) (*clientMetrics, error) {
	m := &clientMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "orderfold_platform_requests_total",
		Help: "Attempts to ask the platform, by operation and outcome: ok, again, gone, ours, theirs.",
	}, []string{"operation", "outcome"})}
	// Initialize the series, because an alert cannot detect the first error of a new one.
	for _, operation := range []string{"order", "undelivered", "webhooks"} {
		for _, outcome := range []Kind{"ok", Again, Gone, Ours, Theirs} {
			m.requests.WithLabelValues(operation, string(outcome))
		}
	}
	return m, register(registerer, m.requests)
}

func (m *clientMetrics) count(operation string, err error) {
	outcome := kindOf(err)
	switch {
	case err == nil:
		outcome = "ok"
	case outcome == "":
		return // the caller stopped
	}
	m.requests.WithLabelValues(operation, string(outcome)).Inc()
}

func register(registerer prometheus.Registerer, all ...prometheus.Collector) error {
	if registerer == nil {
		return nil
	}
	var errs []error
	for _, c := range all {
		errs = append(errs, registerer.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("platform: metrics: %w", err)
	}
	return nil
}

type askerMetrics struct {
	asked   *prometheus.CounterVec
	givenUp prometheus.Counter
	skipped prometheus.Counter
}

// newSkipped returns the counter of skipped items: "orders" or "notifications".
func newSkipped(items string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "orderfold_platform_skipped_total",
		Help: "Orders that could not be examined, and undelivered notifications that could not be appended. The others are " +
			"not delayed.",
		ConstLabels: prometheus.Labels{"items": items},
	})
}

func newAskerMetrics(registerer prometheus.Registerer, b *book) (*askerMetrics, error) {
	m := &askerMetrics{
		asked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orderfold_platform_asked_total",
			Help: "Answers of the platform that were appended, by the reason for asking.",
		}, []string{"reason"}),
		givenUp: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orderfold_platform_given_up_total",
			Help: "Orders given up: the platform does not have them or its answers cannot be used.",
		}),
		skipped: newSkipped("orders"),
	}
	for _, reason := range []Reason{IsNew, IsBroken, WasQuiet} {
		m.asked.WithLabelValues(string(reason))
	}
	return m, register(registerer, m.asked, m.givenUp, m.skipped, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "orderfold_platform_pending_orders",
		Help: "Orders about which a request is due.",
	}, func() float64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		return float64(len(b.pending))
	}))
}
