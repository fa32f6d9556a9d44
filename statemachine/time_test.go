package statemachine_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTimesOfRFC3339AreParsed(t *testing.T) {
	date := func(year int, month time.Month, day, hour, minute, second, nanosecond int) time.Time {
		return time.Date(year, month, day, hour, minute, second, nanosecond, time.UTC)
	}
	for text, want := range map[string]time.Time{
		"2026-03-02T09:31:07Z":                    date(2026, 3, 2, 9, 31, 7, 0),
		"2026-03-02t09:31:07.2z":                  date(2026, 3, 2, 9, 31, 7, 2e8),
		"2026-03-02T09:31:07.123456789+05:30":     date(2026, 3, 2, 4, 1, 7, 123456789),
		"2026-03-02T09:31:07.1234567899Z":         date(2026, 3, 2, 9, 31, 7, 123456789),
		"2024-02-29T00:00:00-00:00":               date(2024, 2, 29, 0, 0, 0, 0),
		"2016-12-31T23:59:60Z":                    date(2016, 12, 31, 23, 59, 59, 999999999),
		"1990-12-31T15:59:60-08:00":               date(1990, 12, 31, 23, 59, 59, 999999999),
		"2016-12-31T23:59:60.123Z":                date(2016, 12, 31, 23, 59, 59, 999999999),
		"0001-01-01T00:00:00Z":                    {},
		"0001-01-01T00:00:00+01:00":               date(0, 12, 31, 23, 0, 0, 0),
		"0001-01-01T00:00:00+23:59":               date(0, 12, 31, 0, 1, 0, 0),
		"9999-12-31T23:59:59.999999999Z":          date(9999, 12, 31, 23, 59, 59, 999999999),
		"9999-12-31T23:59:59-01:00":               date(10000, 1, 1, 0, 59, 59, 0),
		"9999-12-31T23:59:60-23:59":               date(10000, 1, 1, 23, 58, 59, 999999999),
		"1677-09-21T00:12:43.145224192-00:01":     date(1677, 9, 21, 0, 13, 43, 145224192),
		"2262-04-11T23:47:16.8547758070000+00:00": date(2262, 4, 11, 23, 47, 16, 854775807),
	} {
		got, err := statemachine.ParseTime(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestTextThatIsNotAnRFC3339TimeIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "yesterday", "2026-03-02", "2026-03-02T09:31:07", "2026-03-02 09:31:07Z", "2026-03-02T09:31Z", "2026-03-02T9:31:07Z",
		"2026-3-02T09:31:07Z", "26-03-02T09:31:07Z", "2026-03-02T09:31:07.Z", "2026-03-02T09:31:07,2Z", "2026-03-02T09:31:07+1:00",
		"2026-03-02T09:31:07+0100", "2026-03-02T09:31:07+24:00", "2026-03-02T09:31:07+01:60", "2026-03-02T09:31:07Z ",
		"2026-03-02T09:31:07ZZ", " 2026-03-02T09:31:07Z", "2026-03-02T24:00:00Z", "2026-03-02T09:60:00Z", "2026-03-02T09:31:61Z",
		"2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
		"+026-01-01T00:00:00Z", "2026-03-02T09:31:07−01:00", "2026-03-02T09:31:07.٢Z", "99999999999999999-01-01T00:00:00Z",
	} {
		_, err := statemachine.ParseTime(text)
		require.Error(t, err, "%q", text)
	}
}

func TestATimeOutsideTheValidYearsInUTCIsFormattedWithAnOffset(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-02T10:31:07.500+01:00":       "2026-03-02T09:31:07.5Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00Z",
		"0001-01-01T00:00:00.000000001+00:00": "0001-01-01T00:00:00.000000001Z",
		"0001-01-01T00:00:00+01:00":           "0001-01-01T00:00:00+01:00",
		"0001-01-01T00:00:00+00:01":           "0001-01-01T00:59:00+01:00",
		"0001-01-01T00:00:00+23:30":           "0001-01-01T00:29:00+23:59",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59Z",
		"9999-12-31T23:59:59-01:00":           "9999-12-31T23:59:59-01:00",
		"9999-12-31T22:00:00-02:00":           "9999-12-31T23:00:00-01:00",
		"9999-12-31T23:59:60-23:59":           "9999-12-31T23:59:59.999999999-23:59",
	} {
		at, err := statemachine.ParseTime(text)
		require.NoError(t, err)
		require.Equal(t, want, statemachine.FormatTime(at), text)
	}
}

// anyTime draws an RFC 3339 text, often near the limits.
func anyTime() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		date := rapid.OneOf(rapid.SampledFrom([]string{"0001-01-01", "9999-12-31", "1970-01-01", "1677-09-21", "2262-04-11"}),
			rapid.Map(rapid.IntRange(1, 9999), func(year int) string { return fmt.Sprintf("%04d-02-28", year) })).Draw(t, "date")
		clock := rapid.SampledFrom([]string{"00:00:00", "23:59:59", "23:59:60", "12:30:15.000000001", "00:00:00.999999999"}).Draw(t, "clock")
		offset := rapid.OneOf(rapid.Just("Z"), rapid.StringMatching(`[+-]([01][0-9]|2[0-3]):[0-5][0-9]`)).Draw(t, "offset")
		return date + "T" + clock + offset
	})
}

var rfc3339 = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$`)

func TestEveryFormattedTimeIsParsedAsTheSameTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyTime().Draw(t, "time")
		at, err := statemachine.ParseTime(text)
		require.NoError(t, err, text)
		shown := statemachine.FormatTime(at)
		require.Regexp(t, rfc3339, shown)
		require.NotEqual(t, "0000", shown[:4])
		again, err := statemachine.ParseTime(shown)
		require.NoError(t, err, shown)
		require.True(t, at.Equal(again), "%s: %s", text, shown)
		if library, err := time.Parse(time.RFC3339Nano, text); err == nil {
			require.True(t, library.Equal(at), text)
		}
	})
}

func FuzzParseTimeIsNoMoreLenientThanTheLibrary(f *testing.F) {
	for _, text := range []string{"2026-03-02T09:31:07.2Z", "2016-12-31t23:59:60z", "0001-01-01T00:00:00+01:00", "2026-03-02T9:31:07Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := statemachine.ParseTime(text)
		if err != nil {
			return
		}
		b := []byte(text)
		b[10] = 'T'
		if b[len(b)-1] == 'z' {
			b[len(b)-1] = 'Z'
		}
		if string(b[17:19]) == "60" {
			return
		}
		library, err := time.Parse(time.RFC3339Nano, string(b))
		require.NoError(t, err)
		require.True(t, library.Equal(at))
	})
}
