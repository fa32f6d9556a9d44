package platform

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// entries reads the entries of the list of undelivered notifications. It is not documented how the
// list adds delivery details (attempts, times, errors): an entry may contain the notification in a
// member, or be the notification with such members added.
type entries struct {
	key func(object string, body []byte) string // returns the id in a notification of the object; "" if there is none
}

// maxEnvelopes bounds how deep in an entry a notification is searched for.
const maxEnvelopes = 3

// envelopeNames are the members that contain a notification, whatever its content.
var envelopeNames = []string{"body", "payload", "notification"}

// read returns the object and the notification of an entry. An entry without an event type is
// returned whole, under UnknownObject.
func (e *entries) read(entry []byte) (object string, body []byte) {
	members := membersOf(entry)
	if object = objectIn(members, 2); object == "" {
		return UnknownObject, entry
	}
	for _, m := range members {
		if slices.Contains(envelopeNames, m.name) && m.value.Kind() == '"' && objectValue(m.value) == nil {
			return UnknownObject, entry
		}
	}
	if inner := e.find(object, entry, maxEnvelopes); inner != nil {
		return object, inner
	}
	return object, entry
}

// find returns the notification in a member of value, or nil if value is the notification itself or
// contains none.
func (e *entries) find(object string, value jsontext.Value, depth int) jsontext.Value {
	members := membersOf(value)
	for _, name := range envelopeNames {
		for _, m := range members {
			if inner := objectValue(m.value); m.name == name && inner != nil {
				return inner
			}
		}
	}
	if depth == 0 || e.isNotification(object, value) {
		return nil
	}
	for _, m := range members {
		if inner := objectValue(m.value); inner != nil && e.isNotification(object, inner) {
			return inner
		}
	}
	for _, m := range members {
		if inner := objectValue(m.value); inner != nil {
			if found := e.find(object, inner, depth-1); found != nil {
				return found
			}
		}
	}
	return nil
}

// isNotification reports whether a JSON object has a member that identifies a notification of the
// platform: the id of the object, a type or a time.
func (e *entries) isNotification(object string, value jsontext.Value) bool {
	return e.key(object, value) != "" || slices.ContainsFunc(membersOf(value), func(m member) bool {
		switch m.name {
		case "notificationType", "modifiedOn", "updatedCustomers":
			return true
		}
		return object == UnknownObject && strings.HasSuffix(m.name, "Id") && !isDelivery(m.name)
	})
}

// deliveryWords are parts of the names of members about a delivery, and deliveryNames are whole names,
// in lower case without "_" and "-". None occurs in a documented notification. A notification that
// differs from another one only in such members contains nothing new.
var (
	deliveryWords = []string{"attempt", "retry", "retries", "deliver", "tried", "webhook", "subscription", "httpstatus", "statuscode",
		"response", "request", "correlation", "trace", "lasterror", "failure", "failed", "queued", "scheduled", "entryid", "messageid"}
	deliveryNames = []string{"id", "uuid", "url", "error", "errors", "headers", "timestamp", "sentat", "senton", "createdat", "updatedat",
		"receivedat", "expiresat", "version", "etag"}
)

func isDelivery(name string) bool {
	name = strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	return slices.Contains(deliveryNames, name) ||
		slices.ContainsFunc(deliveryWords, func(word string) bool { return strings.Contains(name, word) })
}

// identity returns the same hash for two bodies of an object that contain the same notification,
// whatever the order of members, the white space and the delivery details. It depends on the record
// alone, so after a restart it can be computed from the log.
func (e *entries) identity(object string, body []byte) [16]byte {
	content := jsontext.Value(bytes.TrimPrefix(body, byteOrderMark))
	members := membersOf(content)
	if object == UnknownObject {
		if inner := e.find(object, content, maxEnvelopes); inner != nil {
			content, members = inner, membersOf(inner)
		}
	}
	if object == UnknownObject || objectIn(members, 1) != "" {
		content = withoutDelivery(content, members)
	}
	content = content.Clone()
	// Numbers stay as they were written: 1.10 is not 1.1. Anything that is not JSON is unchanged.
	_ = content.Format(lax, jsontext.ReorderRawObjects(true))
	sum := sha256.New()
	sum.Write([]byte(object))
	sum.Write([]byte{0})
	sum.Write(content)
	return [16]byte(sum.Sum(nil))
}

// withoutDelivery removes the members about the delivery, and the event type, which the object
// already determines.
func withoutDelivery(content jsontext.Value, members []member) jsontext.Value {
	if members == nil {
		return content
	}
	kept := []byte{'{'}
	for _, m := range members {
		if isDelivery(m.name) || m.eventType() != "" {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept, _ = jsontext.AppendQuote(kept, m.name) // a name that was read is a valid string
		kept = append(append(kept, ':'), m.value...)
	}
	return append(kept, '}')
}

// member is a member of a JSON object.
type member struct {
	name  string
	value jsontext.Value
}

// membersOf returns the members of a JSON object in order, or nil for anything else.
func membersOf(value jsontext.Value) (members []member) {
	d := jsontext.NewDecoder(bytes.NewReader(value), lax)
	if d.PeekKind() != jsontext.KindBeginObject {
		return nil
	}
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() != jsontext.KindEndObject {
		var name jsontext.Token
		if name, err = d.ReadToken(); err != nil {
			break
		}
		m := member{name: name.String()}
		var inner jsontext.Value
		inner, err = d.ReadValue()
		m.value = inner.Clone()
		members = append(members, m)
	}
	if err != nil {
		return nil
	}
	return members
}

// objectValue returns value if it is a JSON object, the object in value if it is a string that contains
// one, and nil for anything else.
func objectValue(value jsontext.Value) jsontext.Value {
	switch value.Kind() {
	case '{':
		return value
	case '"':
		if text := jsontext.Value(textOf(value)); text.Kind() == '{' && text.IsValid(lax) {
			return text
		}
	}
	return nil
}

// objectIn returns the object in the log for the event type that one of the members contains, or a
// member of a nested object down to depth; "" if there is none.
func objectIn(members []member, depth int) string {
	for _, m := range members {
		if m.name == "eventType" {
			return objectOf(textOf(m.value)) // also an unknown type
		}
	}
	for _, m := range members {
		if name := m.eventType(); name != "" {
			return objectOf(name)
		}
	}
	if depth > 1 {
		for _, m := range members {
			if object := objectIn(membersOf(objectValue(m.value)), depth-1); object != "" {
				return object
			}
		}
	}
	return ""
}

// eventType returns the event type that the member contains, whatever its name; "" if it contains none.
func (m *member) eventType() string {
	text := textOf(m.value)
	if m.name == "eventType" || strings.HasSuffix(text, "_NOTIFICATION") || text == "RE_TOKEN_PRICES" {
		return text
	}
	return ""
}

// textOf returns the content of a JSON string; "" for anything else.
func textOf(value jsontext.Value) (text string) {
	if value.Kind() != '"' || json.Unmarshal(value, &text, lax) != nil {
		return ""
	}
	return text
}

// objectOf converts CUSTOMER_NOTIFICATION to customer. It returns "" if the log would refuse the object.
func objectOf(eventType string) string {
	object := strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(eventType, "_", "-")), "-notification")
	for word := range strings.SplitSeq(object, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return ""
		}
	}
	if len(object) > 64 {
		return ""
	}
	return object
}
