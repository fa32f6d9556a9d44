//go:build browser

package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// violations returns what axe-core finds on the page.
func (tb *tab) violations() []string {
	tb.t.Helper()
	axe, err := os.ReadFile(filepath.Join("..", "node_modules", "axe-core", "axe.min.js"))
	require.NoError(tb.t, err, "make browser installs it")
	tb.do(chromedp.Evaluate[chromedp.Void](string(axe)))
	return evaluate[[]string](tb, `axe.run(document, {resultTypes: ["violations"]}).then(r =>
		r.violations.map(v => v.id + ", " + v.nodes.length + " times: " + v.nodes[0].target + ": " + v.nodes[0].failureSummary))`)
}

func TestEveryScreenIsLegibleInBothThemesAndOnAPhone(t *testing.T) {
	s := serve(t, "--nats-addr", "127.0.0.1:0")
	s.subscribe("billing")
	s.subscribe("risk-and-limits")
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z")) // overdue
	s.post(notification(2, "FILLED", "1250000.5", "2026-03-04T09:31:00.1Z"))
	s.simulate(400)
	s.post(`{"notificationType":"UPDATED","status":"PLACED"}`) // of no order
	broken := s.orders("break=fill_after_close&limit=1")[0]
	b := launch(t)
	for _, screen := range []struct{ name, path, shows string }{
		{"blotter", "/", "Notified"},
		{"blotter-panel", "/?order=" + broken.OrderID, "Requests to the platform"},
		{"blotter-filtered", "/?status=FILLED&status=SETTLED&side=BUY&sort=received", "ISIN"},
		{"order", "/orders/" + broken.OrderID, "It changed"},
		{"breaks", "/breaks", "over 5 days"},
		{"operations", "/operations", "risk-and-limits"},
		{"settlement", "/settlement", "Not settled, by due day"},
		{"nothing", "/?isin=DE0000000000", "No orders match these filters."},
		{"unknown-order", "/orders/unknown", "There is no order with the id unknown."},
	} {
		t.Run(screen.name, func(t *testing.T) {
			tb := (&chromium{t, b.ctx}).open(s.api + screen.path)
			if screen.name == "unknown-order" {
				tb.forgive("404")
			}
			if screen.name == "blotter-filtered" {
				tb.until("document.querySelector('table.orders tbody tr')", "there are rows")
			} else if screen.name == "order" {
				tb.until("document.querySelector('.then')", "the state as of then is shown")
			} else {
				tb.sees(screen.shows)
			}
			for _, theme := range []string{"light", "dark"} {
				tb.theme(theme)
				tb.picture(screen.name + "-" + theme)
				require.Empty(t, tb.violations(), theme)
			}
			tb.phone()
			tb.theme("light")
			tb.until("document.documentElement.scrollWidth <= 390", "nothing is wider than the phone")
			tb.picture(screen.name + "-phone")
			require.Empty(t, tb.violations(), "on a phone")
		})
	}
}

func TestTheFirstScreenIsAtMost60KilobytesCompressed(t *testing.T) {
	s := serve(t)
	tb := launch(t).open(s.api + "/")
	tb.sees("once the platform posts its first notification")
	bytes := tb.transferred()
	t.Logf("%.0f bytes", bytes)
	require.Greater(t, bytes, 10_000.0, "they were counted")
	require.LessOrEqual(t, bytes, 60_000.0)
}

func TestAnEmptyScreenExplainsWhyNothingIsShown(t *testing.T) {
	s := serve(t)
	b := launch(t)
	for path, words := range map[string]string{
		"/": "once the platform posts its first notification", "/breaks": "There are no open breaks.",
		"/operations": "Add one with orderfold subscribers add NAME.", "/settlement": "No orders are overdue.", "/nothing": "",
	} {
		if words == "" {
			continue
		}
		b.open(s.api + path).sees(words)
	}
}
