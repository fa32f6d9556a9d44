// Code generated from docs/openapi.json by a test of the API. DO NOT EDIT.

package client

// Order is an order as the API shows it. An unknown value is null.
type Order struct {
	Answer     `json:"-"`
	OrderID    string `json:"orderId"`
	AssetClass string `json:"assetClass,omitempty"`
	// null: no notification has a status that counts.
	Status      string  `json:"status,omitempty"`
	StatusSince Instant `json:"statusSince,omitempty"`
	// The order can still trade.
	Open bool `json:"open"`
	// Nothing more is expected. Neither open nor final: the order awaits settlement.
	Final bool `json:"final"`
	// When the order should settle; null if nothing is executed, or the asset class has no cycle.
	Settlement   *Settlement `json:"settlement,omitempty"`
	Side         string      `json:"side,omitempty"`
	ISIN         string      `json:"isin,omitempty"`
	Symbol       string      `json:"symbol,omitempty"`
	OrderType    string      `json:"orderType,omitempty"`
	ExchangeCode string      `json:"exchangeCode,omitempty"`
	// A decimal with the digits received, like all quantities and prices.
	Quantity string `json:"quantity,omitempty"`
	// Ordered money, if the order is for an amount and not for a quantity.
	Amount string `json:"amount,omitempty"`
	// Cumulative.
	ExecutedQuantity string `json:"executedQuantity,omitempty"`
	// The platform's price for the whole execution; executions has that of each trade.
	ExecutionPrice string `json:"executionPrice,omitempty"`
	// Money for executedQuantity: as the platform reported it, or else the sum of the executions.
	ExecutedAmount string `json:"executedAmount,omitempty"`
	// executedAmount divided by executedQuantity, rounded half to even to 8 decimal places.
	AveragePrice string `json:"averagePrice,omitempty"`
	// The trades, if the platform lists them: at most 64.
	Executions []Execution `json:"executions"`
	LimitPrice string      `json:"limitPrice,omitempty"`
	StopPrice  string      `json:"stopPrice,omitempty"`
	ExternalID string      `json:"externalId,omitempty"`
	// The depository or wallet, and the cash product.
	ProductIDs []string `json:"productIds"`
	Message    string   `json:"message,omitempty"`
	CreatedOn  Instant  `json:"createdOn,omitempty"`
	ModifiedOn Instant  `json:"modifiedOn,omitempty"`
	ExpiryDate string   `json:"expiryDate,omitempty"`
	// Contradictions that a person must look at, sorted as in /v1/states.
	Breaks []Break `json:"breaks"`
	// Requests concerning the order that the platform refused, earliest first.
	Refusals []Refusal `json:"refusals"`
	// The state of asking the platform about the order; null: it was not asked. Only the process that
	// asks knows pending and gone, and they appear only for a single, current order.
	Asked         *Asked        `json:"asked,omitempty"`
	Notifications Notifications `json:"notifications"`
}

// Settlement states when an order should settle, and the state of its settlement on the day of the
// answer.
type Settlement struct {
	// The day, in Berlin, on which the order was completed or closed with something executed; null
	// while it can still trade, and if unknown.
	TradeDate string `json:"tradeDate,omitempty"`
	// When it should settle: a number of settlement days after tradeDate.
	DueOn string `json:"dueOn,omitempty"`
	// The number of settlement days.
	Cycle string `json:"cycle,omitempty"`
	// pending: it is due on a later day. due: it is due today, in Berlin. overdue: it was due on an
	// earlier day. settled. none: it can still trade.
	State string `json:"state"`
	// For an overdue order, settlement days after dueOn up to today: 0 on the weekend after it was
	// due. Otherwise 0.
	OverdueDays int64 `json:"overdueDays"`
}

// Execution is one trade of an order.
type Execution struct {
	ID       string `json:"id,omitempty"`
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	Amount   string `json:"amount,omitempty"`
}

// Asked is the state of the questions about one order.
type Asked struct {
	// gone: the platform does not have the order, or its answers cannot be used.
	State string `json:"state"`
	// Since when it is pending; when the platform last answered with something new; or when it was
	// given up.
	At Instant `json:"at"`
	// Why the platform is to be asked: the order is new, contradicts itself, or was quiet for too
	// long. null after an answer.
	Reason string `json:"reason,omitempty"`
	// Sequence of the answer in the log.
	Sequence *uint64 `json:"sequence,omitempty"`
	// Failed attempts.
	Attempts int64 `json:"attempts"`
	// Error of the last attempt.
	Error string `json:"error,omitempty"`
}

