// Package client asks the read API of Orderfold, and follows its stream.
//
// It stands alone: it imports nothing else of this module, so that other programs may. Every call takes a context and ends
// with it; a call that fails because of what the server says returns an [*Error], which errors.Is compares with codes such
// as [ErrNotFound]. A value that is not known is the zero value. What the server sends is read up to a bound.
//
// It does not retry, but for [Client.Watch], which comes back by itself and goes on where it was.
package client
