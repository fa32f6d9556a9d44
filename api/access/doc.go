// Package access decides which requests are allowed: keys and roles, key file, rate, origins,
// hosts.
//
// It examines HTTP requests without knowing what they mean. A Gate returns a decision; package api writes
// the answer.
package access
