package projector

import "testing"

// ChunkEvents sets publishedAtOnce for a test.
func ChunkEvents(t testing.TB, events int) {
	before := publishedAtOnce
	publishedAtOnce = events
	t.Cleanup(func() { publishedAtOnce = before })
}

// PublishAtOnce sets passOrders for a test.
func PublishAtOnce(t testing.TB, orders int) {
	before := passOrders
	passOrders = orders
	t.Cleanup(func() { passOrders = before })
}

// CatchUpBy sets nearFeed for a test.
func CatchUpBy(t testing.TB, records uint64) {
	before := nearFeed
	nearFeed = records
	t.Cleanup(func() { nearFeed = before })
}