// Break is something a person must look at.
type Break struct {
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	OpenedAt Instant `json:"openedAt"`
	// Sequence of the notification that opened it.
	OpenedSequence uint64 `json:"openedSequence"`
	// Sequences of the notifications that show it.
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

// Notifications counts the notifications of an order.
type Notifications struct {
	// Including repeats.
	Count uint64 `json:"count"`
	// Those that contained nothing new.
	Duplicates      uint64  `json:"duplicates"`
	FirstSequence   uint64  `json:"firstSequence"`
	LastSequence    uint64  `json:"lastSequence"`
	FirstReceivedAt Instant `json:"firstReceivedAt"`
	LastReceivedAt  Instant `json:"lastReceivedAt"`
	// Distinct facts dropped because there were too many; the state may then depend on the order of
	// arrival.
	DroppedFacts uint64 `json:"droppedFacts,omitempty"`
	// With asOf or asOfSequence: notifications whose records the log lost, with the loss accepted.
	// They are not counted, and their content is left out.
	Lost uint64 `json:"lost,omitempty"`
}

// HistoryEntry states what one notification said and did.
type HistoryEntry struct {
	Sequence uint64 `json:"sequence"`
	// null if the record is lost.
	ReceivedAt Instant `json:"receivedAt,omitempty"`
	// modifiedOn of the notification.
	At Instant `json:"at,omitempty"`
	// null if the record is lost.
	Kind string `json:"kind,omitempty"`
	// As in the notification.
	Status string `json:"status,omitempty"`
	// Cumulative, as in the notification.
	Executed         string `json:"executed,omitempty"`
	NotificationType string `json:"notificationType,omitempty"`
	// The effect of the notification on the order.
	Effect string `json:"effect"`
	// The reason in words.
	Rule         string   `json:"rule"`
	StatusAfter  string   `json:"statusAfter,omitempty"`
	BreaksOpened []string `json:"breaksOpened"`
	BreaksClosed []string `json:"breaksClosed"`
	// The values that could not be read.
	Notes []string `json:"notes"`
}

// Explanation states why an order has its status.
type Explanation struct {
	Answer  `json:"-"`
	OrderID string `json:"orderId"`
	Status  string `json:"status,omitempty"`
	// An explanation in sentences.
	Summary []string `json:"summary"`
	// Sequence of the notification that decides the status; null when none does.
	DecidedBy *uint64 `json:"decidedBy,omitempty"`
	// The distinct facts, earliest first.
	Facts []Judgement `json:"facts"`
	// The breaks of the order.
	Breaks []Break `json:"breaks"`
}

// Judgement states what a notification said and what it means for the status.
type Judgement struct {
	// Sequence of the first notification with this fact.
	Sequence   uint64  `json:"sequence"`
	ReceivedAt Instant `json:"receivedAt"`
	Kind       string  `json:"kind"`
	// As in the notification.
	Status string `json:"status"`
	// modifiedOn, or the time received if the notification has none.
	At Instant `json:"at"`
	// Cumulative, as in the notification.
	Executed string `json:"executed,omitempty"`
	Verdict  string `json:"verdict"`
	// The reason in words.
	Why string `json:"why"`
}

// OpenBreak is a break and the order that has it.
type OpenBreak struct {
	OrderID    string `json:"orderId"`
	AssetClass string `json:"assetClass,omitempty"`
	// Status of the order.
	Status string `json:"status,omitempty"`
	// The age in days of 24 hours, see the parameter age.
	Age string `json:"age"`
	// Settlement days after that of openedAt up to today, in Berlin; negative if openedAt is in the
	// future.
	AgeDays  int64   `json:"ageDays"`
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	OpenedAt Instant `json:"openedAt"`
	// Sequence of the notification that opened it.
	OpenedSequence uint64 `json:"openedSequence"`
	// Sequences of the notifications that show it.
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
	// Orders by status; NONE counts those without one. A status without orders may be missing, here
	// and below.
	ByStatus map[string]uint64 `json:"byStatus"`
	// Orders by asset class; NONE counts those without one.
	ByAssetClass map[string]uint64 `json:"byAssetClass"`
	// Orders by open break.
	ByBreak map[string]uint64 `json:"byBreak"`
	// Notifications of other objects, by object.
	Objects map[string]uint64 `json:"objects"`
	// Orders by settlement.state; none also counts orders without a settlement.
	BySettlement map[string]uint64 `json:"bySettlement"`
	// Orders that await settlement.
	Settlement Settlements `json:"settlement"`
	// Records that could not be decoded.
	Quarantined uint64 `json:"quarantined"`
	// The quarantined records by class.
	QuarantinedByClass map[string]uint64 `json:"quarantinedByClass"`
	// Applied records of the log.
	Records uint64 `json:"records"`
	// Records applied per second, in the last minute; null if unknown.
	Throughput *float64 `json:"throughput,omitempty"`
}

// Settlements contains the orders that await settlement today.
type Settlements struct {
	// In Berlin.
	Today string `json:"today"`
	// The next one after today.
	NextSettlementDay string `json:"nextSettlementDay"`
	// dueOn of the orders that have been overdue for the longest time; null: none is overdue.
	OldestDueOn string `json:"oldestDueOn,omitempty"`
	// How many settlement days they are overdue.
	OldestOverdueDays int64 `json:"oldestOverdueDays"`
	// Orders that have not settled, by due day, earliest first. At most the last 60 such days.
	Awaiting []DueDay `json:"awaiting"`
	// Orders that are due on earlier days than those.
	AwaitingEarlier uint64 `json:"awaitingEarlier"`
}

// DueDay is the number of orders that are due on a day.
type DueDay struct {
	DueOn  string `json:"dueOn"`
	Orders uint64 `json:"orders"`
}

// Totals are the totals of all orders selected, whatever the page. The sums are exact.
type Totals struct {
	Orders uint64 `json:"orders"`
	// The ordered quantities and amounts.
	Ordered Sums `json:"ordered"`
	// The executed quantities and amounts.
	Executed Sums `json:"executed"`
	// Orders with a number of more than 18 decimal places or 13 digits before the decimal point; such
	// a number is left out of the sums.
	LeftOut uint64 `json:"leftOut"`
}

// Sums are the sums of the quantities in each unit. An order of unknown quantity adds nothing.
type Sums struct {
	// The sum of quantity, or of executedQuantity.
	Units string `json:"units"`
	// In money: the sum of amount, for orders of an amount, or of executedAmount, where it is known.
	Amount string `json:"amount"`
}

// Throughput contains the measurements of this process, minute by minute.
type Throughput struct {
	Answer `json:"-"`
	// The start of the process; nothing is known about the time before.
	Since Instant `json:"since"`
	// Earliest first; the last one is incomplete.
	Minutes []Minute `json:"minutes"`
}

// Minute contains the measurements of one minute. An unknown value is null.
type Minute struct {
	// The beginning of the minute.
	At Instant `json:"at"`
	// Records appended to the log; null while it cannot be reached.
	Received *uint64 `json:"received,omitempty"`
	// Records that the views applied.
	Applied uint64 `json:"applied"`
	// Median of the seconds from receipt of a record until it can be read here, sampled from at most
	// ten records per second; null if there was none.
	LatencyP50 *float64 `json:"latencyP50,omitempty"`
	// 99th percentile of the same.
	LatencyP99 *float64 `json:"latencyP99,omitempty"`
	// The greatest number of records received but not applied, sampled every 5 s.
	LagRecords *uint64 `json:"lagRecords,omitempty"`
}

// Search contains the meanings of the text searched for.
type Search struct {
	Answer `json:"-"`
	// Empty if nothing matches.
	Found []Found `json:"found"`
}

// Found is one meaning of the text searched for.
type Found struct {
	// order, notification, object: its id or sequence. object: anything that is not an order. All
	// others: the filter of /v1/orders that has the text as its value.
	Kind string `json:"kind"`
	// The path with more details.
	Path string `json:"path"`
	// The orders concerned, last notified first, at most 10.
	OrderIDs []string `json:"orderIds"`
	// There are more orders than these.
	More bool `json:"more"`
	// The kind of object, for a notification or object.
	Object string `json:"object,omitempty"`
	// Sequence of the notification, or of the object's last one.
	Sequence *uint64 `json:"sequence,omitempty"`
	// When that notification was received.
	ReceivedAt Instant `json:"receivedAt,omitempty"`
}

// LastNotification is the last notification of an object.
type LastNotification struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	// Sequence of the last notification.
	Sequence uint64 `json:"sequence"`
	// When the last notification was received.
	ReceivedAt Instant `json:"receivedAt"`
	// Number of notifications, including repeats.
	Notifications uint64 `json:"notifications"`
	// Path of the raw bytes of the last notification.
	Raw string `json:"raw"`
}

