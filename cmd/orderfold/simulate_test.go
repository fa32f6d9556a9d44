package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/receiver/platform/platformtest"
)

// The platform lists the notifications that it lost, and its API returns orders, with the credentials that simulate
// printed.
func TestSimulateServesThePlatformsAPI(t *testing.T) {
	t.Parallel()
	serving := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, freePorts...)...)
	p := start(t, []string{"platform"}, "simulate", "--url", serving.addrs["receiver"], "--platform-addr", "127.0.0.1:0", "--orders", "200",
		"--lost", "0.2", "--listed", "1")
	eventually(t, "everything is posted", func() bool { return strings.Contains(p.stdout.String(), "Everything is posted") })
	printed := regexp.MustCompile(`client id (\S+), client secret (\S+)`).FindStringSubmatch(p.stdout.String())
	require.NotNil(t, printed, p.stdout)
	require.Regexp(t, `lost on purpose: [1-9]`, p.stdout.String())

	ask := func(method, path, token string, form url.Values) []byte {
		request, err := http.NewRequestWithContext(t.Context(), method, p.addrs["platform"]+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
		return body
	}
	bought := decoded[map[string]any](t, ask(http.MethodPost, "/oauth2/token", "", url.Values{"grant_type": {"client_credentials"},
		"client_id": {printed[1]}, "client_secret": {printed[2]}}))
	token := bought["access_token"].(string)
	undelivered := decoded[struct {
		Data []struct {
			EventType string
			Payload   json.RawMessage
		}
	}](t, ask(http.MethodGet, "/undelivered-webhooks?limit=100", token, nil))
	require.NotEmpty(t, undelivered.Data)
	for _, u := range undelivered.Data {
		if u.EventType == "TRADITIONAL_ASSET_ORDER_NOTIFICATION" {
			id := decoded[struct{ OrderID string }](t, u.Payload).OrderID
			order := decoded[map[string]any](t, ask(http.MethodGet, "/trading/order/"+id, token, nil))
			require.Equal(t, id, order["orderId"])
			require.NotEmpty(t, order["status"])
		}
	}
	require.NotContains(t, p.stderr.String(), printed[2], "the log has no secret")
	p.stop()

	code, stdout, stderr := execute(t, nil, "simulate", "--url", serving.addrs["receiver"], "--orders", "3", "--json")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, 3, decoded[platformtest.Totals](t, []byte(stdout)).Orders)
	serving.stop()
}

func TestSimulateRefusesAStartOutsideThePossibleYears(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.NotFoundHandler()) // nothing is posted to it
	t.Cleanup(receiver.Close)
	for _, start := range []string{"0001-01-01T00:00:00+01:00", "1600-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "1600-01-01"} {
		code, _, stderr := execute(t, nil, "simulate", "--start", start, "--orders", "1", "--url", receiver.URL)
		require.Equal(t, exitFailed, code, start)
		require.Contains(t, stderr, "in the years 1678 to 2261")
	}
	code, _, stderr := execute(t, nil, "simulate", "--start", "2026-03-02T9:00:00Z")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "--start")
}
