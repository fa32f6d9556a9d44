package main

import (
	"context"
)

// serve runs receiver, projector and API in one process.
func (p *program) serve(ctx context.Context, args []string) error {
	var s settings
	if _, err := p.flags("serve", "", args, s.registerAll); err != nil {
		return err
	}
	return p.runService(ctx, &s, roles{receiver: true, projector: true, api: true}, nil)
}

func (s *settings) registerAll(f *flagSet) {
	s.registerCommon(f)
	s.registerReceiver(f)
	s.registerAPI(f)
	s.registerLog(f, true)
	s.registerViews(f)
	s.registerVerify(f)
	s.registerFeed(f)
	s.registerPlatform(f)
}

// receiver runs only the receiver. Without --nats-url, it also runs the server of the log.
func (p *program) receiver(ctx context.Context, args []string) error {
	var s settings
	_, err := p.flags("receiver", "", args, func(f *flagSet) {
		s.registerCommon(f)
		s.registerReceiver(f)
		s.registerLog(f, true)
		s.registerViews(f)
		s.registerPlatform(f)
		s.registerMetrics(f)
	})
	if err != nil {
		return err
	}
	return p.runService(ctx, &s, roles{receiver: true}, nil)
}

// projector runs only the projector, on the log of another process.
func (p *program) projector(ctx context.Context, args []string) error {
	var s settings
	_, err := p.flags("projector", "", args, func(f *flagSet) {
		s.registerCommon(f)
		s.registerLog(f, false)
		s.registerViews(f)
		s.registerVerify(f)
		s.registerFeed(f)
		s.registerMetrics(f)
	})
	if err != nil {
		return err
	}
	if s.log.url == "" {
		return usagef("projector: --nats-url is missing: a separate projector follows a log that another process keeps")
	}
	return p.runService(ctx, &s, roles{projector: true}, nil)
}

// api runs only the read API, on views that another process writes.
func (p *program) api(ctx context.Context, args []string) error {
	var s settings
	_, err := p.flags("api", "", args, func(f *flagSet) {
		s.registerCommon(f)
		s.registerAPI(f)
		s.registerLog(f, false)
		s.registerViews(f)
	})
	if err != nil {
		return err
	}
	if s.log.url == "" {
		return usagef("api: --nats-url is missing: a separate API reads raw notifications from a log that another process keeps")
	}
	return p.runService(ctx, &s, roles{api: true}, nil)
}
