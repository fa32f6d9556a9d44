// Package api reads orders, and what surrounds them, over HTTP.
//
// It passes every request that changes something to the part that owns it: [Rebuilds] and [Redrives]. It does not fold
// facts, know SQL or speak NATS: what it reads comes through the six interfaces [Views], [Objects], [Position], [Log],
// [History] and [Feed].
//
// # Manners
//
// Everything is under /v1 and described by /openapi.json, which is generated from the types of the handlers. A value not
// known is null; decimals are texts with the digits received; times are RFC 3339, in UTC as long as their year is one of 0001 to
// 9999 there; lists are {"data":[…],"nextCursor":…}. An order without a status is counted and filtered as "NONE".
//
// # Freshness
//
// Every answer to a caller who is let in, errors too, carries Log-Sequence: the last record of the log that the views had applied.
// The answer of /healthz does not, because it must not wait for the views. A
// request with minSequence waits until the views stand there (2 s, or Prefer: wait=<seconds>, at most 30) and is answered
// 503 view-behind otherwise; never with older data.
//
// # As of
//
// With asOfSequence or asOf an order, its history and its explanation are as they were known then, folded again from the
// order's own notifications; with both, both bounds hold. The answer waits, as for minSequence, until the views have applied
// what was known then: asOfSequence itself, or, for a time after the last record applied, all that the log holds. A time to
// come is now.
//
// # Stream
//
// /v1/stream is a snapshot of the orders that match and then every change, each with the sequence of the log as its id. One
// goroutine reads what changed and renders it once; the last changes are kept for all readers, who take from there what
// concerns them. So a reader is a position and a filter, not a queue, and who falls behind what is kept is cut off. Whoever
// comes back after longer is served from the views, a few at a time.
//
// An order that leaves a filter is found by the states it was in since the reader knew it, which its facts tell. What makes
// that hard is that a reader may know it as it was before the sequence it has come to: of changes that were read together, in
// pages, or sent by another server, it had some and not others. Such a reader is told of every order that ever matched.
//
// # Problems
//
// Every error is application/problem+json (RFC 9457). Callers branch on its code; [Problems] lists them.
//
// # Access
//
// With keys configured every path needs one, /metrics and /openapi.json too: what they contain is worth as much as a list,
// and Prometheus can send a key. Only /healthz and /readyz are open, because what probes them cannot keep a secret. A caller
// without a key learns from them that the process answers, and whether it is ready: the reason, and how many records there are,
// are for callers with a key. A caller who is refused costs neither a connection to the views nor a question to the log.
// Without keys only a loopback address may be served, and only by the names of this machine.
// Keys can be replaced while the API is served, see [access.KeyFile]. Requests are counted by key, or by address where there
// is none. Package access decides; this package answers.
package api
