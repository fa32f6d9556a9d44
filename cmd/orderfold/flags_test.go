package main

import (
	"flag"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestASizeHasAUnitOrIsANumberOfBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1048576": 1 << 20, "10MB": 10e6, "10mb": 10e6, "10 MB": 10e6, "1GiB": 1 << 30, "1gib": 1 << 30, "1.5GiB": 3 << 29,
		"0.5 kB": 500, "2TB": 2e12, "1TiB": 1 << 40, "3KiB": 3072, "7B": 7, "007kb": 7000, "9223372036854775807": math.MaxInt64,
	} {
		n, err := parseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
}

func TestAnInvalidSizeIsRefusedWithAnExample(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "1GiB", "much": "1GiB", "MB": "1GiB", "-1": "1GiB", "-1MB": "1GiB", "+1": "1GiB", "1e6": "1GiB", "10M": "1GiB", "10K": "1GiB",
		"1,5MB": "1GiB", "1.5": "whole number of bytes", "0.1B": "whole number of bytes", "1.MB": "1GiB", ".5MB": "1GiB", "1..5MB": "1GiB",
		"1.5.5MB": "1GiB", "0x10": "1GiB", "1_000": "1GiB", "1/2MB": "1GiB", " 1MB": "1GiB", "1MB ": "1GiB", "1 M B": "1GiB", "NaN": "1GiB",
		"Inf": "1GiB", "9223372036854775808": "too large", "8388608TiB": "too large", "1MBit": "1GiB", "10\u00a0MB": "1GiB",
		strings.Repeat("9", 1<<20): "1GiB",
	} {
		_, err := parseSize(text)
		require.ErrorContains(t, err, says, text)
	}
}

func TestADurationMayContainDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0d": 0, "500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour,
		"1d0s": day, "106751d": 106751 * day, "24h": day, "1us": time.Microsecond, "+5s": 5 * time.Second,
	} {
		d, err := parseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, d, text)
	}
}

func TestAnInvalidDurationIsRefusedWithAnExample(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "1h30m", "5": "1h30m", "d": "1h30m", "1.5d": "1h30m", "-1d": "1h30m", "-1s": "negative", "-0s": "negative", "1d-1h": "negative", "1d+1h": "1h30m",
		"1dd": "1h30m", "12h1d": "1h30m", "1 d": "1h30m", "7D": "1h30m", "1w": "1h30m", "106752d": "too long", "106751d24h": "too long",
		"99999999999999999999d": "too long", "9999999h": "1h30m", "soon": "1h30m",
	} {
		_, err := parseDuration(text)
		require.ErrorContains(t, err, says, text)
	}
}

func FuzzSizes(f *testing.F) {
	for _, text := range []string{"10MB", "1.5 GiB", "-1", "1e400MB", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseSize(text)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, n, int64(0))
		again, err := parseSize(sizeText(n))
		require.NoError(t, err)
		require.Equal(t, n, again, "%q is shown as %q", text, sizeText(n))
	})
}

func FuzzDurations(f *testing.F) {
	for _, text := range []string{"7d", "1d12h", "-1s", "1.5h", "106751d23h47m16.854775807s", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if standard, e := time.ParseDuration(text); e == nil && standard >= 0 && !strings.HasPrefix(text, "-") {
			require.NoError(t, err)
			require.Equal(t, standard, d)
		}
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, d, time.Duration(0))
		again, err := parseDuration(durationText(d))
		require.NoError(t, err)
		require.Equal(t, d, again, "%q is shown as %q", text, durationText(d))
	})
}

func TestEveryFlagForASizeOrADurationAcceptsUnits(t *testing.T) {
	t.Parallel()
	seen := 0
	(&program{declared: func(f *flagSet) {
		f.VisitAll(func(flag *flag.Flag) {
			switch flag.Value.(type) {
			case *size:
				require.NoError(t, flag.Value.Set("10MB"), flag.Name)
				seen++
			case *duration:
				require.NoError(t, flag.Value.Set("7d"), flag.Name)
				seen++
			default:
				require.NotContains(t, fmt.Sprintf("%T", flag.Value), "duration", "--%s takes no days: declare it with flagSet.DurationVar", flag.Name)
				require.NotRegexp(t, `\bbytes\b`, flag.Usage, "--%s takes no units: declare it with flagSet.sizeVar", flag.Name)
			}
		})
	}}).declareAll()
	require.Greater(t, seen, 9)
}

func TestTheNearestNameIsSuggestedForAMistypedOne(t *testing.T) {
	t.Parallel()
	names := []string{"serve", "receiver", "verify", "order", "orders", "traditional-asset-order", "customer"}
	for word, want := range map[string]string{
		"serv": "serve", "SERVE": "serve", "tverify": "verify", "reciever": "receiver", "odrer": "order", "ordrs": "orders", "trad": "traditional-asset-order",
		"custommer": "customer", "x": "", "": "", "frobnicate": "", "serveserveserve": "", strings.Repeat("order", 1000): "",
	} {
		require.Equal(t, want, nearest(word, names), word)
	}
}