// Access states who asks and what the caller may do.
type Access struct {
	Answer `json:"-"`
	// Name of the key in the request; null if none is configured.
	Name string `json:"name,omitempty"`
	// reader: may read. operator: may also rebuild, redrive, and add and remove subscribers. If no key
	// is configured, every caller is an operator.
	Role string `json:"role"`
}

// Status contains the positions of log and views. An unknown value is null.
type Status struct {
	Answer `json:"-"`
	Log    LogStatus `json:"log"`
	// The last record that the views have applied.
	AppliedSequence uint64 `json:"appliedSequence"`
	// Records received but not applied.
	LagRecords *uint64 `json:"lagRecords,omitempty"`
	// Age of the oldest of them; 0 if there is none. While the log cannot be reached: the time since
	// the views were last known to be current, which is at least when their last record was received;
	// null if they have no records.
	LagSeconds *float64 `json:"lagSeconds,omitempty"`
	// Records whose order events are not published yet; null: the feed is off, or another process
	// publishes it, see duties.
	FeedLagRecords *uint64 `json:"feedLagRecords,omitempty"`
	// Why not all events are published, or that orders are being published again; null: all are
	// published, or the feed is off. This does not affect readiness.
	FeedReason string `json:"feedReason,omitempty"`
	// Generation of the views; each rebuild makes a new one.
	Generation *int64 `json:"generation,omitempty"`
	// Version of the rules with which the views were folded.
	FoldVersion string `json:"foldVersion,omitempty"`
	// The position at which the views were last compared with the log; null before the first time.
	VerifiedSequence *uint64 `json:"verifiedSequence,omitempty"`
	VerifiedAt       Instant `json:"verifiedAt,omitempty"`
	// When the log syncs to disk: always, or what an external server reports.
	SyncMode string `json:"syncMode"`
	// Configured number of replicas of the log; 0 while it cannot be reached. log.replicas lists them.
	Replicas int64 `json:"replicas"`
	// As in /readyz.
	Ready bool `json:"ready"`
	// Why it is not ready, or why no notification is stored, as in /readyz.
	Reason string `json:"reason,omitempty"`
	// Whether a notification would be stored now; null: this process does not receive notifications.
	AcceptsNotifications *bool `json:"acceptsNotifications,omitempty"`
	// The running rebuild; null if none is running.
	Rebuild *Rebuild `json:"rebuild,omitempty"`
	// Asking the platform; null: this process does not ask.
	Platform *Asking `json:"platform,omitempty"`
	// Which process holds each duty. Empty: no process ever did, or the log is embedded; null:
	// unknown.
	Duties []Duty `json:"duties"`
	// Version of the program.
	Version   string  `json:"version"`
	StartedAt Instant `json:"startedAt"`
}

