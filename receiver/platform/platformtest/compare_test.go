package platformtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const partView = `{"orderId":"6f1c1b1e","status":"CANCELED","statusSince":"2026-03-02T09:31:07.2Z","open":false,"final":false,
	"executedQuantity":"40.0","modifiedOn":"2026-03-02T10:31:08+01:00",
	"breaks":[{"code":"reopened","severity":"warn"},{"code":"clock_skew"},{"code":"fill_after_close"}],"extra":1}`

func partExpected() Expected {
	status, executed := "CANCELED", "40"
	since := time.Date(2026, 3, 2, 9, 31, 7, 200_000_000, time.UTC)
	modified := time.Date(2026, 3, 2, 9, 31, 8, 0, time.UTC)
	return Expected{Status: &status, StatusSince: &since, ModifiedOn: &modified, ExecutedQuantity: &executed,
		Breaks: []string{"fill_after_close", "reopened"}}
}

func TestCompareFindsNothingInAnEqualView(t *testing.T) {
	require.Empty(t, Compare(partExpected(), []byte(partView)))
	require.Empty(t, Compare(Expected{}, []byte(`{"status":null,"statusSince":null,"modifiedOn":null,"executedQuantity":null,
		"open":false,"final":false,"breaks":[]}`)))
}

func TestCompareFindsEachKindOfDifference(t *testing.T) {
	text := func(s string) *string { return &s }
	later := func(t *time.Time) *time.Time { l := t.Add(time.Nanosecond); return &l }
	for _, c := range []struct {
		name   string
		change func(*Expected)
		want   Difference
	}{
		{"another status", func(e *Expected) { e.Status = text("FILLED") }, Difference{"status", "FILLED", "CANCELED"}},
		{"no status", func(e *Expected) { e.Status = nil }, Difference{"status", "null", "CANCELED"}},
		{"a nanosecond later", func(e *Expected) { e.StatusSince = later(e.StatusSince) },
			Difference{"statusSince", "2026-03-02T09:31:07.200000001Z", "2026-03-02T09:31:07.2Z"}},
		{"no time", func(e *Expected) { e.StatusSince = nil }, Difference{"statusSince", "null", "2026-03-02T09:31:07.2Z"}},
		{"another modifiedOn", func(e *Expected) { e.ModifiedOn = later(e.ModifiedOn) },
			Difference{"modifiedOn", "2026-03-02T09:31:08.000000001Z", "2026-03-02T09:31:08Z"}},
		{"another quantity", func(e *Expected) { e.ExecutedQuantity = text("40.001") },
			Difference{"executedQuantity", "40.001", "40.0"}},
		{"no quantity", func(e *Expected) { e.ExecutedQuantity = nil }, Difference{"executedQuantity", "null", "40.0"}},
		{"open", func(e *Expected) { e.Open = true }, Difference{"open", "true", "false"}},
		{"final", func(e *Expected) { e.Final = true }, Difference{"final", "true", "false"}},
		{"a break is missing", func(e *Expected) { e.Breaks = append(e.Breaks, "overfill") },
			Difference{"breaks", "[fill_after_close overfill reopened]", "[fill_after_close reopened]"}},
		{"a break is not expected", func(e *Expected) { e.Breaks = e.Breaks[:1] },
			Difference{"breaks", "[fill_after_close]", "[fill_after_close reopened]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			expected := partExpected()
			c.change(&expected)
			require.Equal(t, []Difference{c.want}, Compare(expected, []byte(partView)))
		})
	}
}

func TestCompareReportsMissingFields(t *testing.T) {
	require.Equal(t, []Difference{
		{"status", "CANCELED", "null"},
		{"statusSince", "2026-03-02T09:31:07.2Z", "null"},
		{"modifiedOn", "2026-03-02T09:31:08Z", "null"},
		{"executedQuantity", "40", "null"},
		{"open", "false", "null"},
		{"final", "false", "null"},
		{"breaks", "[fill_after_close reopened]", "[]"},
	}, Compare(partExpected(), []byte(`{}`)))
}

func TestCompareReportsAViewThatCannotBeDecoded(t *testing.T) {
	for _, view := range []string{"", "not JSON", `{"open":"yes"}`, `{"executedQuantity":40}`} {
		found := Compare(partExpected(), []byte(view))
		require.Len(t, found, 1)
		require.Equal(t, "view", found[0].Field)
	}
	require.Len(t, Compare(partExpected(), []byte(`{"executedQuantity":"many"}`)), 7, "text that is not a number equals no number")
}

func TestADifferenceHasAReadableText(t *testing.T) {
	require.Equal(t, "open: expected true, got false", Difference{"open", "true", "false"}.String())
}
