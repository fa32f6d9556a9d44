// Code generated from docs/openapi.json by api/dashboard/build. DO NOT EDIT.

// Digits is a number of an answer with the digits that were sent. It never becomes a JavaScript number implicitly.
export type Digits = string & { readonly digits: unique symbol };

export type Access = {
  /** Name of the key in the request; null if none is configured. */
  name: string | null;
  /** reader: may read. operator: may also rebuild, redrive, and add and remove subscribers. If no key is configured, every caller is an operator. */
  role: "reader" | "operator";
};

export type AddedSubscriber = {
  /** Asset classes of the orders whose messages it gets; empty: every message. */
  assetClasses: readonly (string)[];
  /** null: its consumer does not exist any more. */
  createdAt: string | null;
  /** The file with its URL, in the data folder of the embedded server; null with an external one. */
  credentialsFile: string | null;
  /** Where it began: start, now, or a sequence. */
  from: string;
  /** When it last requested messages, as far as known: when one was delivered, or a waiting request was seen. null: not since the server was started. */
  lastRequestAt: string | null;
  maxPending: Digits;
  /** Also the name of its consumer and of its user. */
  name: string;
  /** Messages that it has not received yet. */
  pending: Digits;
  /** The permissions to set on an external server, in the syntax of its configuration; null with the embedded one, which sets them. */
  permissions: string | null;
  /** Why it cannot be used, and what to do; null: it works. */
  problem: string | null;
  /** Unacknowledged messages that were delivered more than once. */
  redelivered: Digits;
  stream: "orders" | "notifications";
  /** Since when it has requested nothing while messages wait, if for an hour or more; null: it is not stuck. */
  stuckSince: string | null;
  /** Messages that it has received but not acknowledged. */
  unacknowledged: Digits;
};

export type Alive = {
  alive: boolean;
};

export type Asked = {
  /** Since when it is pending; when the platform last answered with something new; or when it was given up. */
  at: string;
  /** Failed attempts. */
  attempts: Digits;
  /** Error of the last attempt. */
  error: string | null;
  /** Why the platform is to be asked: the order is new, contradicts itself, or was quiet for too long. null after an answer. */
  reason: "new" | "break" | "quiet" | null;
  /** Sequence of the answer in the log. */
  sequence: Digits | null;
  /** gone: the platform does not have the order, or its answers cannot be used. */
  state: "pending" | "asked" | "gone";
};

export type Asking = {
  /** Answers appended to the log. */
  asked: Digits;
  /** Whether the platform is asked; if false, everything below is 0. */
  enabled: boolean;
  /** Orders that the platform does not have, or about which its answers cannot be used. */
  givenUp: Digits;
  lastAskedAt: string | null;
  /** The last error, which may be over: compare lastErrorAt with lastAskedAt. */
  lastError: string | null;
  lastErrorAt: string | null;
  /** When the list of undelivered notifications was last read to its end. */
  lastRecoveredAt: string | null;
  /** Orders about which a request is due. */
  pending: Digits;
  /** Why the list cannot be read. */
  recoverError: string | null;
  /** Undelivered notifications appended. */
  recovered: Digits;
  /** Those of an unknown form, kept under the object undelivered. */
  recoveredUnreadable: Digits;
  /** Orders that could not be examined, and undelivered notifications that could not be appended; the others were not affected. lastError and recoverError contain the reason. */
  skipped: Digits;
};

export type Break = {
  code: "unknown_status" | "unused_status" | "conflicting_close" | "close_after_fill" | "fill_after_close" | "settled_without_fill" | "after_settlement" | "rejected_after_fill" | "possible_bust" | "reopened" | "time_inversion" | "invalid_superseded" | "overfill" | "underfilled" | "executed_decreased" | "clock_skew" | "source_conflict";
  openedAt: string;
  /** Sequence of the notification that opened it. */
  openedSequence: Digits;
  /** The condition in words. */
  rule: string;
  /** Sequences of the notifications that show it. */
  sequences: readonly (Digits)[];
  severity: "warn" | "high";
};

export type BreakCounts = {
  byAge: Record<string, Digits>;
  byCode: Record<string, Digits>;
  bySeverity: Record<string, Digits>;
};

export type BreakRule = {
  code: string;
  condition: string;
  severity: "warn" | "high";
};

export type Breaks = {
  /** Counts of all open breaks that match the filters, on any page. */
  counts: BreakCounts;
  data: readonly (OpenBreak)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
};

export type Calendar = {
  /** The days without settlement; every other day is a settlement day. */
  data: readonly (ClosedDay)[];
  from: string;
  until: string;
};

export type Changes = {
  /** The first hundred differing orders. */
  differences: readonly (OrderChange)[];
  /** Orders that differ. */
  different: Digits;
  /** Orders compared. */
  orders: Digits;
  /** Other differences, in words. */
  others: readonly (string)[];
  /** The record at which both were compared. */
  sequence: Digits;
};