// Duty is work that only one process at a time does.
type Duty struct {
	// feed: publish order events. platform: ask the platform about orders and for notifications that
	// it did not deliver.
	Duty string `json:"duty"`
	// The process that holds the duty: its machine, address and process id. null: none.
	Holder string `json:"holder,omitempty"`
	// When the holder began, or the last holder ended, by its clock.
	Since Instant `json:"since"`
	// When the holder last renewed the duty, by the clock of the log's server. If it does not renew it
	// within ten seconds, another process takes the duty.
	RenewedAt Instant `json:"renewedAt"`
}

// LogStatus contains the ends of the log and how much more it takes. Its values are null while the
// log cannot be reached.
type LogStatus struct {
	FirstSequence *uint64 `json:"firstSequence,omitempty"`
	LastSequence  *uint64 `json:"lastSequence,omitempty"`
	// Begins at 1 and increases each time orderfold restore restored the log or a loss was accepted:
	// sequences may since belong to other records.
	Epoch *uint64 `json:"epoch,omitempty"`
	// Size of the records.
	Bytes *int64 `json:"bytes,omitempty"`
	// The limit at which the log refuses more; null: no limit.
	MaxBytes *int64 `json:"maxBytes,omitempty"`
	// Space up to that limit, or to the end of the disk of an embedded log; null: no known limit.
	BytesLeft *int64 `json:"bytesLeft,omitempty"`
	// On the disk of an embedded log.
	DiskFreeBytes *int64 `json:"diskFreeBytes,omitempty"`
	// The servers that have the log, the leader first; none while it cannot be reached.
	Replicas []Replica `json:"replicas"`
	// How many servers should have it: three on a cluster, or more if configured.
	ReplicasWanted *int64 `json:"replicasWanted,omitempty"`
	// Why the log may not survive the loss of one server of its cluster, and what to do; null: it
	// survives that, or is not on a cluster. This does not affect readiness.
	ReplicasReason string `json:"replicasReason,omitempty"`
	// When no space is left at the rate of the last hour; null: the log is not growing, has no limit,
	// or the time is more than a century away.
	FullAt Instant `json:"fullAt,omitempty"`
}

