//go:build browser

package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestAnOperatorWatchesRebuildsAndTheirProgress(t *testing.T) {
	s := serve(t)
	s.simulate(300)
	tb := launch(t).open(s.api + "/operations")
	tb.sees("Ready. The views follow the log. Notifications are stored.")
	tb.press("Dry run")
	tb.sees("Dry run done")
	tb.sees("0 of 300 orders would differ")
	tb.press("Rebuild…")
	tb.sees("replace the current ones when they are complete")
	tb.do(clickLast("Rebuild"))
	tb.sees("Rebuild done")
	tb.until(`[...document.querySelectorAll('dt')].find(d => d.textContent === "Generation").nextSibling.textContent === "2"`, "a new generation is served")
	tb.press("Roll back…")
	tb.do(clickLast("Roll back"))
	tb.sees("Rollback done")
	tb.until(`[...document.querySelectorAll('dt')].find(d => d.textContent === "Generation").nextSibling.textContent !== "2"`, "another generation is served")
}

func TestAnOperatorInspectsTheQuarantineAndRedrivesRecords(t *testing.T) {
	s := serve(t)
	s.post(`{"notificationType":"UPDATED","status":"PLACED"}`)
	tb := launch(t).open(s.api + "/operations")
	tb.sees("No order id")
	tb.press("Raw")
	tb.until(`document.querySelector('pre')?.textContent.includes('"status": "PLACED"')`, "the bytes are shown")
	tb.press("Dry run for all")
	tb.sees("Can be read now: 0 of 1.")
	tb.press("Redrive all")
	tb.sees("Redriven: 0 of 1. 1 still cannot be read.")
}

func TestAnOperatorSeesHowManyMessagesWaitForSubscribers(t *testing.T) {
	s := serve(t, "--nats-addr", "127.0.0.1:0")
	s.subscribe("billing")
	tb := launch(t).open(s.api + "/operations")
	row := func(text string) string {
		return `document.querySelector('[aria-label="Subscribers"] tbody tr')?.innerText.replaceAll(/\s+/g, " ").startsWith("` + text + `")`
	}
	tb.until(row("billing up to date 0 0 0 unknown notifications"), "nothing waits")
	s.simulate(10)
	tb.until(`/^billing messages wait [1-9]\d* 0 0 unknown notifications$/.test(document.querySelector('[aria-label="Subscribers"] tbody tr').innerText.replaceAll(/\s+/g, " "))`,
		"what waits is counted without a reload")
	s.restart(func() { require.NoError(t, os.Remove(filepath.Join(s.data, "credentials.json"))) })
	tb.sees("Cannot be used: it has no user")
	tb.picture("subscribers-light")
	tb.phone()
	tb.do(chromedp.ScrollIntoView(`[aria-label="Subscribers"]`))
	tb.picture("subscribers-phone")
	require.Empty(t, tb.violations())
}

func TestThroughputAndLagAreDrawnAsCurves(t *testing.T) {
	s := serve(t)
	s.simulate(100)
	tb := launch(t).open(s.api + "/operations")
	tb.until(`document.querySelectorAll('.chart canvas').length >= 2`, "there are curves")
	tb.until(`/now \d/.test(document.querySelector('.chart').textContent)`, "and a figure of now")
	tb.picture("curves-light")
}

func TestTimesAreShownInTheChosenZone(t *testing.T) {
	s := serve(t)
	s.post(notification(1, "PLACED", "", "2026-03-02T09:30:00.5Z"))
	b := launch(t)
	tb := b.blank(s.api)
	tb.timeZone("Asia/Kolkata")
	tb.visit(s.api + "/orders/" + id(1))
	tb.sees("2026-03-02 15:00:00.5 UTC+5:30")
	tb.click(`button[title="Settings"]`)
	tb.choose("UTC")
	tb.sees("2026-03-02 09:30:00.5 UTC")
	tb.visit(s.api + "/orders/" + id(1))
	tb.sees("2026-03-02 09:30:00.5 UTC")
}

func TestAChosenThemeIsRemembered(t *testing.T) {
	s := serve(t)
	tb := launch(t).open(s.api + "/")
	tb.theme("light")
	tb.click(`button[title="Settings"]`)
	tb.choose("dark")
	tb.until(`document.documentElement.dataset.theme === "dark"`, "it is dark")
	tb.visit(s.api + "/breaks")
	tb.until(`document.documentElement.dataset.theme === "dark"`, "and stays so")
}

func TestReducedMotionShowsADotInsteadOfAFadingTint(t *testing.T) {
	s := serve(t)
	s.three()
	tb := launch(t).blank(s.api)
	tb.media("prefers-reduced-motion", "reduce")
	tb.visit(s.api + "/")
	tb.rows(3)
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	at := fmt.Sprintf(cell, id(1), "status")
	tb.until(at+`?.className.includes("hit")`, "the cell is marked")
	tb.until(`getComputedStyle(`+at+`).animationName === "none"`, "nothing fades")
	tb.until(`getComputedStyle(`+at+`, "::after").width === "5px"`, "there is a dot")
}
