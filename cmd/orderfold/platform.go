package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/receiver"
	"github.com/orderfold/orderfold/receiver/platform"
	"github.com/orderfold/orderfold/statemachine"
	"go.uber.org/zap"
)

type platformSettings struct {
	url, clientID, secret, secretFile string
	rate                              int
	quietAfter                        texts
	settle, spacing, recoverEvery     time.Duration
}

// registerPlatform declares the flags of the processes that ask the platform.
func (s *settings) registerPlatform(f *flagSet) {
	p := &s.platform
	p.registerAccess(f)
	defer f.group("The platform")()
	f.Var(&p.quietAfter, "quiet-after", "'PLACED=24h': how long an order in that status (NONE: no status) may be quiet before the platform "+
		"is asked; 0: never; repeatable; other statuses keep their defaults: "+defaultAges())
	f.DurationVar(&p.settle, "ask-after", 10*time.Second, "how long to wait after an order's notification before asking about it")
	f.DurationVar(&p.spacing, "ask-every", time.Minute, "minimum time between two requests about one order; doubled after each failure")
	f.DurationVar(&p.recoverEvery, "recover-every", 15*time.Minute, "pause between two fetches of undelivered notifications; 0: never")
}

// registerAccess declares the flags for access to the platform's API.
func (p *platformSettings) registerAccess(f *flagSet) {
	defer f.group("The platform")()
	f.StringVar(&p.url, "platform-url", "", "`URL` of the platform's API, with https unless on this machine; empty: the platform is never asked")
	f.StringVar(&p.clientID, "platform-client-id", "", "client id for --platform-url")
	f.StringVar(&p.secret, "platform-client-secret", "", "client secret; better in the environment or a file, because the process list shows flags")
	f.StringVar(&p.secretFile, "platform-client-secret-file", "", "`file` that contains the client secret")
	f.IntVar(&p.rate, "platform-rate", 300, "maximum number of requests to the platform per minute")
}

func defaultAges() string {
	ages := platform.DefaultQuietAfter()
	var all []string
	for _, row := range append([]statemachine.StatusInfo{{}}, statemachine.Statuses()...) {
		if age, ok := ages[string(row.Status)]; ok {
			all = append(all, fmt.Sprintf("%s=%s", statusName(string(row.Status)), durationText(age)))
		}
	}
	return strings.Join(all, ", ")
}

func (p *platformSettings) check() error {
	switch {
	case p.url == "" && (p.clientID != "" || p.secret != "" || p.secretFile != ""):
		return usagef("credentials for the platform without its address: --platform-url is missing")
	case p.settle <= 0 || p.spacing <= 0:
		return usagef("--ask-after and --ask-every must be above 0")
	}
	_, err := p.ages()
	return err
}

const noStatus = "NONE"

func statusName(status string) string {
	if status == "" {
		return noStatus
	}
	return status
}

// ages returns the default ages, as changed by --quiet-after.
func (p *platformSettings) ages() (map[string]time.Duration, error) {
	ages := platform.DefaultQuietAfter()
	for _, text := range p.quietAfter.values {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return nil, usagef("--quiet-after: %q is not of the form PLACED=24h", text)
		}
		if !slices.Contains(statusNames(), name) {
			return nil, usagef("--quiet-after: %s", unknownName("a status", name, statusNames(), "orderfold states lists them"))
		}
		age, err := parseDuration(value)
		if err != nil {
			return nil, usagef("--quiet-after: %s: %v", name, err)
		}
		if name == noStatus {
			name = ""
		}
		ages[name] = age
	}
	return ages, nil
}

// statusNames returns the statuses as flags name them.
func statusNames() []string {
	names := []string{noStatus}
	for _, row := range statemachine.Statuses() {
		names = append(names, string(row.Status))
	}
	return names
}

// maxSecret is the maximum size of the secret's file in bytes.
const maxSecret = 64 << 10

// client returns a client of the platform. An error never contains the secret.
func (p *platformSettings) client(options platform.Options) (*platform.Client, error) {
	secret := p.secret
	if p.secretFile != "" {
		if secret != "" {
			return nil, usagef("give --platform-client-secret or --platform-client-secret-file, not both")
		}
		text, err := os.ReadFile(filepath.Clean(p.secretFile))
		if err != nil {
			return nil, fmt.Errorf("--platform-client-secret-file: %w", err)
		}
		if len(text) > maxSecret {
			return nil, usagef("--platform-client-secret-file: the file %s is too large for a secret", p.secretFile)
		}
		secret = strings.TrimSpace(strings.TrimPrefix(string(text), byteOrderMark))
	}
	if err := platform.CheckURL(strings.TrimRight(p.url, "/")); err != nil {
		return nil, usagef("--platform-url: %v", err)
	}
	if p.clientID == "" || secret == "" {
		return nil, usagef("--platform-url needs --platform-client-id and a client secret: --platform-client-secret-file, or %s in the environment",
			twin("platform-client-secret"))
	}
	if p.rate <= 0 {
		return nil, usagef("--platform-rate: %d is not above 0", p.rate)
	}
	options.URL, options.ClientID, options.ClientSecret, options.PerMinute = p.url, p.clientID, secret, p.rate
	return platform.NewClient(options)
}

// askingPart asks the platform and reports its state to the API. Without an asker, nothing is
// asked.
type askingPart struct {
	asker     *platform.Asker
	recoverer *platform.Recoverer
}

