//go:build browser

package browser

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const cell = `document.querySelector('#row-%s td[data-column="%s"]')`

// three posts three orders; the third one is the newest.
func (s *service) three() {
	s.t.Helper()
	for n := 1; n <= 3; n++ {
		s.post(notification(n, "PLACED", "", "2026-03-02T09:30:00.1Z"))
	}
}

// showThree posts three orders, and opens the page that lists them.
func (s *service) showThree() *tab {
	s.t.Helper()
	s.three()
	tb := launch(s.t).open(s.api + "/")
	tb.rows(3)
	return tb
}

func TestAnOrderChangesInItsPlaceAndTheChangedCellIsMarked(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	first := tb.text(`document.querySelector('table.orders tbody tr').id`)
	require.Equal(t, "row-"+id(3), first, "the newest comes first")
	s.post(notification(1, "PARTIALLY_FILLED", "250000.25", "2026-03-02T09:31:00.1Z"))
	tb.until(fmt.Sprintf(cell+`?.innerText.includes("Partly filled")`, id(1), "status"), "the row changes")
	require.Equal(t, first, tb.text(`document.querySelector('table.orders tbody tr').id`), "no row moves")
	tb.until(fmt.Sprintf(cell+`?.className.includes("hit")`, id(1), "executed"), "the changed cell is marked")
	require.NotContains(t, tb.text(fmt.Sprintf(cell+`.className`, id(1), "side")), "hit", "the others are not")
	tb.missing(" new")
}

func TestNewOrdersAreCountedUntilAClerkLoadsThem(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	s.post(notification(4, "PLACED", "", "2026-03-02T09:32:00.1Z"))
	s.post(notification(5, "PLACED", "", "2026-03-02T09:32:00.1Z"))
	tb.sees("2 new")
	tb.rows(3)
	tb.press("2 new")
	tb.rows(5)
	tb.missing(" new")
	require.Equal(t, "row-"+id(5), tb.text(`document.querySelector('table.orders tbody tr').id`))
}

func TestAClerkPausesTheListAndResumesIt(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	tb.press("Pause")
	s.post(notification(2, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	tb.sees("Resume (1 changed)")
	require.Contains(t, tb.text(fmt.Sprintf(cell+".innerText", id(2), "status")), "Placed")
	tb.press("Resume")
	tb.until(fmt.Sprintf(cell+`?.innerText.includes("Filled")`, id(2), "status"), "the row catches up")
}

func TestTextThatAClerkSelectsStaysSelectedWhileTheListIsLive(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	const selected = `getSelection().toString()`
	tb.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`getSelection().selectAllChildren(`+cell+`)`, id(1), "quantity")))
	require.Equal(t, "1250000.5", tb.text(selected), "the copied text has the exact digits")
	require.Equal(t, "3", tb.text(fmt.Sprintf(cell+`.querySelector(".num").childNodes.length`, id(1), "quantity")), "the shown text has gaps")
	s.post(notification(1, "PARTIALLY_FILLED", "250000.25", "2026-03-02T09:31:00.1Z"))
	tb.until(fmt.Sprintf(cell+`?.innerText.includes("Partly filled")`, id(1), "status"), "the row changes")
	require.Equal(t, "1250000.5", tb.text(selected))
}

func TestACopiedAddressShowsAnotherPersonTheSameList(t *testing.T) {
	s := serve(t)
	s.simulate(300)
	b := launch(t)
	tb := b.open(s.api + "/")
	tb.until("document.querySelector('table.orders tbody tr')", "there are rows")
	tb.press("+ Filter")
	tb.choose("Status")
	tb.choose("Settled")
	tb.choose("Filled")
	tb.keys(escape)
	tb.press("+ Filter")
	tb.choose("Side")
	tb.choose("Buy")
	tb.press("Notified")
	tb.until(`location.search.includes("sort=")`, "the sort is in the address")
	const ids = `[...document.querySelectorAll('table.orders tbody tr')].map(r => r.id.slice(4)).join()`
	address := tb.text("location.href")
	at, err := url.Parse(address)
	require.NoError(t, err)
	var want []string
	for _, o := range s.orders(at.RawQuery + "&limit=100") {
		want = append(want, o.OrderID)
	}
	require.NotEmpty(t, want)
	tb.until(fmt.Sprintf("%s === %q", ids, strings.Join(want, ",")), "the list is what the API answers to the filters")
	other := b.open(address)
	other.until(fmt.Sprintf("%s === %q", ids, strings.Join(want, ",")), "the other tab shows the same")
	other.until(`document.querySelector(".chip")?.textContent.includes("Settled, Filled")`, "the filters are shown")
}

func TestAClerkSeesHowManyOrdersHaveEachStatusAndOpensOne(t *testing.T) {
	s := serve(t)
	s.simulate(200)
	var stats struct{ ByStatus map[string]uint64 }
	s.ask("/v1/stats", &stats)
	tb := launch(t).open(s.api + "/")
	for status, n := range stats.ByStatus {
		tb.until(fmt.Sprintf(`document.querySelector('a[data-status="%s"] .count')?.textContent === "%d"`, status, n), "the count of "+status)
	}
	tb.click(`a[data-status="SETTLED"]`)
	tb.until(`location.search === "?status=SETTLED"`, "the status is the filter")
	tb.rows(min(100, int(stats.ByStatus["SETTLED"])))
}