// Replica is the copy of the log that one server has.
type Replica struct {
	// Name of the NATS server.
	Server string `json:"server"`
	// Whether it leads: the leader orders the records, and the others copy them.
	Leader bool `json:"leader"`
	// Whether the leader has heard from it in the last ten seconds.
	Online bool `json:"online"`
	// Entries that it has yet to store. An entry contains one record, or a batch of records.
	Lag uint64 `json:"lag"`
	// When this server syncs to disk: always, every 2m0s or the like, or unknown: an external server
	// reports it only if its operator allows that.
	SyncMode string `json:"syncMode"`
}

// Asking is the state of the questions to the platform. The counts are 0 when the process starts.
type Asking struct {
	// Whether the platform is asked; if false, everything below is 0.
	Enabled bool `json:"enabled"`
	// Orders about which a request is due.
	Pending int64 `json:"pending"`
	// Answers appended to the log.
	Asked uint64 `json:"asked"`
	// Orders that the platform does not have, or about which its answers cannot be used.
	GivenUp int64 `json:"givenUp"`
	// Orders that could not be examined, and undelivered notifications that could not be appended; the
	// others were not affected. lastError and recoverError contain the reason.
	Skipped     uint64  `json:"skipped"`
	LastAskedAt Instant `json:"lastAskedAt,omitempty"`
	// The last error, which may be over: compare lastErrorAt with lastAskedAt.
	LastError   string  `json:"lastError,omitempty"`
	LastErrorAt Instant `json:"lastErrorAt,omitempty"`
	// Undelivered notifications appended.
	Recovered uint64 `json:"recovered"`
	// Those of an unknown form, kept under the object undelivered.
	RecoveredUnreadable uint64 `json:"recoveredUnreadable"`
	// When the list of undelivered notifications was last read to its end.
	LastRecoveredAt Instant `json:"lastRecoveredAt,omitempty"`
	// Why the list cannot be read.
	RecoverError string `json:"recoverError,omitempty"`
}

