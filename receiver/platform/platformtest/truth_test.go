package platformtest

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// day is the time base of the worked examples: the n-th fact is n seconds after it.
var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// parseFacts parses the notation of the worked examples. The time of a fact is its place, or 3 for "@3".
// A number is the executed quantity, and "GET:" precedes a fetched fact. The quantity of the order is 10.
func parseFacts(t testing.TB, text string) []Fact {
	var facts []Fact
	for i, word := range strings.Split(text, " · ") {
		f := Fact{At: day.Add(time.Duration(i+1) * time.Second), Quantity: big.NewRat(10, 1)}
		word, f.Fetched = strings.CutPrefix(word, "GET:")
		for j, part := range strings.Fields(word) {
			at, timed := strings.CutPrefix(part, "@")
			switch {
			case j == 0:
				f.Status = part
			case timed:
				n, err := strconv.Atoi(at)
				require.NoError(t, err)
				f.At = day.Add(time.Duration(n) * time.Second)
			default:
				var ok bool
				f.Executed, ok = new(big.Rat).SetString(part)
				require.True(t, ok, part)
			}
		}
		facts = append(facts, f)
	}
	return facts
}

// The columns: facts | status | since | executed | breaks.
const workedExamples = `
PLACED · FILLED 10 · SETTLED 10 | SETTLED | 3 | 10 | –
PLACED · PARTIALLY_FILLED 3 · PARTIALLY_FILLED 7 · FILLED 10 · SETTLED 10 | SETTLED | 5 | 10 | –
PLACED · PARTIALLY_FILLED 3 · CANCELED 3 | CANCELED | 3 | 3 | –
PLACED · PARTIALLY_FILLED 3 · CANCELED 3 · SETTLED 3 | SETTLED | 4 | 3 | –
PLACED · PARTIALLY_FILLED 3 · EXPIRED 3 | EXPIRED | 3 | 3 | –
PLACED · REJECTED | REJECTED | 2 |  | –
REJECTED | REJECTED | 1 |  | –
INVALID | INVALID | 1 |  | –
INVALID · PLACED | PLACED | 2 |  | invalid_superseded
PLACED · INVALID · FILLED 10 | FILLED | 3 | 10 | –
PLACED · CANCELED · EXPIRED | CANCELED | 2 |  | conflicting_close
PLACED · EXPIRED @2 · CANCELED @2 | CANCELED | 2 |  | conflicting_close
PLACED · CANCELED · FILLED 10 | FILLED | 3 | 10 | fill_after_close
PLACED · CANCELED · PARTIALLY_FILLED 4 | CANCELED | 2 | 4 | fill_after_close
PLACED · FILLED 10 · CANCELED | FILLED | 2 | 10 | close_after_fill
PLACED · FILLED 10 · PARTIALLY_FILLED 7 | FILLED | 2 | 10 | executed_decreased, possible_bust
PLACED · SETTLED | SETTLED | 2 |  | settled_without_fill
PLACED · FILLED 10 · SETTLED 10 · CANCELED | SETTLED | 3 | 10 | after_settlement, close_after_fill
PLACED · PARTIALLY_FILLED 3 · REJECTED 3 | REJECTED | 3 | 3 | rejected_after_fill
PLACED · PARTIALLY_FILLED 3 · PLACED · FILLED 10 | FILLED | 4 | 10 | –
PLACED · CANCELED · PLACED | CANCELED | 2 |  | reopened
FILLED 10 · PLACED | FILLED | 1 | 10 | time_inversion
PLACED · FILLED 10 · CORRECTED · CANCELED | CANCELED | 4 |  | –
PLACED · FILLED 10 · CORRECTED | CORRECTED | 3 |  | –
PLACED · FILLED 10 · CANCELED · GET:CANCELED 0 @3 | CANCELED | 3 | 0 | –
PLACED · FILLED 10 · CANCELED · GET:FILLED 10 @4 · SETTLED 10 | SETTLED | 5 | 10 | –
PLACED · PARTIALLY_FILLED 3 · GET:PARTIALLY_FILLED 5 @3 · FILLED 10 | FILLED | 4 | 10 | –
PLACED · MYSTERY | PLACED | 1 |  | unknown_status
PLACED · CANCELLATION_REJECTED · FILLED 10 | FILLED | 3 | 10 | unused_status
PLACED · PARTIALLY_FILLED 7 · PARTIALLY_FILLED 3 | PARTIALLY_FILLED | 2 | 7 | executed_decreased
PLACED · CANCELLED | CANCELED | 2 |  | –
RECEIVED · PENDING · FILLED 10 · SETTLED 10 | SETTLED | 4 | 10 | –
PLACED · FILLED 12 | FILLED | 2 | 12 | overfill
PLACED · FILLED 7 | FILLED | 2 | 7 | underfilled
PLACED · PARTIALLY_FILLED 7 · FILLED | FILLED | 3 | 7 | –
PLACED · FILLED 7 · SETTLED 10 | SETTLED | 3 | 10 | –
PLACED · FILLED 10 · GET:SETTLED @3 | SETTLED | 3 | 10 | –
GET:SETTLED | SETTLED | 1 |  | –
PLACED · GET:CANCELED @3 · GET:EXPIRED @3 | CANCELED | 3 |  | –
`

