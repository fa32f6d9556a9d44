package platformtest

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Difference is a field of an order view that is not as expected.
type Difference struct {
	Field    string `json:"field"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// String describes the difference.
func (d Difference) String() string {
	return d.Field + ": expected " + d.Expected + ", got " + d.Got
}

// none stands for null in a Difference.
const none = "null"

type view struct {
	Status           *string    `json:"status"`
	StatusSince      *time.Time `json:"statusSince"`
	ModifiedOn       *time.Time `json:"modifiedOn"`
	ExecutedQuantity *string    `json:"executedQuantity"`
	Open             *bool      `json:"open"`
	Final            *bool      `json:"final"`
	Breaks           []struct {
		Code string `json:"code"`
	} `json:"breaks"`
}

// Compare returns the differences between the expected state and an order view, which is the answer to
// GET /v1/orders/{id}. Times are compared as instants, quantities as numbers, and breaks as a set
// without clock_skew, which depends on the time of arrival. A view that cannot be decoded is one
// difference, in the field "view".
func Compare(expected Expected, viewJSON []byte) []Difference {
	var got view
	if err := json.Unmarshal(viewJSON, &got); err != nil {
		return []Difference{{"view", "an order view", err.Error()}}
	}
	var found []Difference
	note := func(field, want, is string, same bool) {
		if !same {
			found = append(found, Difference{field, want, is})
		}
	}
	text := func(field, want, is string) { note(field, want, is, want == is) }

	text("status", orNone(expected.Status), orNone(got.Status))
	note("statusSince", timeText(expected.StatusSince), timeText(got.StatusSince), sameTime(expected.StatusSince, got.StatusSince))
	note("modifiedOn", timeText(expected.ModifiedOn), timeText(got.ModifiedOn), sameTime(expected.ModifiedOn, got.ModifiedOn))
	note("executedQuantity", orNone(expected.ExecutedQuantity), orNone(got.ExecutedQuantity),
		sameNumber(expected.ExecutedQuantity, got.ExecutedQuantity))
	text("open", strconv.FormatBool(expected.Open), boolText(got.Open))
	text("final", strconv.FormatBool(expected.Final), boolText(got.Final))
	var codes []string
	for _, b := range got.Breaks {
		codes = append(codes, b.Code)
	}
	text("breaks", set(expected.Breaks), set(codes))
	return found
}

func orNone(s *string) string {
	if s == nil {
		return none
	}
	return *s
}

func timeText(t *time.Time) string {
	if t == nil {
		return none
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func boolText(b *bool) string {
	if b == nil {
		return none
	}
	return strconv.FormatBool(*b)
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Equal(*b)
}

func sameNumber(a, b *string) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	x, xOK := new(big.Rat).SetString(*a)
	y, yOK := new(big.Rat).SetString(*b)
	return xOK && yOK && x.Cmp(y) == 0
}

// set returns the codes sorted, without repeats and without clock_skew.
func set(codes []string) string {
	var kept []string
	for _, c := range codes {
		if c != "clock_skew" {
			kept = append(kept, c)
		}
	}
	slices.Sort(kept)
	return "[" + strings.Join(slices.Compact(kept), " ") + "]"
}
