package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/prometheus/client_golang/prometheus"
)

// lease returns a lease for a duty; the lease runs as long as the process. It is called only with
// an external log, because no other process can use an embedded one.
func (sv *service) lease(duty eventlog.Duty) *eventlog.Lease {
	l := sv.log.Lease(duty, sv.name())
	sv.duties = append(sv.duties, l)
	sv.parts = append(sv.parts, part{"duty " + string(duty), l.Run})
	return l
}

// name identifies the process to people: the machine, the first address on which it listens, and
// the process id.
func (sv *service) name() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	for _, name := range []string{"receiver", "api", "metrics"} {
		if l := sv.listeners[name]; l != nil {
			return fmt.Sprintf("%s %s %s pid %d", host, name, l.Addr(), os.Getpid())
		}
	}
	return fmt.Sprintf("%s pid %d", host, os.Getpid())
}

// heldDuties is a gauge that shows which duties this process has.
type heldDuties struct {
	leases []*eventlog.Lease
	held   *prometheus.Desc
}

// addDuties registers the gauge of the duties that this process may have.
func (sv *service) addDuties() error {
	if len(sv.duties) == 0 {
		return nil
	}
	return sv.metrics.Register(&heldDuties{sv.duties, prometheus.NewDesc("orderfold_duty_held",
		"1 if this process has the duty, which only one process has at a time: to publish the feed, to ask the platform; otherwise 0.", []string{"duty"}, nil)})
}

// Describe sends the description.
func (d *heldDuties) Describe(ch chan<- *prometheus.Desc) { ch <- d.held }

// Collect sends one value for each duty that this process may have.
func (d *heldDuties) Collect(ch chan<- prometheus.Metric) {
	for _, l := range d.leases {
		held := 0.0
		if l.Held() {
			held = 1
		}
		ch <- prometheus.MustNewConstMetric(d.held, prometheus.GaugeValue, held, string(l.Duty()))
	}
}

// Duties returns the holders of the duties, for the API.
func (l apiLog) Duties(ctx context.Context) ([]api.Duty, error) {
	holders, err := l.log.Holders(ctx)
	duties := make([]api.Duty, len(holders))
	for i, h := range holders {
		duties[i] = api.Duty{Duty: string(h.Duty), Holder: textOrNil(h.Holder), Since: h.Since.UTC().Format(time.RFC3339Nano),
			RenewedAt: h.Renewed.UTC().Format(time.RFC3339Nano)}
	}
	return duties, err
}
