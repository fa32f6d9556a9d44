// Package api serves orders, and the data around them, over HTTP.
//
// It passes every request that changes something to the part that owns it, such as [Rebuilds] and
// [Redrives]. It does not fold facts, know SQL or speak NATS: it reads through the six interfaces
// [Views], [Objects], [Position], [Log], [History] and [Feed].
//
// # Conventions
//
// Everything is under /v1 and described by /openapi.json, which is generated from the types of the
// handlers. An unknown value is null. Decimals are strings with the digits received. Times are RFC
// 3339, in UTC if their year in UTC is 0001 to 9999. Lists are {"data":[…],"nextCursor":…}. An
// order without a status is counted and filtered as "NONE".
//
// # Freshness
//
// Every answer to a caller who is let in, including errors, has the header Log-Sequence: the last
// record of the log that the views had applied. The answer of /healthz does not have it, because
// /healthz must not wait for the views. A request with minSequence waits until the views have
// applied that record (2 s, or Prefer: wait=<seconds>, at most 30). If they do not, the answer is
// 503 view-behind, never older data.
//
// # As of
//
// With asOfSequence or asOf, an order, its history and its explanation are shown as they were known
// at that moment, folded again from the order's own notifications. If both are given, both bounds
// apply. As for minSequence, the answer waits until the views have applied what was known at that
// moment: asOfSequence itself or, for a time after the last record applied, everything in the log.
// A time in the future means now.
//
// # Stream
//
// /v1/stream is a snapshot of the matching orders followed by every change, each with its sequence
// in the log as its id. One goroutine reads the changes and renders each of them once. The last
// changes are kept for all readers, and each reader takes those that concern it. So a reader is a
// position and a filter, not a queue. A reader that falls behind the kept changes is cut off. A
// reader that reconnects later than that is served from the views; only a few readers are served in
// this way at once.
//
// An order that leaves a filter is found by the states it had since the reader last knew it, which
// follow from its facts. The difficulty is that a reader may know an order as it was before the
// reader's own sequence: of the changes that were read together, in pages, or sent by another
// server, it may have received only some. Such a reader is sent every order that ever matched.
//
// # Problems
//
// Every error is application/problem+json (RFC 9457). Callers branch on its code; [Problems] lists
// them.
//
// # Access
//
// If keys are configured, every path needs one, even /metrics and /openapi.json: their content is
// as sensitive as a list, and Prometheus can send a key. Only /healthz and /readyz are open,
// because the probes that call them cannot keep a secret. They show a caller without a key that the
// process answers and whether it is ready; the reason and the number of records are only for
// callers with a key. A refused request causes neither a connection to the views nor a question to
// the log. Without keys, only a loopback address may be served, and only under the names of this
// machine. Keys can be replaced while the API is served, see [access.KeyFile]. Requests are counted
// by key, or by address if there is none. Package access decides who is let in; this package
// answers.
package api
