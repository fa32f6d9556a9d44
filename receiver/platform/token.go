package platform

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	// defaultLife is how long a token is good for when the platform does not say.
	defaultLife = time.Hour
	// maxEarly bounds how long before its end a token is replaced; a short-lived one is replaced a tenth of its life earlier.
	maxEarly = time.Minute
)

// tokens keeps the one token. Whoever needs a new one while another is being fetched waits for that.
type tokens struct {
	config clientcredentials.Config
	client *http.Client
	turn   chan struct{} // holds the one who looks at or replaces the token
	token  *oauth2.Token
	until  time.Time // the token is replaced then
}

func newTokens(o Options, client *http.Client) *tokens {
	return &tokens{client: client, turn: make(chan struct{}, 1), config: clientcredentials.Config{ClientID: o.ClientID,
		ClientSecret: o.ClientSecret, TokenURL: o.URL + "/oauth2/token", AuthStyle: oauth2.AuthStyleInParams}}
}

// get returns a token that is good for a while; not the one rejected. Its errors are *Error.
func (t *tokens) get(ctx context.Context, rejected string) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if t.token != nil && t.token.AccessToken != rejected && time.Now().Before(t.until) {
		return t.token.AccessToken, nil
	}
	t.token = nil
	token, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return "", t.fault(ctx, err)
	}
	if token.Expiry.IsZero() {
		token.Expiry = time.Now().Add(defaultLife)
	}
	life := time.Until(token.Expiry)
	t.token, t.until = token, token.Expiry.Add(-min(life/10, maxEarly))
	return token.AccessToken, nil
}

// fault translates an error of the library, whose text can contain the whole answer of the platform.
func (t *tokens) fault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := &Error{Kind: Again, op: "get a token", text: "no token came", access: true}
	var answered *oauth2.RetrieveError
	switch {
	case errors.As(err, &answered):
		e.Status, e.text = answered.Response.StatusCode, "the platform gives no token"
		if code := answered.ErrorCode; code != "" && isWord(code) {
			e.text += " (" + code + ")"
		}
		if e.Kind = byStatus(e.Status); e.Kind == Gone || e.Status/100 == 2 {
			e.Kind = Ours
		}
		if e.Kind == Ours {
			e.text += ": check the URL, the client id and the secret"
		}
		e.After = retryAfter(answered.Response.Header.Get("Retry-After"), time.Now())
	case isNetwork(err):
		e.text, e.cause = "the platform cannot be reached", withoutURL(err)
	}
	return e
}

// isWord reports whether s is an error code of OAuth2, like invalid_client, and nothing that could be a secret.
func isWord(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}
