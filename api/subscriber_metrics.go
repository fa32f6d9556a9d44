package api

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxSubscriberSeries bounds how many subscribers have metrics of their own.
const maxSubscriberSeries = 100

// subscriberGauges shows the messages that wait for subscribers. Values that cannot be read are
// left out.
type subscriberGauges struct {
	api *API

	pending, unacknowledged, redelivered, requested, stuck *prometheus.Desc
}

func newSubscriberGauges(a *API) *subscriberGauges {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("orderfold_subscriber_"+name, help, []string{"subscriber", "stream"}, nil)
	}
	return &subscriberGauges{
		api:            a,
		pending:        desc("pending", "Messages that the subscriber has not received yet."),
		unacknowledged: desc("unacknowledged", "Messages that the subscriber has received but not acknowledged."),
		redelivered:    desc("redelivered", "Unacknowledged messages that were delivered more than once."),
		requested:      desc("last_request_timestamp_seconds", "When the subscriber last requested messages; absent while unknown."),
		stuck:          desc("stuck", "1 when the subscriber has requested nothing for an hour while messages wait, or cannot be used, otherwise 0."),
	}
}

// Describe sends the descriptions of the metrics.
func (g *subscriberGauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.pending, g.unacknowledged, g.redelivered, g.requested, g.stuck} {
		ch <- d
	}
}

// Collect sends the current values. It uses the list of GET /v1/subscribers, which bounds the time
// and the number of questions to the log.
func (g *subscriberGauges) Collect(ch chan<- prometheus.Metric) {
	if g.api.subscribers == nil {
		return
	}
	all, err := g.api.roster.of(context.Background(), g.api.subscribers)
	if err != nil {
		return
	}
	for i := range all[:min(len(all), maxSubscriberSeries)] {
		s := &all[i]
		send := func(d *prometheus.Desc, value float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, s.Name, s.Stream)
		}
		send(g.pending, float64(s.Pending))
		send(g.unacknowledged, float64(s.Unacknowledged))
		send(g.redelivered, float64(s.Redelivered))
		send(g.stuck, truth(s.StuckSince != nil || s.Problem != nil))
		if s.LastRequestAt == nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, *s.LastRequestAt); err == nil {
			send(g.requested, float64(at.UnixNano())/1e9)
		}
	}
}
