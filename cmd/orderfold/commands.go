package main

import "context"

type command struct {
	name, summary string // the name may be two words
	run           func(p *program, ctx context.Context, args []string) error
}

type commandGroup struct {
	title    string
	commands []command
}

// commandGroups is set by a function because help prints it.
func commandGroups() []commandGroup {
	return []commandGroup{
		{"Run the service", []command{
			{"serve", "run receiver, projector and API in one process, with an embedded log", (*program).serve},
			{"demo", "run serve and a simulated platform, and print addresses to look at", (*program).demo},
			{"receiver", "run only the receiver, with an embedded log unless --nats-url is given", (*program).receiver},
			{"projector", "run only the projector", (*program).projector},
			{"api", "run only the read API", (*program).api},
		}},
		{"Look at orders", []command{
			{"orders", "list orders by the filters of the API, as a table or JSON lines", (*program).orders},
			{"order", "print one order with its history; ID may be an id, an external id, or an id prefix", (*program).order},
			{"breaks", "list open breaks, oldest first, and count them by code", (*program).breaks},
			{"tail", "print records of the log, or order events with --feed, as JSON lines", (*program).tail},
			{"states", "print the state machine: statuses, ranks, break rules", (*program).states},
		}},
		{"Operate the service", []command{
			{"status", "print the state of a running service, and whether it is ready", (*program).status},
			{"doctor", "examine the data folder of a running or stopped service", (*program).doctor},
			{"health", "check whether a running process is ready", (*program).health},
			{"log limit", "change the size limit of the log without a restart", (*program).logLimit},
			{"verify", "fold the log again and compare the views with the result", (*program).verify},
			{"rebuild", "rebuild the views beside the live ones; --dry-run, --rollback", (*program).rebuild},
			{"redrive", "decode quarantined records again after the decoder was corrected", (*program).redrive},
			{"restore", "restore the log from a backup into an empty data folder", (*program).restore},
		}},
		{"Subscribers", []command{
			{"subscribers add", "add a service that follows the log or the feed", (*program).subscribersAdd},
			{"subscribers list", "list subscribers, how many messages wait for each, and which are stuck", (*program).subscribersList},
			{"subscribers remove", "remove a subscriber and its user", (*program).subscribersRemove},
		}},
		{"Other", []command{
			{"webhooks", "list, compare, set and delete the webhooks registered at the platform", (*program).webhooks},
			{"simulate", "simulate a platform that posts to a receiver", (*program).simulate},
			{"bench serve", "measure durable notifications per second by the whole service", (*program).benchServe},
			{"bench freshness", "measure how soon an order is visible, at a steady rate", (*program).benchFreshness},
			{"bench stream", "measure how soon visible orders reach readers of the stream", (*program).benchStream},
			{"bench feed", "measure how soon order events are received, and their cost", (*program).benchFeed},
			{"bench history", "measure how long reading the history of an order takes", (*program).benchHistory},
			{"bench export", "measure orders per second of CSV and NDJSON exports", (*program).benchExport},
			{"bench ingest", "measure durable notifications per second by the receiver alone", (*program).benchIngest},
			{"bench rebuild", "measure records per second into the views, in a rebuild and live", (*program).benchRebuild},
			{"bench read", "measure the rate and duration of reading orders and lists, with a million orders", (*program).benchRead},
			{"version", "print the version", (*program).version},
			{"help", "print this help, or the flags of a command", (*program).help},
		}},
	}
}

func commands() (all []command) {
	for _, g := range commandGroups() {
		all = append(all, g.commands...)
	}
	return all
}
