// Package embedded runs the NATS server inside the process: its store and lock, accounts and users,
// restart after a failed disk, and damage after a crash.
//
// It knows nothing of records and does not connect to the server that it runs: package eventlog does
// both. It is the only package that imports nats-server.
//
// DESIGN.md says why it is built the way it is.
package embedded
