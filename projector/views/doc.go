// Package views stores the current order views and the position they stand at, in one transaction.
//
// It does not decode bodies, fold facts or know the log: it keeps what the projector gives it, and answers the questions
// of the read API. Only it and package list, which finds the rows of a page, know SQL (SQLite; one writer, many readers, also from
// other processes).
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
// A generation is complete in itself and is never migrated: a file that is damaged, or that was made by another fold version
// or schema, is left behind and a new generation begins with an empty position. The one before the live one is kept.
//
// # Reading from another process
//
// A store opened with ReadOnly takes no lock and cannot change an order. SQLite still lets its readers say in the -shm file
// which snapshot they use: the process needs permission to write the folder, or, when it has none, a projector that runs.
// It follows the file live to another generation by itself.
package views
