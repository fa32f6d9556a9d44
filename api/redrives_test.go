package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

// redriver records its requests, and answers them or fails.
type redriver struct {
	asked  api.RedriveSelection
	answer api.Redrive
	err    error
}

func (r *redriver) Redrive(_ context.Context, s api.RedriveSelection) (api.Redrive, error) {
	r.asked = s
	return r.answer, r.err
}

func TestARedriveAcceptsASelection(t *testing.T) {
	next, id := uint64(9), "a"
	r := &redriver{answer: api.Redrive{Examined: 1, Redriven: 1, Orders: 1, Next: &next,
		Records: []api.RedrivenRecord{{Sequence: 7, Object: "digital-asset-order", Redriven: true, ID: &id}}}}
	s := start(t, newWorld(t), func(o *api.Options) { o.Redrives = r })
	a := s.do(t, http.MethodPost, "/v1/redrives?class=no-order-id&sequence=7&sequence=9&after=3&dryRun=true")
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	require.Equal(t, r.answer, into[api.Redrive](t, a))
	require.Equal(t, api.RedriveSelection{Class: "no-order-id", Sequence: []uint64{7, 9}, After: 3, DryRun: true}, r.asked)

	for _, c := range []struct {
		path string
		err  error
		code string
	}{
		{"/v1/redrives?sequence=x", nil, "bad-parameter"},
		{"/v1/redrives?sequence=0", nil, "bad-parameter"},
		{"/v1/redrives?sequence=7&sequence=0", nil, "bad-parameter"},
		{"/v1/redrives?sequence=07", nil, "bad-parameter"},
		{"/v1/redrives?sequence=9223372036854775808", nil, "bad-parameter"},
		{"/v1/redrives?sequence=", nil, "bad-parameter"},
		{"/v1/redrives?after=-1", nil, "bad-parameter"},
		{"/v1/redrives?after=18446744073709551615", nil, "bad-parameter"},
		{"/v1/redrives?after=1&after=2", nil, "bad-parameter"},
		{"/v1/redrives?reason=x", nil, "bad-parameter"},
		{"/v1/redrives?class=not-jsno", nil, "bad-parameter"},
		{"/v1/redrives", fmt.Errorf("%w: it ends earlier", api.ErrHeldBack), "conflict"},
		{"/v1/redrives", fmt.Errorf("%w: away", api.ErrUnavailable), "log-unavailable"},
	} {
		r.asked, r.err = api.RedriveSelection{}, c.err
		code, _ := s.do(t, http.MethodPost, c.path).problem(t)
		require.Equal(t, c.code, code, c.path)
		require.Zero(t, r.asked, "it is not done")
	}
	r.asked, r.err = api.RedriveSelection{}, nil
	response, err := http.Post(s.base+"/v1/redrives", "application/json", strings.NewReader(`{"dryRun":true}`))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode, "the content of a body would not be read")
	require.Zero(t, r.asked)

	code, _ := start(t, newWorld(t)).do(t, http.MethodPost, "/v1/redrives").problem(t)
	require.Equal(t, "not-here", code, "a process that only reads")
}
