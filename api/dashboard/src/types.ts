// Code generated from docs/openapi.json by api/dashboard/build. DO NOT EDIT.

// Digits is a number of an answer, with the digits that were sent: none becomes a JavaScript number by itself.
export type Digits = string & { readonly digits: unique symbol };

export type Access = {
  /** Of the key that the request carries; null where none is configured. */
  name: string | null;
  /** reader: may read. operator: may also rebuild, redrive, and add and remove subscribers. Where no key is configured everybody who reaches the API is an operator. */
  role: "reader" | "operator";
};

export type AddedSubscriber = {
  /** Of the orders whose messages it gets; empty: every message. */
  assetClasses: readonly (string)[];
  /** null: its consumer is gone. */
  createdAt: string | null;
  /** The file with its URL, in the data folder of the embedded server; null with an external one. */
  credentialsFile: string | null;
  /** Where it began: start, now, or a sequence. */
  from: string;
  /** When it last asked for messages, as far as is known: one was delivered, or a request was seen to wait. null: not since the server was started. */
  lastRequestAt: string | null;
  maxPending: Digits;
  /** Also of its consumer and of its user. */
  name: string;
  /** Messages that it has not got yet. */
  pending: Digits;
  /** What to set on an external server, in the syntax of its configuration; null with the embedded one, where it is done. */
  permissions: string | null;
  /** Why it cannot be used, and what to do; null: it can. */
  problem: string | null;
  /** Of them, were delivered more than once. */
  redelivered: Digits;
  stream: "orders" | "notifications";
  /** Since when it has requested nothing while messages wait, if that is an hour ago or more; null: it is not stuck. */
  stuckSince: string | null;
  /** Messages that it has got and not acknowledged. */
  unacknowledged: Digits;
};

export type Alive = {
  alive: boolean;
};

export type Asked = {
  /** Since when it is pending; when the platform last said something new; when it was given up. */
  at: string;
  /** In vain. */
  attempts: Digits;
  /** Of the last attempt. */
  error: string | null;
  /** Why it is asked for: nothing of it was fetched, it contradicts itself, nothing was heard for too long. null when it was answered. */
  reason: "new" | "break" | "quiet" | null;
  /** Of the answer in the log. */
  sequence: Digits | null;
  /** gone: the platform does not have it, or does not answer sensibly. */
  state: "pending" | "asked" | "gone";
};

export type Asking = {
  /** Answers appended to the log. */
  asked: Digits;
  /** The platform is asked; false: everything below is 0. */
  enabled: boolean;
  /** Orders that the platform does not have or does not answer sensibly. */
  givenUp: Digits;
  lastAskedAt: string | null;
  /** It may be over: compare lastErrorAt with lastAskedAt. */
  lastError: string | null;
  lastErrorAt: string | null;
  /** When the list of undelivered notifications was last read to its end. */
  lastRecoveredAt: string | null;
  /** Orders that are to be asked for. */
  pending: Digits;
  /** Why it cannot be. */
  recoverError: string | null;
  /** Undelivered notifications appended: holes that the webhook left. */
  recovered: Digits;
  /** Of these, entries of a form that is not known, kept under the object undelivered. */
  recoveredUnreadable: Digits;
  /** Orders that could not be examined, and undelivered notifications that could not be appended: the others did not wait for them. lastError and recoverError say why. */
  skipped: Digits;
};

export type Break = {
  code: "unknown_status" | "unused_status" | "conflicting_close" | "close_after_fill" | "fill_after_close" | "settled_without_fill" | "after_settlement" | "rejected_after_fill" | "possible_bust" | "reopened" | "time_inversion" | "invalid_superseded" | "overfill" | "underfilled" | "executed_decreased" | "clock_skew" | "source_conflict";
  openedAt: string;
  /** Of the notification that opened it. */
  openedSequence: Digits;
  /** The condition in words. */
  rule: string;
  /** Of the notifications that show it. */
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
  /** Of all open breaks that the filters select, whatever the page. */
  counts: BreakCounts;
  data: readonly (OpenBreak)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
};

export type Calendar = {
  /** Every other day is a settlement day. */
  data: readonly (ClosedDay)[];
  from: string;
  until: string;
};

