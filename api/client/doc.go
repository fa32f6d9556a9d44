// Package client calls the read API of Orderfold and follows its stream.
//
// It imports no other package of this module, so that other programs can use it. Every call takes a
// context and ends when the context ends. If the server answers with a problem, the error is an [*Error], which
// errors.Is compares with codes such as [ErrNotFound]. An unknown value is the zero value. The size
// of every answer is bounded.
//
// Only [Client.Watch] retries: it reconnects and continues after the last event.
package client
