package platformtest

import (
	"io"
	"net/http"
	"strconv"
)

// reply is an answer before it is sent.
type reply struct {
	code       int
	body       []byte // JSON; empty: no body
	retryAfter string
}

const tokenRoute = "POST /oauth2/token"

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for route, answer := range map[string]func(*http.Request, []byte) reply{
		tokenRoute:                                         s.token,
		"GET /trading/order/{id}":                          s.order(Traditional, http.StatusNotFound),
		"GET /digital/orders/{id}":                         s.order(Digital, http.StatusBadRequest), // the documentation does not list 404 for digital orders
		"GET /wawex/orders/{id}":                           s.order(Tokenized, http.StatusNotFound),
		"GET /undelivered-webhooks":                        s.undelivered,
		"GET /webhooks-missing":                            s.missingWebhooks,
		"POST /webhooks":                                   s.setWebhook,
		"GET /webhooks":                                    s.listWebhooks,
		"GET /webhooks/{eventType}":                        s.getWebhook,
		"DELETE /webhooks/{eventType}":                     s.deleteWebhook,
		"GET /products/{customerProductId}/digital/orders": s.digitalOrders,
	} {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route, answer) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, "other", func(*http.Request, []byte) reply { return s.message(http.StatusNotFound, "no such resource") })
	})
	return mux
}

// serve answers a request with answer or with a fault. The request is counted before the answer is sent.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, route string, answer func(*http.Request, []byte) reply) {
	if s.down.Load() {
		s.send(w, route, s.message(http.StatusServiceUnavailable, "the platform is down"), noFault)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.send(w, route, s.message(http.StatusBadRequest, "the request is too large or was cut short"), noFault)
		return
	}
	s.mu.Lock()
	f, turn := s.ways.next(route == tokenRoute)
	s.mu.Unlock()
	if refused, is := s.refusal(f, turn); is {
		s.send(w, route, refused, f)
		return
	}
	if f == slow {
		sleep(r.Context(), s.ways.faults.SlowFor)
	}
	if route != tokenRoute && !s.authorized(r) {
		s.send(w, route, s.message(http.StatusUnauthorized, "the token is missing, unknown or has expired"), f)
		return
	}
	s.send(w, route, answer(r, body), f)
}

func (s *Server) send(w http.ResponseWriter, route string, r reply, f fault) {
	name := Request{route, strconv.Itoa(r.code)}
	if f == cut {
		name.Answer += " cut"
	}
	s.mu.Lock()
	s.requests[name]++
	s.mu.Unlock()
	h := w.Header()
	if r.retryAfter != "" {
		h.Set("Retry-After", r.retryAfter)
	}
	if r.code != http.StatusNoContent {
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	if f == cut && len(r.body) == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(r.code)
	if f != cut {
		w.Write(r.body) // fails only if the client is gone
		return
	}
	w.Write(r.body[:len(r.body)/2])
	http.NewResponseController(w).Flush() // otherwise this half would be discarded when the connection is closed
	panic(http.ErrAbortHandler)
}

// message returns an answer in the form of the platform's ErrorMessage.
func (s *Server) message(code int, text string) reply {
	var b object
	b.text("message", text)
	b.text("responseType", "ERROR")
	b.text("requestId", newSource(s.number(), 'r').uuid().String())
	b.close()
	return reply{code: code, body: b}
}
