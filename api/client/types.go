package client

import "time"

// Instant is a time as the API writes it: RFC 3339 in UTC, or with an offset where UTC has a year before 0001 or after 9999 for
// it. "" is not known.
type Instant string

// Time returns the time in UTC; the zero time when it is not known.
func (i Instant) Time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, string(i))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// instantOf writes a time for a query: with the greatest offset there is where UTC puts it outside the years 0001 to 9999.
func instantOf(t time.Time) Instant {
	const most = 23*60*60 + 59*60
	switch t = t.UTC(); {
	case t.Year() < 1:
		t = t.In(time.FixedZone("", most))
	case t.Year() > 9999:
		t = t.In(time.FixedZone("", -most))
	}
	return Instant(t.Format(time.RFC3339Nano))
}

// Order is what is known of an order. Quantities and prices are decimals with the digits received.
type Order struct {
	Answer           `json:"-"`
	OrderID          string        `json:"orderId"`
	AssetClass       string        `json:"assetClass,omitempty"`
	Status           string        `json:"status,omitempty"` // "": no notification told one that counts
	StatusSince      Instant       `json:"statusSince,omitempty"`
	Open             bool          `json:"open"`                 // it can still trade
	Final            bool          `json:"final"`                // nothing more is expected
	Settlement       *Settlement   `json:"settlement,omitempty"` // nil: nothing is executed, or the asset class has no cycle
	Side             string        `json:"side,omitempty"`
	ISIN             string        `json:"isin,omitempty"`
	Symbol           string        `json:"symbol,omitempty"`
	OrderType        string        `json:"orderType,omitempty"`
	ExchangeCode     string        `json:"exchangeCode,omitempty"`
	Quantity         string        `json:"quantity,omitempty"`
	Amount           string        `json:"amount,omitempty"`
	ExecutedQuantity string        `json:"executedQuantity,omitempty"` // cumulative
	ExecutionPrice   string        `json:"executionPrice,omitempty"`
	ExecutedAmount   string        `json:"executedAmount,omitempty"` // for ExecutedQuantity
	AveragePrice     string        `json:"averagePrice,omitempty"`   // of eight decimal places
	Executions       []Execution   `json:"executions"`               // at most 64
	LimitPrice       string        `json:"limitPrice,omitempty"`
	StopPrice        string        `json:"stopPrice,omitempty"`
	ExternalID       string        `json:"externalId,omitempty"`
	ProductIDs       []string      `json:"productIds"`
	Message          string        `json:"message,omitempty"`
	CreatedOn        Instant       `json:"createdOn,omitempty"`
	ModifiedOn       Instant       `json:"modifiedOn,omitempty"`
	ExpiryDate       string        `json:"expiryDate,omitempty"`
	Breaks           []Break       `json:"breaks"`
	Refusals         []Refusal     `json:"refusals"` // earliest first
	Notifications    Notifications `json:"notifications"`
	Asked            *Asked        `json:"asked,omitempty"` // nil: the platform was not asked for it
}

// Settlement says when an order should settle, and how it stood with that on the day of the answer. Days are as in 2026-12-28.
type Settlement struct {
	TradeDate   string `json:"tradeDate,omitempty"` // "": not known, or it can still trade
	DueOn       string `json:"dueOn,omitempty"`
	Cycle       string `json:"cycle,omitempty"` // T+2
	State       string `json:"state"`           // pending, due, overdue, settled or none
	OverdueDays int    `json:"overdueDays"`     // settlement days
}

// Execution is a trade of an order.
type Execution struct {
	ID       string `json:"id,omitempty"`
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	Amount   string `json:"amount,omitempty"`
}

// Asked says how it stands with asking the platform for an order.
type Asked struct {
	State    string  `json:"state"`              // pending, asked or gone
	At       Instant `json:"at"`                 // since when
	Reason   string  `json:"reason,omitempty"`   // new, break or quiet
	Sequence uint64  `json:"sequence,omitempty"` // of the answer in the log
	Attempts int     `json:"attempts"`           // in vain
	Error    string  `json:"error,omitempty"`    // of the last attempt
}

// Break is something a person must look at.
type Break struct {
	Code           string   `json:"code"`
	Severity       string   `json:"severity"` // warn or high
	OpenedAt       Instant  `json:"openedAt"`
	OpenedSequence uint64   `json:"openedSequence"`
	Sequences      []uint64 `json:"sequences"` // of the notifications that show it
	Rule           string   `json:"rule"`
}

// Refusal is a request concerning the order that the platform refused.
type Refusal struct {
	At          Instant `json:"at"`
	ErrorType   string  `json:"errorType"`
	Description string  `json:"description"`
}

// Notifications counts what an order is made of.
type Notifications struct {
	Count           uint64  `json:"count"` // repeats included
	Duplicates      uint64  `json:"duplicates"`
	DroppedFacts    uint64  `json:"droppedFacts,omitempty"`
	Lost            uint64  `json:"lost,omitempty"` // in the past only: the log lost their records
	FirstSequence   uint64  `json:"firstSequence"`
	LastSequence    uint64  `json:"lastSequence"`
	FirstReceivedAt Instant `json:"firstReceivedAt"`
	LastReceivedAt  Instant `json:"lastReceivedAt"`
}

