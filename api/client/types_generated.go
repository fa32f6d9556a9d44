// Code generated from docs/openapi.json by a test of the API. DO NOT EDIT.

package client

// Order is an order as the API shows it. A value not known is null.
type Order struct {
	Answer     `json:"-"`
	OrderID    string `json:"orderId"`
	AssetClass string `json:"assetClass,omitempty"`
	// null: no notification told a status that counts.
	Status      string  `json:"status,omitempty"`
	StatusSince Instant `json:"statusSince,omitempty"`
	// It can still trade.
	Open bool `json:"open"`
	// Nothing more is expected. Neither open nor final: it awaits settlement.
	Final bool `json:"final"`
	// When it should settle; null where nothing is executed, or the asset class has no cycle.
	Settlement   *Settlement `json:"settlement,omitempty"`
	Side         string      `json:"side,omitempty"`
	ISIN         string      `json:"isin,omitempty"`
	Symbol       string      `json:"symbol,omitempty"`
	OrderType    string      `json:"orderType,omitempty"`
	ExchangeCode string      `json:"exchangeCode,omitempty"`
	// A decimal with the digits received, like all quantities and prices.
	Quantity string `json:"quantity,omitempty"`
	// Ordered money, where the order is for an amount and not for a quantity.
	Amount string `json:"amount,omitempty"`
	// Cumulative.
	ExecutedQuantity string `json:"executedQuantity,omitempty"`
	// As the platform tells it of the whole; of each trade it is in executions.
	ExecutionPrice string `json:"executionPrice,omitempty"`
	// Money, for executedQuantity: as the platform reported it, else the sum of the executions.
	ExecutedAmount string `json:"executedAmount,omitempty"`
	// executedAmount divided by executedQuantity, rounded half even to 8 decimal places.
	AveragePrice string `json:"averagePrice,omitempty"`
	// The trades, when the platform lists them: at most 64.
	Executions []Execution `json:"executions"`
	LimitPrice string      `json:"limitPrice,omitempty"`
	StopPrice  string      `json:"stopPrice,omitempty"`
	ExternalID string      `json:"externalId,omitempty"`
	// Depository or wallet, and cash.
	ProductIDs []string `json:"productIds"`
	Message    string   `json:"message,omitempty"`
	CreatedOn  Instant  `json:"createdOn,omitempty"`
	ModifiedOn Instant  `json:"modifiedOn,omitempty"`
	ExpiryDate string   `json:"expiryDate,omitempty"`
	// What a person must look at, in the order of /v1/states.
	Breaks []Break `json:"breaks"`
	// Requests concerning the order that the platform refused, earliest first.
	Refusals []Refusal `json:"refusals"`
	// How it stands with asking the platform for the order; null: it was not asked. What is pending or
	// gone is told of a single order as it is now, by the process that asks.
	Asked         *Asked        `json:"asked,omitempty"`
	Notifications Notifications `json:"notifications"`
}

// Settlement says when an order should settle, and how it stands with that on the day of the
// answer.
type Settlement struct {
	// The day, in Berlin, on which the order was completed or closed with something executed; null
	// while it can still trade, and where that is not known.
	TradeDate string `json:"tradeDate,omitempty"`
	// When it should settle: so many settlement days after tradeDate.
	DueOn string `json:"dueOn,omitempty"`
	// How many settlement days those are.
	Cycle string `json:"cycle,omitempty"`
	// pending: it is due on a later day. due: it is due today, in Berlin. overdue: it was due on an
	// earlier day. settled. none: it can still trade.
	State string `json:"state"`
	// Settlement days after dueOn up to today, of one that is overdue: 0 on the weekend after it was
	// due. Of others 0.
	OverdueDays int64 `json:"overdueDays"`
}

// Execution is one trade of an order.
type Execution struct {
	ID       string `json:"id,omitempty"`
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	Amount   string `json:"amount,omitempty"`
}