export type ClosedDay = {
  date: string;
  reason: string;
};

export type DueDay = {
  dueOn: string;
  orders: Digits;
};

export type Duty = {
  /** feed: publish order events. platform: ask the platform about orders and for notifications that it did not deliver. */
  duty: "feed" | "platform";
  /** The process that holds the duty: its machine, address and process id. null: none. */
  holder: string | null;
  /** When the holder last renewed the duty, by the clock of the log's server. If it does not renew it within ten seconds, another process takes the duty. */
  renewedAt: string;
  /** When the holder began, or the last holder ended, by its clock. */
  since: string;
};

export type Execution = {
  amount: string | null;
  id: string | null;
  price: string | null;
  quantity: string | null;
};

export type Explanation = {
  /** The breaks of the order. */
  breaks: readonly (Break)[];
  /** Sequence of the notification that decides the status; null when none does. */
  decidedBy: Digits | null;
  /** The distinct facts, earliest first. */
  facts: readonly (Judgement)[];
  orderId: string;
  status: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
  /** An explanation in sentences. */
  summary: readonly (string)[];
};

export type FeedEvent = {
  /** Its header ce-id, decoded; unique. */
  id: string;
  sequence: Digits;
};

export type FeedPlace = {
  /** The event at the requested sequence; null: none was requested, or the feed does not have it. */
  event: FeedEvent | null;
  /** Sequence of the first event in the feed; one more than lastSequence if there is none. */
  firstSequence: Digits;
  /** Sequence of the last event; 0 if there never was one. */
  lastSequence: Digits;
};

export type FieldChange = {
  field: string;
  log: string;
  views: string;
};

export type FieldError = {
  location: string;
  message: string;
  /** As it was sent. */
  value?: string;
};

export type Found = {
  /** order, notification, object: its id or sequence. object: anything that is not an order. All others: the filter of /v1/orders that has the text as its value. */
  kind: "order" | "notification" | "externalId" | "productId" | "isin" | "symbol" | "object" | "idPrefix";
  /** There are more orders than these. */
  more: boolean;
  /** The kind of object, for a notification or object. */
  object: string | null;
  /** The orders concerned, last notified first, at most 10. */
  orderIds: readonly (string)[];
  /** The path with more details. */
  path: string;
  /** When that notification was received. */
  receivedAt: string | null;
  /** Sequence of the notification, or of the object's last one. */
  sequence: Digits | null;
};

export type Health = {
  /** Whether a notification would be stored now; only where this process receives notifications. */
  acceptsNotifications?: boolean;
  ready: boolean;
  /** Why it is not ready, or why no notification is stored, as in /v1/status. If keys are configured, only a caller with a key gets it. */
  reason?: string;
};

export type HistoryEntry = {
  /** modifiedOn of the notification. */
  at: string | null;
  breaksClosed: readonly (string)[];
  breaksOpened: readonly (string)[];
  /** The effect of the notification on the order. */
  effect: "applied" | "confirmed" | "late" | "duplicate" | "superseded" | "restated" | "annotated" | "lost";
  /** Cumulative, as in the notification. */
  executed: string | null;
  /** null if the record is lost. */
  kind: "reported" | "fetched" | null;
  /** The values that could not be read. */
  notes: readonly (string)[];
  notificationType: string | null;
  /** null if the record is lost. */
  receivedAt: string | null;
  /** The reason in words. */
  rule: string;
  sequence: Digits;
  /** As in the notification. */
  status: string | null;
  statusAfter: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
};

export type Judgement = {
  /** modifiedOn, or the time received if the notification has none. */
  at: string;
  /** Cumulative, as in the notification. */
  executed: string | null;
  kind: "reported" | "fetched";
  receivedAt: string;
  /** Sequence of the first notification with this fact. */
  sequence: Digits;
  /** As in the notification. */
  status: string;
  verdict: "decides" | "agrees" | "outranked" | "superseded" | "unranked";
  /** The reason in words. */
  why: string;
};

export type LastNotification = {
  id: string;
  /** Number of notifications, including repeats. */
  notifications: Digits;
  object: string;
  /** Path of the raw bytes of the last notification. */
  raw: string;
  /** When the last notification was received. */
  receivedAt: string;
  /** Sequence of the last notification. */
  sequence: Digits;
};

