package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orderfold/orderfold/receiver/platform"
)

// States of a comparison.
const (
	same    = "equal"
	missing = "missing" // not at the platform
	differs = "differs"
	extra   = "extra"     // only at the platform
	hidden  = "not-shown" // the platform does not report the value
)

// webhookDifference compares one event type as wanted and as registered. It contains no value of a
// header, and no secret of a URL.
type webhookDifference struct {
	EventType string             `json:"eventType"`
	State     string             `json:"state"` // equal, missing, differs or extra
	WantURL   string             `json:"wantUrl,omitempty"`
	sameURL   bool               // whether the URLs are equal as they are, not as they are shown
	HaveURL   string             `json:"haveUrl,omitempty"`
	Headers   []headerDifference `json:"headers,omitempty"`
}

type headerDifference struct {
	Name  string `json:"name"`
	State string `json:"state"` // equal, missing, differs, extra or not-shown
}

// isSame reports whether registering the webhook again would change nothing.
func (d *webhookDifference) isSame() bool {
	return d.State == same && !slices.ContainsFunc(d.Headers, func(h headerDifference) bool { return h.State == hidden })
}

// compare returns every wanted event type, followed by the others that are registered.
func (r *webhookRun) compare(ctx context.Context) ([]webhookDifference, error) {
	registered, err := r.registered(ctx)
	if err != nil {
		return nil, err
	}
	var all []webhookDifference
	for _, want := range r.wanted {
		d := webhookDifference{EventType: want.EventType, State: missing, WantURL: withoutSecrets(want.URL)}
		if i := slices.IndexFunc(registered, func(w platform.Webhook) bool { return w.EventType == want.EventType }); i >= 0 {
			d.compare(&want, &registered[i])
		}
		all = append(all, d)
	}
	for _, have := range registered {
		if !slices.ContainsFunc(r.wanted, func(w platform.Webhook) bool { return w.EventType == have.EventType }) {
			all = append(all, webhookDifference{EventType: have.EventType, State: extra, HaveURL: withoutSecrets(have.URL)})
		}
	}
	return all, nil
}

func (d *webhookDifference) compare(want, have *platform.Webhook) {
	d.State, d.HaveURL, d.sameURL = same, withoutSecrets(have.URL), sameEndpoint(want.URL, have.URL)
	if !d.sameURL {
		d.State = differs
	}
	find := func(headers []platform.Header, name string) int {
		return slices.IndexFunc(headers, func(h platform.Header) bool { return strings.EqualFold(h.Name, name) })
	}
	for _, h := range want.Headers {
		state := same
		switch i := find(have.Headers, h.Name); {
		case i < 0:
			state = missing
		case have.Headers[i].Value == "":
			state = hidden
		case have.Headers[i].Value != h.Value:
			state = differs
		}
		d.header(h.Name, state)
	}
	for _, h := range have.Headers {
		if find(want.Headers, h.Name) < 0 {
			d.header(h.Name, extra)
		}
	}
}

// sameEndpoint reports whether the receiver treats two URLs as equal: it ignores a slash at the end
// of the path.
func sameEndpoint(a, b string) bool {
	return strings.TrimRight(a, "/") == strings.TrimRight(b, "/")
}

func (d *webhookDifference) header(name, state string) {
	d.Headers = append(d.Headers, headerDifference{name, state})
	if state != same && state != hidden {
		d.State = differs
	}
}

// tell prints the wanted and the registered webhooks, unless the output is JSON.
func (r *webhookRun) tell(differences []webhookDifference) {
	if r.s.asJSON {
		return
	}
	for _, d := range differences {
		fmt.Fprintf(r.p.stdout, "%s: %s\n", d.EventType, d.State)
		if d.State == same || d.State == extra {
			continue
		}
		r.tellURLs(&d)
		for _, h := range d.Headers {
			fmt.Fprintf(r.p.stdout, "  %s: *** (%s)\n", h.Name, h.State)
		}
	}
}

// tellURLs prints both URLs unless they are equal. They may look equal if they differ only in a
// secret.
func (r *webhookRun) tellURLs(d *webhookDifference) {
	if d.sameURL {
		return
	}
	if d.HaveURL != "" {
		fmt.Fprintf(r.p.stdout, "  - %s\n", d.HaveURL)
	}
	fmt.Fprintf(r.p.stdout, "  + %s\n", d.WantURL)
}
