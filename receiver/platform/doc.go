// Package platform asks the platform what it did not tell, and appends the answers to the log like everything else.
//
// [Client] speaks the documented API. [Asker] fetches orders that are new, contradict themselves or have been quiet for too
// long, and appends the answers as they came, with the source "fetched". [Recoverer] appends the notifications that the
// platform could not deliver, with the source "recovered".
//
// It does not fold, and does not know what an order is: which orders there are comes through [Orders]. What was asked and
// answered is in the log, so that a replay needs no network.
package platform
