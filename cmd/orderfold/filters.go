package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
)

// filterFlag is a flag that is derived from a parameter of the API.
type filterFlag struct {
	api.Parameter
	query   url.Values
	replace bool // the values come from the environment
}

// registerFilters declares a flag for each parameter. The flags put their values into query.
func registerFilters(f *flagSet, title string, parameters []api.Parameter, query url.Values) {
	defer f.group(title)()
	for _, p := range parameters {
		doc := p.Doc
		switch {
		case p.Day:
			doc += " A day such as 2026-12-28."
		case p.Time:
			doc += " " + filterExamples
		case len(p.Values) > 0:
			doc += " One of " + strings.Join(p.Values, ", ") + "."
		}
		f.Var(&filterFlag{Parameter: p, query: query}, flagName(p.Name), doc)
	}
}

// flagName converts the name of a parameter, such as receivedSince, to that of a flag, such as
// received-since.
func flagName(parameter string) string {
	var b strings.Builder
	for _, r := range parameter {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func (f *filterFlag) String() string { return "" }

func (f *filterFlag) IsBoolFlag() bool { return f.Boolean }

func (f *filterFlag) several() bool { return f.Repeatable }

// noVariable reports whether the flag has no variable: ORDERFOLD_SETTLEMENT sets the cycles of
// serve.
func (f *filterFlag) noVariable() bool { return f.Name == "settlement" }

func (f *filterFlag) overridable() { f.replace = true }

func (f *filterFlag) Set(text string) error {
	switch {
	case text == "":
		return fmt.Errorf("the value is empty; to select all, leave the flag out")
	case f.Boolean && text != "true" && text != "false":
		return fmt.Errorf("%q is not true or false", text)
	case f.Day && !isDay(text):
		return fmt.Errorf("%q is not a day; write it as 2026-12-28", text)
	case f.Time && isDay(text): // the API knows the zone
	case f.Time:
		at, err := parseWhen(text, time.Now(), time.UTC)
		if err != nil {
			return err
		}
		text = statemachine.FormatTime(at)
	case len(f.Values) > 0:
		i := slices.IndexFunc(f.Values, func(v string) bool { return strings.EqualFold(v, text) })
		if i < 0 {
			return fmt.Errorf("%s", unknownName("a value of this flag", text, f.Values, ""))
		}
		text = f.Values[i]
	}
	if f.replace || !f.Repeatable {
		f.query.Del(f.Name)
		f.replace = false
	}
	f.query.Add(f.Name, text)
	return nil
}

const (
	whenExamples   = "2026-03-02T09:00:00Z, or 2026-03-02 (a day in %s), or 2h or 7d (before now)"
	zoneOfAPI      = "the --time-zone of the API"
	ownZone        = "the --time-zone"
	filterExamples = "2026-03-02T09:00:00Z, or 2026-03-02 (a day in " + zoneOfAPI + "), or 2h or 7d (before now)."
)

// isDay reports whether text is a day such as 2026-03-02.
func isDay(text string) bool {
	at, err := time.Parse(time.DateOnly, text)
	return err == nil && at.Year() > 0
}

// parseWhen parses a time in RFC 3339; a day, which means its beginning in zone; or a duration,
// which means that long before now.
func parseWhen(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if at, err := statemachine.ParseTime(text); err == nil {
		return at, nil
	}
	if at, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil && at.Year() > 0 {
		return at, nil
	}
	if ago, err := parseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time; write 2026-03-02T09:00:00Z, or a day such as 2026-03-02, or 2h or 7d (before now)", text)
}

// when is a flag whose value is a time, or a day in the zone of another flag. The zero value means
// that none is given.
type when struct {
	text string
	now  time.Time
}

func (w *when) String() string { return w.text }

func (w *when) Set(text string) (err error) {
	w.text, w.now = text, time.Now()
	if text != "" {
		_, err = parseWhen(text, w.now, time.UTC)
	}
	return err
}

func (w *when) given() bool { return w.text != "" }

// day returns the day, or "" when a time was given.
func (w *when) day() string {
	if isDay(w.text) {
		return w.text
	}
	return ""
}

// in returns the time; for a day, its beginning in zone.
func (w *when) in(zone *time.Location) time.Time {
	at, _ := parseWhen(w.text, w.now, zone) // cannot fail: Set has parsed it
	return at
}
