//go:build browser

package browser

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/require"
)

// heap returns the memory that the page uses after garbage collection, in bytes.
func (tb *tab) heap() float64 {
	tb.t.Helper()
	call(tb, heapprofiler.CollectGarbage, cdp.Empty{})
	return call(tb, runtime.GetHeapUsage, cdp.Empty{}).UsedSize
}

// busy returns the seconds of processor time that the page has used.
func (tb *tab) busy() float64 {
	tb.t.Helper()
	for _, m := range call(tb, performance.GetMetrics, cdp.Empty{}).Metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	tb.t.Fatal("there is no TaskDuration")
	return 0
}

// watched is how long the page is watched under load: a day's use in short, or what DAY_LENGTH says, such as 5m.
func watched(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("DAY_LENGTH")
	if text == "" {
		return 40 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

// longestDelay waits for d, and returns the longest delay of a timer of this process meanwhile: on a busy machine
// every task is long.
func longestDelay(d time.Duration) (longest time.Duration) {
	const every = 5 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for last, end := time.Now(), time.Now().Add(d); last.Before(end); {
		<-ticker.C
		at := time.Now()
		longest, last = max(longest, at.Sub(last)-every), at
	}
	return longest
}

func TestAnOpenPageUnderAThousandChangesASecondStaysSmallAndFast(t *testing.T) {
	s := serve(t)
	s.simulate(500)
	// On a busy machine an answer takes longer, so fewer connections would not reach the rate.
	load := exec.Command(binary, "simulate", "--url", s.receiver, "--orders", "1000000", "--rate", "1000", "--connections", "64", "--seed", "7")
	require.NoError(t, load.Start())
	t.Cleanup(func() { _ = load.Process.Kill(); _ = load.Wait() })
	tb := launch(t).open(s.api + "/")
	tb.rows(100)
	tb.sees("1000+ new")
	call(tb, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}) // not the time that other processes took
	before := tb.heap()
	tb.until(`(window.long = [], new PerformanceObserver(l => l.getEntries().forEach(e => window.long.push(Math.round(e.duration)))).observe({entryTypes: ["longtask"]}), true)`, "long tasks are noted")
	busy, began, first := tb.busy(), time.Now(), s.applied()
	delay := longestDelay(watched(t))
	took := time.Since(began).Seconds()
	share := (tb.busy() - busy) / took
	long := evaluate[[]float64](tb, "window.long")
	perSecond := float64(s.applied()-first) / took
	after := tb.heap() // the garbage collection that the test requests is a long task
	t.Logf("in %.0f s: %.0f notifications per second, %.1f %% of a core, heap %.1f MB then %.1f MB, tasks over 50 ms: %v, the machine's own delays up to %v", took, perSecond, 100*share, before/1e6, after/1e6, long, delay)
	require.LessOrEqual(t, share, 0.25, "the share of a core")
	require.LessOrEqual(t, after, before*1.2+1e6, "the heap is flat")
	for _, ms := range long {
		require.LessOrEqual(t, ms, 100+float64(2*delay.Milliseconds()), "no task is long")
	}
	tb.rows(100)
}

// TestTheDashboardShowsItsFirstScreenInHalfASecond measures with the number of orders in DAY_ORDERS, such as 1000000,
// in the folder DAY_FOLDER, which is kept. Without these variables there are few orders and no limit, because a busy
// machine is slow.
func TestTheDashboardShowsItsFirstScreenInHalfASecond(t *testing.T) {
	orders, folder := os.Getenv("DAY_ORDERS"), os.Getenv("DAY_FOLDER")
	measured := orders != ""
	if !measured {
		orders, folder = "1000", t.TempDir()
	}
	s := &service{t: t}
	addresses := map[string]string{"api": ""}
	s.command = s.run(addresses, "bench", "read", "--serve", "--orders", orders, "--dir", folder)
	t.Cleanup(s.stop)
	s.api = addresses["api"]
	b := launch(t)
	var took []float64
	for range 10 {
		tb := b.guest(s.api) // a browser with an empty cache
		call(tb, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `new MutationObserver((_, o) => {
			if (document.querySelectorAll("table.orders tbody tr").length < 30) return; // as many as fit
			o.disconnect();
			requestAnimationFrame(() => setTimeout(() => { window.shown = performance.now(); }));
		}).observe(document, {childList: true, subtree: true})`})
		tb.visit(s.api + "/")
		tb.until("window.shown > 0", "the first screen is shown")
		took = append(took, evaluate[float64](tb, "window.shown"))
		tb.close()
	}
	slices.Sort(took)
	t.Logf("%s orders: shown %.0f ms after the navigation began", orders, took)
	if measured {
		require.LessOrEqual(t, took[len(took)/2], 500.0, "the median")
	}
}

func TestTwentyPeopleSeeAnOrderChangeAtOnce(t *testing.T) {
	s := serve(t)
	s.three()
	b := launch(t)
	var tabs []*tab
	for range 20 {
		tb := b.guest(s.api) // a browser has six connections to a service, and each page holds one
		tb.visit(s.api + "/")
		tabs = append(tabs, tb)
	}
	for _, tb := range tabs {
		tb.rows(3)
	}
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	for i, tb := range tabs {
		tb.until(`document.querySelector('#row-`+id(1)+`')?.innerText.includes("Filled")`, fmt.Sprintf("page %d shows it", i+1))
		tb.missing("The stream of changes is interrupted.")
	}
}
