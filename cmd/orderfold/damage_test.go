package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// overwrite damages all pages of the live generation's file except the first one, and leaves its write-ahead log.
func overwrite(t testing.TB, data string) {
	t.Helper()
	names := generationFiles(t, data)
	f, err := os.OpenFile(filepath.Join(data, "views", names[len(names)-1]), os.O_RDWR, 0)
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(10*4096))
	for at := int64(4096); at < info.Size(); at += 4096 {
		_, err = f.WriteAt([]byte("neither a page nor part of one"), at)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
}

func TestViewsDamagedWhileServingAreRebuilt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags []string
		read  bool
	}{
		"found by the verifier": {[]string{"--verify-every", "100ms", "--verify-share", "1"}, false},
		"found by a reader":     {[]string{"--verify-share", "0"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			data, args := filled(t)
			p := start(t, []string{"receiver", "api", "log"}, append(args, c.flags...)...)
			p.notify(`{"orderId":"a","status":"SETTLED","modifiedOn":"2026-03-02T09:03:00Z"}`)
			status := decoded[statusAnswer](t, p.get("/v1/status"))
			p.get("/v1/stats?minSequence=" + text(status.Log.LastSequence))
			release := func() {}
			if c.read { // the verifier needs a draft to find the damage
				release = holdDrafts(t, data)
			}
			overwrite(t, data)
			told := false
			const damaged, making = "the file of generation 1 is damaged: ", "the views are being made from the log"
			eventually(t, "the views are made anew", func() bool {
				r, err := http.Post(p.addrs["receiver"]+"/traditional-asset-order-notification", "application/json", strings.NewReader(`{"orderId":"m","status":"PLACED"}`))
				require.NoError(t, err)
				require.NoError(t, r.Body.Close())
				require.Equal(t, http.StatusOK, r.StatusCode, "notifications are received meanwhile")
				if c.read {
					code, _, body := p.ask("/v1/orders?limit=500")
					require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, code, "%s", body)
				}
				status = decoded[statusAnswer](t, p.get("/v1/status"))
				if status.Reason != nil && strings.Contains(*status.Reason, damaged) && strings.Contains(*status.Reason, making) {
					t.Log(*status.Reason)
					told = true
					release()
				}
				return status.Ready && status.Generation == 2
			})
			require.True(t, told || !c.read, "it is reported while it lasts")
			require.Contains(t, p.stderr.String(), "the views are damaged, and given up")
			require.Subset(t, generationFiles(t, data), []string{"orders-1.db", "orders-2.db"}, "the damaged file is kept")
			status = decoded[statusAnswer](t, p.get("/v1/status"))
			p.get("/v1/stats?minSequence=" + text(status.Log.LastSequence))
			p.stop()
			code, stdout, stderr := execute(t, nil, "verify", "--data", data)
			require.Equal(t, exitOK, code, stdout+stderr)
		})
	}
}
