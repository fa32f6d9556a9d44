//go:build browser

package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

const patience = time.Minute

// chromium is one browser, with a profile of its own.
type chromium struct {
	t   *testing.T
	ctx context.Context
}

// launch starts Chromium.
func launch(t *testing.T) *chromium {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1440, 900), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("font-render-hinting", "none"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeAll := chromedp.NewContext(allocator)
	t.Cleanup(closeAll)
	require.NoError(t, chromedp.Do(ctx), "is Chromium installed?")
	return &chromium{t, ctx}
}

// tab is one page. When the test ends, it must have written nothing to the console and sent requests only to the
// service.
type tab struct {
	t     *testing.T
	ctx   context.Context
	close func() // a tab that is no longer needed

	mu       sync.Mutex
	said     []string
	foreign  []string
	received map[network.RequestID]float64 // bytes, compressed
	forgiven []string                      // parts of the messages that the test provokes
}

// open opens a tab with an address.
func (b *chromium) open(address string) *tab {
	b.t.Helper()
	tb := b.blank(address)
	tb.do(chromedp.Navigate(address))
	return tb
}

// blank opens a tab without a page, which records its requests.
func (b *chromium) blank(address string) *tab {
	b.t.Helper()
	return b.tab(address)
}

// guest opens a tab as another person would, with its own profile and connections.
func (b *chromium) guest(address string) *tab {
	b.t.Helper()
	return b.tab(address, chromedp.WithNewBrowserContext())
}

func (b *chromium) tab(address string, options ...chromedp.ContextOption) *tab {
	b.t.Helper()
	own, err := url.Parse(address)
	require.NoError(b.t, err)
	tb := &tab{t: b.t, received: map[network.RequestID]float64{}}
	ctx, closeTab := chromedp.NewContext(b.ctx, append(options, chromedp.WithListener(func(event any) { tb.heard(event, own.Host) }))...)
	tb.ctx = ctx
	tb.do()
	call(tb, network.Enable, network.EnableParams{})
	call(tb, log.Enable, cdp.Empty{})
	call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1440, Height: 900, DeviceScaleFactor: 1})
	tb.close = closeTab
	b.t.Cleanup(func() {
		closeTab()
		tb.mu.Lock()
		defer tb.mu.Unlock()
		require.Empty(b.t, tb.said, "nothing is written to the console")
		require.Empty(b.t, tb.foreign, "no other service is asked")
	})
	return tb
}

// forgive allows messages that the test provokes, such as the browser's message about an answer 401.
func (tb *tab) forgive(parts ...string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.forgiven = append(tb.forgiven, parts...)
	tb.said = slices.DeleteFunc(tb.said, tb.isForgiven)
}

func (tb *tab) isForgiven(text string) bool {
	return slices.ContainsFunc(tb.forgiven, func(part string) bool { return strings.Contains(text, part) })
}

func (tb *tab) heard(event any, host string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	say := func(text string) {
		if !tb.isForgiven(text) {
			tb.said = append(tb.said, text)
		}
	}
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		say(fmt.Sprintf("console.%s %s", e.Type, e.Args[0].Value))
	case *runtime.EventExceptionThrown:
		say(fmt.Sprintf("%s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		say(fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		at, err := url.Parse(e.Request.URL)
		if err != nil || at.Host != host && at.Scheme != "data" && at.Scheme != "blob" && at.Scheme != "about" {
			tb.foreign = append(tb.foreign, e.Request.URL)
		}
	case *network.EventLoadingFinished:
		tb.received[e.RequestID] = e.EncodedDataLength
	}
}

// do runs actions, and fails the test if they fail or take too long.
func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	if chromedp.FromContext(tb.ctx).Target == nil { // the first run creates the tab, which ends with the context of that run
		require.NoError(tb.t, chromedp.Do(tb.ctx, actions...))
		return
	}
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		require.NoError(tb.t, err, "the page says: %s", lazily(tb.glimpse))
	}
}

// call runs a command of the browser.
func call[P, R any](tb *tab, command cdp.Command[P, R], parameters P) R {
	tb.t.Helper()
	result, err := chromedp.Call(tb.ctx, command, parameters)
	require.NoError(tb.t, err)
	return result
}

