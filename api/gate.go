package api

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/orderfold/orderfold/api/access"
)

// ReplaceKeys allows these keys, and no others, from now on. Streams that were opened with another
// key end. It returns an error and changes nothing if there are no keys, which would let everybody
// in, if two keys share a secret, or if the API began without keys.
func (a *API) ReplaceKeys(keys []access.Key) error { return a.gate.ReplaceKeys(keys) }

// refusal returns the problem for a request that access refuses.
func refusal(r *http.Request, err error) error {
	var why *access.Refusal
	if !errors.As(err, &why) {
		return err
	}
	switch why.Reason {
	case access.TooOften:
		return tooOften(why)
	case access.WrongHost:
		return problem(codeMisdirected, "%q is not a name of this machine's loopback address. Without API keys, only requests to localhost, 127.0.0.1 "+
			"and [::1] are answered: use one of these, or configure a key with --api-key.", r.Host)
	case access.NoKey:
		p := problem(codeUnauthorized, "Send a configured key: Authorization: Bearer <key>.")
		p.header.Set("WWW-Authenticate", `Bearer realm="orderfold"`)
		return p
	case access.ForeignPage:
		return problem(codeForbidden, "A page of another site cannot change anything here unless its origin is allowed with --api-cors-origin.")
	case access.NotOperator:
		return problem(codeForbidden, "Changes need a key of the role %s.", access.Operator)
	}
	return internal(err)
}

func tooOften(r *access.Refusal) *Problem {
	seconds := strconv.FormatFloat(math.Ceil(r.Wait.Seconds()), 'f', 0, 64)
	p := problem(codeRateLimited, "More than %g requests per second. Repeat the request after %s s, as in Retry-After; "+
		"request longer pages, send If-None-Match, or follow /v1/stream instead of polling.", r.Limit.PerSecond, seconds)
	p.header.Set("Retry-After", seconds)
	return p
}
