package main

import "github.com/orderfold/orderfold/eventlog"

// replicas reports which servers have the log, if there are several or should be.
func (d *doctor) replicas(info *eventlog.Info) {
	if info.Wanted <= 1 {
		return
	}
	if why := info.TooFew(); why != "" {
		d.warn("replicas", "%s", why)
	} else {
		d.ok("replicas", "%d servers have the log", info.InStep())
	}
	for _, s := range info.Servers {
		role := "follows"
		if s.Leader {
			role = "leads"
		}
		check, say := "replica "+s.Server, d.ok
		if !s.InStep() {
			say = d.warn
		}
		say(check, "%s, %d entries behind, sync %s", role, s.Lag, s.SyncMode)
	}
}
