package projector

import "testing"

// ChunkEvents has so many events published at once.
func ChunkEvents(t testing.TB, events int) {
	before := publishedAtOnce
	publishedAtOnce = events
	t.Cleanup(func() { publishedAtOnce = before })
}

// PublishAtOnce has so many orders of a revision published at once.
func PublishAtOnce(t testing.TB, orders int) {
	before := passOrders
	passOrders = orders
	t.Cleanup(func() { passOrders = before })
}

// CatchUpBy has a publisher fold so many records again at once.
func CatchUpBy(t testing.TB, records uint64) {
	before := nearFeed
	nearFeed = records
	t.Cleanup(func() { nearFeed = before })
}