export type ListHistoryEntry = {
  data: readonly (HistoryEntry)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListLastNotification = {
  data: readonly (LastNotification)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListOrder = {
  data: readonly (Order)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListQuarantined = {
  data: readonly (Quarantined)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListSubscriber = {
  data: readonly (Subscriber)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
};

export type LogStatus = {
  /** Size of the records. */
  bytes: Digits | null;
  /** Space up to that limit, or to the end of the disk of an embedded log; null: no known limit. */
  bytesLeft: Digits | null;
  /** On the disk of an embedded log. */
  diskFreeBytes: Digits | null;
  /** Begins at 1 and increases each time orderfold restore restored the log or a loss was accepted: sequences may since belong to other records. */
  epoch: Digits | null;
  firstSequence: Digits | null;
  /** When no space is left at the rate of the last hour; null: the log is not growing, has no limit, or the time is more than a century away. */
  fullAt: string | null;
  lastSequence: Digits | null;
  /** The limit at which the log refuses more; null: no limit. */
  maxBytes: Digits | null;
  /** The servers that have the log, the leader first; none while it cannot be reached. */
  replicas: readonly (Replica)[];
  /** Why the log may not survive the loss of one server of its cluster, and what to do; null: it survives that, or is not on a cluster. This does not affect readiness. */
  replicasReason: string | null;
  /** How many servers should have it: three on a cluster, or more if configured. */
  replicasWanted: Digits | null;
};

export type Minute = {
  /** Records that the views applied. */
  applied: Digits;
  /** The beginning of the minute. */
  at: string;
  /** The greatest number of records received but not applied, sampled every 5 s. */
  lagRecords: Digits | null;
  /** Median of the seconds from receipt of a record until it can be read here, sampled from at most ten records per second; null if there was none. */
  latencyP50: Digits | null;
  /** 99th percentile of the same. */
  latencyP99: Digits | null;
  /** Records appended to the log; null while it cannot be reached. */
  received: Digits | null;
};

export type Notifications = {
  /** Including repeats. */
  count: Digits;
  /** Distinct facts dropped because there were too many; the state may then depend on the order of arrival. */
  droppedFacts?: Digits;
  /** Those that contained nothing new. */
  duplicates: Digits;
  firstReceivedAt: string;
  firstSequence: Digits;
  lastReceivedAt: string;
  lastSequence: Digits;
  /** With asOf or asOfSequence: notifications whose records the log lost, with the loss accepted. They are not counted, and their content is left out. */
  lost?: Digits;
};

export type OpenBreak = {
  /** The age in days of 24 hours, see the parameter age. */
  age: "0-1" | "1-2" | "3-5" | "over-5";
  /** Settlement days after that of openedAt up to today, in Berlin; negative if openedAt is in the future. */
  ageDays: Digits;
  assetClass: "TRADITIONAL" | "DIGITAL" | "TOKENIZED" | null;
  code: "unknown_status" | "unused_status" | "conflicting_close" | "close_after_fill" | "fill_after_close" | "settled_without_fill" | "after_settlement" | "rejected_after_fill" | "possible_bust" | "reopened" | "time_inversion" | "invalid_superseded" | "overfill" | "underfilled" | "executed_decreased" | "clock_skew" | "source_conflict";
  openedAt: string;
  /** Sequence of the notification that opened it. */
  openedSequence: Digits;
  orderId: string;
  /** The condition in words. */
  rule: string;
  /** Sequences of the notifications that show it. */
  sequences: readonly (Digits)[];
  severity: "warn" | "high";
  /** Status of the order. */
  status: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
};

export type Order = {
  /** Ordered money, if the order is for an amount and not for a quantity. */
  amount: string | null;
  /** The state of asking the platform about the order; null: it was not asked. Only the process that asks knows pending and gone, and they appear only for a single, current order. */
  asked: Asked | null;
  assetClass: "TRADITIONAL" | "DIGITAL" | "TOKENIZED" | null;
  /** executedAmount divided by executedQuantity, rounded half to even to 8 decimal places. */
  averagePrice: string | null;
  /** Contradictions that a person must look at, sorted as in /v1/states. */
  breaks: readonly (Break)[];
  createdOn: string | null;
  exchangeCode: string | null;
  /** Money for executedQuantity: as the platform reported it, or else the sum of the executions. */
  executedAmount: string | null;
  /** Cumulative. */
  executedQuantity: string | null;
  /** The platform's price for the whole execution; executions has that of each trade. */
  executionPrice: string | null;
  /** The trades, if the platform lists them: at most 64. */
  executions: readonly (Execution)[];
  expiryDate: string | null;
  externalId: string | null;
  /** Nothing more is expected. Neither open nor final: the order awaits settlement. */
  final: boolean;
  isin: string | null;
  limitPrice: string | null;
  message: string | null;
  modifiedOn: string | null;
  notifications: Notifications;
  /** The order can still trade. */
  open: boolean;
  orderId: string;
  orderType: string | null;
  /** The depository or wallet, and the cash product. */
  productIds: readonly (string)[];
  /** A decimal with the digits received, like all quantities and prices. */
  quantity: string | null;
  /** Requests concerning the order that the platform refused, earliest first. */
  refusals: readonly (Refusal)[];
  /** When the order should settle; null if nothing is executed, or the asset class has no cycle. */
  settlement: Settlement | null;
  side: string | null;
  /** null: no notification has a status that counts. */
  status: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
  statusSince: string | null;
  stopPrice: string | null;
  symbol: string | null;
};

export type OrderChange = {
  fields?: readonly (FieldChange)[];
  /** The side on which the order is missing. */
  missing?: "views" | "log";
  orderId: string;
};

export type OrderPart = {
  /** Ordered money, if the order is for an amount and not for a quantity. */
  amount?: string | null;
  /** The state of asking the platform about the order; null: it was not asked. Only the process that asks knows pending and gone, and they appear only for a single, current order. */
  asked?: Asked | null;
  assetClass?: "TRADITIONAL" | "DIGITAL" | "TOKENIZED" | null;
  /** executedAmount divided by executedQuantity, rounded half to even to 8 decimal places. */
  averagePrice?: string | null;
  /** Contradictions that a person must look at, sorted as in /v1/states. */
  breaks?: readonly (Break)[];
  createdOn?: string | null;
  exchangeCode?: string | null;
  /** Money for executedQuantity: as the platform reported it, or else the sum of the executions. */
  executedAmount?: string | null;
  /** Cumulative. */
  executedQuantity?: string | null;
  /** The platform's price for the whole execution; executions has that of each trade. */
  executionPrice?: string | null;
  /** The trades, if the platform lists them: at most 64. */
  executions?: readonly (Execution)[];
  expiryDate?: string | null;
  externalId?: string | null;
  /** Nothing more is expected. Neither open nor final: the order awaits settlement. */
  final?: boolean;
  isin?: string | null;
  limitPrice?: string | null;
  message?: string | null;
  modifiedOn?: string | null;
  notifications?: Notifications;
  /** The order can still trade. */
  open?: boolean;
  orderId?: string;
  orderType?: string | null;
  /** The depository or wallet, and the cash product. */
  productIds?: readonly (string)[];
  /** A decimal with the digits received, like all quantities and prices. */
  quantity?: string | null;
  /** Requests concerning the order that the platform refused, earliest first. */
  refusals?: readonly (Refusal)[];
  /** When the order should settle; null if nothing is executed, or the asset class has no cycle. */
  settlement?: Settlement | null;
  side?: string | null;
  /** null: no notification has a status that counts. */
  status?: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
  statusSince?: string | null;
  stopPrice?: string | null;
  symbol?: string | null;
};

export type Problem = {
  /** The kind of problem; its values are stable:
* bad-parameter (400): A parameter is not valid. Correct the parameters listed in `errors`; unknown, repeated, empty and invalid parameters are refused.
* unauthorized (401): A valid API key is required. Send a configured key: `Authorization: Bearer <key>`.
* forbidden (403): The key does not allow this. Use a key of the role operator. A page of another site needs an allowed origin.
* not-found (404): Not found. Search for the id with `/v1/search`; `/openapi.json` lists the paths.
* not-yet-known (404): The order was not yet known. Use a later moment: `firstSequence` and `firstReceivedAt` report when the order became known.
* method-not-allowed (405): The method is not allowed here. Use a method from the header `Allow`.
* conflict (409): The request conflicts with the current state. See `detail`: a rebuild is already running, or none is running; nothing is folded at the moment; a subscriber with other settings has that name; or there is no feed.
* cursor-expired (410): The views were rebuilt by other rules, or the log was restored, since the cursor was made. Start the list again without a cursor.
* record-missing (410): A record is missing from the log. Inform the operator: the record was acknowledged, and the log lost it. `GET /v1/status` and `orderfold doctor` have details.
* too-large (413): The request is too large. Send no body; the API does not read one.
* misdirected (421): The request was sent to another host. Use `localhost`, `127.0.0.1` or `[::1]`: without keys no other `Host` is answered. Or configure a key.
* too-many (422): The request selects too many orders. Select fewer orders, by an id, an ISIN, a status or a time, or leave out what `detail` names.
* rate-limited (429): Too many requests. Wait as long as `Retry-After` says. Request longer pages, or follow `/v1/stream`.
* internal (500): Internal error. Report this defect: the server's log lines have the cause under the request id.
* not-here (501): This process cannot do this. Send the request to the process that writes the views, or use the corresponding command of `orderfold`.
* view-behind (503): The views are behind. Repeat after `Retry-After`, or wait longer with `Prefer: wait=<seconds>`.
* busy (503): The server is at its limit. Repeat after `Retry-After`: the maximum number of streams is open, or no copy of the views can be made now, see `detail`.
* not-ready (503): The views are not ready. Repeat after `Retry-After`; there are no views yet, or they have another version, or they were damaged: see `/v1/status`.
* log-unavailable (503): The log cannot be reached. Repeat after `Retry-After`; raw bytes and history need the log.
* http-version (505): HTTP/1.0 cannot carry this answer. Use HTTP/1.1: over HTTP/1.0 an export that was cut off looks complete. nginx needs `proxy_http_version 1.1`. */
  code: "bad-parameter" | "unauthorized" | "forbidden" | "not-found" | "not-yet-known" | "method-not-allowed" | "conflict" | "cursor-expired" | "record-missing" | "too-large" | "misdirected" | "too-many" | "rate-limited" | "internal" | "not-here" | "view-behind" | "busy" | "not-ready" | "log-unavailable" | "http-version";
  /** What is wrong, and what to do about it. */
  detail: string;
  /** The parameters that are wrong. */
  errors?: readonly (FieldError)[];
  /** For not-yet-known: when that notification was received. */
  firstReceivedAt?: string;
  /** For not-yet-known: the notification by which the order became known. */
  firstSequence?: Digits;
  /** As in the header Request-Id and in the server's log lines. */
  requestId: string;
  /** The HTTP status. */
  status: Digits;
  /** The kind of problem in words. */
  title: string;
  /** The kind of problem: urn:orderfold:problem: and the code. */
  type: string;
};

export type Quarantined = {
  /** The kind of fault; its values are stable. */
  class: string;
  object: string;
  /** The path of the raw bytes. */
  raw: string;
  /** The reason in words. */
  reason: string;
  receivedAt: string;
  sequence: Digits;
};

export type Rebuild = {
  /** Size of the new generation's file. */
  bytes: Digits | null;
  /** For a finished dry run: what a rebuild would change. */
  changes: Changes | null;
  endedAt: string | null;
  error: string | null;
  /** The generation that is served after the rebuild; null before its end, and after a dry run. */
  generation: Digits | null;
  mode: "rebuild" | "dry-run" | "rollback";
  phase: "copying" | "folding" | "writing" | "indexing" | "comparing" | "switching";
  /** Why the previous rebuild of the same mode failed, if it did. The first generation is attempted until it succeeds. */
  previousError: string | null;
  /** Records folded so far; while phase is comparing, orders compared so far. */
  records: Digits;
  recordsPerSecond: Digits;
  /** Time elapsed. */
  seconds: Digits;
  /** Time left in this phase; null if unknown. */
  secondsLeft: Digits | null;
  startedAt: string;
  state: "running" | "done" | "failed" | "canceled";
  /** The total number of these, as far as known. */
  total: Digits;
};

export type Redrive = {
  dryRun: boolean;
  /** Records decoded again. */
  examined: Digits;
  /** There are more: repeat the request with this value as after. null: that was all. */
  nextAfter: Digits | null;
  /** Orders changed. */
  orders: Digits;
  /** The results for the first hundred records. */
  records: readonly (RedrivenRecord)[];
  /** Those that are now part of an order or object. */
  redriven: Digits;
  /** Those that still cannot be read. */
  remaining: Digits;
};

export type RedrivenRecord = {
  /** As in /v1/quarantine, if it still cannot be read. */
  class: string | null;
  /** Id of the order or object to which it now belongs. */
  id: string | null;
  object: string;
  reason: string | null;
  /** false: it still cannot be read. */
  redriven: boolean;
  sequence: Digits;
};

export type Refusal = {
  at: string;
  description: string;
  errorType: string;
};

export type Replica = {
  /** Entries that it has yet to store. An entry contains one record, or a batch of records. */
  lag: Digits;
  /** Whether it leads: the leader orders the records, and the others copy them. */
  leader: boolean;
  /** Whether the leader has heard from it in the last ten seconds. */
  online: boolean;
  /** Name of the NATS server. */
  server: string;
  /** When this server syncs to disk: always, every 2m0s or the like, or unknown: an external server reports it only if its operator allows that. */
  syncMode: string;
};

export type Search = {
  /** Empty if nothing matches. */
  found: readonly (Found)[];
};

export type SelectedOrders = {
  /** Only the requested fields. */
  data: readonly (OrderPart)[];
  /** Cursor of the next page; null at the end. */
  nextCursor: string | null;
  /** Present if requested. */
  totals?: Totals;
};

export type Settlement = {
  /** The number of settlement days. */
  cycle: string | null;
  /** When it should settle: a number of settlement days after tradeDate. */
  dueOn: string | null;
  /** For an overdue order, settlement days after dueOn up to today: 0 on the weekend after it was due. Otherwise 0. */
  overdueDays: Digits;
  /** pending: it is due on a later day. due: it is due today, in Berlin. overdue: it was due on an earlier day. settled. none: it can still trade. */
  state: "pending" | "due" | "overdue" | "settled" | "none";
  /** The day, in Berlin, on which the order was completed or closed with something executed; null while it can still trade, and if unknown. */
  tradeDate: string | null;
};

export type SettlementCycle = {
  assetClass: string;
  cycle: string;
  /** Settlement days after the trade date. */
  days: Digits;
  /** The first trade date to which it applies; null: no limit. */
  from: string | null;
  /** The last trade date to which it applies; null: no limit. */
  until: string | null;
};

export type Settlements = {
  /** Orders that have not settled, by due day, earliest first. At most the last 60 such days. */
  awaiting: readonly (DueDay)[];
  /** Orders that are due on earlier days than those. */
  awaitingEarlier: Digits;
  /** The next one after today. */
  nextSettlementDay: string;
  /** dueOn of the orders that have been overdue for the longest time; null: none is overdue. */
  oldestDueOn: string | null;
  /** How many settlement days they are overdue. */
  oldestOverdueDays: Digits;
  /** In Berlin. */
  today: string;
};

export type States = {
  /** Contradictions that a person must look at. */
  breaks: readonly (BreakRule)[];
  /** The settlement cycles, in settlement days. An asset class that is not listed has no settlement. */
  cycles: readonly (SettlementCycle)[];
  /** The rank table: among the reported statuses, the one with the highest rank wins. */
  statuses: readonly (StatusInfo)[];
};

export type Stats = {
  /** Orders by asset class; NONE counts those without one. */
  byAssetClass: Record<string, Digits>;
  /** Orders by open break. */
  byBreak: Record<string, Digits>;
  /** Orders by settlement.state; none also counts orders without a settlement. */
  bySettlement: Record<string, Digits>;
  /** Orders by status; NONE counts those without one. A status without orders may be missing, here and below. */
  byStatus: Record<string, Digits>;
  final: Digits;
  /** Notifications of other objects, by object. */
  objects: Record<string, Digits>;
  open: Digits;
  orders: Digits;
  /** Records that could not be decoded. */
  quarantined: Digits;
  /** The quarantined records by class. */
  quarantinedByClass: Record<string, Digits>;
  /** Applied records of the log. */
  records: Digits;
  /** Orders that await settlement. */
  settlement: Settlements;
  /** Records applied per second, in the last minute; null if unknown. */
  throughput: Digits | null;
};

export type Status = {
  /** Whether a notification would be stored now; null: this process does not receive notifications. */
  acceptsNotifications: boolean | null;
  /** The last record that the views have applied. */
  appliedSequence: Digits;
  /** Which process holds each duty. Empty: no process ever did, or the log is embedded; null: unknown. */
  duties: readonly (Duty)[];
  /** Records whose order events are not published yet; null: the feed is off, or another process publishes it, see duties. */
  feedLagRecords: Digits | null;
  /** Why not all events are published, or that orders are being published again; null: all are published, or the feed is off. This does not affect readiness. */
  feedReason: string | null;
  /** Version of the rules with which the views were folded. */
  foldVersion: string | null;
  /** Generation of the views; each rebuild makes a new one. */
  generation: Digits | null;
  /** Records received but not applied. */
  lagRecords: Digits | null;
  /** Age of the oldest of them; 0 if there is none. While the log cannot be reached: the time since the views were last known to be current, which is at least when their last record was received; null if they have no records. */
  lagSeconds: Digits | null;
  log: LogStatus;
  /** Asking the platform; null: this process does not ask. */
  platform: Asking | null;
  /** As in /readyz. */
  ready: boolean;
  /** Why it is not ready, or why no notification is stored, as in /readyz. */
  reason: string | null;
  /** The running rebuild; null if none is running. */
  rebuild: Rebuild | null;
  /** Configured number of replicas of the log; 0 while it cannot be reached. log.replicas lists them. */
  replicas: Digits;
  startedAt: string;
  /** When the log syncs to disk: always, or what an external server reports. */
  syncMode: string;
  verifiedAt: string | null;
  /** The position at which the views were last compared with the log; null before the first time. */
  verifiedSequence: Digits | null;
  /** Version of the program. */
  version: string;
};

export type StatusInfo = {
  /** When nothing more is expected. */
  final: "always" | "whenNothingExecuted" | "never";
  meaning: string;
  /** The order can still trade. */
  open: boolean;
  /** The status of the highest rank wins; 0 never decides. */
  rank: Digits;
  status: string;
};

export type StreamCause = {
  /** Its effect, as in the history; null: it contained no new status (a repeat, or details only), or the effect is no longer known. */
  effect: "applied" | "confirmed" | "late" | "superseded" | "restated" | "annotated" | null;
  sequence: Digits;
};

export type StreamClosed = {
  /** The reason in words. */
  detail: string;
  reason: "shutdown" | "slow" | "failed";
};

export type StreamDay = {
  /** The day for which orders were shown until now. After a resume it is the day on which the last event's record was received, so the client may already have what follows. */
  before: string;
  /** Settlement days after before, up to today: add it to overdueDays of an order that was already overdue. Such orders are not sent. */
  settlementDays: Digits;
  today: string;
};

export type StreamHeartbeat = {
  /** Everything up to this record was examined for this stream. */
  applied: Digits;
  /** Generation of the views. */
  generation: Digits;
};

export type StreamOrder = {
  cause: StreamCause;
  /** false: the filters no longer select the order. They did when the reader last heard of it or, right after a resume, at any time before. */
  matches: boolean;
  /** As in GET /v1/orders/{id}. */
  order: Order;
  /** Status before the notification in cause; null: there was none, or it is unknown. */
  statusBefore: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
};

export type StreamResync = {
  /** The reason in words. */
  detail: string;
  /** As it was sent; for an open stream, the id of its last event. */
  lastEventId: string;
  /** too-old: more orders changed since than can be sent one by one; unknown: the log does not have that record, or has another one at that sequence; restored: the log was restored or a loss was accepted; redriven: quarantined notifications were applied to orders that have later ones; rebuilt: the views were rebuilt with other rules. */
  reason: "too-old" | "unknown" | "redriven" | "rebuilt" | "restored";
};

export type StreamSnapshot = {
  /** The snapshot and the events after it cover everything up to any later record. */
  applied: Digits;
  /** The snapshot is complete. Only this event has an id. */
  last: boolean;
  /** Last notified first. */
  orders: readonly (Order)[];
  /** Counts from 1. Another 1 means that the views were rebuilt meanwhile and the snapshot starts over. */
  page: Digits;
};

export type Subscriber = {
  /** Asset classes of the orders whose messages it gets; empty: every message. */
  assetClasses: readonly (string)[];
  /** null: its consumer does not exist any more. */
  createdAt: string | null;
  /** Where it began: start, now, or a sequence. */
  from: string;
  /** When it last requested messages, as far as known: when one was delivered, or a waiting request was seen. null: not since the server was started. */
  lastRequestAt: string | null;
  maxPending: Digits;
  /** Also the name of its consumer and of its user. */
  name: string;
  /** Messages that it has not received yet. */
  pending: Digits;
  /** Why it cannot be used, and what to do; null: it works. */
  problem: string | null;
  /** Unacknowledged messages that were delivered more than once. */
  redelivered: Digits;
  stream: "orders" | "notifications";
  /** Since when it has requested nothing while messages wait, if for an hour or more; null: it is not stuck. */
  stuckSince: string | null;
  /** Messages that it has received but not acknowledged. */
  unacknowledged: Digits;
};

export type Sums = {
  /** In money: the sum of amount, for orders of an amount, or of executedAmount, where it is known. */
  amount: string;
  /** The sum of quantity, or of executedQuantity. */
  units: string;
};

export type Throughput = {
  /** Earliest first; the last one is incomplete. */
  minutes: readonly (Minute)[];
  /** The start of the process; nothing is known about the time before. */
  since: string;
};

export type Totals = {
  /** The executed quantities and amounts. */
  executed: Sums;
  /** Orders with a number of more than 18 decimal places or 13 digits before the decimal point; such a number is left out of the sums. */
  leftOut: Digits;
  /** The ordered quantities and amounts. */
  ordered: Sums;
  orders: Digits;
};

// Parameter selects or sorts a list.
export interface Parameter { name: string; doc: string; kind: "text" | "boolean" | "time" | "number"; values: readonly string[]; repeatable: boolean }

export const orderParameters: readonly Parameter[] = [
  { name: "limit", doc: "Maximum number of orders on a page.", kind: "number", values: [], repeatable: false },
  { name: "cursor", doc: "nextCursor of the previous page, with the same filters. Any machine that folds the same log by the same rules accepts it.", kind: "text", values: [], repeatable: false },
  { name: "minSequence", doc: "Answer only when the views have applied this record of the log, for example the Log-Sequence of the receiver's answer; waits 2 s for it.", kind: "number", values: [], repeatable: false },
  { name: "status", doc: "Any of these statuses; NONE: orders without a status. Repeatable.", kind: "text", values: ["RECEIVED","INVALID","PENDING","PLACED","PARTIALLY_FILLED","CORRECTED","CANCELED","EXPIRED","REJECTED","FILLED","SETTLED","NONE"], repeatable: true },
  { name: "assetClass", doc: "The asset class for which the platform reports the order.", kind: "text", values: ["TRADITIONAL","DIGITAL","TOKENIZED"], repeatable: false },
  { name: "isin", doc: "Any of these ISINs, in any letter case. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "symbol", doc: "Any of these symbols, in any letter case; for digital or tokenized assets. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "side", doc: "The side, whatever its letter case in the notification.", kind: "text", values: ["BUY","SELL"], repeatable: false },
  { name: "productId", doc: "Any of these is the depository, wallet or cash product of the order. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "idPrefix", doc: "The beginning of orderId, at least 4 characters, case-sensitive.", kind: "text", values: [], repeatable: false },
  { name: "externalId", doc: "Any of these ids, exactly as the partner gave them; several orders may have the same one. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "break", doc: "Any of these breaks is open; any: at least one break is open. Repeatable.", kind: "text", values: ["unknown_status","unused_status","conflicting_close","close_after_fill","fill_after_close","settled_without_fill","after_settlement","rejected_after_fill","possible_bust","reopened","time_inversion","invalid_superseded","overfill","underfilled","executed_decreased","clock_skew","source_conflict","any"], repeatable: true },
  { name: "open", doc: "true: the order can still trade.", kind: "boolean", values: [], repeatable: false },
  { name: "final", doc: "true: nothing more is expected.", kind: "boolean", values: [], repeatable: false },
  { name: "orderType", doc: "Any of these order types, in any letter case. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "exchangeCode", doc: "Any of these exchange codes, in any letter case. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "quantityMin", doc: "The minimum of the ordered quantity. Orders without a quantity, such as orders of an amount, do not match.", kind: "text", values: [], repeatable: false },
  { name: "quantityMax", doc: "The maximum of the ordered quantity.", kind: "text", values: [], repeatable: false },
  { name: "settlement", doc: "Any of these states is settlement.state today, in Berlin; none also selects orders without a settlement. Repeatable.", kind: "text", values: ["pending","due","overdue","settled","none"], repeatable: true },
  { name: "dueOn", doc: "settlement.dueOn is that day, whether the order has settled or not.", kind: "time", values: [], repeatable: false },
  { name: "dueSince", doc: "settlement.dueOn is that day or later.", kind: "time", values: [], repeatable: false },
  { name: "dueUntil", doc: "settlement.dueOn is that day or earlier.", kind: "time", values: [], repeatable: false },
  { name: "executed", doc: "none: nothing is executed. some: something is executed. all: at least the ordered quantity or, if that or the executed quantity is unknown, the order is FILLED or SETTLED after a fill.", kind: "text", values: ["none","some","all"], repeatable: false },
  { name: "receivedSince", doc: "The last notification was received at that time or later.", kind: "time", values: [], repeatable: false },
  { name: "receivedUntil", doc: "The last notification was received at that time or earlier.", kind: "time", values: [], repeatable: false },
  { name: "modifiedSince", doc: "modifiedOn is that time or later.", kind: "time", values: [], repeatable: false },
  { name: "modifiedUntil", doc: "modifiedOn is that time or earlier.", kind: "time", values: [], repeatable: false },
  { name: "createdSince", doc: "createdOn is that time or later.", kind: "time", values: [], repeatable: false },
  { name: "createdUntil", doc: "createdOn is that time or earlier.", kind: "time", values: [], repeatable: false },
  { name: "statusChangedSince", doc: "statusSince, the time since which the order has its status, is that time or later.", kind: "time", values: [], repeatable: false },
  { name: "statusChangedUntil", doc: "statusSince is that time or earlier.", kind: "time", values: [], repeatable: false },
  { name: "sort", doc: "By the last notification, by modifiedOn, by the ordered quantity or by settlement.dueOn; with - the latest or largest comes first. An unknown modifiedOn or quantity counts as the earliest or smallest; orders without dueOn come last in both. By quantity only if the filters select few orders, about 2000; otherwise refused as too-many.", kind: "text", values: ["-received","received","-modified","modified","-quantity","quantity","-due","due"], repeatable: false },
  { name: "format", doc: "csv and ndjson: all selected orders, whatever the limit, without pages. Without it Accept decides: text/csv, application/x-ndjson, otherwise json.", kind: "text", values: ["json","csv","ndjson"], repeatable: false },
  { name: "fields", doc: "Only these fields of each order, separated by commas: members of an order in json and ndjson, columns in csv, in the order given.", kind: "text", values: [], repeatable: false },
  { name: "totals", doc: "true: adds the number of all selected orders and the sums of their quantities to the page. Refused as too-many if too many orders would have to be read.", kind: "boolean", values: [], repeatable: false },
];

export const breakParameters: readonly Parameter[] = [
  { name: "limit", doc: "Maximum number of orders on a page.", kind: "number", values: [], repeatable: false },
  { name: "cursor", doc: "nextCursor of the previous page, with the same filters. Any machine that folds the same log by the same rules accepts it.", kind: "text", values: [], repeatable: false },
  { name: "minSequence", doc: "Answer only when the views have applied this record of the log, for example the Log-Sequence of the receiver's answer; waits 2 s for it.", kind: "number", values: [], repeatable: false },
  { name: "code", doc: "Any of these codes. Repeatable.", kind: "text", values: ["unknown_status","unused_status","conflicting_close","close_after_fill","fill_after_close","settled_without_fill","after_settlement","rejected_after_fill","possible_bust","reopened","time_inversion","invalid_superseded","overfill","underfilled","executed_decreased","clock_skew","source_conflict"], repeatable: true },
  { name: "severity", doc: "high: the state itself may be wrong; warn: unusual, and worth a look.", kind: "text", values: ["warn","high"], repeatable: false },
  { name: "age", doc: "Age since openedAt in days of 24 hours: 0-1 is less than one (or in the future), 1-2 from one to less than three, 3-5 from three to less than five, over-5 five or more. Any of these ages. Repeatable.", kind: "text", values: ["0-1","1-2","3-5","over-5"], repeatable: true },
];
