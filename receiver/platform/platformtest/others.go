package platformtest

import (
	"time"
)

// other is a notification of an object that is not an order.
type other struct {
	at     time.Time
	seed   uint64
	broken bool // a notification of an order without an order id
}

// otherObject is an object whose notifications have the usual form. idField is the member with its id.
type otherObject struct {
	path, idField, status string
}

var otherObjects = []otherObject{
	{"/customer-notification", "customerId", "CREATED"},
	{"/customer-notification", "customerId", "ACTIVE"},
	{"/natural-person-notification", "naturalPersonId", "ACTIVE"},
	{"/document-notification", "documentId", "CREATED"},
	{"/transfer-notification", "transferId", "SETTLED"},
	{"/transfer-notification", "transferId", "PENDING"},
	{"/customer-product-notification", "customerProductId", "ACTIVE"},
	{"/onboarding-notification", "onboardingId", "IN_REVIEW"},
	{"/tax-exemption-order-notification", "taxExemptionOrderId", "ACTIVE"},
	{"/user-notification", "userId", "CREATED"},
}

func (n *other) notification() Notification {
	s := newSource(n.seed)
	b := make(object, 0, 256)
	if n.broken {
		b.text("externalId", "ord-without-id")
		b.text("modifiedOn", n.at.Format(layouts[3]))
		b.text("status", placed)
		b.text("notificationType", typeUpdated)
		b.close()
		return Notification{"/traditional-asset-order-notification", b}
	}
	switch kind := s.IntN(len(otherObjects) + 3); kind {
	case len(otherObjects): // no id and no status
		b.raw("updatedCustomers", `["`+s.uuid().String()+`","`+s.uuid().String()+`"]`)
		b.close()
		return Notification{"/labels-update-notification", b}
	case len(otherObjects) + 1: // type instead of notificationType, and no modifiedOn
		b.text("eventId", s.uuid().String())
		b.text("type", oneOf(s, "DIVIDEND", "SPLIT", "MERGER"))
		b.text("isin", "DE0007164600")
		b.close()
		return Notification{"/corporate-action-notification", b}
	case len(otherObjects) + 2: // prices, which have no id
		b.text("symbol", "RE-MUC-01")
		b.raw("price", "50.125")
		b.close()
		return Notification{"/re-token-prices", b}
	default:
		object := otherObjects[kind]
		b.text(object.idField, s.uuid().String())
		b.text("modifiedOn", n.at.Format(layouts[oneOf(s, 0, 3, 6, 9)]))
		b.text("status", object.status)
		b.text("notificationType", oneOf(s, typeCreated, typeUpdated))
		b.close()
		return Notification{object.path, b}
	}
}
