// Package views stores the current order views and their position, in one transaction.
//
// It does not decode bodies, fold facts or know the log: it stores what the projector passes to it,
// and answers the queries of the read API. Only this package and package list, which finds the rows
// of a page, contain SQL (SQLite; one writer, many readers, also from other processes).
//
// # On disk
//
// The views are a folder:
//
//	lock          held by the one process that writes
//	live          the number of the live generation, in decimal, and a newline; always replaced whole
//	orders-N.db   generation N, a SQLite file in WAL mode with its -wal and -shm beside it
//	draft-*       a generation in the making, which nobody reads, with a lock of its own
//
// A generation is complete in itself and is never migrated. A file that is damaged, or that was
// made by another fold version or schema, is left behind, and a new generation begins with an empty
// position. The generation before the live one is kept.
//
// # Reading from another process
//
// A store opened with ReadOnly takes no lock and cannot change an order. SQLite's readers still
// record in the -shm file which snapshot they use. So the process needs permission to write the
// folder; without it, a projector must be running. The store follows the file live to another
// generation by itself.
package views