// Asked says how it stands with asking the platform for an order.
type Asked struct {
	// gone: the platform does not have it, or does not answer sensibly.
	State string `json:"state"`
	// Since when it is pending; when the platform last said something new; when it was given up.
	At Instant `json:"at"`
	// Why it is asked for: nothing of it was fetched, it contradicts itself, nothing was heard for too
	// long. null when it was answered.
	Reason string `json:"reason,omitempty"`
	// Of the answer in the log.
	Sequence *uint64 `json:"sequence,omitempty"`
	// In vain.
	Attempts int64 `json:"attempts"`
	// Of the last attempt.
	Error string `json:"error,omitempty"`
}

// Break is something a person must look at.
type Break struct {
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	OpenedAt Instant `json:"openedAt"`
	// Of the notification that opened it.
	OpenedSequence uint64 `json:"openedSequence"`
	// Of the notifications that show it.
	Sequences []uint64 `json:"sequences"`
	// The condition in words.
	Rule string `json:"rule"`
}

// Refusal is a request that the platform refused.
type Refusal struct {
	At          Instant `json:"at"`
	ErrorType   string  `json:"errorType"`
	Description string  `json:"description"`
}

// Notifications counts what an order is made of.
type Notifications struct {
	// Repeats included.
	Count uint64 `json:"count"`
	// Of these, those that said nothing new.
	Duplicates      uint64  `json:"duplicates"`
	FirstSequence   uint64  `json:"firstSequence"`
	LastSequence    uint64  `json:"lastSequence"`
	FirstReceivedAt Instant `json:"firstReceivedAt"`
	LastReceivedAt  Instant `json:"lastReceivedAt"`
	// Distinct facts let go because there were too many; the state may then depend on the order of
	// arrival.
	DroppedFacts uint64 `json:"droppedFacts,omitempty"`
	// With asOf or asOfSequence: notifications whose records the log lost, and the loss was accepted.
	// They are not counted, and what they said is left out.
	Lost uint64 `json:"lost,omitempty"`
}

// HistoryEntry is what one notification said and did.
type HistoryEntry struct {
	Sequence uint64 `json:"sequence"`
	// null when the record is lost.
	ReceivedAt Instant `json:"receivedAt,omitempty"`
	// modifiedOn of the notification.
	At Instant `json:"at,omitempty"`
	// null when the record is lost.
	Kind string `json:"kind,omitempty"`
	// As the notification told it.
	Status string `json:"status,omitempty"`
	// Cumulative, as the notification told it.
	Executed         string `json:"executed,omitempty"`
	NotificationType string `json:"notificationType,omitempty"`
	// What it did to the order.
	Effect string `json:"effect"`
	// Why, in words.
	Rule         string   `json:"rule"`
	StatusAfter  string   `json:"statusAfter,omitempty"`
	BreaksOpened []string `json:"breaksOpened"`
	BreaksClosed []string `json:"breaksClosed"`
	// What could not be read in it.
	Notes []string `json:"notes"`
}

// Explanation says why an order has its status.
type Explanation struct {
	Answer  `json:"-"`
	OrderID string `json:"orderId"`
	Status  string `json:"status,omitempty"`
	// Sentences for a person.
	Summary []string `json:"summary"`
	// Sequence of the notification that decides the status; null when none does.
	DecidedBy *uint64 `json:"decidedBy,omitempty"`
	// What distinct notifications said, earliest at first.
	Facts []Judgement `json:"facts"`
	// As of the order.
	Breaks []Break `json:"breaks"`
}

// Judgement is what a notification said and what that means for the status.
type Judgement struct {
	// Of the first notification that said so.
	Sequence   uint64  `json:"sequence"`
	ReceivedAt Instant `json:"receivedAt"`
	Kind       string  `json:"kind"`
	// As the notification told it.
	Status string `json:"status"`
	// modifiedOn, or the time received where none was told.
	At Instant `json:"at"`
	// Cumulative, as the notification told it.
	Executed string `json:"executed,omitempty"`
	Verdict  string `json:"verdict"`
	// In words.
	Why string `json:"why"`
}

