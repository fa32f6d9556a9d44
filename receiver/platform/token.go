package platform

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// defaultLife is how long a token is used if the answer has no expires_in.
	defaultLife = time.Hour
	// maxLife bounds how long a token is used, whatever expires_in is.
	maxLife = 24 * time.Hour
	// maxEarly bounds how long before its expiry a token is replaced. A short-lived token is replaced
	// after nine tenths of its life.
	maxEarly = time.Minute
	// maxToken bounds the size of an answer, in bytes.
	maxToken = 1 << 20
)

// tokens caches one token. While a caller fetches a new token, other callers wait for it.
type tokens struct {
	url    string
	form   string // the encoded credentials
	client *http.Client
	turn   chan struct{} // held while the token is checked or replaced
	token  string
	until  time.Time // when the token is replaced
}

func newTokens(o Options, client *http.Client) *tokens {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret}}
	return &tokens{url: o.URL + "/oauth2/token", form: form.Encode(), client: client, turn: make(chan struct{}, 1)}
}

// get returns a token that is not about to expire and is not the rejected one. It returns an *Error, or
// the cause of the end of ctx.
func (t *tokens) get(ctx context.Context, rejected string) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if t.token != "" && t.token != rejected && time.Now().Before(t.until) {
		return t.token, nil
	}
	t.token = ""
	asked := time.Now()
	token, life, err := t.fetch(ctx)
	if ctx.Err() != nil && err != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", err
	}
	t.token, t.until = token, asked.Add(life-min(life/10, maxEarly))
	return token, nil
}

// fetch requests a token. It returns an *Error, without any part of the answer that could be a secret.
func (t *tokens) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(t.form))
	if err != nil {
		return "", 0, tokenFault(Ours, 0, "the request cannot be sent")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := t.client.Do(request)
	if err != nil {
		fault := tokenFault(Again, 0, "the platform cannot be reached")
		fault.cause = withoutURL(err)
		return "", 0, fault
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxToken+1))
	body = bytes.TrimPrefix(body, byteOrderMark)
	switch status := response.StatusCode; {
	case status/100 != 2:
		return "", 0, tokenRefusal(response, body)
	case err != nil:
		fault := tokenFault(Again, status, "the answer was cut off")
		fault.cause = withoutURL(err)
		return "", 0, fault
	case len(body) > maxToken:
		return "", 0, tokenFault(Again, status, fmt.Sprintf("the answer is larger than %d bytes", maxToken))
	}
	token, life, why := readToken(body)
	if why != "" {
		return "", 0, tokenFault(Again, response.StatusCode, why+typeOf(response))
	}
	return token, life, nil
}

func tokenFault(kind Kind, status int, text string) *Error {
	return &Error{Kind: kind, Status: status, op: "get a token", text: text, access: true}
}

// tokenRefusal returns the error for an answer other than 2xx.
func tokenRefusal(response *http.Response, body []byte) error {
	e := tokenFault(byStatus(response.StatusCode), response.StatusCode, "the platform refuses a token")
	var refused struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &refused, lax) == nil && refused.Error != "" && isWord(refused.Error) {
		e.text += " (" + refused.Error + ")"
	}
	if e.Kind == Gone {
		e.Kind = Ours
	}
	if e.Kind == Ours {
		e.text += ": check the URL, the client id and the secret"
	}
	e.After = retryAfter(response.Header.Get("Retry-After"), time.Now())
	return e
}

// readToken parses the platform's answer, whatever its content type. why is the reason why the answer
// cannot be used, without any of its content, or "".
func readToken(body []byte) (token string, life time.Duration, why string) {
	var answer struct {
		AccessToken jsontext.Value `json:"access_token"`
		ExpiresIn   jsontext.Value `json:"expires_in"`
		TokenType   jsontext.Value `json:"token_type"`
	}
	if json.Unmarshal(body, &answer, lax) != nil {
		return "", 0, "the answer is not a JSON object"
	}
	if token = textOf(answer.AccessToken); token == "" {
		return "", 0, "the answer has no access_token, or it is not a string"
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", 0, "the access_token cannot be sent in a header"
	}
	if kind := textOf(answer.TokenType); answer.TokenType.Kind() != 0 && answer.TokenType.Kind() != 'n' && !strings.EqualFold(kind, "Bearer") {
		return "", 0, "the token_type is not Bearer"
	}
	life, why = readLife(answer.ExpiresIn)
	return token, life, why
}

// readLife parses expires_in: a number of seconds in any notation, or a string that contains one. why is
// the reason why it cannot be used, or "".
func readLife(value jsontext.Value) (life time.Duration, why string) {
	text := ""
	switch value.Kind() {
	case 0, 'n':
		return defaultLife, ""
	case '0':
		text = string(value)
	case '"':
		text = strings.TrimSpace(textOf(value))
	}
	// For a number beyond the range of floats, ParseFloat returns infinity and an error.
	seconds, err := strconv.ParseFloat(text, 64)
	switch {
	case seconds >= maxLife.Seconds():
		return maxLife, ""
	case err != nil || seconds != seconds:
		return 0, "expires_in is not a number of seconds"
	case seconds <= 0:
		return 0, "expires_in is not positive: the token has already expired"
	}
	return time.Duration(seconds * float64(time.Second)), ""
}

// typeOf returns the content type of an answer that cannot be used, as the end of an error message,
// because the type may reveal a wrong URL. It returns "" for JSON and for an invalid type.
func typeOf(response *http.Response) string {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || len(kind) > 40 || kind == "application/json" {
		return ""
	}
	return "; its content type is " + kind
}

// isWord reports whether s has the form of an OAuth 2 error code, such as invalid_client, and so cannot
// be a secret.
func isWord(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}