// A name of four letters or more is recognized despite one typing mistake, unless another name is equally near.
func TestANameWithOneTypingMistakeIsRecognized(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range commands() {
		if name := strings.Fields(c.name)[0]; len(name) >= 4 {
			names = append(names, name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		at := rapid.IntRange(0, len(name)-1).Draw(t, "at")
		word := rapid.SampledFrom([]string{name[:at] + name[at+1:], name[:at] + "q" + name[at:], name[:at] + "q" + name[at+1:]}).Draw(t, "word")
		found := nearest(word, names)
		require.NotEmpty(t, found, word)
		require.LessOrEqual(t, typingMistakes(word, found), typingMistakes(word, name))
	})
}

func TestAVariableWithoutAFlagCausesAWarning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		warns   []string
	}{
		"two letters exchanged":                   {[]string{"ORDERFOLD_RECIEVER_ADDR=secret-word"}, []string{"ORDERFOLD_RECIEVER_ADDR", "did you mean ORDERFOLD_RECEIVER_ADDR?"}},
		"without a similar name":                  {[]string{"ORDERFOLD_FROBNICATE=secret-word"}, []string{"ORDERFOLD_FROBNICATE", "orderfold help COMMAND lists the flags"}},
		"two variables":                           {[]string{"ORDERFOLD_API_KEYS=secret-word", "ORDERFOLD_=x"}, []string{"did you mean ORDERFOLD_API_KEY?", "variable ORDERFOLD_,"}},
		"of another command":                      {[]string{"ORDERFOLD_RECEIVER_ADDR=x", "ORDERFOLD_CONNECTIONS=3"}, nil},
		"of another program":                      {[]string{"ORDERFOLDX=1", "GOMEMLIMIT=1"}, nil},
		"with control characters":                 {[]string{"ORDERFOLD_\x1b[2J=x"}, []string{"ORDERFOLD_\ufffd[2J"}},
		"of a flag of this command, which is set": {[]string{"ORDERFOLD_FORMAT=text"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := execute(t, c.environ, "states")
			require.Equal(t, exitOK, code)
			require.Contains(t, stdout, "PARTIALLY_FILLED")
			require.NotContains(t, stderr, "secret-word")
			require.Equal(t, len(c.environ)*min(1, len(c.warns)), strings.Count(stderr, "orderfold: warning: "), stderr)
			for _, text := range c.warns {
				require.Contains(t, stderr, text)
			}
		})
	}
}

func TestDeclareAllDeclaresTheFlagsOfEveryCommand(t *testing.T) {
	t.Parallel()
	var declared []string
	(&program{declared: func(f *flagSet) { declared = append(declared, f.Name()) }}).declareAll()
	for _, c := range commands() {
		if c.name != "help" {
			require.Contains(t, declared, c.name)
		}
	}
	require.Len(t, declared, len(commands())-1)
}

func TestOneMessageNamesAllAddressesInUse(t *testing.T) {
	t.Parallel()
	var taken []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		taken = append(taken, l.Addr().String())
	}
	for name, c := range map[string]struct {
		args  []string
		named []string
	}{
		"all of serve": {[]string{"serve", "--receiver-addr", taken[0], "--api-addr", taken[1], "--nats-addr", taken[2]},
			[]string{"--receiver-addr " + taken[0], "--api-addr " + taken[1], "--nats-addr " + taken[2]}},
		"that of the log beside a free one": {[]string{"serve", "--receiver-addr", taken[0], "--api-addr", "127.0.0.1:0", "--nats-addr", taken[2]},
			[]string{"--receiver-addr " + taken[0], "--nats-addr " + taken[2]}},
		"one beside an invalid address": {[]string{"serve", "--receiver-addr", taken[0], "--api-addr", "nowhere", "--nats-addr", ""},
			[]string{"--receiver-addr " + taken[0], "--api-addr nowhere: "}},
		"those of a receiver with metrics": {[]string{"receiver", "--receiver-addr", taken[0], "--metrics-addr", taken[1], "--nats-addr", ""},
			[]string{"--receiver-addr " + taken[0], "--metrics-addr " + taken[1]}},
		"one address given twice": {[]string{"demo", "--receiver-addr", "127.0.0.1:0", "--api-addr", taken[1], "--nats-addr", taken[1]},
			[]string{"--api-addr " + taken[1], "--nats-addr " + taken[1]}},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			code, _, stderr := execute(t, nil, append(c.args, "--data", data)...)
			require.Equal(t, exitFailed, code)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			for _, text := range c.named {
				require.Contains(t, stderr, text)
			}
			require.Contains(t, stderr, "choose another address")
			require.NotContains(t, stderr, "127.0.0.1:0")
			require.NoDirExists(t, data)
		})
	}
}
