// Package subscribe follows the feed of order events for a service that needs the current state of
// every order, its cause, and its previous state. The package takes a snapshot when needed, skips events
// whose state is not later than the known one, keeps its position in a store, and acknowledges processed
// events. It does not follow notifications, and does not know the rules by which orders are folded.
package subscribe