// HistoryEntry is what one notification said and did.
type HistoryEntry struct {
	Sequence         uint64   `json:"sequence"`
	ReceivedAt       Instant  `json:"receivedAt,omitempty"` // "" with the effect lost: the log lost the record
	At               Instant  `json:"at,omitempty"`
	Kind             string   `json:"kind,omitempty"`
	Status           string   `json:"status,omitempty"`
	Executed         string   `json:"executed,omitempty"`
	NotificationType string   `json:"notificationType,omitempty"`
	Effect           string   `json:"effect"`
	Rule             string   `json:"rule"`
	StatusAfter      string   `json:"statusAfter,omitempty"`
	BreaksOpened     []string `json:"breaksOpened"`
	BreaksClosed     []string `json:"breaksClosed"`
	Notes            []string `json:"notes"` // what could not be read in it
}

// Explanation says why an order has its status.
type Explanation struct {
	Answer    `json:"-"`
	OrderID   string      `json:"orderId"`
	Status    string      `json:"status,omitempty"`
	Summary   []string    `json:"summary"`
	DecidedBy uint64      `json:"decidedBy,omitempty"` // 0: by no notification
	Facts     []Judgement `json:"facts"`
	Breaks    []Break     `json:"breaks"`
}

// Judgement is what a notification said and what that means for the status.
type Judgement struct {
	Sequence   uint64  `json:"sequence"`
	ReceivedAt Instant `json:"receivedAt"`
	Kind       string  `json:"kind"`
	Status     string  `json:"status"`
	At         Instant `json:"at"`
	Executed   string  `json:"executed,omitempty"`
	Verdict    string  `json:"verdict"`
	Why        string  `json:"why"`
}

// OpenBreak is a break and the order that has it.
type OpenBreak struct {
	OrderID    string `json:"orderId"`
	AssetClass string `json:"assetClass,omitempty"`
	Status     string `json:"status,omitempty"`
	Break
	Age     string `json:"age"`     // 0-1, 1-2, 3-5 or over-5 days
	AgeDays int    `json:"ageDays"` // in settlement days
}

// Stats are counts over all orders.
type Stats struct {
	Answer       `json:"-"`
	Orders       uint64            `json:"orders"`
	Open         uint64            `json:"open"`
	Final        uint64            `json:"final"`
	ByStatus     map[string]uint64 `json:"byStatus"` // NONE counts those without one
	ByAssetClass map[string]uint64 `json:"byAssetClass"`
	ByBreak      map[string]uint64 `json:"byBreak"`
	BySettlement map[string]uint64 `json:"bySettlement"` // today, in Berlin; none counts also those without a settlement
	Settlement   Settlements       `json:"settlement"`
	Objects      map[string]uint64 `json:"objects"` // notifications of other objects
	Quarantined  uint64            `json:"quarantined"`
	ByClass      map[string]uint64 `json:"quarantinedByClass"`
	Records      uint64            `json:"records"`
	Throughput   *float64          `json:"throughput,omitempty"` // records applied per second; nil: not known yet
}

// Settlements says what awaits its settlement. Days are as in 2026-12-28.
type Settlements struct {
	Today             string   `json:"today"`                 // in Berlin
	NextSettlementDay string   `json:"nextSettlementDay"`     // the first one after today
	OldestDueOn       string   `json:"oldestDueOn,omitempty"` // of what is overdue for longest; "": nothing is
	OldestOverdueDays int      `json:"oldestOverdueDays"`     // settlement days
	Awaiting          []DueDay `json:"awaiting"`              // the last 60 days that anything is awaited of
	AwaitingEarlier   uint64   `json:"awaitingEarlier"`       // orders that are due before those
}

// DueDay counts the orders that are due on a day and have not settled.
type DueDay struct {
	DueOn  string `json:"dueOn"`
	Orders uint64 `json:"orders"`
}

// Status says where log and views stand. A pointer is nil when the value is not known.
type Status struct {
	Answer          `json:"-"`
	Log             LogStatus `json:"log"`
	AppliedSequence uint64    `json:"appliedSequence"`
	LagRecords      *uint64   `json:"lagRecords,omitempty"`
	FeedLagRecords  *uint64   `json:"feedLagRecords,omitempty"`
	FeedReason      *string   `json:"feedReason,omitempty"`
	LagSeconds      *float64  `json:"lagSeconds,omitempty"`
	Generation      int       `json:"generation,omitempty"`
	FoldVersion     string    `json:"foldVersion,omitempty"`
	VerifiedSeq     *uint64   `json:"verifiedSequence,omitempty"`
	VerifiedAt      Instant   `json:"verifiedAt,omitempty"`
	SyncMode        string    `json:"syncMode"`
	Replicas        int       `json:"replicas"`
	Ready           bool      `json:"ready"`
	Reason          string    `json:"reason,omitempty"`
	Accepts         *bool     `json:"acceptsNotifications,omitempty"` // nil: it is not this process that receives notifications
	Rebuild         *Rebuild  `json:"rebuild,omitempty"`              // nil while none runs
	Platform        *Asking   `json:"platform,omitempty"`             // nil: another process asks the platform, if any
	Version         string    `json:"version"`
	StartedAt       Instant   `json:"startedAt"`
}

