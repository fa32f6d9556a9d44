package api

// tagDescriptions describes the groups of operations, in the order of the document.
var tagDescriptions = [][2]string{
	{"orders", "The orders, and how they change."},
	{"notifications", "What the platform posted, byte for byte."},
	{"operations", "The state of the service, and the actions of an operator."},
}

// descriptions contains the details of each operation that do not fit into its summary.
var descriptions = map[string]string{
	"get-access":             "The name and the role, so that a program can offer only what its key allows. A wrong key is 401, as everywhere.",
	"get-calendar":           "Weekends, the holidays of TARGET, and the days that the operator added with --settlement-closed.",
	"get-asyncapi":           "Channels, messages and headers of the stream ORDERS, which --feed switches on; docs/stream.md says how to subscribe.",
	"get-order-event-schema": "JSON Schema 2020-12. Its id is the header ce-dataschema of every event. Members may be added, but none is removed.",
	"get-healthz":            "Answers while the process runs, without using the views or the log. Needs no key.",
	"get-metrics":            "The metrics of this process, for Prometheus.",
	"get-openapi":            "This description of the API.",
	"get-readyz":             "200 when the service is ready, otherwise 503. Needs no key; the reason is for a caller with a key.",
	"list-breaks":            "One row for each break of an order: the contradiction, since when, and the notifications that show it.",
	"get-notification":       "The body as it was received. Headers that begin with Notification describe its arrival.",
	"get-object":             "The body, as it was received, of the object's last notification.",
	"list-objects":           "The last notification of each object, latest first. An object notified meanwhile moves to the beginning of the list.",
	"search":                 "Finds any kind of id. Results are sorted by how exactly they match; no match is an empty list.",
	"list-orders":            "A list contains the orders that satisfy every given parameter. CSV and NDJSON contain the whole list, without pages.",
	"get-order":              "The order as it is now or, with asOf or asOfSequence, as it was known then.",
	"get-order-explanation":  "The fact that decides the status, and why the others do not.",
	"get-order-history":      "One entry for each notification: its content, its effect and the reason, and the status after it.",
	"list-quarantine":        "Records that could not become part of an order or object, and why. They are kept, and can be decoded again.",
	"start-rebuild":          "Folds the log again beside the served views, compares, and switches. Needs a key of the role operator.",
	"cancel-rebuild":         "The served views stay unchanged. Needs a key of the role operator.",
	"copy-views":             "Copies the served views in one state and sends them, for projector --views-from on another machine. One copy at a time. Needs a key of the role operator.",
	"get-rebuild":            "The progress of the rebuild, or its result.",
	"redrive":                "Answers after a few seconds at most; nextAfter says where to continue. Needs a key of the role operator.",
	"list-subscribers":       "The messages that wait and those not acknowledged, and which subscribers are stuck; at most a second old.",
	"add-subscriber":         "An existing subscriber with the same settings is returned unchanged; with other settings the request is refused. With the embedded server its user is created, and can connect at once. Needs a key of the role operator.",
	"remove-subscriber":      "Removes its consumer and, on the embedded server, its user. Messages that it has not received are not delivered. Needs a key of the role operator.",
	"get-feed":               "For a subscriber that compares the last event that it processed with the feed; docs/stream.md says when.",
	"get-states":             "The tables that decide the status of an order and define breaks, which change only with the program, and the settlement cycles, which --settlement sets.",
	"get-stats":              "Counts by status, asset class, break, settlement and object, of orders awaiting settlement by day, and of records in quarantine.",
	"get-throughput":         "Kept in memory for a day; a restart discards it.",
	"get-status":             "The end of the log, the position of the views, and whether the service is ready or why not.",
	"stream-orders":          streamDescription,
}
