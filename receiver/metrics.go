package receiver

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	body     prometheus.Histogram
	append   prometheus.Histogram
}

// newMetrics registers the metrics with registerer, unless it is nil. waiting returns the number of
// requests that hold a place, bytes returns how many bytes of the pool are in use.
func newMetrics(registerer prometheus.Registerer, waiting, bytes func() float64) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orderfold_receiver_requests_total",
			Help: "Requests answered, by status code. Health checks are not counted.",
		}, []string{"code"}),
		body: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "orderfold_receiver_body_bytes",
			Help:    "Size of the bodies appended to the log.",
			Buckets: prometheus.ExponentialBuckets(256, 4, 8),
		}),
		append: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "orderfold_receiver_append_seconds",
			Help:    "Time until the log answered, including errors.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
	}
	// Initialize the series, because an alert cannot detect the first error of a new one.
	for _, code := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusInternalServerError,
		http.StatusServiceUnavailable} {
		m.requests.WithLabelValues(strconv.Itoa(code))
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.body, m.append, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "orderfold_receiver_waiting_requests",
		Help: "Requests being read or waiting for the log.",
	}, waiting), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "orderfold_receiver_waiting_bytes",
		Help: "Bytes that their bodies use beyond each request's share.",
	}, bytes)} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("receiver: metrics: %w", err)
		}
	}
	return m, nil
}
