//go:build browser

package browser

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// life posts the notifications of order 1: out of order, with a repeat, and with a fill after a cancellation.
func (s *service) life() {
	s.t.Helper()
	s.post(notification(1, "PLACED", "", "2026-03-02T09:30:00.123456789Z"))
	s.post(notification(1, "CANCELED", "", "2026-03-02T09:33:00Z"))
	s.post(notification(1, "PARTIALLY_FILLED", "250000.25", "2026-03-02T09:31:00Z")) // late
	s.post(notification(1, "CANCELED", "", "2026-03-02T09:33:00Z"))                  // again
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:34:00Z"))
}

// sequences returns the sequences of the notifications of order 1.
func (s *service) sequences() (all []string) {
	s.t.Helper()
	var list struct {
		Data []struct{ Sequence uint64 }
	}
	s.ask("/v1/orders/"+id(1)+"/history", &list)
	for _, e := range list.Data {
		all = append(all, strconv.FormatUint(e.Sequence, 10))
	}
	require.Len(s.t, all, 5)
	return all
}

func TestOneSentenceStatesTheStatusOfAnOrderAndTheReason(t *testing.T) {
	s := serve(t)
	s.life()
	n := s.sequences()
	tb := launch(t).open(s.api + "/orders/" + id(1))
	tb.until(fmt.Sprintf(`document.querySelector('.sentence')?.textContent.includes("(record %s)")`, n[4]), "it names the notification that decides")
	sentence := tb.text(`document.querySelector('.sentence').textContent`)
	for _, part := range []string{"Buy 1250000.5 DE0007164600 at 101.250 or better on XFRA: filled since 2026-03-02", "all of it executed", "It should have settled on Wed 2026-03-04 and has not"} {
		require.Contains(t, sentence, part)
	}
	tb.until(`document.querySelector('.executed-bar svg').getAttribute('aria-label') === "100 % executed"`, "the bar is full")
}

func TestAClerkStepsThroughAnOrderAndSeesTheEffectOfEachNotification(t *testing.T) {
	s := serve(t)
	s.life()
	n := s.sequences()
	tb := launch(t).open(s.api + "/orders/" + id(1))
	then := func(sequence, effect, status, changed string) {
		tb.until(fmt.Sprintf(`document.querySelector('.moment h3')?.textContent === "Record %s %s"`, sequence, effect), "the notification is described")
		tb.until(fmt.Sprintf(`document.querySelector('.then .mark')?.textContent === %q`, status), "the status then")
		tb.until(fmt.Sprintf(`document.querySelector('.then').textContent.includes(%q)`, changed), "what it changed")
	}
	then(n[4], "changed the status", "Filled", "CanceledFilled")
	tb.keys("k")
	then(n[3], "repeated what was known", "Canceled", "It changed no field.")
	tb.keys("k")
	then(n[2], "came late: a higher status was already known", "Canceled", "250000.25")
	tb.until(fmt.Sprintf(`location.search === "?at=%s"`, n[2]), "the address shows it")
	tb.do(chromedp.Evaluate[chromedp.Void](`(() => { const s = document.querySelector('.slider input'); s.value = 0; s.dispatchEvent(new Event("input", {bubbles: true})); })()`))
	then(n[0], "changed the status", "Placed", "–Placed")
	require.Contains(t, tb.text(`document.querySelector('.then').textContent`), "1250000.5", "the first one brings the details")
}

func TestACopiedAddressShowsTheSameMomentOfAnOrder(t *testing.T) {
	s := serve(t)
	s.life()
	n := s.sequences()
	tb := launch(t).open(s.api + "/orders/" + id(1) + "?at=" + n[1])
	tb.until(fmt.Sprintf(`document.querySelector('.moment h3')?.textContent.startsWith("Record %s ")`, n[1]), "that notification is chosen")
	tb.until(`document.querySelector('.slider input').value === "1"`, "the slider is there")
}

func TestLateAndRepeatedNotificationsAndTheEvidenceOfABreakAreMarked(t *testing.T) {
	s := serve(t)
	s.life()
	n := s.sequences()
	tb := launch(t).open(s.api + "/orders/" + id(1))
	tb.until(`document.querySelectorAll('.rails .dot').length === 5`, "all five are drawn")
	tb.until(`document.querySelectorAll('.rails .thread.effect-late').length === 1`, "the late one")
	tb.until(`document.querySelectorAll('.rails .dot.repeated').length === 1`, "the repeated one")
	tb.until(fmt.Sprintf(`[...document.querySelectorAll('.break-list a')].some(a => a.textContent === "%s")`, n[4]), "the break names its evidence")
	require.Equal(t, tb.text(`document.querySelectorAll('.break-list li').length > 0`), "true")
	tb.until(`document.querySelectorAll('.rails .dot.grade-high').length >= 2`, "the evidence is coloured")
	tb.do(chromedp.Click(fmt.Sprintf(`//*[contains(@class,"break-list")]//a[.=%q]`, n[1]), chromedp.NodeVisible))
	tb.until(fmt.Sprintf(`document.querySelector('.moment h3')?.textContent.startsWith("Record %s ")`, n[1]), "a click on it chooses the notification")
}

