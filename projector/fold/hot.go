package fold

import "github.com/orderfold/orderfold/projector/views"

// hotOrders keeps the most recently used orders, at least size and at most twice as many. When young is
// full it becomes old, and the previous old is dropped with the orders that were not used since.
type hotOrders struct {
	size       int
	young, old map[string]*views.Entry
}

func newHotOrders(size int) *hotOrders {
	h := &hotOrders{size: size}
	h.clear()
	return h
}

func (h *hotOrders) clear() { h.young, h.old = map[string]*views.Entry{}, nil }

func (h *hotOrders) get(id string) *views.Entry {
	if o := h.young[id]; o != nil {
		return o
	}
	o := h.old[id]
	if o != nil {
		h.put(id, o)
	}
	return o
}

func (h *hotOrders) put(id string, o *views.Entry) {
	if len(h.young) >= h.size {
		h.young, h.old = make(map[string]*views.Entry, h.size), h.young
	}
	h.young[id] = o
}
