//go:build browser

package browser

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAClerkSeesOverdueOrdersAndThoseThatAreDueNext(t *testing.T) {
	s := serve(t, "--settlement", "TRADITIONAL=0")
	var stats struct {
		Settlement struct{ Today, NextSettlementDay string }
	}
	s.ask("/v1/stats", &stats)
	b := launch(t)
	tb := b.open(s.api + "/settlement")
	tb.sees("Nothing is overdue.")
	tb.sees("No orders are overdue.")

	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	s.post(notification(2, "FILLED", "1250000.5", stats.Settlement.NextSettlementDay+"T09:31:00.1Z"))
	tb.sees("Overdue since Mon 2026-03-02")
	const tile = `[...document.querySelectorAll('.tiles a')].map(a => a.innerText.replace(/\s+/g, " ").trim()).join()`
	tb.until(tile+`.startsWith("1 Overdue,0 Due today,1 Due ")`, "the numbers are those of the service")
	tb.until(`document.querySelectorAll('.bars tbody tr').length === 2`, "each day has a bar")
	require.Contains(t, tb.text(`document.querySelector('.bars tbody tr').innerText`), "Mon 2026-03-02")
	tb.until(`document.querySelectorAll('table.settling').length === 2`, "the orders are listed")

	phone := b.open(s.api + "/settlement")
	phone.phone()
	phone.until(`document.querySelectorAll('table.settling').length === 2`, "the orders are listed")
	phone.until(`[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)`, "no link to an order is beside the screen")
	phone.picture("settlement-orders-phone")

	tb.press("1 Overdue")
	tb.rows(1)
	require.Equal(t, "?settlement=overdue&sort=due", tb.text("location.search"))
	tb.until(fmt.Sprintf(cell+`?.innerText.includes("2026-03-02 overdue")`, id(1), "dueOn"), "the row shows it")
	tb.until(`[...document.querySelectorAll('.side a[aria-current]')].some(a => a.innerText === "Overdue")`, "it is a predefined view")

	order := b.open(s.api + "/orders/" + id(1))
	order.sees("It should have settled on Mon 2026-03-02 and has not.")
	order.sees("T+0: overdue by")

	s.post(notification(1, "SETTLED", "1250000.5", "2026-03-03T09:31:00.1Z"))
	tb.until(`document.querySelector('table.orders tbody tr').className.includes("left")`, "the order leaves the list")
	b.open(s.api + "/settlement").sees("Nothing is overdue.")
}
