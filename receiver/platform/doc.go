// Package platform asks the platform for what it did not deliver, and appends the answers to the log.
//
// [Client] calls the documented API. [Asker] fetches orders that are new, have contradicting facts or
// have been quiet for too long, and appends the answers byte for byte, with the source "fetched".
// [Recoverer] appends the notifications that the platform could not deliver, with the source
// "recovered".
//
// The package does not fold records and does not know the rules of orders: [Orders] returns the
// orders to ask about. The answers are in the log, so that a replay needs no network.
package platform
