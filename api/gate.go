package api

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/orderfold/orderfold/api/access"
)

// ReplaceKeys allows these keys and no others from now on. Streams that were opened with a key that is not among them end.
// It changes nothing and returns an error if there are none, which would let everybody in, if two share a secret, or if the
// API began without keys.
func (a *API) ReplaceKeys(keys []access.Key) error { return a.gate.ReplaceKeys(keys) }

// refusal words the answer to a request that access refuses.
func refusal(r *http.Request, err error) error {
	var why *access.Refusal
	if !errors.As(err, &why) {
		return err
	}
	switch why.Reason {
	case access.TooOften:
		return tooOften(why)
	case access.WrongHost:
		return problem(codeMisdirected, "%q is not a name of this machine's loopback address. Without API keys only localhost, 127.0.0.1 "+
			"and [::1] are answered: ask by one of these, or configure a key with --api-key.", r.Host)
	case access.NoKey:
		p := problem(codeUnauthorized, "Send a configured key: Authorization: Bearer <key>.")
		p.header.Set("WWW-Authenticate", `Bearer realm="orderfold"`)
		return p
	case access.ForeignPage:
		return problem(codeForbidden, "A page of another site may not change anything here, unless its origin is allowed with --api-cors-origin.")
	case access.NotOperator:
		return problem(codeForbidden, "Only a key of the role %s may change anything.", access.Operator)
	}
	return internal(err)
}

func tooOften(r *access.Refusal) *Problem {
	seconds := strconv.FormatFloat(math.Ceil(r.Wait.Seconds()), 'f', 0, 64)
	p := problem(codeRateLimited, "More than %g requests per second. Repeat the request after %s s, as Retry-After says; "+
		"ask for longer pages, send If-None-Match, or follow /v1/stream instead of asking again and again.", r.Limit.PerSecond, seconds)
	p.header.Set("Retry-After", seconds)
	return p
}