// evaluate returns the value of an expression, or of a promise, in the page.
func evaluate[T any](tb *tab, expression string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 2*patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(tb.t, err, expression[:min(len(expression), 200)])
	return value
}

// glimpse returns the text of the page, for a failed test.
func (tb *tab) glimpse() string {
	ctx, cancel := context.WithTimeout(tb.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits until an expression is true in the page.
func (tb *tab) until(expression string, why string) {
	tb.t.Helper()
	require.Eventually(tb.t, func() bool {
		yes, err := chromedp.Run(tb.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && yes
	}, patience, 20*time.Millisecond, "%s: %s\n%s", why, expression, lazily(tb.glimpse))
}

// lazily is text that is computed when a message is printed.
type lazily func() string

func (l lazily) String() string { return l() }

// sees waits until the page shows the text.
func (tb *tab) sees(text string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("document.body.innerText.includes(%q)", text), "the page shows it")
}

// missing waits until the page does not show the text.
func (tb *tab) missing(text string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("!document.body.innerText.includes(%q)", text), "the page does not show it")
}

// text returns the value of an expression in the page as text.
func (tb *tab) text(expression string) string {
	tb.t.Helper()
	return evaluate[string](tb, "String("+expression+")")
}

// rows waits until the list has that many rows.
func (tb *tab) rows(n int) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("document.querySelectorAll('table.orders tbody tr').length === %d", n), "the list has that many rows")
}

// click clicks the element that a selector finds, when it exists.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// press clicks the button or link with the text.
func (tb *tab) press(name string) {
	tb.t.Helper()
	path := fmt.Sprintf(`//*[self::button or self::a or self::summary or self::label][contains(normalize-space(.), %q)]`, name)
	tb.do(chromedp.Click(path, chromedp.NodeVisible))
}

// choose clicks the entry of an open menu with a name.
func (tb *tab) choose(name string) {
	tb.t.Helper()
	path := fmt.Sprintf(`//*[contains(@class, "sheet")]//*[self::button or self::label][normalize-space(.) = %q]`, name)
	tb.do(chromedp.Click(path, chromedp.NodeVisible))
}

// keys types keys into the page. A letter is sent with its key, as a keyboard does: if the page handles the key, it
// does not get the letter.
func (tb *tab) keys(text string) {
	tb.t.Helper()
	for _, key := range text {
		if key < ' ' {
			tb.do(chromedp.KeyEvent(string(key)))
			continue
		}
		call(tb, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: string(key), Text: string(key)})
		call(tb, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: string(key)})
	}
}

// enter and escape are keys.
const (
	enter  = kb.Enter
	escape = kb.Escape
)

// fill types text into a field.
func (tb *tab) fill(selector, text string) {
	tb.t.Helper()
	tb.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// phone makes the page as wide as a phone.
func (tb *tab) phone() {
	tb.t.Helper()
	call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 2, Mobile: true})
}

// visit goes to an address by loading it.
func (tb *tab) visit(address string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(address))
}

// timeZone makes the browser use a time zone.
func (tb *tab) timeZone(name string) {
	tb.t.Helper()
	call(tb, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name})
}

// media makes the browser use a value of a media feature.
func (tb *tab) media(feature, value string) {
	tb.t.Helper()
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
}

// clickLast clicks the last button with exactly that text.
func clickLast(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(fmt.Sprintf(`(//button[normalize-space(.) = %q])[last()]`, name), chromedp.NodeVisible)
}

// theme makes the browser prefer a color scheme, dark or light.
func (tb *tab) theme(scheme string) {
	tb.t.Helper()
	tb.media("prefers-color-scheme", scheme)
	tb.until(fmt.Sprintf("document.documentElement.dataset.theme === %q", scheme), "the theme follows the system")
}

// picture writes a picture of the page into the folder that PICTURES names.
func (tb *tab) picture(name string) {
	tb.t.Helper()
	folder := os.Getenv("PICTURES")
	if folder == "" {
		return
	}
	require.NoError(tb.t, os.MkdirAll(folder, 0o755))
	png, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	require.NoError(tb.t, err)
	require.NoError(tb.t, os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644))
}

// transferred returns the number of bytes that were received so far, as compressed.
func (tb *tab) transferred() (sum float64) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, n := range tb.received {
		sum += n
	}
	return sum
}