// OpenBreak is a break and the order that has it.
type OpenBreak struct {
	OrderID    string `json:"orderId"`
	AssetClass string `json:"assetClass,omitempty"`
	// Of the order.
	Status string `json:"status,omitempty"`
	// In days of 24 hours, see the parameter age.
	Age string `json:"age"`
	// Settlement days after that of openedAt up to today, in Berlin; negative when that is still to
	// come.
	AgeDays  int64   `json:"ageDays"`
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	OpenedAt Instant `json:"openedAt"`
	// Of the notification that opened it.
	OpenedSequence uint64 `json:"openedSequence"`
	// Of the notifications that show it.
	Sequences []uint64 `json:"sequences"`
	// The condition in words.
	Rule string `json:"rule"`
}

// Stats are counts over all orders.
type Stats struct {
	Answer `json:"-"`
	Orders uint64 `json:"orders"`
	Open   uint64 `json:"open"`
	Final  uint64 `json:"final"`
	// Orders by status; NONE counts those without one. A status that no order has may be missing, here
	// and below.
	ByStatus map[string]uint64 `json:"byStatus"`
	// NONE counts orders of an unknown one.
	ByAssetClass map[string]uint64 `json:"byAssetClass"`
	// Orders with that break open.
	ByBreak map[string]uint64 `json:"byBreak"`
	// Notifications of other objects, by object.
	Objects map[string]uint64 `json:"objects"`
	// Orders by settlement.state; none counts also those without a settlement.
	BySettlement map[string]uint64 `json:"bySettlement"`
	// What awaits its settlement.
	Settlement Settlements `json:"settlement"`
	// Records that could not be decoded.
	Quarantined uint64 `json:"quarantined"`
	// They, by the kind of fault.
	QuarantinedByClass map[string]uint64 `json:"quarantinedByClass"`
	// Records of the log that were applied.
	Records uint64 `json:"records"`
	// Of these per second, in the last minute; null while it is not known yet.
	Throughput *float64 `json:"throughput,omitempty"`
}

// Settlements says what awaits its settlement today.
type Settlements struct {
	// In Berlin.
	Today string `json:"today"`
	// The first one after today.
	NextSettlementDay string `json:"nextSettlementDay"`
	// Of the orders that are overdue for longest; null: none is.
	OldestDueOn string `json:"oldestDueOn,omitempty"`
	// How many settlement days they are overdue.
	OldestOverdueDays int64 `json:"oldestOverdueDays"`
	// Orders that have not settled, by the day on which they are due, the earliest first. Of more than
	// 60 such days the last 60.
	Awaiting []DueDay `json:"awaiting"`
	// Orders that are due on earlier days than those.
	AwaitingEarlier uint64 `json:"awaitingEarlier"`
}

// DueDay counts the orders that are due on a day.
type DueDay struct {
	DueOn  string `json:"dueOn"`
	Orders uint64 `json:"orders"`
}

// Totals are of all orders selected, whatever the page. Sums are exact.
type Totals struct {
	Orders uint64 `json:"orders"`
	// What was ordered.
	Ordered Sums `json:"ordered"`
	// What is executed.
	Executed Sums `json:"executed"`
	// Orders with a number of more than 18 decimal places or 13 digits before the point, which is in
	// no sum.
	LeftOut uint64 `json:"leftOut"`
}

// Sums are of quantities in each unit. An order whose quantity is not known adds nothing.
type Sums struct {
	// Of quantity, or executedQuantity.
	Units string `json:"units"`
	// In money: of amount, which orders of an amount have, or executedAmount, which all have of whose
	// execution the money is known.
	Amount string `json:"amount"`
}

// Throughput is what this process has measured, minute by minute.
type Throughput struct {
	Answer `json:"-"`
	// The start of the process: of the time before nothing is known.
	Since Instant `json:"since"`
	// The earliest first; the last one is not over yet.
	Minutes []Minute `json:"minutes"`
}

// Minute is what was measured in one minute. A value not known is null.
type Minute struct {
	// The beginning of the minute.
	At Instant `json:"at"`
	// Records that the log got; null while it cannot be reached.
	Received *uint64 `json:"received,omitempty"`
	// Records that the views applied.
	Applied uint64 `json:"applied"`
	// Seconds from receiving a record until it can be read here: half of those looked at took less.
	// Ten records per second are looked at, at most; null when there was none.
	LatencyP50 *float64 `json:"latencyP50,omitempty"`
	// 99 of 100 took less.
	LatencyP99 *float64 `json:"latencyP99,omitempty"`
	// Records received and not applied, the most at any look; there is one each 5 s.
	LagRecords *uint64 `json:"lagRecords,omitempty"`
}

