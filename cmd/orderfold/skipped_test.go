package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// answering is a platform that has every order, and counts the requests for each.
type answering struct {
	*httptest.Server

	mu    sync.Mutex
	asked map[string]int
}

func startAnswering(t *testing.T) *answering {
	a := &answering{asked: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, isOrder := strings.CutPrefix(r.URL.Path, "/trading/order/")
		switch {
		case isOrder:
			a.mu.Lock()
			a.asked[id]++
			a.mu.Unlock()
			fmt.Fprintf(w, `{"orderId":%q,"status":"PLACED"}`, id)
		case r.URL.Path == "/oauth2/token":
			fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer","expires_in":3600}`)
		default:
			fmt.Fprint(w, `[]`)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *answering) orders() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

func (a *answering) flags() []string {
	return append(hurried(), "--platform-url", a.URL, "--platform-client-id", "id", "--platform-client-secret", "secret")
}

func TestAnAcceptedLossDoesNotStopRequestsToThePlatform(t *testing.T) {
	t.Parallel()
	const orders = 25
	data, args, _ := severalBlocks(t)
	found := blocks(t, data)
	require.NoError(t, os.Remove(found[len(found)-2])) // it contained the last records of some orders
	removeIndex(t, data)
	code, stdout, _ := execute(t, nil, "doctor", "--data", data, "--accept-loss")
	require.Equal(t, exitFailed, code, stdout)

	platform := startAnswering(t)
	p := start(t, []string{"receiver", "api", "log"}, append(args, platform.flags()...)...)
	eventually(t, "the platform was asked about every order", func() bool { return platform.orders() == orders })
	var status struct {
		Platform struct{ Pending, Skipped int }
	}
	eventually(t, "nothing is left to ask about", func() bool {
		status = decoded[struct {
			Platform struct{ Pending, Skipped int }
		}](t, p.get("/v1/status"))
		return status.Platform.Pending == 0
	})
	require.Greater(t, status.Platform.Skipped, 0)
	require.Less(t, status.Platform.Skipped, orders, "each is counted once")
	require.Contains(t, string(p.get("/metrics")), fmt.Sprintf("\norderfold_platform_skipped_total{items=\"orders\"} %d\n", status.Platform.Skipped))
	require.Equal(t, status.Platform.Skipped, strings.Count(p.stderr.String(), "the last record of an order is lost"), "each is logged once")
	p.stop()
}