// addPlatform adds the part that asks the platform, if its URL is known.
func (sv *service) addPlatform() (err error) {
	asking := &askingPart{}
	sv.asking = asking
	s := sv.settings
	p := &s.platform
	ages, err := p.ages()
	if err != nil || p.url == "" {
		return err
	}
	o := platform.Options{Metrics: sv.metrics}
	if s.log.url != "" {
		o.Duty = sv.lease(eventlog.AskPlatform)
	}
	client, err := p.client(o)
	if err != nil {
		return err
	}
	sv.closeLast(func() error { client.Close(); return nil })
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	logger := sv.logger.Named("platform")
	asking.asker, err = platform.NewAsker(platform.AskerOptions{Client: client, Log: sv.log, Orders: askedOrders{sv.views},
		QuietAfter: ages, Settle: p.settle, Spacing: p.spacing, File: filepath.Join(s.data, "given-up.json"),
		Logger: logger, Metrics: sv.metrics})
	if err != nil {
		return err
	}
	sv.parts = append(sv.parts, part{"asker", asking.asker.Run})
	if sv.rebuilds == nil {
		sv.warnOfMissingViews()
	}
	if p.recoverEvery == 0 {
		return nil
	}
	asking.recoverer, err = platform.NewRecoverer(platform.RecovererOptions{Client: client, Log: sv.log, Key: receiver.Key,
		Every: p.recoverEvery, Logger: logger, Metrics: sv.metrics})
	if err != nil {
		return err
	}
	sv.parts = append(sv.parts, part{"recoverer", asking.recoverer.Run})
	return nil
}

// warnOfMissingViews logs what a receiver without a projector cannot do.
func (sv *service) warnOfMissingViews() {
	if _, err := sv.views.Checkpoint(context.Background()); err != nil {
		sv.logger.Warn("only undelivered notifications are fetched; to ask about orders too, name the "+
			"projector's views with --views, in a folder that this process can read", zap.String("views", sv.settings.viewsFolder()), zap.Error(err))
	}
}

// askedOrders adapts the views to the asker.
type askedOrders struct{ views *views.Store }

func (v askedOrders) Quiet(ctx context.Context, q platform.Quiet) ([]platform.Order, error) {
	query := views.QuietQuery{Final: q.Final, After: q.After, Limit: q.Limit}
	if q.Status != nil {
		query.Statuses = []statemachine.Status{statemachine.Status(*q.Status)}
	}
	found, err := v.views.Quiet(ctx, query)
	orders := make([]platform.Order, len(found))
	for i := range found {
		orders[i] = askedOrder(&found[i])
	}
	return orders, err
}

func (v askedOrders) Order(ctx context.Context, id string) (platform.Order, error) {
	o, _, err := v.views.Order(ctx, id)
	if errors.Is(err, views.ErrNotFound) {
		err = fmt.Errorf("%w: %w", platform.ErrNoOrder, err)
	}
	return askedOrder(&o), err
}

// orderObjects contains the objects in the log that are orders.
var orderObjects = map[statemachine.AssetClass]string{statemachine.Traditional: "traditional-asset-order",
	statemachine.Digital: "digital-asset-order", statemachine.Tokenized: "tokenized-asset-order"}

func askedOrder(o *statemachine.Order) platform.Order {
	state := o.State()
	order := platform.Order{ID: o.ID, Object: orderObjects[o.AssetClass()], Status: string(state.Status), StatusSince: state.StatusSince,
		Final: state.Final, LastSequence: o.Last.Sequence, LastReceived: o.Last.Received, LastNews: o.LastNews().Received}
	_, order.Fetched = o.LastAnswer()
	for i := range state.Breaks {
		order.Breaks = append(order.Breaks, state.Breaks[i].Code.String())
	}
	return order
}

// Asking returns the state of the questions to the platform, for the API.
func (p *askingPart) Asking() api.Asking {
	if p.asker == nil {
		return api.Asking{}
	}
	s := p.asker.Status()
	a := api.Asking{Enabled: true, Pending: s.Pending, Asked: s.Asked, GivenUp: s.GivenUp, Skipped: s.Skipped, LastAskedAt: instant(s.LastAskedAt),
		LastError: textOrNil(s.LastError), LastErrorAt: instant(s.LastErrorAt)}
	if p.recoverer != nil {
		r := p.recoverer.Status()
		a.Recovered, a.RecoveredUnreadable = r.Holes, r.Unreadable
		a.Skipped += r.Skipped
		a.LastRecoveredAt, a.RecoverError = instant(r.LastPolledAt), textOrNil(r.LastError)
	}
	return a
}

// Asked returns the state of the questions about an order, for the API.
func (p *askingPart) Asked(id string, lastSequence uint64) (api.Asked, bool) {
	if p.asker == nil {
		return api.Asked{}, false
	}
	a, ok := p.asker.Asked(id, lastSequence)
	if !ok {
		return api.Asked{}, false
	}
	return api.Asked{State: string(a.State), At: a.At.UTC().Format(time.RFC3339Nano), Reason: textOrNil(string(a.Reason)),
		Attempts: a.Attempts, Error: textOrNil(a.Error)}, true
}

// instant returns the time as text, or nil if it is not known.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return textOrNil(t.UTC().Format(time.RFC3339Nano))
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
