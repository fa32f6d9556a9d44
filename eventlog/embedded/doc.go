// Package embedded runs the NATS server inside the process. It manages the server's store and lock,
// its accounts and users, the restart after a failed disk, and damage after a crash.
//
// It knows nothing of records and does not connect to the server that it runs; package eventlog
// does both. It is the only package that imports nats-server.
//
// DESIGN.md gives the reasons for its design.
package embedded
