package api

// tagDescriptions describe the groups of operations, in the order of the document.
var tagDescriptions = [][2]string{
	{"orders", "What is known of orders, and how it changes."},
	{"notifications", "What the platform posted, byte for byte."},
	{"operations", "How the service stands, and what an operator can do."},
}

// descriptions say of each operation what its summary has no room for.
var descriptions = map[string]string{
	"get-access":             "The name and the role, for a program that offers only what its key may do. A wrong key is 401, here as everywhere.",
	"get-calendar":           "Weekends, the holidays of TARGET, and the days that the operator added with --settlement-closed.",
	"get-asyncapi":           "Channels, messages and headers of the stream ORDERS, which --feed switches on; docs/stream.md says how to subscribe.",
	"get-order-event-schema": "JSON Schema 2020-12. Its id is the header ce-dataschema of every event. Members may be added, none is taken away.",
	"get-healthz":            "Answers as long as the process does, and asks neither the views nor the log. Needs no key.",
	"get-metrics":            "What the process counts and measures, for Prometheus.",
	"get-openapi":            "The description of this API that you are reading.",
	"get-readyz":             "200 when the service is ready, otherwise 503. Needs no key; the reason is for a caller with a key.",
	"list-breaks":            "One row for each break of an order: what contradicts itself, since when, and which notifications show it.",
	"get-notification":       "The body as it was received. What is known of its arrival is in the headers that begin with Notification.",
	"get-object":             "The body as it was received, of the notification that came last for the object.",
	"list-objects":           "Of each object its last notification, the latest first. An object that is notified meanwhile moves to the beginning of the list.",
	"search":                 "Whatever a person may have at hand. What is found is ordered by how exactly it is what was asked for; nothing found is an empty list.",
	"list-orders":            "An order is listed when it satisfies every parameter that is given. CSV and NDJSON are the whole list, without pages.",
	"get-order":              "The order as it is now, or with asOf or asOfSequence as it was known then.",
	"get-order-explanation":  "The fact that decides the status, and why the others do not.",
	"get-order-history":      "One entry for each notification: what it said, what it did and why, and the status after it.",
	"list-quarantine":        "Records that could not become part of an order or object, and why. They are kept, and can be decoded again.",
	"start-rebuild":          "Folds the log again beside the views that are served, compares, and switches. Needs a key of the role operator.",
	"cancel-rebuild":         "The views that are served stay as they are. Needs a key of the role operator.",
	"get-rebuild":            "How far it has come, or how it ended.",
	"redrive":                "Answers after some seconds at most; nextAfter says where to continue. Needs a key of the role operator.",
	"list-subscribers":       "What waits, what was not acknowledged, and who is stuck, as it was a second ago at most.",
	"add-subscriber":         "One that exists with the same settings is returned as it is, and with other settings refused. With the embedded server its user is made, and can connect at once. Needs a key of the role operator.",
	"remove-subscriber":      "Takes its consumer and, on the embedded server, its user away. What it has not got it never gets. Needs a key of the role operator.",
	"get-feed":               "For a subscriber that compares the last event that it has dealt with with what the feed has now; docs/stream.md says when.",
	"get-states":             "The tables that decide the status of an order and what counts as a break, which change with the program only, and the cycles of settlement, which --settlement sets.",
	"get-stats":              "Counts by status, asset class, break, settlement and object, of what awaits its settlement by day, and of the records in quarantine.",
	"get-throughput":         "Kept in memory for a day: a restart forgets it.",
	"get-status":             "Where the log ends, how far the views are, whether the service is ready, and why it is not.",
	"stream-orders":          streamDescription,
}