// Rebuild is a rebuild of the views, running or ended.
type Rebuild struct {
	Answer `json:"-"`
	Mode   string `json:"mode"`
	State  string `json:"state"`
	Phase  string `json:"phase"`
	// Records folded so far; while phase is comparing, orders compared so far.
	Records uint64 `json:"records"`
	// The total number of these, as far as known.
	Total            uint64  `json:"total"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	// Time left in this phase; null if unknown.
	SecondsLeft *float64 `json:"secondsLeft,omitempty"`
	StartedAt   Instant  `json:"startedAt"`
	EndedAt     Instant  `json:"endedAt,omitempty"`
	// Time elapsed.
	Seconds float64 `json:"seconds"`
	// The generation that is served after the rebuild; null before its end, and after a dry run.
	Generation *int64 `json:"generation,omitempty"`
	// Size of the new generation's file.
	Bytes *int64 `json:"bytes,omitempty"`
	Error string `json:"error,omitempty"`
	// Why the previous rebuild of the same mode failed, if it did. The first generation is attempted
	// until it succeeds.
	PreviousError string `json:"previousError,omitempty"`
	// For a finished dry run: what a rebuild would change.
	Changes *Changes `json:"changes,omitempty"`
}

// Changes contains the differences between the views and a new fold of the log.
type Changes struct {
	// The record at which both were compared.
	Sequence uint64 `json:"sequence"`
	// Orders compared.
	Orders uint64 `json:"orders"`
	// Orders that differ.
	Different uint64 `json:"different"`
	// The first hundred differing orders.
	Differences []OrderChange `json:"differences"`
	// Other differences, in words.
	Others []string `json:"others"`
}

// OrderChange is an order that differs.
type OrderChange struct {
	OrderID string        `json:"orderId"`
	Fields  []FieldChange `json:"fields,omitempty"`
	// The side on which the order is missing.
	Missing string `json:"missing,omitempty"`
}

// FieldChange is a field that differs, with the value of each side in words.
type FieldChange struct {
	Field string `json:"field"`
	Views string `json:"views"`
	Log   string `json:"log"`
}

// Redrive states what a redrive did, or would do.
type Redrive struct {
	Answer `json:"-"`
	DryRun bool `json:"dryRun"`
	// Records decoded again.
	Examined uint64 `json:"examined"`
	// Those that are now part of an order or object.
	Redriven uint64 `json:"redriven"`
	// Those that still cannot be read.
	Remaining uint64 `json:"remaining"`
	// Orders changed.
	Orders uint64 `json:"orders"`
	// The results for the first hundred records.
	Records []RedrivenRecord `json:"records"`
	// There are more: repeat the request with this value as after. null: that was all.
	NextAfter *uint64 `json:"nextAfter,omitempty"`
}

// RedrivenRecord is the result for one record.
type RedrivenRecord struct {
	Sequence uint64 `json:"sequence"`
	Object   string `json:"object"`
	// false: it still cannot be read.
	Redriven bool `json:"redriven"`
	// Id of the order or object to which it now belongs.
	ID string `json:"id,omitempty"`
	// As in /v1/quarantine, if it still cannot be read.
	Class  string `json:"class,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Snapshot is a part of the orders that match now.
type Snapshot struct {
	// Last notified first.
	Orders []Order `json:"orders"`
	// Counts from 1. Another 1 means that the views were rebuilt meanwhile and the snapshot starts
	// over.
	Page int64 `json:"page"`
	// The snapshot is complete. Only this event has an id.
	Last bool `json:"last"`
	// The snapshot and the events after it cover everything up to any later record.
	Applied uint64 `json:"applied"`
}

// Change is an order that changed.
type Change struct {
	// As in GET /v1/orders/{id}.
	Order Order `json:"order"`
	Cause Cause `json:"cause"`
	// Status before the notification in cause; null: there was none, or it is unknown.
	StatusBefore string `json:"statusBefore,omitempty"`
	// false: the filters no longer select the order. They did when the reader last heard of it or,
	// right after a resume, at any time before.
	Matches bool `json:"matches"`
}

// Cause is the notification for which an event was sent. It is the order's last notification, even
// if a day event made the order due or overdue.
type Cause struct {
	Sequence uint64 `json:"sequence"`
	// Its effect, as in the history; null: it contained no new status (a repeat, or details only), or
	// the effect is no longer known.
	Effect string `json:"effect,omitempty"`
}

// Resync reports that the reader's knowledge is no longer valid, or that the stream could not
// continue after Last-Event-ID.
type Resync struct {
	// too-old: more orders changed since than can be sent one by one; unknown: the log does not have
	// that record, or has another one at that sequence; restored: the log was restored or a loss was
	// accepted; redriven: quarantined notifications were applied to orders that have later ones;
	// rebuilt: the views were rebuilt with other rules.
	Reason string `json:"reason"`
	// As it was sent; for an open stream, the id of its last event.
	LastEventID string `json:"lastEventId"`
	// The reason in words.
	Detail string `json:"detail"`
}

// Day reports that another day began in Berlin, so that orders which were due are overdue. The
// orders follow whose settlement.state changes with the day.
type Day struct {
	Today string `json:"today"`
	// The day for which orders were shown until now. After a resume it is the day on which the last
	// event's record was received, so the client may already have what follows.
	Before string `json:"before"`
	// Settlement days after before, up to today: add it to overdueDays of an order that was already
	// overdue. Such orders are not sent.
	SettlementDays int64 `json:"settlementDays"`
}

// Heartbeat shows that the stream is alive.
type Heartbeat struct {
	// Everything up to this record was examined for this stream.
	Applied uint64 `json:"applied"`
	// Generation of the views.
	Generation int64 `json:"generation"`
}

// closed is the last event of a stream that the server ends.
type closed struct {
	Reason string `json:"reason"`
	// The reason in words.
	Detail string `json:"detail"`
}

// FieldError describes an error in one parameter.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
	// As it was sent.
	Value string `json:"value,omitempty"`
}