func TestTheBytesOfANotificationAreShownUnchanged(t *testing.T) {
	s := serve(t)
	body := `{"orderId":"` + id(1) + `","status":"PLACED","tradeSide":"BUY","isin":"DE0007164600","quantity":12345678901234567890.120,"n":1e400,"modifiedOn":"2026-03-02T09:30:00Z"}`
	s.post(body)
	tb := launch(t).open(s.api + "/orders/" + id(1))
	tb.press("The notification as received")
	tb.until(`document.querySelector('pre')?.textContent.includes('"quantity": 12345678901234567890.120,\n  "n": 1e400')`, "with line breaks, digit by digit")
	tb.press("With line breaks")
	tb.until(fmt.Sprintf(`document.querySelector('pre').textContent === %q`, body), "and as it came")
	tb.until(`[...document.querySelectorAll('.fields dd')].some(d => d.textContent === "12345678901234567890.120")`, "the field has all digits")
}

func TestAnOpenOrderIsUpdatedByNewNotifications(t *testing.T) {
	s := serve(t)
	s.post(notification(1, "PLACED", "", "2026-03-02T09:30:00Z"))
	tb := launch(t).open(s.api + "/orders/" + id(1))
	tb.until(`document.querySelectorAll('.history tbody tr').length === 1`, "one notification")
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:34:00Z"))
	tb.until(`document.querySelectorAll('.history tbody tr').length === 2`, "the next one appears")
	tb.until(`document.querySelector('h1').textContent.includes("Filled")`, "and the status follows")
}

func TestRefusalsAndRequestsToThePlatformAreShown(t *testing.T) {
	s := serve(t)
	s.post(notification(1, "PLACED", "", "2026-03-02T09:30:00Z"))
	s.post(`{"notificationType":"VALIDATION_ERROR","orderId":"` + id(1) + `","modifiedOn":"2026-03-02T09:31:00Z",` +
		`"validationError":{"errorType":"INSUFFICIENT_FUNDS","description":"The cash account does not cover it."}}`)
	tb := launch(t).open(s.api + "/orders/" + id(1))
	tb.sees("Refused requests")
	tb.sees("The cash account does not cover it.")
	tb.sees("The platform was not asked about this order.")
}

func TestAnOperatorGoesFromABreakToItsEvidence(t *testing.T) {
	s := serve(t)
	s.simulate(400)
	var breaks struct {
		Data []struct {
			OrderID, Code  string
			OpenedSequence uint64
		}
		Counts struct{ ByCode, ByAge map[string]int }
	}
	s.ask("/v1/breaks?code=fill_after_close", &breaks)
	require.NotEmpty(t, breaks.Data)
	tb := launch(t).open(s.api + "/breaks")
	tb.sees("Shown by records")
	tb.do(chromedp.Click(`//table[contains(@class,"matrix")]//tr[th[contains(.,"Fill after close")]]/td[last()]/a`, chromedp.NodeVisible))
	tb.until(`location.search === "?code=fill_after_close"`, "the break is the filter")
	tb.until(fmt.Sprintf(`document.querySelectorAll('#breaks tbody tr').length === %d`, len(breaks.Data)), "those breaks are listed")
	tb.keys("n")
	tb.until(`document.querySelector('#breaks tr.cursor') === document.querySelector('#breaks tbody tr')`, "n goes to the first")
	if len(breaks.Data) > 1 {
		tb.keys("np")
	}
	tb.keys(enter)
	tb.until(fmt.Sprintf(`location.pathname === "/orders/%s" && location.search === "?at=%d"`, breaks.Data[0].OrderID, breaks.Data[0].OpenedSequence), "Enter opens the evidence")
	tb.sees("Fill after close")
}

func TestAnyIDIsFound(t *testing.T) {
	s := serve(t)
	s.simulate(300)
	of := s.orders("assetClass=TRADITIONAL&limit=1")[0]
	var whole struct{ ProductIDs []string }
	s.ask("/v1/orders/"+of.OrderID, &whole)
	b := launch(t)
	for _, c := range []struct{ text, first string }{
		{of.OrderID, "/orders/" + of.OrderID}, {of.OrderID[:13], "/orders/" + of.OrderID}, {of.ExternalID, ""},
		{*of.ISIN, ""}, {whole.ProductIDs[0], ""}, {strconv.FormatUint(of.Notifications.LastSequence, 10), "/orders/" + of.OrderID},
	} {
		tb := b.open(s.api + "/operations")
		tb.sees("Quarantine")
		tb.keys("/")
		tb.fill(".search", c.text)
		tb.until(`[...document.querySelectorAll('.found li')].length > 0`, c.text+" is found")
		tb.keys(enter)
		if c.first != "" {
			tb.until(fmt.Sprintf(`location.pathname === %q`, c.first), c.text+" leads to the order")
		} else {
			tb.until(`location.pathname.startsWith("/orders/") || (location.pathname === "/" && location.search !== "")`, c.text+" leads to orders")
		}
		tb.until(`!document.querySelector("dialog")`, "the window is closed")
		tb.close()
	}
	tb := b.open(s.api + "/")
	tb.until("document.querySelector('table.orders')", "the list exists")
	tb.keys("/")
	tb.fill(".search", "nothing-has-this-id")
	tb.sees("Nothing has the id")
}