// shorten formats the columns of the worked examples.
func shorten(e Expected) string {
	since, executed, breaks := "", "", "–"
	if e.StatusSince != nil {
		since = strconv.Itoa(int(e.StatusSince.Sub(day) / time.Second))
	}
	if e.ExecutedQuantity != nil {
		executed = *e.ExecutedQuantity
	}
	if len(e.Breaks) > 0 {
		breaks = strings.Join(e.Breaks, ", ")
	}
	return strings.Join([]string{orNone(e.Status), since, executed, breaks}, " | ")
}

func TestTruthAgreesWithTheWorkedExamples(t *testing.T) {
	for line := range strings.SplitSeq(strings.TrimSpace(workedExamples), "\n") {
		text, want, _ := strings.Cut(line, " | ")
		t.Run(text, func(t *testing.T) {
			facts := parseFacts(t, text)
			require.Equal(t, want, shorten(Truth(facts)))
			requireOrderNotToMatter(t, facts)
		})
	}
}

// requireOrderNotToMatter checks that shuffling the facts and repeating some does not change the state.
func requireOrderNotToMatter(t *testing.T, facts []Fact) {
	chance := rand.New(rand.NewPCG(1, 2))
	want := Truth(facts)
	for range 50 {
		shuffled := append([]Fact{}, facts...)
		for range chance.IntN(3) {
			shuffled = append(shuffled, facts[chance.IntN(len(facts))])
		}
		chance.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		require.Equal(t, want, Truth(shuffled))
	}
}

func TestTruthDeterminesWhetherAnOrderIsOpenAndFinal(t *testing.T) {
	for _, c := range []struct {
		name, facts string
		open, final bool
	}{
		{"received is open", "RECEIVED", true, false},
		{"pending is open", "PENDING", true, false},
		{"placed is open", "PLACED", true, false},
		{"partially filled is open", "PLACED · PARTIALLY_FILLED 3", true, false},
		{"filled awaits settlement", "PLACED · FILLED 10", false, false},
		{"corrected awaits settlement", "PLACED · FILLED 10 · CORRECTED", false, false},
		{"settled is final", "SETTLED", false, true},
		{"invalid is final", "INVALID", false, true},
		{"canceled with nothing executed is final", "PLACED · CANCELED 0", false, true},
		{"canceled with nothing reported as executed is final", "PLACED · CANCELED", false, true},
		{"canceled with a part executed awaits settlement", "PLACED · PARTIALLY_FILLED 3 · CANCELED 3", false, false},
		{"canceled after a part of unknown size awaits settlement", "PLACED · PARTIALLY_FILLED · CANCELED", false, false},
		{"canceled after a corrected trade is final", "PLACED · FILLED 10 · CORRECTED · CANCELED", false, true},
		{"an unknown status alone is neither", "MYSTERY", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Truth(parseFacts(t, c.facts))
			require.Equal(t, c.open, got.Open, "open")
			require.Equal(t, c.final, got.Final, "final")
		})
	}
}

func TestTruthOfUnusualSetsOfFacts(t *testing.T) {
	t.Run("no facts give no status", func(t *testing.T) {
		require.Equal(t, Expected{Breaks: []string{}}, Truth(nil))
	})
	t.Run("a refused update changes nothing", func(t *testing.T) {
		facts := parseFacts(t, "PLACED")
		require.Equal(t, Truth(facts), Truth(append(facts, Fact{At: day.Add(time.Hour)})))
	})
	t.Run("an unknown status alone has a break and a time", func(t *testing.T) {
		got := Truth(parseFacts(t, "MYSTERY"))
		require.Nil(t, got.Status)
		require.Nil(t, got.StatusSince)
		require.Equal(t, day.Add(time.Second), *got.ModifiedOn)
		require.Equal(t, []string{"unknown_status"}, got.Breaks)
	})
	t.Run("modifiedOn is the latest time of the facts", func(t *testing.T) {
		got := Truth(parseFacts(t, "PLACED @9 · FILLED 10 @2 · SETTLED @3"))
		require.Equal(t, day.Add(9*time.Second), *got.ModifiedOn)
	})
	t.Run("the newest quantity holds, even if its fact is superseded", func(t *testing.T) {
		facts := parseFacts(t, "PLACED · PLACED · FILLED 12")
		facts[1].Quantity, facts[2].Quantity = big.NewRat(12, 1), nil
		require.Empty(t, Truth(facts).Breaks)
	})
	t.Run("of two quantities at the same time the one with the higher rank holds, however CANCELED is spelled", func(t *testing.T) {
		facts := parseFacts(t, "CANCELLED @1 · PLACED 5 @1")
		facts[1].Quantity = big.NewRat(4, 1)
		require.Empty(t, Truth(facts).Breaks)
	})
	t.Run("executed quantities are exact", func(t *testing.T) {
		facts := parseFacts(t, "PLACED · PARTIALLY_FILLED 0.1 · PARTIALLY_FILLED 0.10000000000000000000000001")
		require.Equal(t, "0.10000000000000000000000001", *Truth(facts).ExecutedQuantity)
	})
	t.Run("the same number in another notation is the same fact", func(t *testing.T) {
		require.Len(t, distinct(parseFacts(t, "FILLED 10 @1 · FILLED 10.00 @1 · FILLED 1e1 @1")), 1)
	})
}
