package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/orderfold/orderfold/receiver"
	"github.com/orderfold/orderfold/receiver/platform"
)

type webhooksSettings struct {
	access      platformSettings
	url         string
	events      texts
	auth        texts
	yes, asJSON bool
}

// webhooks shows and changes the webhooks that are registered at the platform.
func (p *program) webhooks(ctx context.Context, args []string) error {
	var s webhooksSettings
	operands, err := p.flags("webhooks", "ACTION", args, func(f *flagSet) {
		s.access.registerAccess(f)
		f.StringVar(&s.url, "url", "", "`URL` at which the platform reaches the receiver, with https; the name of each event type is appended")
		f.Var(&s.events, "event", "event type, such as TRADITIONAL_ASSET_ORDER_NOTIFICATION, or ALL; repeatable; default: the three order types (required for delete)")
		f.Var(&s.auth, "webhook-auth", "headers to register, as for the receiver; only the first value is registered")
		f.BoolVar(&s.yes, "yes", false, "do not ask for confirmation")
		f.BoolVar(&s.asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	actions := map[string]func(*webhookRun, context.Context) error{"list": (*webhookRun).list, "diff": (*webhookRun).diff,
		"set": (*webhookRun).set, "delete": (*webhookRun).remove}
	act, known := actions[operands[0]]
	if !known {
		return usagef("webhooks: %s", unknownName("an action", operands[0], []string{"list", "diff", "set", "delete"}, ""))
	}
	if s.access.url == "" {
		return usagef("webhooks: --platform-url is missing")
	}
	run := &webhookRun{p: p, s: &s}
	if err := run.prepare(operands[0]); err != nil {
		return err
	}
	if run.client, err = s.access.client(platform.Options{}); err != nil {
		return err
	}
	defer run.client.Close()
	if err = reach(ctx, s.access.url); err != nil {
		err = fmt.Errorf("webhooks: %w; correct --platform-url", err)
	} else {
		err = act(run, ctx)
	}
	if err != nil && operands[0] == "diff" && !errors.As(err, new(*diagnosis)) {
		err = &diagnosis{exitUsage, err.Error()}
	}
	return err
}

// webhookRun is one run of the command webhooks.
type webhookRun struct {
	p      *program
	s      *webhooksSettings
	client *platform.Client
	wanted []platform.Webhook
}

// allEvents selects every event type.
const allEvents = "ALL"

// prepare derives the wanted webhooks from the settings.
func (r *webhookRun) prepare(action string) error {
	names, err := r.eventTypes(action)
	if err != nil || action == "list" {
		return err
	}
	headers, err := r.headers()
	if err != nil {
		return err
	}
	base := strings.TrimRight(r.s.url, "/")
	if u, err := url.Parse(base); action != "delete" && (err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		return usagef("webhooks %s: --url must be like https://orders.example.com/hooks: the platform posts to https only", action)
	}
	for _, t := range receiver.EventTypes() {
		if slices.Contains(names, t.Name) {
			r.wanted = append(r.wanted, platform.Webhook{EventType: t.Name, URL: base + t.Path, Headers: headers})
		}
	}
	return nil
}

func (r *webhookRun) eventTypes(action string) (names []string, err error) {
	known := map[string]bool{}
	for _, t := range receiver.EventTypes() {
		known[t.Name] = true
		if strings.HasSuffix(t.Name, "_ASSET_ORDER_NOTIFICATION") && len(r.s.events.values) == 0 || slices.Contains(r.s.events.values, allEvents) {
			names = append(names, t.Name)
		}
	}
	if action == "delete" && len(r.s.events.values) == 0 {
		return nil, usagef("webhooks delete: name the event types with --event")
	}
	for _, name := range r.s.events.values {
		if !known[name] && name != allEvents {
			return nil, usagef("webhooks: --event: %s", unknownName("an event type of the platform", name, slices.Sorted(maps.Keys(known)), ""))
		}
		names = append(names, name)
	}
	return names, nil
}

// maxWebhookHeaders is the maximum number of headers that the platform accepts.
const maxWebhookHeaders = 5

func (r *webhookRun) headers() (headers []platform.Header, err error) {
	if len(r.s.auth.values) == 0 {
		return nil, nil
	}
	// The error states what is wrong without repeating the value.
	if _, err := receiver.ParseCredentials(r.s.auth.values[0]); err != nil {
		return nil, usagef("--webhook-auth: %v", err)
	}
	for part := range strings.SplitSeq(r.s.auth.values[0], ",") {
		name, value, _ := strings.Cut(part, "=")
		headers = append(headers, platform.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	if len(headers) > maxWebhookHeaders {
		return nil, usagef("--webhook-auth: the platform accepts at most %d headers", maxWebhookHeaders)
	}
	return headers, nil
}

// shownWebhook is a webhook without its secrets.
type shownWebhook struct {
	EventType string   `json:"eventType"`
	URL       string   `json:"url"`
	Headers   []string `json:"headers"`
}

// list shows everything that can be read, even if one of the two answers cannot be read, or only in
// part.
func (r *webhookRun) list(ctx context.Context) error {
	all, err := r.client.Webhooks(ctx)
	missing, missingErr := r.client.WebhooksMissing(ctx)
	if err = errors.Join(err, missingErr); all == nil && missing == nil && err != nil {
		return err
	}
	return errors.Join(r.show(all, missing), err)
}

func (r *webhookRun) show(all []platform.Webhook, missing []string) error {
	shown := make([]shownWebhook, len(all))
	for i, w := range all {
		shown[i] = shownWebhook{w.EventType, withoutSecrets(w.URL), headerNames(w.Headers)}
	}
	if r.s.asJSON {
		return printJSON(r.p.stdout, map[string]any{"webhooks": shown, "missing": missing})
	}
	for _, w := range shown {
		fmt.Fprintf(r.p.stdout, "%s\n  %s\n", w.EventType, w.URL)
		for _, name := range w.Headers {
			fmt.Fprintf(r.p.stdout, "  %s: ***\n", name)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(r.p.stdout, "the platform reports a missing webhook for: %s\n", strings.Join(missing, ", "))
	}
	return nil
}

func headerNames(headers []platform.Header) []string {
	names := make([]string, len(headers))
	for i, h := range headers {
		names[i] = h.Name
	}
	return names
}

// withoutSecrets returns a registered URL for display. The parts before the host and after the path
// may be a key, so it hides them.
func withoutSecrets(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a URL that cannot be read"
	}
	if u.RawQuery != "" {
		u.RawQuery = "***"
	}
	return u.Redacted()
}

func (r *webhookRun) diff(ctx context.Context) error {
	differences, err := r.compare(ctx)
	if err != nil {
		return err
	}
	if r.s.asJSON {
		if err := printJSON(r.p.stdout, differences); err != nil {
			return err
		}
	}
	r.tell(differences)
	for _, d := range differences {
		if d.State != same && d.State != extra {
			return &diagnosis{exitFailed, "webhooks: the platform differs from the settings; orderfold webhooks set changes it"}
		}
	}
	return nil
}

func (r *webhookRun) set(ctx context.Context) error {
	differences, err := r.compare(ctx)
	if err != nil {
		return err
	}
	due := slices.DeleteFunc(slices.Clone(r.wanted), func(w platform.Webhook) bool {
		return slices.ContainsFunc(differences, func(d webhookDifference) bool { return d.EventType == w.EventType && d.isSame() })
	})
	r.tell(differences)
	if len(due) == 0 {
		return r.done("set", differences, due)
	}
	if err := r.confirm(fmt.Sprintf("Set %d webhooks?", len(due))); err != nil {
		return err
	}
	set, err := each(ctx, due, func(w platform.Webhook) error { return r.client.SetWebhook(ctx, w) })
	if err != nil {
		err = fmt.Errorf("%d of %d were set: %w", len(set), len(due), err)
	}
	return errors.Join(r.done("set", differences, set), err)
}

// each applies change to one webhook after the other, continues after a failure, and returns the
// webhooks that were changed.
func each(ctx context.Context, due []platform.Webhook, change func(platform.Webhook) error) (done []platform.Webhook, err error) {
	var errs []error
	for _, w := range due {
		if err := change(w); err != nil {
			errs = append(errs, err)
		} else {
			done = append(done, w)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return done, errors.Join(errs...)
}

func (r *webhookRun) remove(ctx context.Context) error {
	registered, err := r.registered(ctx)
	if err != nil {
		return err
	}
	var due []platform.Webhook
	for _, w := range r.wanted {
		i := slices.IndexFunc(registered, func(have platform.Webhook) bool { return have.EventType == w.EventType })
		if i < 0 {
			continue
		}
		due = append(due, registered[i])
		if !r.s.asJSON {
			fmt.Fprintf(r.p.stdout, "- %s %s\n", w.EventType, withoutSecrets(registered[i].URL))
		}
	}
	if len(due) == 0 {
		return r.done("deleted", nil, due)
	}
	if err := r.confirm(fmt.Sprintf("Delete %d webhooks? The platform then posts no notifications of these types.", len(due))); err != nil {
		return err
	}
	deleted, err := each(ctx, due, func(w platform.Webhook) error {
		err := r.client.DeleteWebhook(ctx, w.EventType)
		if fault := (*platform.Error)(nil); errors.As(err, &fault) && fault.Kind == platform.Gone {
			return nil
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("%d of %d were deleted: %w", len(deleted), len(due), err)
	}
	return errors.Join(r.done("deleted", nil, deleted), err)
}

// registered returns the registered webhooks. It leaves out entries that cannot be read, and warns
// of them.
func (r *webhookRun) registered(ctx context.Context) ([]platform.Webhook, error) {
	all, err := r.client.Webhooks(ctx)
	if err != nil && all != nil {
		fmt.Fprintf(r.p.stderr, "warning: %v\n", err)
		err = nil
	}
	return all, err
}

// done reports what was changed; in JSON, together with the previous differences.
func (r *webhookRun) done(what string, differences []webhookDifference, webhooks []platform.Webhook) error {
	names := make([]string, len(webhooks))
	for i, w := range webhooks {
		names[i] = w.EventType
	}
	if r.s.asJSON {
		answer := map[string]any{what: names}
		if differences != nil {
			answer["differences"] = differences
		}
		return printJSON(r.p.stdout, answer)
	}
	fmt.Fprintf(r.p.stdout, "%s: %d\n", what, len(names))
	return nil
}

// confirm asks the person at the terminal. Without a terminal and without --yes, nothing is
// changed.
func (r *webhookRun) confirm(question string) error {
	if r.s.yes {
		return nil
	}
	if !isatty.IsTerminal(os.Stdin.Fd()) {
		return usagef("nothing was changed: there is no terminal to ask at; add --yes")
	}
	fmt.Fprintf(r.p.stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n') // no answer means no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
