// Package platformtest simulates the platform. It generates lifecycles of orders, posts their
// notifications over HTTP with configurable delay, repetition and disorder, answers the requests of
// the platform's API about them, and computes the expected state of every order.
//
// [Traffic] is the generator: a pure function of seed, start and index, so that nothing has to be
// stored. [Play] posts the traffic. [WriteReport] writes what was posted and what is expected;
// [Compare] returns the differences between an order view and the expected state. [Truth] computes the
// expected state with a second, slow and literal implementation of the rules. It must not share code
// with package statemachine, because the proof is that two implementations agree.
//
// [Server] implements the platform's API: token, GET order, undelivered webhooks, registration. It has
// the documented and observed peculiarities, and faults at configurable rates. Play with
// Options.Platform leaves out the notifications that Traffic.Lost selects, and makes all events happen
// at the server. Server.Orders then returns the state of each order at the platform, which may differ
// from what was posted.
//
// Where the behaviour of the real platform is not documented, the simulation does the worst for a
// receiver that is plausible. It never uses one id for two order objects, and never sends times in the
// future, so the breaks source_conflict and clock_skew do not occur.
package platformtest
