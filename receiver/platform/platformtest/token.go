package platformtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// token answers a request for a token. The errors are those of RFC 6749, all with status 400, as at the
// platform.
func (s *Server) token(r *http.Request, body []byte) reply {
	refuse := func(reason string) reply {
		var b object
		b.text("error", reason)
		b.close()
		return reply{code: http.StatusBadRequest, body: b}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(body))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return refuse("invalid_request")
	}
	if form.Get("grant_type") != "client_credentials" {
		return refuse("unsupported_grant_type")
	}
	id, secret := s.Credentials()
	same := subtle.ConstantTimeCompare([]byte(form.Get("client_id")), []byte(id)) &
		subtle.ConstantTimeCompare([]byte(form.Get("client_secret")), []byte(secret))
	if same != 1 {
		return refuse("invalid_client")
	}
	lifetime := max(s.options.TokenLifetime.Truncate(time.Second), time.Second)
	var b object
	b.text("access_token", s.sign(s.now().Add(lifetime)))
	b.raw("expires_in", strconv.Itoa(int(lifetime/time.Second)))
	b.text("token_type", "Bearer")
	b.close()
	return reply{code: http.StatusOK, body: b}
}

// sign returns a token that contains its expiry, so that no token needs to be stored.
func (s *Server) sign(expires time.Time) string {
	text := strconv.FormatInt(expires.UnixNano(), 36) + "-" + strconv.FormatUint(s.number(), 36)
	return text + "." + s.mac(text)
}

func (s *Server) mac(text string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// authorized reports whether a request has a token of this server that has not expired.
func (s *Server) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	text, signature, _ := strings.Cut(token, ".")
	if !strings.EqualFold(scheme, "Bearer") || !hmac.Equal([]byte(signature), []byte(s.mac(text))) {
		return false
	}
	nanoseconds, _, _ := strings.Cut(text, "-")
	expires, err := strconv.ParseInt(nanoseconds, 36, 64)
	return err == nil && s.now().UnixNano() < expires
}

// number returns a different number for each call.
func (s *Server) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	return s.serial
}
