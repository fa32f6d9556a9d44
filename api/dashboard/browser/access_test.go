//go:build browser

package browser

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPersonSignsInWithAKeyThatOnlyTheTabKeeps(t *testing.T) {
	s := serve(t, "--api-key", "clerk:reader:clerks-secret", "--api-key", "boss:operator:boss-secret")
	s.key = "boss-secret"
	s.three()
	b := launch(t)
	tb := b.open(s.api + "/?status=PLACED")
	tb.forgive("401")
	tb.sees("You need a key to see orders.")
	tb.picture("signin-light")
	require.Empty(t, tb.violations())
	tb.fill("#key", "a-wrong-one"+enter)
	tb.sees("This key is not valid here.")
	tb.fill("#key", "clerks-secret"+enter)
	tb.rows(3)
	require.Equal(t, "?status=PLACED", tb.text("location.search"), "the link that was followed is kept")
	require.Equal(t, "", tb.text("document.cookie"))
	require.Equal(t, "0", tb.text(`Object.values(localStorage).filter(v => v.includes("secret")).length`), "nothing is kept beyond the tab")
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	tb.sees("Filled")
	tb.visit(s.api + "/operations")
	tb.sees("Starting and cancelling need a key of the role operator.")
	require.Equal(t, "0", tb.text(`[...document.querySelectorAll("button")].filter(b => /Rebuild|Redrive/.test(b.textContent)).length`), "actions that the role does not allow are not offered")
	other := b.open(s.api + "/")
	other.forgive("401")
	other.sees("You need a key to see orders.")
	tb.click(`button[title="Settings"]`)
	tb.press("Sign out clerk (reader)")
	tb.sees("You are signed out.")
}

func TestARevokedKeySignsAPersonOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("clerk:reader:clerks-secret\nboss:operator:boss-secret\n"), 0o600))
	s := serve(t, "--api-key-file", file)
	s.key = "boss-secret"
	s.three()
	tb := launch(t).open(s.api + "/")
	tb.forgive("401", "ERR_INCOMPLETE_CHUNKED_ENCODING")
	tb.fill("#key", "clerks-secret"+enter)
	tb.rows(3)
	require.NoError(t, os.WriteFile(file+".new", []byte("boss:operator:boss-secret\n"), 0o600))
	require.NoError(t, os.Rename(file+".new", file))
	tb.sees("The key was removed while you were using it.")
	tb.fill("#key", "boss-secret"+enter)
	tb.rows(3)
}

func TestAnOpenPageContinuesAfterTheServiceWasRestarted(t *testing.T) {
	s := serve(t)
	tb := s.showThree()
	tb.until(`(window.neverReloaded = true)`, "a mark that a reload would remove")
	tb.forgive("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
	s.restart(func() {
		tb.sees("The service has not answered since")
		tb.picture("unreachable-light")
		tb.rows(3)
	})
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	s.post(notification(4, "PLACED", "", "2026-03-02T09:32:00.1Z"))
	tb.sees("1 new")
	tb.missing("The service has not answered since")
	tb.until(`document.querySelector('#row-`+id(1)+`')?.innerText.includes("Filled")`, "the row caught up")
	require.Equal(t, "true", tb.text("window.neverReloaded"))
}

func TestTheDashboardWorksWithAPrefixOfTheAPI(t *testing.T) {
	s := serve(t, "--api-prefix", "/trading/orders-room")
	s.three()
	b := launch(t)
	tb := b.open(s.api + "/")
	tb.rows(3)
	tb.keys("j" + enter)
	tb.until(`location.pathname === "/trading/orders-room/orders/`+id(3)+`"`, "links stay below the prefix")
	tb.sees("History")
	b.open(tb.text("location.href")).sees("History")
}

func TestTheDashboardWorksBehindAProxyThatRemovesAPrefix(t *testing.T) {
	s := serve(t)
	s.three()
	target, err := url.Parse(s.api)
	require.NoError(t, err)
	proxy := httptest.NewServer(http.StripPrefix("/trading/orders-room", &httputil.ReverseProxy{FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}))
	t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })
	b := launch(t)
	tb := b.open(proxy.URL + "/trading/orders-room/")
	tb.rows(3)
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	tb.until(`document.querySelector('#row-`+id(1)+`')?.innerText.includes("Filled")`, "the stream comes through")
	tb.keys("j" + enter)
	tb.until(`location.pathname.startsWith("/trading/orders-room/orders/")`, "links stay below the prefix")
	tb.sees("History")
	b.open(tb.text("location.href")).sees("History")
}
