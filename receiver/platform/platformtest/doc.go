// Package platformtest simulates the platform. It invents lifecycles of orders, posts their
// notifications over HTTP with configurable delay, repetition and disorder, answers the platform's
// own API about them, and computes the expected state of every order.
//
// [Traffic] is the generator: a pure function of seed, start and index, so that nothing has to be
// stored. [Play] posts it. [WriteReport] writes what was posted and expected; [Compare] finds
// differences in a reader's view. [Truth] computes the expected state with a second, slow and
// literal implementation of the rules. It must not share code with package statemachine, because
// the agreement of two implementations is the proof.
//
// [Server] is the API: token, GET order, undelivered webhooks, registration, with documented and
// observed oddities, and with faults at configurable rates. Play with Options.Platform drops the
// notifications selected by Traffic.Lost and informs the server of all events. Server.Orders then
// returns the state of each order at the platform, which may differ from what was notified.
//
// Where the real platform is not documented, the simulation does what is worst for a receiver and
// still plausible. It never lets two order objects report one id, and never sends times in the
// future, so source_conflict and clock_skew do not occur.
package platformtest