// Search is what a text means.
type Search struct {
	Answer `json:"-"`
	// Empty when the text is nothing that is known.
	Found []Found `json:"found"`
}

// Found is one thing that a text means.
type Found struct {
	// order: the id of one. notification: the sequence of one. object: the id of something that is no
	// order. Others: the filter of /v1/orders that it is a value of.
	Kind string `json:"kind"`
	// Where more is known of it.
	Path string `json:"path"`
	// The orders that it concerns, those notified last: at most 10.
	OrderIDs []string `json:"orderIds"`
	// There are more orders than these.
	More bool `json:"more"`
	// Of a notification or object: which kind.
	Object string `json:"object,omitempty"`
	// Of the notification, or of the object's last one.
	Sequence *uint64 `json:"sequence,omitempty"`
	// When that was received.
	ReceivedAt Instant `json:"receivedAt,omitempty"`
}

// LastNotification is the last notification of an object.
type LastNotification struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	// Of the last notification.
	Sequence uint64 `json:"sequence"`
	// When that was received.
	ReceivedAt Instant `json:"receivedAt"`
	// How many there were, repeats included.
	Notifications uint64 `json:"notifications"`
	// Where the raw bytes of the last one are.
	Raw string `json:"raw"`
}

// Access says who asks and what they may do.
type Access struct {
	Answer `json:"-"`
	// Of the key that the request carries; null where none is configured.
	Name string `json:"name,omitempty"`
	// reader: may read. operator: may also rebuild and redrive. Where no key is configured everybody
	// who reaches the API is an operator.
	Role string `json:"role"`
}

// Status says where log and views stand. A value not known is null.
type Status struct {
	Answer `json:"-"`
	Log    LogStatus `json:"log"`
	// The last record that the views have applied.
	AppliedSequence uint64 `json:"appliedSequence"`
	// Records received and not applied.
	LagRecords *uint64 `json:"lagRecords,omitempty"`
	// Age of the oldest of them; 0 when there is none. While the log cannot be reached: how long ago
	// the views were last known to be current; null when they never were.
	LagSeconds *float64 `json:"lagSeconds,omitempty"`
	// Records whose order events are not published yet; null: the feed is off.
	FeedLagRecords *uint64 `json:"feedLagRecords,omitempty"`
	// Why not all events are published, or that orders are being published again; null: all are, or
	// the feed is off. The service is ready all the same.
	FeedReason string `json:"feedReason,omitempty"`
	// Of the views: each rebuild makes a new one.
	Generation *int64 `json:"generation,omitempty"`
	// Of the rules that the views were folded by.
	FoldVersion string `json:"foldVersion,omitempty"`
	// The views were last compared with the log as they stood here; null before the first time.
	VerifiedSequence *uint64 `json:"verifiedSequence,omitempty"`
	VerifiedAt       Instant `json:"verifiedAt,omitempty"`
	// When the log is on disk: always, or what an external server tells.
	SyncMode string `json:"syncMode"`
	// Copies of the log; 0 while it cannot be reached.
	Replicas int64 `json:"replicas"`
	// As /readyz.
	Ready bool `json:"ready"`
	// Why it is not ready, or why no notification is stored; as /readyz.
	Reason string `json:"reason,omitempty"`
	// Whether a notification would be stored now; null: it is not this process that receives them.
	AcceptsNotifications *bool `json:"acceptsNotifications,omitempty"`
	// The one that runs; null while none runs.
	Rebuild *Rebuild `json:"rebuild,omitempty"`
	// Asking the platform; null: it is not this process that would.
	Platform *Asking `json:"platform,omitempty"`
	// Of the program.
	Version   string  `json:"version"`
	StartedAt Instant `json:"startedAt"`
}