export type Changes = {
  /** The first hundred of them. */
  differences: readonly (OrderChange)[];
  /** Orders that differ. */
  different: Digits;
  /** Compared. */
  orders: Digits;
  /** What else differs, in words. */
  others: readonly (string)[];
  /** Where both stood. */
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

export type Execution = {
  amount: string | null;
  id: string | null;
  price: string | null;
  quantity: string | null;
};

export type Explanation = {
  /** As of the order. */
  breaks: readonly (Break)[];
  /** Sequence of the notification that decides the status; null when none does. */
  decidedBy: Digits | null;
  /** What distinct notifications said, earliest at first. */
  facts: readonly (Judgement)[];
  orderId: string;
  status: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
  /** Sentences for a person. */
  summary: readonly (string)[];
};

export type FeedEvent = {
  /** As its header ce-id, decoded: no two events have the same. */
  id: string;
  sequence: Digits;
};

export type FeedPlace = {
  /** The event with the sequence that was asked for; null: none was, or the feed does not have it. */
  event: FeedEvent | null;
  /** Of the first event that is kept; one more than lastSequence where there is none. */
  firstSequence: Digits;
  /** Of the last event; 0 where there never was one. */
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
  /** order: the id of one. notification: the sequence of one. object: the id of something that is no order. Others: the filter of /v1/orders that it is a value of. */
  kind: "order" | "notification" | "externalId" | "productId" | "isin" | "symbol" | "object" | "idPrefix";
  /** There are more orders than these. */
  more: boolean;
  /** Of a notification or object: which kind. */
  object: string | null;
  /** The orders that it concerns, those notified last: at most 10. */
  orderIds: readonly (string)[];
  /** Where more is known of it. */
  path: string;
  /** When that was received. */
  receivedAt: string | null;
  /** Of the notification, or of the object's last one. */
  sequence: Digits | null;
};

export type Health = {
  /** Whether a notification would be stored now; where this process receives them. */
  acceptsNotifications?: boolean;
  ready: boolean;
  /** Why it is not ready, or why no notification is stored; as in /v1/status. Where keys are configured, only a caller with a key gets it. */
  reason?: string;
};

export type HistoryEntry = {
  /** modifiedOn of the notification. */
  at: string | null;
  breaksClosed: readonly (string)[];
  breaksOpened: readonly (string)[];
  /** What it did to the order. */
  effect: "applied" | "confirmed" | "late" | "duplicate" | "superseded" | "restated" | "annotated" | "lost";
  /** Cumulative, as the notification told it. */
  executed: string | null;
  /** null when the record is lost. */
  kind: "reported" | "fetched" | null;
  /** What could not be read in it. */
  notes: readonly (string)[];
  notificationType: string | null;
  /** null when the record is lost. */
  receivedAt: string | null;
  /** Why, in words. */
  rule: string;
  sequence: Digits;
  /** As the notification told it. */
  status: string | null;
  statusAfter: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
};

export type Judgement = {
  /** modifiedOn, or the time received where none was told. */
  at: string;
  /** Cumulative, as the notification told it. */
  executed: string | null;
  kind: "reported" | "fetched";
  receivedAt: string;
  /** Of the first notification that said so. */
  sequence: Digits;
  /** As the notification told it. */
  status: string;
  verdict: "decides" | "agrees" | "outranked" | "superseded" | "unranked";
  /** In words. */
  why: string;
};

export type LastNotification = {
  id: string;
  /** How many there were, repeats included. */
  notifications: Digits;
  object: string;
  /** Where the raw bytes of the last one are. */
  raw: string;
  /** When that was received. */
  receivedAt: string;
  /** Of the last notification. */
  sequence: Digits;
};

export type ListHistoryEntry = {
  data: readonly (HistoryEntry)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListLastNotification = {
  data: readonly (LastNotification)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListOrder = {
  data: readonly (Order)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListQuarantined = {
  data: readonly (Quarantined)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
};

export type ListSubscriber = {
  data: readonly (Subscriber)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
};

export type LogStatus = {
  /** Taken by the records. */
  bytes: Digits | null;
  /** Up to that, or to the end of the disk of an embedded log; null: nothing is known to limit it. */
  bytesLeft: Digits | null;
  /** On the disk of an embedded log. */
  diskFreeBytes: Digits | null;
  /** 1, and one more each time that the log was restored by orderfold restore, or a loss was accepted: sequences may since belong to other records. */
  epoch: Digits | null;
  firstSequence: Digits | null;
  /** When nothing is left at the rate of the last hour; null: it is not growing, has no limit, or that is a century away. */
  fullAt: string | null;
  lastSequence: Digits | null;
  /** At which the log refuses more; null: no limit. */
  maxBytes: Digits | null;
};

export type Minute = {
  /** Records that the views applied. */
  applied: Digits;
  /** The beginning of the minute. */
  at: string;
  /** Records received and not applied, the most at any look; there is one each 5 s. */
  lagRecords: Digits | null;
  /** Seconds from receiving a record until it can be read here: half of those looked at took less. Ten records per second are looked at, at most; null when there was none. */
  latencyP50: Digits | null;
  /** 99 of 100 took less. */
  latencyP99: Digits | null;
  /** Records that the log got; null while it cannot be reached. */
  received: Digits | null;
};

export type Notifications = {
  /** Repeats included. */
  count: Digits;
  /** Distinct facts let go because there were too many; the state may then depend on the order of arrival. */
  droppedFacts?: Digits;
  /** Of these, those that said nothing new. */
  duplicates: Digits;
  firstReceivedAt: string;
  firstSequence: Digits;
  lastReceivedAt: string;
  lastSequence: Digits;
  /** With asOf or asOfSequence: notifications whose records the log lost, and the loss was accepted. They are not counted, and what they said is left out. */
  lost?: Digits;
};

export type OpenBreak = {
  /** In days of 24 hours, see the parameter age. */
  age: "0-1" | "1-2" | "3-5" | "over-5";
  /** Settlement days after that of openedAt up to today, in Berlin; negative when that is still to come. */
  ageDays: Digits;
  assetClass: "TRADITIONAL" | "DIGITAL" | "TOKENIZED" | null;
  code: "unknown_status" | "unused_status" | "conflicting_close" | "close_after_fill" | "fill_after_close" | "settled_without_fill" | "after_settlement" | "rejected_after_fill" | "possible_bust" | "reopened" | "time_inversion" | "invalid_superseded" | "overfill" | "underfilled" | "executed_decreased" | "clock_skew" | "source_conflict";
  openedAt: string;
  /** Of the notification that opened it. */
  openedSequence: Digits;
  orderId: string;
  /** The condition in words. */
  rule: string;
  /** Of the notifications that show it. */
  sequences: readonly (Digits)[];
  severity: "warn" | "high";
  /** Of the order. */
  status: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
};

export type Order = {
  /** Ordered money, where the order is for an amount and not for a quantity. */
  amount: string | null;
  /** How it stands with asking the platform for the order; null: it was not asked. What is pending or gone is told of a single order as it is now, by the process that asks. */
  asked: Asked | null;
  assetClass: "TRADITIONAL" | "DIGITAL" | "TOKENIZED" | null;
  /** executedAmount divided by executedQuantity, rounded half even to 8 decimal places. */
  averagePrice: string | null;
  /** What a person must look at, in the order of /v1/states. */
  breaks: readonly (Break)[];
  createdOn: string | null;
  exchangeCode: string | null;
  /** Money, for executedQuantity: as the platform reported it, else the sum of the executions. */
  executedAmount: string | null;
  /** Cumulative. */
  executedQuantity: string | null;
  /** As the platform tells it of the whole; of each trade it is in executions. */
  executionPrice: string | null;
  /** The trades, when the platform lists them: at most 64. */
  executions: readonly (Execution)[];
  expiryDate: string | null;
  externalId: string | null;
  /** Nothing more is expected. Neither open nor final: it awaits settlement. */
  final: boolean;
  isin: string | null;
  limitPrice: string | null;
  message: string | null;
  modifiedOn: string | null;
  notifications: Notifications;
  /** It can still trade. */
  open: boolean;
  orderId: string;
  orderType: string | null;
  /** Depository or wallet, and cash. */
  productIds: readonly (string)[];
  /** A decimal with the digits received, like all quantities and prices. */
  quantity: string | null;
  /** Requests concerning the order that the platform refused, earliest first. */
  refusals: readonly (Refusal)[];
  /** When it should settle; null where nothing is executed, or the asset class has no cycle. */
  settlement: Settlement | null;
  side: string | null;
  /** null: no notification told a status that counts. */
  status: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
  statusSince: string | null;
  stopPrice: string | null;
  symbol: string | null;
};

export type OrderChange = {
  fields?: readonly (FieldChange)[];
  /** The side that does not have it. */
  missing?: "views" | "log";
  orderId: string;
};

export type OrderPart = {
  /** Ordered money, where the order is for an amount and not for a quantity. */
  amount?: string | null;
  /** How it stands with asking the platform for the order; null: it was not asked. What is pending or gone is told of a single order as it is now, by the process that asks. */
  asked?: Asked | null;
  assetClass?: "TRADITIONAL" | "DIGITAL" | "TOKENIZED" | null;
  /** executedAmount divided by executedQuantity, rounded half even to 8 decimal places. */
  averagePrice?: string | null;
  /** What a person must look at, in the order of /v1/states. */
  breaks?: readonly (Break)[];
  createdOn?: string | null;
  exchangeCode?: string | null;
  /** Money, for executedQuantity: as the platform reported it, else the sum of the executions. */
  executedAmount?: string | null;
  /** Cumulative. */
  executedQuantity?: string | null;
  /** As the platform tells it of the whole; of each trade it is in executions. */
  executionPrice?: string | null;
  /** The trades, when the platform lists them: at most 64. */
  executions?: readonly (Execution)[];
  expiryDate?: string | null;
  externalId?: string | null;
  /** Nothing more is expected. Neither open nor final: it awaits settlement. */
  final?: boolean;
  isin?: string | null;
  limitPrice?: string | null;
  message?: string | null;
  modifiedOn?: string | null;
  notifications?: Notifications;
  /** It can still trade. */
  open?: boolean;
  orderId?: string;
  orderType?: string | null;
  /** Depository or wallet, and cash. */
  productIds?: readonly (string)[];
  /** A decimal with the digits received, like all quantities and prices. */
  quantity?: string | null;
  /** Requests concerning the order that the platform refused, earliest first. */
  refusals?: readonly (Refusal)[];
  /** When it should settle; null where nothing is executed, or the asset class has no cycle. */
  settlement?: Settlement | null;
  side?: string | null;
  /** null: no notification told a status that counts. */
  status?: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
  statusSince?: string | null;
  stopPrice?: string | null;
  symbol?: string | null;
};

export type Problem = {
  /** The kind of problem, stable:
* bad-parameter (400): A parameter is not valid. Correct the parameters that `errors` names; unknown, repeated, empty and unreadable ones are refused.
* unauthorized (401): A valid API key is required. Send a configured key: `Authorization: Bearer <key>`.
* forbidden (403): The key does not allow it. Use a key of the role operator; a page of another site needs its origin allowed.
* not-found (404): Not found. Look the id up in a list; `/openapi.json` lists the paths.
* not-yet-known (404): The order was not known then. Ask for a later moment: `firstSequence` and `firstReceivedAt` say since when it is known.
* method-not-allowed (405): The method is not allowed here. Use a method that the header `Allow` lists.
* conflict (409): The request does not fit the present state. A rebuild runs already, or none does: see `GET /v1/rebuilds/current`. Or nothing is folded: see `GET /v1/status`. Or there is another subscriber of that name, or no feed: see `detail`.
* cursor-expired (410): The views were rebuilt since the cursor was made. Start the list again without a cursor.
* record-missing (410): A record is missing from the log. Tell the operator: it was acknowledged, and the log lost it. `GET /v1/status` and `orderfold doctor` tell more.
* too-large (413): The request is too large. Send no body; no route reads one.
* misdirected (421): The request was sent to another host. Ask by `localhost`, `127.0.0.1` or `[::1]`: without keys no other `Host` is answered. Or configure a key.
* too-many (422): Too many orders for what was asked. Select fewer orders, by an id, an ISIN, a status or a time, or leave out what `detail` names.
* rate-limited (429): Too many requests. Wait as long as `Retry-After` says. Ask for longer pages, or follow `/v1/stream`.
* internal (500): Something went wrong in the server. A defect: the server's log has the cause under the request id.
* not-here (501): This process cannot do it. Ask the process that writes the views, or use the command.
* view-behind (503): The views have not come that far. Repeat after `Retry-After`, or wait longer with `Prefer: wait=<seconds>`.
* busy (503): There is no room for more. Repeat after `Retry-After`: as many streams are open as the server serves.
* not-ready (503): The views are not ready. Repeat after `Retry-After`; there are no views yet, or of another version, or they were damaged: `/v1/status` tells more.
* log-unavailable (503): The log cannot be reached. Repeat after `Retry-After`; raw bytes and history need the log.
* http-version (505): HTTP/1.0 cannot carry this answer. Ask by HTTP/1.1: by HTTP/1.0 an export that is cut short looks whole. nginx needs `proxy_http_version 1.1`. */
  code: "bad-parameter" | "unauthorized" | "forbidden" | "not-found" | "not-yet-known" | "method-not-allowed" | "conflict" | "cursor-expired" | "record-missing" | "too-large" | "misdirected" | "too-many" | "rate-limited" | "internal" | "not-here" | "view-behind" | "busy" | "not-ready" | "log-unavailable" | "http-version";
  /** What is wrong here and what to do about it. */
  detail: string;
  /** The parameters that are wrong. */
  errors?: readonly (FieldError)[];
  /** Of not-yet-known: when that was received. */
  firstReceivedAt?: string;
  /** Of not-yet-known: the notification by which the order became known. */
  firstSequence?: Digits;
  /** As in the header Request-Id; the server's log has it too. */
  requestId: string;
  /** The HTTP status. */
  status: Digits;
  /** The kind of problem in words. */
  title: string;
  /** Names the kind of problem: urn:orderfold:problem: and the code. */
  type: string;
};

export type Quarantined = {
  /** The kind of fault, stable. */
  class: string;
  object: string;
  /** Where the raw bytes are. */
  raw: string;
  /** In words. */
  reason: string;
  receivedAt: string;
  sequence: Digits;
};

export type Rebuild = {
  /** Size of the new generation's file. */
  bytes: Digits | null;
  /** Of a dry run that is done: what a rebuild would change. */
  changes: Changes | null;
  endedAt: string | null;
  error: string | null;
  /** The one that is served since; null before, and after a dry run. */
  generation: Digits | null;
  mode: "rebuild" | "dry-run" | "rollback";
  phase: "folding" | "writing" | "indexing" | "comparing" | "switching";
  /** Why the one before it, of the same mode, failed, if it did. To make the first generation is tried until it is there. */
  previousError: string | null;
  /** Folded so far; orders compared so far while phase is comparing. */
  records: Digits;
  recordsPerSecond: Digits;
  /** Taken so far. */
  seconds: Digits;
  /** Of the phase; null when that cannot be told. */
  secondsLeft: Digits | null;
  startedAt: string;
  state: "running" | "done" | "failed" | "canceled";
  /** Of them, as far as is known. */
  total: Digits;
};

export type Redrive = {
  dryRun: boolean;
  /** Records decoded again. */
  examined: Digits;
  /** There are more: ask again with it as after. null: that was all. */
  nextAfter: Digits | null;
  /** Orders changed. */
  orders: Digits;
  /** What became of the first hundred of them. */
  records: readonly (RedrivenRecord)[];
  /** Of them, are part of an order or object now. */
  redriven: Digits;
  /** Of them, cannot be read still. */
  remaining: Digits;
};

export type RedrivenRecord = {
  /** As in /v1/quarantine, of one that cannot be read still. */
  class: string | null;
  /** Of the order or object that it is part of now. */
  id: string | null;
  object: string;
  reason: string | null;
  /** false: it cannot be read still. */
  redriven: boolean;
  sequence: Digits;
};

export type Refusal = {
  at: string;
  description: string;
  errorType: string;
};

export type Search = {
  /** Empty when the text is nothing that is known. */
  found: readonly (Found)[];
};

export type SelectedOrders = {
  /** Only the fields asked for. */
  data: readonly (OrderPart)[];
  /** Of the next page; null at the end. */
  nextCursor: string | null;
  /** When they are asked for. */
  totals?: Totals;
};

export type Settlement = {
  /** How many settlement days those are. */
  cycle: string | null;
  /** When it should settle: so many settlement days after tradeDate. */
  dueOn: string | null;
  /** Settlement days after dueOn up to today, of one that is overdue: 0 on the weekend after it was due. Of others 0. */
  overdueDays: Digits;
  /** pending: it is due on a later day. due: it is due today, in Berlin. overdue: it was due on an earlier day. settled. none: it can still trade. */
  state: "pending" | "due" | "overdue" | "settled" | "none";
  /** The day, in Berlin, on which the order was completed or closed with something executed; null while it can still trade, and where that is not known. */
  tradeDate: string | null;
};

export type SettlementCycle = {
  assetClass: string;
  cycle: string;
  /** Settlement days after the trade date. */
  days: Digits;
  /** The first trade date that it is for; null: there is none before. */
  from: string | null;
  /** The last one; null: there is no end. */
  until: string | null;
};

export type Settlements = {
  /** Orders that have not settled, by the day on which they are due, the earliest first. Of more than 60 such days the last 60. */
  awaiting: readonly (DueDay)[];
  /** Orders that are due on earlier days than those. */
  awaitingEarlier: Digits;
  /** The first one after today. */
  nextSettlementDay: string;
  /** Of the orders that are overdue for longest; null: none is. */
  oldestDueOn: string | null;
  /** How many settlement days they are overdue. */
  oldestOverdueDays: Digits;
  /** In Berlin. */
  today: string;
};

export type States = {
  /** What a person must look at. */
  breaks: readonly (BreakRule)[];
  /** After how many settlement days orders settle. Those of an asset class that is not there have no settlement. */
  cycles: readonly (SettlementCycle)[];
  /** The rank table: of the statuses reported, the one of the highest rank is the status. */
  statuses: readonly (StatusInfo)[];
};

export type Stats = {
  /** NONE counts orders of an unknown one. */
  byAssetClass: Record<string, Digits>;
  /** Orders with that break open. */
  byBreak: Record<string, Digits>;
  /** Orders by settlement.state; none counts also those without a settlement. */
  bySettlement: Record<string, Digits>;
  /** Orders by status; NONE counts those without one. A status that no order has may be missing, here and below. */
  byStatus: Record<string, Digits>;
  final: Digits;
  /** Notifications of other objects, by object. */
  objects: Record<string, Digits>;
  open: Digits;
  orders: Digits;
  /** Records that could not be decoded. */
  quarantined: Digits;
  /** They, by the kind of fault. */
  quarantinedByClass: Record<string, Digits>;
  /** Records of the log that were applied. */
  records: Digits;
  /** What awaits its settlement. */
  settlement: Settlements;
  /** Of these per second, in the last minute; null while it is not known yet. */
  throughput: Digits | null;
};

export type Status = {
  /** Whether a notification would be stored now; null: it is not this process that receives them. */
  acceptsNotifications: boolean | null;
  /** The last record that the views have applied. */
  appliedSequence: Digits;
  /** Records whose order events are not published yet; null: the feed is off. */
  feedLagRecords: Digits | null;
  /** Why not all events are published, or that orders are being published again; null: all are, or the feed is off. The service is ready all the same. */
  feedReason: string | null;
  /** Of the rules that the views were folded by. */
  foldVersion: string | null;
  /** Of the views: each rebuild makes a new one. */
  generation: Digits | null;
  /** Records received and not applied. */
  lagRecords: Digits | null;
  /** Age of the oldest of them; 0 when there is none. While the log cannot be reached: how long ago the views were last known to be current, which they were when the last record that they have was received; null when they have none. */
  lagSeconds: Digits | null;
  log: LogStatus;
  /** Asking the platform; null: it is not this process that would. */
  platform: Asking | null;
  /** As /readyz. */
  ready: boolean;
  /** Why it is not ready, or why no notification is stored; as /readyz. */
  reason: string | null;
  /** The one that runs; null while none runs. */
  rebuild: Rebuild | null;
  /** Copies of the log; 0 while it cannot be reached. */
  replicas: Digits;
  startedAt: string;
  /** When the log is on disk: always, or what an external server tells. */
  syncMode: string;
  verifiedAt: string | null;
  /** The views were last compared with the log as they stood here; null before the first time. */
  verifiedSequence: Digits | null;
  /** Of the program. */
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
  /** What it did, as in the history; null: it said nothing new of the status (a repeat, or details only), or it is not known any more. */
  effect: "applied" | "confirmed" | "late" | "superseded" | "restated" | "annotated" | null;
  sequence: Digits;
};

export type StreamClosed = {
  /** In words. */
  detail: string;
  reason: "shutdown" | "slow" | "failed";
};

export type StreamDay = {
  /** The day that orders were shown on until now. After a resume it is the day on which the last event's record was received, so what follows may be known already. */
  before: string;
  /** Settlement days after before up to today: overdueDays of an order that was overdue before is so much higher now. Such orders do not follow. */
  settlementDays: Digits;
  today: string;
};

export type StreamHeartbeat = {
  /** Everything up to this record was looked at for this stream. */
  applied: Digits;
  /** Of the views. */
  generation: Digits;
};

export type StreamOrder = {
  cause: StreamCause;
  /** false: the filters do not select the order any more. They did since the reader last heard of it, or, right after a resume, ever. */
  matches: boolean;
  /** As GET /v1/orders/{id}. */
  order: Order;
  /** Before the notification that is the cause; null: there was none, or it is not known. */
  statusBefore: "RECEIVED" | "INVALID" | "PENDING" | "PLACED" | "PARTIALLY_FILLED" | "CORRECTED" | "CANCELED" | "EXPIRED" | "REJECTED" | "FILLED" | "SETTLED" | null;
};

export type StreamResync = {
  /** In words. */
  detail: string;
  /** As it was sent; of an open stream the id of its last event. */
  lastEventId: string;
  /** too-old: more orders changed since than are sent after each other; unknown: the log does not have that record, or has another one at that sequence; restored: the log was restored or a loss was accepted; redriven: quarantined notifications were given to orders whose last one is older; rebuilt: the views were made anew by other rules. */
  reason: "too-old" | "unknown" | "redriven" | "rebuilt" | "restored";
};

export type StreamSnapshot = {
  /** The snapshot and the events after it are all that happened up to any later record. */
  applied: Digits;
  /** The snapshot is complete. Only this event has an id. */
  last: boolean;
  /** Those notified last come first. */
  orders: readonly (Order)[];
  /** From 1. A 1 again, when the views were rebuilt meanwhile: the snapshot starts over. */
  page: Digits;
};

export type Subscriber = {
  /** Of the orders whose messages it gets; empty: every message. */
  assetClasses: readonly (string)[];
  /** null: its consumer is gone. */
  createdAt: string | null;
  /** Where it began: start, now, or a sequence. */
  from: string;
  /** When it last asked for messages, as far as is known: one was delivered, or a request was seen to wait. null: not since the server was started. */
  lastRequestAt: string | null;
  maxPending: Digits;
  /** Also of its consumer and of its user. */
  name: string;
  /** Messages that it has not got yet. */
  pending: Digits;
  /** Why it cannot be used, and what to do; null: it can. */
  problem: string | null;
  /** Of them, were delivered more than once. */
  redelivered: Digits;
  stream: "orders" | "notifications";
  /** Since when it has requested nothing while messages wait, if that is an hour ago or more; null: it is not stuck. */
  stuckSince: string | null;
  /** Messages that it has got and not acknowledged. */
  unacknowledged: Digits;
};

export type Sums = {
  /** In money: of amount, which orders of an amount have, or executedAmount, which all have of whose execution the money is known. */
  amount: string;
  /** Of quantity, or executedQuantity. */
  units: string;
};

export type Throughput = {
  /** The earliest first; the last one is not over yet. */
  minutes: readonly (Minute)[];
  /** The start of the process: of the time before nothing is known. */
  since: string;
};

export type Totals = {
  /** What is executed. */
  executed: Sums;
  /** Orders with a number of more than 18 decimal places or 13 digits before the point, which is in no sum. */
  leftOut: Digits;
  /** What was ordered. */
  ordered: Sums;
  orders: Digits;
};

// Parameter is one that selects or sorts a list.
export interface Parameter { name: string; doc: string; kind: "text" | "boolean" | "time" | "number"; values: readonly string[]; repeatable: boolean }

export const orderParameters: readonly Parameter[] = [
  { name: "limit", doc: "The most there are on a page.", kind: "number", values: [], repeatable: false },
  { name: "cursor", doc: "nextCursor of the page before, with the same filters.", kind: "text", values: [], repeatable: false },
  { name: "minSequence", doc: "Answer only when the views have applied this record of the log, for instance the Log-Sequence that the receiver answered; waits 2 s for it.", kind: "number", values: [], repeatable: false },
  { name: "status", doc: "Any of these; NONE: no status is known. Repeatable.", kind: "text", values: ["RECEIVED","INVALID","PENDING","PLACED","PARTIALLY_FILLED","CORRECTED","CANCELED","EXPIRED","REJECTED","FILLED","SETTLED","NONE"], repeatable: true },
  { name: "assetClass", doc: "The order object that it was notified as.", kind: "text", values: ["TRADITIONAL","DIGITAL","TOKENIZED"], repeatable: false },
  { name: "isin", doc: "Any of these, in any letter case. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "symbol", doc: "Any of these, in any letter case, of digital or tokenized assets. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "side", doc: "Whatever case it was notified in.", kind: "text", values: ["BUY","SELL"], repeatable: false },
  { name: "productId", doc: "Any of these, of the depository, wallet or cash product. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "idPrefix", doc: "What orderId begins with, at least 4 characters; letters count as they are written.", kind: "text", values: [], repeatable: false },
  { name: "externalId", doc: "Exactly one of these ids, which the partner gave the order; several orders may have the same one. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "break", doc: "Any of these is open; any: at least one is. Repeatable.", kind: "text", values: ["unknown_status","unused_status","conflicting_close","close_after_fill","fill_after_close","settled_without_fill","after_settlement","rejected_after_fill","possible_bust","reopened","time_inversion","invalid_superseded","overfill","underfilled","executed_decreased","clock_skew","source_conflict","any"], repeatable: true },
  { name: "open", doc: "true: it can still trade.", kind: "boolean", values: [], repeatable: false },
  { name: "final", doc: "true: nothing more is expected.", kind: "boolean", values: [], repeatable: false },
  { name: "orderType", doc: "Any of these, in any letter case. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "exchangeCode", doc: "Any of these, in any letter case. Repeatable.", kind: "text", values: [], repeatable: true },
  { name: "quantityMin", doc: "The ordered quantity is this or more. An order without a quantity, as one of an amount, is in no such list.", kind: "text", values: [], repeatable: false },
  { name: "quantityMax", doc: "It is this or less.", kind: "text", values: [], repeatable: false },
  { name: "settlement", doc: "Any of these is settlement.state today, in Berlin; none selects also orders without a settlement. Repeatable.", kind: "text", values: ["pending","due","overdue","settled","none"], repeatable: true },
  { name: "dueOn", doc: "settlement.dueOn is that day, whether the order has settled or not.", kind: "time", values: [], repeatable: false },
  { name: "dueSince", doc: "It is that day or a later one.", kind: "time", values: [], repeatable: false },
  { name: "dueUntil", doc: "It is that day or an earlier one.", kind: "time", values: [], repeatable: false },
  { name: "executed", doc: "none: nothing is executed. all: at least the ordered quantity, or where that or the executed one is not known, the order is FILLED or SETTLED after a fill.", kind: "text", values: ["none","some","all"], repeatable: false },
  { name: "receivedSince", doc: "The last notification was received then or later.", kind: "time", values: [], repeatable: false },
  { name: "receivedUntil", doc: "It was received then or earlier.", kind: "time", values: [], repeatable: false },
  { name: "modifiedSince", doc: "modifiedOn is then or later.", kind: "time", values: [], repeatable: false },
  { name: "modifiedUntil", doc: "modifiedOn is then or earlier.", kind: "time", values: [], repeatable: false },
  { name: "createdSince", doc: "createdOn is then or later.", kind: "time", values: [], repeatable: false },
  { name: "createdUntil", doc: "createdOn is then or earlier.", kind: "time", values: [], repeatable: false },
  { name: "statusChangedSince", doc: "statusSince, the time since when the order has its status, is then or later.", kind: "time", values: [], repeatable: false },
  { name: "statusChangedUntil", doc: "statusSince is then or earlier.", kind: "time", values: [], repeatable: false },
  { name: "sort", doc: "By the last notification, by modifiedOn, by the ordered quantity or by settlement.dueOn; - is latest or largest first. An unknown modifiedOn or quantity counts as the earliest or smallest; orders without dueOn come last, also with -due. By quantity only where the filters leave few orders, about 2000, else refused as too-many.", kind: "text", values: ["-received","received","-modified","modified","-quantity","quantity","-due","due"], repeatable: false },
  { name: "format", doc: "csv and ndjson: all orders selected, whatever the limit, without pages. Without it Accept decides: text/csv, application/x-ndjson, else json.", kind: "text", values: ["json","csv","ndjson"], repeatable: false },
  { name: "fields", doc: "Only these fields of each order, separated by commas: members of an order in json and ndjson, columns in csv, which come in the order given.", kind: "text", values: [], repeatable: false },
  { name: "totals", doc: "true: with the page, the number of all orders selected, and their quantities summed. Refused as too-many when more orders would have to be read than are read for one answer.", kind: "boolean", values: [], repeatable: false },
];

export const breakParameters: readonly Parameter[] = [
  { name: "limit", doc: "The most there are on a page.", kind: "number", values: [], repeatable: false },
  { name: "cursor", doc: "nextCursor of the page before, with the same filters.", kind: "text", values: [], repeatable: false },
  { name: "minSequence", doc: "Answer only when the views have applied this record of the log, for instance the Log-Sequence that the receiver answered; waits 2 s for it.", kind: "number", values: [], repeatable: false },
  { name: "code", doc: "Any of these. Repeatable.", kind: "text", values: ["unknown_status","unused_status","conflicting_close","close_after_fill","fill_after_close","settled_without_fill","after_settlement","rejected_after_fill","possible_bust","reopened","time_inversion","invalid_superseded","overfill","underfilled","executed_decreased","clock_skew","source_conflict"], repeatable: true },
  { name: "severity", doc: "high: the state itself may be wrong; warn: odd, and to be looked at.", kind: "text", values: ["warn","high"], repeatable: false },
  { name: "age", doc: "Days since openedAt, a day being 24 hours: 0-1 is less than one (or still to come), 1-2 from one to less than three, 3-5 from three to less than five, over-5 five or more. Any of these. Repeatable.", kind: "text", values: ["0-1","1-2","3-5","over-5"], repeatable: true },
];
