package eventlog

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// some returns random ranges of sequences below 40, and the set of these sequences.
func some(random *rand.Rand) (r Ranges, set [40]bool) {
	for s := uint64(1); s < 40; s++ {
		if set[s] = random.IntN(3) == 0; set[s] {
			r = r.with(Ranges{{s, s}})
		}
	}
	return r, set
}

func TestRangesBehaveLikeSets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		a, inA := some(random)
		b, inB := some(random)
		with, without, shared := a.with(b), a.without(b), a.shared(b)
		after, until, count := random.Uint64N(40), random.Uint64N(40), uint64(0)
		for s := uint64(0); s < 40; s++ {
			require.Equal(t, inA[s], a.Contains(s))
			require.Equal(t, inA[s] || inB[s], with.Contains(s), "%v with %v is %v", a, b, with)
			require.Equal(t, inA[s] && !inB[s], without.Contains(s), "%v without %v is %v", a, b, without)
			require.Equal(t, inA[s] && inB[s], shared.Contains(s), "%v and %v share %v", a, b, shared)
			if inA[s] && s > after && s <= until {
				count++
			}
			end := uint64(0)
			for e := s; e < 40 && inA[e]; e++ {
				end = e
			}
			require.Equal(t, end, a.end(s))
		}
		require.Equal(t, count, a.Between(after, until), "%v from %d to %d", a, after, until)
		for _, r := range []Ranges{a, with, without, shared} {
			if len(r) == 0 {
				continue
			}
			again, err := parseRanges(r.String())
			require.NoError(t, err, "the ranges must ascend and not touch")
			require.Equal(t, r, again)
		}
	}
}

func TestWordsDescribesRanges(t *testing.T) {
	for want, r := range map[string]Ranges{
		"record 7 is missing":                                                  {{7, 7}},
		"records 2644 to 15000 are missing, 12357 in all":                      {{2644, 15000}},
		"records 1 to 3, 7 are missing, 4 in all":                              {{1, 3}, {7, 7}},
		"records 1, 3, 5, 7, 9 to 10, and 2 more ranges are missing, 9 in all": {{1, 1}, {3, 3}, {5, 5}, {7, 7}, {9, 10}, {12, 12}, {14, 15}},
	} {
		require.Equal(t, want, r.Words())
	}
}

func FuzzRanges(f *testing.F) {
	for _, text := range []string{"1", "1-2,4", "3-1", "0", "1,2", "01", "1-1", "", ",", "1-", "18446744073709551615", "1-9223372036854775807", "2,1", "+1", "1 ,3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRanges(text)
		if err == nil {
			require.Equal(t, text, r.String())
			require.Positive(t, r.Count())
			require.Equal(t, r, r.with(r))
			require.Empty(t, r.without(r))
		}
	})
}