func TestAClerkSeesTheTotalsOfMatchingOrders(t *testing.T) {
	s := serve(t)
	s.three()
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	b := launch(t)
	tb := b.open(s.api + "/")
	tb.until(`document.querySelector(".totals")?.textContent === "3 orders"`, "the number of all orders is shown at once")
	tb = b.open(s.api + "/?isin=DE0007164600&status=PLACED")
	tb.rows(2)
	tb.press("Add up")
	tb.until(`document.querySelector(".totals")?.textContent === "2 ordersordered 2500001 unitsexecuted 0 "`, "of one instrument they are added up")
}

func TestEveryPredefinedViewIsAListThatTheAPIAccepts(t *testing.T) {
	s := serve(t)
	s.simulate(200)
	tb := launch(t).open(s.api + "/")
	for _, view := range []string{"Open", "Contradictory", "Awaiting settlement", "Overdue", "Rejected today", "All orders"} {
		tb.press(view)
		tb.until(fmt.Sprintf(`document.querySelector('.side a[aria-current]')?.innerText.trim() === %q`, view), "it is the current one")
		tb.until(`document.querySelector('table.orders tbody tr, .empty')`, "it is shown")
		tb.until(`!document.querySelector('.trouble')`, "nothing is refused")
	}
}

func TestKeptViewsAndChosenColumnsAreRemembered(t *testing.T) {
	s := serve(t)
	s.three()
	tb := launch(t).open(s.api + "/?side=BUY&isin=DE0007164600")
	tb.rows(3)
	tb.press("Save this view")
	tb.fill(".side input", "Siemens buys"+enter)
	tb.sees("Siemens buys")
	tb.press("Columns")
	tb.choose("Last record")
	tb.keys(escape)
	tb.until(`document.querySelector('td[data-column="sequence"]')`, "the column exists")
	tb.do(chromedp.Reload())
	tb.rows(3)
	tb.until(`document.querySelector('td[data-column="sequence"]')`, "the column is remembered")
	tb.until(`document.querySelector('.side a[aria-current]')?.innerText === "Siemens buys"`, "the view is remembered, and is this one")
	tb.press("Open")
	tb.press("Siemens buys")
	tb.until(`location.search.includes("isin=DE0007164600")`, "the view brings its filters back")
}

func TestAClerkResizesAColumnWithTheMouse(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	const width = `document.querySelector('table.orders col').getBoundingClientRect().width`
	before := evaluate[float64](tb, width)
	edge := evaluate[map[string]float64](tb, `(() => { const r = document.querySelector('th .edge').getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + 5}; })()`)
	tb.do(chromedp.DragAndDropXY(edge["x"], edge["y"], edge["x"]+60, edge["y"]))
	tb.until(fmt.Sprintf("%s > %f", width, before+40), "it is wider")
	tb.do(chromedp.Reload())
	tb.rows(3)
	tb.until(fmt.Sprintf("%s > %f", width, before+40), "and stays so")
}

func TestAnExportedFileContainsExactlyTheList(t *testing.T) {
	s := serve(t)
	s.simulate(300)
	tb := launch(t).open(s.api + "/?status=SETTLED&side=SELL")
	tb.until("document.querySelector('table.orders tbody tr')", "there are rows")
	folder := t.TempDir()
	_, err := chromedp.CallBrowser(tb.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder})
	require.NoError(t, err)
	tb.press("CSV")
	lines := awaitCSV(t, folder)
	response, err := http.Get(s.api + "/v1/orders?status=SETTLED&side=SELL&format=csv")
	require.NoError(t, err)
	defer response.Body.Close()
	want, err := csv.NewReader(response.Body).ReadAll()
	require.NoError(t, err)
	require.Equal(t, want, lines)
}

func TestAClerkMovesThroughTheListWithKeys(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	tb.keys("jj")
	tb.until(fmt.Sprintf(`document.querySelector('tr.cursor')?.id === "row-%s"`, id(2)), "j goes down")
	tb.keys("k")
	tb.until(fmt.Sprintf(`document.querySelector('tr.cursor')?.id === "row-%s"`, id(3)), "k goes up")
	tb.keys(enter)
	tb.until(fmt.Sprintf(`location.pathname === "/orders/%s"`, id(3)), "Enter opens the page")
	tb.sees("History")
	tb.keys(escape)
	tb.rows(3)
	tb.keys("gk")
	tb.until(`location.pathname === "/breaks"`, "g k goes to the breaks")
	tb.keys("go")
	tb.until(`location.pathname === "/operations"`, "g o goes to operations")
	tb.keys("gb")
	tb.rows(3)
	tb.keys("?")
	tb.sees("next and previous row")
	tb.keys(escape)
	tb.missing("next and previous row")
	tb.click(`button[title="Settings"]`)
	tb.choose("Single-letter keys")
	tb.keys(escape)
	tb.keys("go")
	tb.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	tb.keys("go")
	require.Equal(t, "/", tb.text("location.pathname"), "letters can be switched off")
}

func TestAClickOpensTheOrderBesideTheListAndEscClosesIt(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	tb.click("#row-" + id(2) + ` td[data-column="side"]`)
	tb.sees("Requests to the platform")
	tb.rows(3)
	tb.until(`location.search.includes("order=")`, "the address shows it too")
	s.post(notification(2, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	tb.until(`document.querySelector('.panel')?.innerText.includes("all of it executed")`, "the panel is live")
	tb.keys(escape)
	tb.until(`!document.querySelector('.panel')`, "Esc closes it")
}
