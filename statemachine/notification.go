package statemachine

import "time"

// Kind is how a notification became known. The zero value is Reported.
type Kind uint8

const (
	// Reported: the platform posted it, or it was recovered from the list of undelivered notifications.
	Reported Kind = iota
	// Fetched: an answer of the platform to GET order. If its status has a rank, it restates the order.
	Fetched
)

// String returns "reported" or "fetched".
func (k Kind) String() string {
	if k == Fetched {
		return "fetched"
	}
	return "reported"
}

// AssetClass is the order object of a notification. The zero value is unknown.
type AssetClass uint8

// The three order objects of the platform.
const (
	Traditional AssetClass = iota + 1
	Digital
	Tokenized
)

var assetClassNames = [...]string{"", "TRADITIONAL", "DIGITAL", "TOKENIZED"}

// String returns the name in upper case; "" for the zero value.
func (a AssetClass) String() string {
	if int(a) < len(assetClassNames) {
		return assetClassNames[a]
	}
	return ""
}

// ParseAssetClass returns the class with the given name, in upper case; ok is false for any other text.
func ParseAssetClass(name string) (a AssetClass, ok bool) {
	for i := Traditional; i <= Tokenized; i++ {
		if assetClassNames[i] == name {
			return i, true
		}
	}
	return 0, false
}

// Refusal is a request about the order that the platform refused.
type Refusal struct {
	At          time.Time
	ErrorType   string
	Description string
}

// Notification is the content of one record of the log about an order. The zero value of a field
// means that it is absent.
type Notification struct {
	OrderID    string // 1–128 bytes
	Sequence   uint64
	Received   time.Time
	Kind       Kind
	AssetClass AssetClass
	Type       string // notificationType as sent: CREATED, UPDATED, VALIDATION_ERROR, …
	Status     Status
	At         time.Time // modifiedOn, in UTC; if absent, the time received is used
	Dated      bool      // modifiedOn is present, even if At is the zero time, 0001-01-01T00:00:00Z
	Executed   Decimal   // cumulative
	Amount     Decimal   // of money, for what was executed
	Reported   bool      // the platform reported Amount; otherwise it is the sum of the executions
	Details    [Fields]string
	Refused    bool
	Refusal    Refusal  // if Refused; Apply sets its At
	Notes      []string // what the decoder of bodies could not decode, in words
}

// when returns At or, if it is absent, the time received.
func (n *Notification) when() time.Time {
	if !n.Dated && n.At.IsZero() {
		return n.Received.UTC()
	}
	return n.At
}
