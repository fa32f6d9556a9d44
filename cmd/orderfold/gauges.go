package main

import (
	"context"
	"math"
	"time"

	"github.com/orderfold/orderfold/eventlog/embedded"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/prometheus/client_golang/prometheus"
)

// logPatience bounds how long a scrape waits for the log.
const logPatience = 2 * time.Second

// gauges reads the log and the disk at each scrape. Values that cannot be read are left out.
type gauges struct {
	sv *service

	build, up, wanted, inStep, bytes, limit, left, full, free *prometheus.Desc
}

// addGauges registers the gauges in every process, whatever its roles.
func (sv *service) addGauges() error {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("orderfold_"+name, help, labels, nil)
	}
	return sv.metrics.Register(&gauges{
		sv:     sv,
		build:  desc("build_info", "1, with the version of the program and its fold version.", "version", "fold_version"),
		up:     desc("log_up", "1 when the log answers and would store a notification, otherwise 0."),
		wanted: desc("log_replicas_wanted", "Servers that should have the log: 3 on a cluster, or more if configured; 1 elsewhere."),
		inStep: desc("log_replicas_in_step", "Servers that have the log, apart from what was appended just now."),
		bytes:  desc("log_size_bytes", "Bytes used by the records of the log."),
		limit:  desc("log_size_limit_bytes", "Limit of the log, at which it refuses more; +Inf without a limit."),
		left:   desc("log_left_bytes", "Bytes that the log can still accept, up to its limit or the end of an embedded log's disk; +Inf without either."),
		full:   desc("log_full_timestamp_seconds", "Time when no space is left at the rate of the last hour; absent if unknown."),
		free:   desc("disk_free_bytes", "Free bytes on the disk of the folder: data has the embedded log, views the views.", "folder"),
	})
}

// Describe sends the descriptions of the metrics.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.build, g.up, g.wanted, g.inStep, g.bytes, g.limit, g.left, g.full, g.free} {
		ch <- d
	}
}

// Collect sends the current values. Prometheus passes no context, so the time is bounded here.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), logPatience)
	defer cancel()
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	send(g.build, 1, versionText(), decode.FoldVersion())
	if info, err := g.sv.log.Info(ctx); err != nil {
		send(g.up, 0)
	} else {
		up := 0.0
		if info.Refuses == nil {
			up = 1
		}
		send(g.up, up)
		send(g.wanted, float64(info.Wanted))
		send(g.inStep, float64(info.InStep()))
		send(g.bytes, float64(info.Bytes))
		send(g.limit, unlimited(info.MaxBytes))
		send(g.left, unlimited(info.Left))
		if !info.FullAt.IsZero() {
			send(g.full, float64(info.FullAt.UnixNano())/1e9)
		}
	}
	for name, folder := range map[string]string{"data": g.sv.settings.data, "views": g.sv.settings.viewsFolder()} {
		if free, err := embedded.FreeDisk(folder); err == nil {
			send(g.free, float64(free), name)
		}
	}
}

// unlimited converts a number of bytes, of which -1 means no limit, to the value of a metric.
func unlimited(bytes int64) float64 {
	if bytes < 0 {
		return math.Inf(1)
	}
	return float64(bytes)
}
