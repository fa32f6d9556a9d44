// Package receiver takes the notifications that the platform posts: it checks that they come from the platform, appends
// their bytes to the log, and says yes only when the log has them on disk.
//
// It does not know what a notification means. It looks into a body for two things only, in one pass: whether it is JSON,
// and the id of the object, by which the log picks a shard. Unknown statuses, types and fields are none of its business.
//
// # Answers
//
// Checks are made in this order: method, path, announced size, credentials, free place, body (with room for it), append.
//
//	stored                               200  empty, Log-Sequence: <n>
//	body is not JSON (stored all the same) 400  NOT_JSON, Log-Sequence: <n>
//	body empty, cut short or too slow    400  EMPTY_BODY, CUT_SHORT, TOO_SLOW
//	credentials missing or wrong         401  UNAUTHORIZED
//	unknown path, wrong method           404  NOT_FOUND, 405 METHOD_NOT_ALLOWED with Allow
//	larger than MaxBody, chunked too     413  TOO_LARGE
//	too many requests or bytes waiting   503  BUSY, Retry-After
//	log unavailable, full or slow        503  LOG_UNAVAILABLE, Retry-After; the message says whether it is not stored
//	                                          or whether that is unknown
//	the log refuses this one record      500  NOT_STORED, without Retry-After: repeating does not help
//	fault in the receiver                500  INTERNAL
//
// Every error is an ErrorMessage as the platform defines it, its responseType the word above. Every answer carries
// Request-Id: the caller's X-Request-Id or Request-Id, otherwise a new one. Requests that are not HTTP at all, and headers
// over the limit, are refused by net/http in its own words.
//
// GET /healthz answers 200 while the process lives; GET /readyz answers whether a notification would be stored, 200 or
// 503, with the reason for a caller who has the credentials.
//
// A body in a Content-Encoding is kept as it came; it is not JSON, and answered so.
package receiver