// LogStatus are the ends of the log; nil while it cannot be reached.
type LogStatus struct {
	FirstSequence *uint64 `json:"firstSequence,omitempty"`
	LastSequence  *uint64 `json:"lastSequence,omitempty"`
	Epoch         *uint64 `json:"epoch,omitempty"` // rises when the log was restored, or a loss was accepted
	Bytes         *int64  `json:"bytes,omitempty"`
	MaxBytes      *int64  `json:"maxBytes,omitempty"`      // nil: no limit
	BytesLeft     *int64  `json:"bytesLeft,omitempty"`     // nil: nothing is known to limit it
	DiskFreeBytes *int64  `json:"diskFreeBytes,omitempty"` // of an embedded log
	FullAt        Instant `json:"fullAt,omitempty"`        // at the rate of the last hour
}

// Asking says how it stands with asking the platform. Counts are since the start of the process.
type Asking struct {
	Enabled             bool    `json:"enabled"`
	Pending             int     `json:"pending"`   // orders that are to be asked for
	Asked               uint64  `json:"asked"`     // answers appended to the log
	GivenUp             int     `json:"givenUp"`   // orders
	Skipped             uint64  `json:"skipped"`   // orders and undelivered notifications that could not be examined or appended
	Recovered           uint64  `json:"recovered"` // undelivered notifications appended to the log
	RecoveredUnreadable uint64  `json:"recoveredUnreadable"`
	LastAskedAt         Instant `json:"lastAskedAt,omitempty"`
	LastError           string  `json:"lastError,omitempty"`
	LastErrorAt         Instant `json:"lastErrorAt,omitempty"`
	LastRecoveredAt     Instant `json:"lastRecoveredAt,omitempty"`
	RecoverError        string  `json:"recoverError,omitempty"`
}

// Rebuild is a rebuild of the views, running or ended.
type Rebuild struct {
	Answer           `json:"-"`
	Mode             string   `json:"mode"`  // rebuild, dry-run or rollback
	State            string   `json:"state"` // running, done, failed or canceled
	Phase            string   `json:"phase"`
	Records          uint64   `json:"records"` // folded so far
	Total            uint64   `json:"total"`
	RecordsPerSecond float64  `json:"recordsPerSecond"`
	SecondsLeft      *float64 `json:"secondsLeft,omitempty"`
	StartedAt        Instant  `json:"startedAt"`
	EndedAt          Instant  `json:"endedAt,omitempty"` // "": it runs
	Seconds          float64  `json:"seconds"`
	Generation       int      `json:"generation,omitempty"` // that is served since
	Bytes            int64    `json:"bytes,omitempty"`
	Error            string   `json:"error,omitempty"`
	PreviousError    string   `json:"previousError,omitempty"` // why the one before it, of the same mode, failed
	Changes          *Changes `json:"changes,omitempty"`       // of a dry run that is done
}

// Redrive is what decoding quarantined records again did, or would do.
type Redrive struct {
	Answer   `json:"-"`
	DryRun   bool             `json:"dryRun"`
	Examined uint64           `json:"examined"`
	Redriven uint64           `json:"redriven"`
	Remain   uint64           `json:"remaining"` // cannot be read still
	Orders   uint64           `json:"orders"`    // changed
	Records  []RedrivenRecord `json:"records"`   // the first hundred
	Next     uint64           `json:"nextAfter,omitempty"`
}

// RedrivenRecord is what became of a record.
type RedrivenRecord struct {
	Sequence uint64 `json:"sequence"`
	Object   string `json:"object"`
	Redriven bool   `json:"redriven"`
	ID       string `json:"id,omitempty"`    // of the order or object that it is part of now
	Class    string `json:"class,omitempty"` // of one that cannot be read still
	Reason   string `json:"reason,omitempty"`
}

// Changes are what the views and a new fold of the log tell differently.
type Changes struct {
	Sequence    uint64        `json:"sequence"`
	Orders      uint64        `json:"orders"` // compared
	Different   uint64        `json:"different"`
	Differences []OrderChange `json:"differences"` // the first hundred
	Others      []string      `json:"others"`
}

// OrderChange is an order that differs.
type OrderChange struct {
	OrderID string        `json:"orderId"`
	Missing string        `json:"missing,omitempty"` // views or log
	Fields  []FieldChange `json:"fields,omitempty"`
}

// FieldChange is a field that differs, on both sides in words.
type FieldChange struct {
	Field string `json:"field"`
	Views string `json:"views"`
	Log   string `json:"log"`
}

// Notification is a record of the log as it was received.
type Notification struct {
	Sequence    uint64
	ReceivedAt  Instant
	Source      string // webhook, recovered or fetched
	Object      string // traditional-asset-order, customer, …
	ContentType string // application/octet-stream when the sender told none
	RequestID   string
	Traceparent string
	Body        []byte
}
