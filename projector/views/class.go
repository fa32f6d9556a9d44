package views

// Classes returns the kinds of fault that put a record into quarantine. Every Quarantined.Class is
// one of them. A decoder that reports another class adds it here.
func Classes() []string {
	return []string{"not-json", "not-an-object", "no-order-id", "bad-order-id"}
}