// LogStatus are the ends of the log and what it still takes; null while it cannot be reached.
type LogStatus struct {
	FirstSequence *uint64 `json:"firstSequence,omitempty"`
	LastSequence  *uint64 `json:"lastSequence,omitempty"`
	// 1, and one more each time that the log was restored by orderfold restore, or a loss was
	// accepted: sequences may since belong to other records.
	Epoch *uint64 `json:"epoch,omitempty"`
	// Taken by the records.
	Bytes *int64 `json:"bytes,omitempty"`
	// At which the log refuses more; null: no limit.
	MaxBytes *int64 `json:"maxBytes,omitempty"`
	// Up to that, or to the end of the disk of an embedded log; null: nothing is known to limit it.
	BytesLeft *int64 `json:"bytesLeft,omitempty"`
	// On the disk of an embedded log.
	DiskFreeBytes *int64 `json:"diskFreeBytes,omitempty"`
	// When nothing is left at the rate of the last hour; null: it is not growing, has no limit, or
	// that is a century away.
	FullAt Instant `json:"fullAt,omitempty"`
}

// Asking says how it stands with asking the platform. Counts are since the start of the process.
type Asking struct {
	// The platform is asked; false: everything below is 0.
	Enabled bool `json:"enabled"`
	// Orders that are to be asked for.
	Pending int64 `json:"pending"`
	// Answers appended to the log.
	Asked uint64 `json:"asked"`
	// Orders that the platform does not have or does not answer sensibly.
	GivenUp int64 `json:"givenUp"`
	// Orders that could not be examined, and undelivered notifications that could not be appended: the
	// others did not wait for them. lastError and recoverError say why.
	Skipped     uint64  `json:"skipped"`
	LastAskedAt Instant `json:"lastAskedAt,omitempty"`
	// It may be over: compare lastErrorAt with lastAskedAt.
	LastError   string  `json:"lastError,omitempty"`
	LastErrorAt Instant `json:"lastErrorAt,omitempty"`
	// Undelivered notifications appended: holes that the webhook left.
	Recovered uint64 `json:"recovered"`
	// Of these, entries of a form that is not known, kept under the object undelivered.
	RecoveredUnreadable uint64 `json:"recoveredUnreadable"`
	// When the list of undelivered notifications was last read to its end.
	LastRecoveredAt Instant `json:"lastRecoveredAt,omitempty"`
	// Why it cannot be.
	RecoverError string `json:"recoverError,omitempty"`
}

