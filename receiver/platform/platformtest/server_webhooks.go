package platformtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// eventTypes are the event types that the platform documents.
var eventTypes = []string{
	"CUSTOMER_NOTIFICATION", "NATURAL_PERSON_NOTIFICATION", "JOINT_PERSON_NOTIFICATION",
	"IDENTIFICATION_VERIFICATION_NOTIFICATION", "DOCUMENT_NOTIFICATION", "PARTNER_DOCUMENT_NOTIFICATION",
	"ONBOARDING_NOTIFICATION", "OFFBOARDING_NOTIFICATION", "CUSTOMER_PRODUCT_NOTIFICATION", "LEGAL_ENTITY_NOTIFICATION",
	"LEGAL_ENTITY_SEARCH_NOTIFICATION", "LEGAL_REPRESENTATIVE_NOTIFICATION", "BENEFICIAL_OWNER_NOTIFICATION",
	"PROXY_NOTIFICATION", "USER_NOTIFICATION", "LABELS_UPDATE_NOTIFICATION", "TRANSFER_NOTIFICATION", "STRATEGY_NOTIFICATION",
	"SAVINGS_PLANS_NOTIFICATION", "CORPORATE_ACTION_NOTIFICATION", "TAX_EXEMPTION_ORDER_NOTIFICATION", "PARTNER_NOTIFICATION",
	"RE_TOKEN_PRICES", "TRADITIONAL_ASSET_ORDER_NOTIFICATION", "DIGITAL_ASSET_ORDER_NOTIFICATION",
	"TOKENIZED_ASSET_ORDER_NOTIFICATION",
}

func (n Notification) eventType() string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(n.Path, "/"), "-", "_"))
}

// webhook is the target of the notifications of one event type.
type webhook struct {
	EventType string          `json:"eventType"`
	URL       string          `json:"url"`
	Headers   []webhookHeader `json:"headers,omitempty"`
}

type webhookHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

var headerName = regexp.MustCompile(`^\S+$`)

// wrong describes what the platform would refuse; "": nothing.
func (w webhook) wrong() string {
	at, err := url.Parse(w.URL)
	switch {
	case !slices.Contains(eventTypes, w.EventType):
		return "eventType is unknown"
	case err != nil || at.Scheme != "https" || at.Host == "":
		return "url is not an HTTPS URL"
	case len(w.Headers) > maxHeaders:
		return "there are more than 5 headers"
	case slices.ContainsFunc(w.Headers, func(h webhookHeader) bool { return !headerName.MatchString(h.Name) }):
		return `the name of a header does not match ^\S+$`
	}
	return ""
}

func (s *Server) setWebhook(_ *http.Request, body []byte) reply {
	var w webhook
	if err := json.Unmarshal(body, &w); err != nil {
		return s.message(http.StatusBadRequest, "the body is not a webhook")
	}
	if wrong := w.wrong(); wrong != "" {
		return s.message(http.StatusBadRequest, wrong)
	}
	s.mu.Lock()
	s.webhooks[w.EventType] = w
	s.mu.Unlock()
	return inJSON(w)
}

func (s *Server) listWebhooks(*http.Request, []byte) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []webhook{}
	for _, name := range eventTypes {
		if w, is := s.webhooks[name]; is {
			all = append(all, w)
		}
	}
	return inJSON(all)
}

func (s *Server) getWebhook(r *http.Request, _ []byte) reply {
	s.mu.Lock()
	w, is := s.webhooks[r.PathValue("eventType")]
	s.mu.Unlock()
	if !is {
		return s.message(http.StatusNotFound, "there is no webhook of this event type")
	}
	return inJSON(w)
}

func (s *Server) deleteWebhook(r *http.Request, _ []byte) reply {
	name := r.PathValue("eventType")
	s.mu.Lock()
	_, is := s.webhooks[name]
	delete(s.webhooks, name)
	s.mu.Unlock()
	if !is {
		return s.message(http.StatusNotFound, "there is no webhook of this event type")
	}
	return reply{code: http.StatusNoContent}
}

func (s *Server) missingWebhooks(*http.Request, []byte) reply {
	type missing struct {
		EventType string `json:"eventType"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []missing{}
	for _, name := range eventTypes {
		if _, is := s.webhooks[name]; !is {
			all = append(all, missing{name})
		}
	}
	return inJSON(all)
}

func inJSON(value any) reply {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings always marshal
	}
	return reply{code: http.StatusOK, body: body}
}
