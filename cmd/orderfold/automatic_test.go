package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestViewsThatCannotBeUsedAreMadeAnewAndNobodySeesHalfOfThem(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	report := play(t, p.addrs["receiver"], "--orders", "3000", "--connections", "64", "--seed", "13")
	requireExpectedSome(t, p, report.Totals.HighestLogSequence)
	stats := p.get("/v1/stats")
	p.stop()
	for i, harm := range []struct {
		name string
		do   func(file string)
	}{
		{"another fold version", func(string) { change(t, data, `UPDATE position SET fold_version = 'older'`) }},
		{"a damaged file", func(file string) { require.NoError(t, os.WriteFile(file, []byte("not a database"), 0o600)) }},
		{"no file", func(file string) { require.NoError(t, os.Remove(file)) }},
		{"no views at all", func(file string) { require.NoError(t, os.RemoveAll(filepath.Dir(file))) }},
	} {
		t.Run(harm.name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(data, "views", "orders-*.db"))
			require.NoError(t, err)
			harm.do(files[len(files)-1])
			p := start(t, []string{"receiver", "api", "log"}, args...)
			seen := map[string]bool{}
			eventually(t, "the views are made", func() bool {
				code, _, body := p.ask("/readyz")
				seen[string(body)] = true
				asked, _, answer := p.ask("/v1/stats")
				if asked == http.StatusOK {
					require.JSONEq(t, string(stats), string(answer), "all or nothing")
				} else {
					require.Equal(t, http.StatusServiceUnavailable, asked)
				}
				return code == http.StatusOK
			})
			require.Greater(t, len(seen), 1, "it was not ready at first: %v", seen)
			if i < 3 {
				require.Equal(t, i+2, decoded[statusAnswer](t, p.get("/v1/status")).Generation)
			}
			require.JSONEq(t, string(stats), string(p.get("/v1/stats")))
			code, stdout, stderr := execute(t, nil, "verify", "--data", data)
			require.Equal(t, exitOK, code, stdout+stderr)
			p.stop()
		})
	}
}
