package projector_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// platformAnswer calls the simulated platform without a network.
func platformAnswer(t testing.TB, s *platformtest.Server, method, path, token, form string) []byte {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusOK, recorder.Code, recorder.Body)
	return recorder.Body.Bytes()
}

// The platform's answer decides the state of an order, whatever was notified, lost or
// contradictory.
func TestAnAnswerOfThePlatformDecidesTheState(t *testing.T) {
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	s, err := platformtest.NewServer(platformtest.ServerOptions{
		Traffic: platformtest.Traffic{Seed: 6, Start: start, Orders: 400, Overtaking: 1, Lost: 0.2},
		Now:     func() time.Time { return start },
	})
	require.NoError(t, err)
	s.HappenAll()
	id, secret := s.Credentials()
	var bought struct {
		AccessToken string `json:"access_token"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	require.NoError(t, json.Unmarshal(platformAnswer(t, s, http.MethodPost, "/oauth2/token", "", form.Encode()), &bought))

	w := newWorld(t)
	objects := map[string]string{platformtest.Traditional: "traditional-asset-order", platformtest.Digital: "digital-asset-order",
		platformtest.Tokenized: "tokenized-asset-order"}
	paths := map[string]string{platformtest.Traditional: "/trading/order/", platformtest.Digital: "/digital/orders/",
		platformtest.Tokenized: "/wawex/orders/"}
	// The answers are posted before the notifications, because arrival order must not matter.
	for final := range s.Orders() {
		body := platformAnswer(t, s, http.MethodGet, paths[final.AssetClass]+final.OrderID, bought.AccessToken, "")
		_, err := w.log.Append(t.Context(), eventlog.Record{Object: objects[final.AssetClass], Body: body, Source: eventlog.Fetched})
		require.NoError(t, err)
	}
	for n := range s.Traffic().Notifications() {
		w.post(strings.TrimSuffix(strings.TrimPrefix(n.Path, "/"), "-notification"), string(n.Body))
	}
	w.project()
	for final := range s.Orders() {
		o := w.order(final.OrderID)
		state := o.State()
		require.Equal(t, final.Status, string(state.Status), "%s %s", final.Scenario, final.OrderID)
		executed := statemachine.Decimal("0")
		if state.Executed.Known() {
			executed = state.Executed
		}
		require.Zero(t, executed.Compare(statemachine.Decimal(final.Executed)), "%s %s", final.Scenario, final.OrderID)
	}
}
