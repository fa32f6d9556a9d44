package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/cmd/orderfold/bench"
	"github.com/orderfold/orderfold/eventlog"
)

func (p *program) benchFeed(ctx context.Context, args []string) error {
	o := bench.FeedOptions{Follow: followFeed}
	var asJSON bool
	if _, err := p.flags("bench feed", "", args, func(f *flagSet) {
		registerPlace(f, &o.Place)
		f.IntVar(&o.Rate, "rate", 1000, "notifications per second, to measure how soon events are received")
		f.IntVar(&o.Connections, "connections", 64, "connections that post as fast as they can, to measure the cost of the feed")
		f.DurationVar(&o.Duration, "duration", 5*time.Second, "duration of one measurement")
		f.IntVar(&o.Rounds, "rounds", 3, "measurements with and without the feed, alternating; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if o.Rate < 1 || o.Connections < 1 || o.Rounds < 1 || float64(o.Rate)*o.Duration.Seconds() < 1 {
		return usagef("--rate, --connections, --rounds and --duration must make at least one notification")
	}
	if err := completePlace(&o.Place); err != nil {
		return err
	}
	figures, err := bench.Feed(ctx, o)
	if err != nil {
		return err
	}
	return printFigures(p, []bench.FeedFigures{figures}, asJSON, fmt.Sprintf("%d notifications per second, then %d connections, %d rounds of %s, medians",
		o.Rate, o.Connections, o.Rounds, o.Duration), func() error { return bench.PrintFeed(p.stdout, figures) })
}

// followFeed reads the feed of a running service.
func followFeed(ctx context.Context, url string, received func(sequence uint64) bool) (err error) {
	log, err := eventlog.Open(ctx, eventlog.Options{URL: url, Guest: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	for e, err := range log.Feed(eventlog.FeedOptions{Keep: true}).Follow(ctx, 0) {
		if err != nil {
			return err
		}
		line, err := lineOf(&e)
		if err != nil {
			return err
		}
		if !received(line.LogSequence) {
			return nil
		}
	}
	return nil
}
