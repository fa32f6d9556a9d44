// Package subscribe follows the feed of order events for a service that wants to know of every order what it is now, why, and what it
// was before: it takes a snapshot where it has to, applies the feed's one rule, keeps its place in a store, and acknowledges what was
// dealt with. It is not a stream of notifications, and it knows nothing of the rules by which orders are folded.
package subscribe
