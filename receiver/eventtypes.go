package receiver

import (
	"slices"
	"strings"
)

// EventType is one of the platform's event types, with the path and the object of its
// notifications.
type EventType struct {
	Name   string // as the platform writes it: "CUSTOMER_NOTIFICATION"
	Path   string // last element of the URL's path, with the slash: "/customer-notification"
	Object string // in the log: "customer"
	// IDField is the member of the body that contains the object's id, such as "customerId"; empty
	// if the object has none.
	IDField string
}

var eventTypes = func() []EventType {
	names := []string{
		"CUSTOMER_NOTIFICATION", "NATURAL_PERSON_NOTIFICATION", "JOINT_PERSON_NOTIFICATION",
		"IDENTIFICATION_VERIFICATION_NOTIFICATION", "DOCUMENT_NOTIFICATION", "PARTNER_DOCUMENT_NOTIFICATION",
		"ONBOARDING_NOTIFICATION", "OFFBOARDING_NOTIFICATION", "CUSTOMER_PRODUCT_NOTIFICATION",
		"LEGAL_ENTITY_NOTIFICATION", "LEGAL_ENTITY_SEARCH_NOTIFICATION", "LEGAL_REPRESENTATIVE_NOTIFICATION",
		"BENEFICIAL_OWNER_NOTIFICATION", "PROXY_NOTIFICATION", "USER_NOTIFICATION", "LABELS_UPDATE_NOTIFICATION",
		"TRANSFER_NOTIFICATION", "STRATEGY_NOTIFICATION", "SAVINGS_PLANS_NOTIFICATION",
		"CORPORATE_ACTION_NOTIFICATION", "TAX_EXEMPTION_ORDER_NOTIFICATION", "PARTNER_NOTIFICATION",
		"RE_TOKEN_PRICES", "TRADITIONAL_ASSET_ORDER_NOTIFICATION", "DIGITAL_ASSET_ORDER_NOTIFICATION",
		"TOKENIZED_ASSET_ORDER_NOTIFICATION",
	}
	types := make([]EventType, len(names))
	for i, name := range names {
		path := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		object := strings.TrimSuffix(path, "-notification")
		types[i] = EventType{Name: name, Path: "/" + path, Object: object, IDField: idField(object)}
	}
	return types
}()

// EventTypes returns the platform's 26 event types. The caller owns the slice.
func EventTypes() []EventType { return slices.Clone(eventTypes) }

func idField(object string) string {
	switch object {
	case "traditional-asset-order", "digital-asset-order", "tokenized-asset-order":
		return "orderId"
	case "corporate-action":
		return "eventId"
	case "labels-update", "re-token-prices":
		return ""
	}
	words := strings.Split(object, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "") + "Id"
}

var byPath = func() map[string]*EventType {
	m := make(map[string]*EventType, len(eventTypes))
	for i := range eventTypes {
		m[eventTypes[i].Path] = &eventTypes[i]
	}
	return m
}()

// eventTypeOf returns the event type of a URL's path, or nil if there is none. Only the last element
// of the path is used: it is not documented whether the platform appends a path to the registered
// URL, so any prefix is accepted. Trailing slashes are ignored.
func eventTypeOf(path string) *EventType {
	path = strings.TrimRight(path, "/")
	return byPath[path[max(strings.LastIndexByte(path, '/'), 0):]]
}