// Rebuild is a rebuild of the views, running or ended.
type Rebuild struct {
	Answer `json:"-"`
	Mode   string `json:"mode"`
	State  string `json:"state"`
	Phase  string `json:"phase"`
	// Folded so far; orders compared so far while phase is comparing.
	Records uint64 `json:"records"`
	// Of them, as far as is known.
	Total            uint64  `json:"total"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	// Of the phase; null when that cannot be told.
	SecondsLeft *float64 `json:"secondsLeft,omitempty"`
	StartedAt   Instant  `json:"startedAt"`
	EndedAt     Instant  `json:"endedAt,omitempty"`
	// Taken so far.
	Seconds float64 `json:"seconds"`
	// The one that is served since; null before, and after a dry run.
	Generation *int64 `json:"generation,omitempty"`
	// Size of the new generation's file.
	Bytes *int64 `json:"bytes,omitempty"`
	Error string `json:"error,omitempty"`
	// Why the one before it, of the same mode, failed, if it did. To make the first generation is
	// tried until it is there.
	PreviousError string `json:"previousError,omitempty"`
	// Of a dry run that is done: what a rebuild would change.
	Changes *Changes `json:"changes,omitempty"`
}

// Changes are what the views and a new fold of the log tell differently.
type Changes struct {
	// Where both stood.
	Sequence uint64 `json:"sequence"`
	// Compared.
	Orders uint64 `json:"orders"`
	// Orders that differ.
	Different uint64 `json:"different"`
	// The first hundred of them.
	Differences []OrderChange `json:"differences"`
	// What else differs, in words.
	Others []string `json:"others"`
}

// OrderChange is an order that differs.
type OrderChange struct {
	OrderID string        `json:"orderId"`
	Fields  []FieldChange `json:"fields,omitempty"`
	// The side that does not have it.
	Missing string `json:"missing,omitempty"`
}

// FieldChange is a field that differs, on both sides in words.
type FieldChange struct {
	Field string `json:"field"`
	Views string `json:"views"`
	Log   string `json:"log"`
}

// Redrive is what a redrive did, or would do.
type Redrive struct {
	Answer `json:"-"`
	DryRun bool `json:"dryRun"`
	// Records decoded again.
	Examined uint64 `json:"examined"`
	// Of them, are part of an order or object now.
	Redriven uint64 `json:"redriven"`
	// Of them, cannot be read still.
	Remaining uint64 `json:"remaining"`
	// Orders changed.
	Orders uint64 `json:"orders"`
	// What became of the first hundred of them.
	Records []RedrivenRecord `json:"records"`
	// There are more: ask again with it as after. null: that was all.
	NextAfter *uint64 `json:"nextAfter,omitempty"`
}

// RedrivenRecord is what became of a record.
type RedrivenRecord struct {
	Sequence uint64 `json:"sequence"`
	Object   string `json:"object"`
	// false: it cannot be read still.
	Redriven bool `json:"redriven"`
	// Of the order or object that it is part of now.
	ID string `json:"id,omitempty"`
	// As in /v1/quarantine, of one that cannot be read still.
	Class  string `json:"class,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Snapshot is a part of the orders that match as they are now.
type Snapshot struct {
	// Those notified last come first.
	Orders []Order `json:"orders"`
	// From 1. A 1 again, when the views were rebuilt meanwhile: the snapshot starts over.
	Page int64 `json:"page"`
	// The snapshot is complete. Only this event has an id.
	Last bool `json:"last"`
	// The snapshot and the events after it are all that happened up to any later record.
	Applied uint64 `json:"applied"`
}

// Change is an order that changed.
type Change struct {
	// As GET /v1/orders/{id}.
	Order Order `json:"order"`
	Cause Cause `json:"cause"`
	// Before the notification that is the cause; null: there was none, or it is not known.
	StatusBefore string `json:"statusBefore,omitempty"`
	// false: the filters do not select the order any more. They did since the reader last heard of it,
	// or, right after a resume, ever.
	Matches bool `json:"matches"`
}

// Cause is the notification that an event was sent for: the order's last one, also where a day
// event made it due or overdue.
type Cause struct {
	Sequence uint64 `json:"sequence"`
	// What it did, as in the history; null: it said nothing new of the status (a repeat, or details
	// only), or it is not known any more.
	Effect string `json:"effect,omitempty"`
}

// Resync says that what the reader knows does not hold any more, or that the stream could not go
// on from Last-Event-ID.
type Resync struct {
	// too-old: more orders changed since than are sent after each other; unknown: the log does not
	// have that record, or has another one at that sequence; restored: the log was restored or a loss
	// was accepted; redriven: quarantined notifications were given to orders whose last one is older;
	// rebuilt: the views were made anew by other rules.
	Reason string `json:"reason"`
	// As it was sent; of an open stream the id of its last event.
	LastEventID string `json:"lastEventId"`
	// In words.
	Detail string `json:"detail"`
}

// Day says that another day began in Berlin: what was due is overdue. The orders whose
// settlement.state that changes follow.
type Day struct {
	Today string `json:"today"`
	// The day that orders were shown on until now. After a resume it is the day on which the last
	// event's record was received, so what follows may be known already.
	Before string `json:"before"`
	// Settlement days after before up to today: overdueDays of an order that was overdue before is so
	// much higher now. Such orders do not follow.
	SettlementDays int64 `json:"settlementDays"`
}

// Heartbeat says that the stream lives.
type Heartbeat struct {
	// Everything up to this record was looked at for this stream.
	Applied uint64 `json:"applied"`
	// Of the views.
	Generation int64 `json:"generation"`
}

// closed is the last event of a stream that the server ends.
type closed struct {
	Reason string `json:"reason"`
	// In words.
	Detail string `json:"detail"`
}

// FieldError says what is wrong with one parameter.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
	// As it was sent.
	Value string `json:"value,omitempty"`
}
