package client

// Access says whose key is sent, and what that may do.
type Access struct {
	Answer `json:"-"`
	Name   string `json:"name,omitempty"` // "": no key is configured
	Role   string `json:"role"`           // reader or operator
}

// Search is what a text is.
type Search struct {
	Answer `json:"-"`
	Found  []Found `json:"found"` // none: nothing that is known
}

// Found is one thing that a text is.
type Found struct {
	Kind       string   `json:"kind"`               // order, notification, externalId, productId, isin, symbol, object or idPrefix
	Path       string   `json:"path"`               // where the API shows more of it
	OrderIDs   []string `json:"orderIds"`           // that it concerns, those notified last: at most 10
	More       bool     `json:"more"`               // there are more orders than these
	Object     string   `json:"object,omitempty"`   // of a notification or object: which kind
	Sequence   uint64   `json:"sequence,omitempty"` // of the notification, or of the object's last one
	ReceivedAt Instant  `json:"receivedAt,omitempty"`
}

// Throughput is what the service did, minute by minute.
type Throughput struct {
	Answer  `json:"-"`
	Since   Instant  `json:"since"`   // the start of the process: of the time before nothing is known
	Minutes []Minute `json:"minutes"` // the earliest first; the last one is not over yet
}

// Minute is what the service did in one. A pointer is nil when the value is not known.
type Minute struct {
	At         Instant  `json:"at"`
	Received   *uint64  `json:"received,omitempty"`   // records that the log got
	Applied    uint64   `json:"applied"`              // records that the views applied
	LatencyP50 *float64 `json:"latencyP50,omitempty"` // seconds from receiving a record until it can be read
	LatencyP99 *float64 `json:"latencyP99,omitempty"`
	LagRecords *uint64  `json:"lagRecords,omitempty"` // received and not applied, at most
}

// Totals are of all orders that a filter selects.
type Totals struct {
	Orders   uint64 `json:"orders"`
	Ordered  Sums   `json:"ordered"`
	Executed Sums   `json:"executed"`
	LeftOut  uint64 `json:"leftOut"` // orders with a number that is in no sum: of more than 18 decimal places, or 13 digits before the point
}

// Sums are exact decimals.
type Sums struct {
	Units  string `json:"units"`  // of quantities
	Amount string `json:"amount"` // of money
}

// LastNotification is the last notification of an object.
type LastNotification struct {
	Object        string  `json:"object"` // customer, document, …
	ID            string  `json:"id"`
	Sequence      uint64  `json:"sequence"`
	ReceivedAt    Instant `json:"receivedAt"`
	Notifications uint64  `json:"notifications"` // that there were, repeats included
	Raw           string  `json:"raw"`           // where the API has its bytes
}
