// Package platformtest is a simulated platform: it invents the lives of orders, posts what the platform would notify of
// them over HTTP, as late, as often and in as bad an order as asked, answers the platform's own API about them, and says which
// state every order should then be in.
//
// [Traffic] is the generator: a pure function of seed, start and index, so that nothing of it has to be kept.
// [Play] posts it. [WriteReport] tells what was posted and expected, [Compare] finds what a reader got differently.
// [Truth] is what it expects by: the rules of an order's state written down a second time, slowly and literally. It shares
// no code with package statemachine on purpose, and must not: two implementations that agree are the proof.
//
// [Server] is the API: token, GET order, undelivered webhooks, registration, with the oddities that are documented or were
// seen, and with faults as often as asked. Play with Options.Platform loses what Traffic.Lost says and tells the server what has
// happened; Server.Orders then says what each order is at the platform, which is not always what was notified of it.
//
// It is not the real platform: where that is not documented, it does what is worst for a receiver and still plausible. It
// never makes one id that two order objects report, nor times in the future, so source_conflict and clock_skew do not occur.
package platformtest
