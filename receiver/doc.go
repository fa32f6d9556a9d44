// Package receiver receives the notifications that the platform posts. It checks that they come
// from the platform, appends their bytes to the log, and answers 200 only when the log has them on
// disk.
//
// The package does not interpret notifications. It reads a body once, for two things only: whether
// the body is JSON, and the id of the object, from which the log derives a shard. Unknown statuses,
// types and fields are accepted.
//
// # Answers
//
// The checks are made in this order: method, path, Content-Length, credentials, the number of
// waiting requests, body (and memory for it), append.
//
//	stored                               200  empty, Log-Sequence: <n>
//	body is not JSON (stored anyway)     400  NOT_JSON, Log-Sequence: <n>
//	body empty, cut short or too slow    400  EMPTY_BODY, CUT_SHORT, TOO_SLOW
//	credentials missing or wrong         401  UNAUTHORIZED
//	unknown path, wrong method           404  NOT_FOUND, 405 METHOD_NOT_ALLOWED with Allow
//	larger than MaxBody, also if chunked 413  TOO_LARGE
//	too many requests or bytes waiting   503  BUSY, Retry-After
//	log unavailable, full or slow        503  LOG_UNAVAILABLE, Retry-After; the message reports
//	                                          whether the record may have been stored
//	the log refuses this one record      500  NOT_STORED, without Retry-After: repeating does not help
//	panic in the receiver                500  INTERNAL
//
// Every error has the form of the platform's ErrorMessage, with the code above as responseType. Every
// answer contains the header Request-Id: the caller's X-Request-Id or Request-Id, otherwise a new id.
// Requests that are not HTTP and headers over the limit are refused by net/http.
//
// GET /healthz answers 200 while the process runs. GET /readyz answers 200 if a notification would
// be stored, otherwise 503, with the reason for a caller with the credentials.
//
// A body with a Content-Encoding is stored as received, and answered with NOT_JSON.
package receiver
