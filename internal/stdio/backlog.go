package stdio

import (
	"slices"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// A backlog is a queue of exchanges that were read but for which there is no capacity
// yet. Reading continues meanwhile, because the next message may free capacity: a
// cancellation, or the user's response.
type backlog struct {
	capacity
	queue []*exchange
}

// push appends x if it fits.
func (b *backlog) push(x *exchange) bool {
	if !b.fits(&x.reservation) {
		return false
	}
	b.acquire(&x.reservation)
	b.queue = append(b.queue, x)
	return true
}

// pop removes the first exchange.
func (b *backlog) pop() *exchange { return b.remove(0) }

func (b *backlog) remove(i int) *exchange {
	x := b.queue[i]
	b.release(&x.reservation)
	b.queue = slices.Delete(b.queue, i, i+1)
	return x
}

// cancel removes the requests with that id.
func (b *backlog) cancel(key string) {
	for i := len(b.queue) - 1; i >= 0; i-- {
		if !b.queue[i].contains(key) {
			continue
		}
		x := b.remove(i)
		x.Messages = slices.DeleteFunc(x.Messages, func(m codec.Message) bool { return m.IsRequest() && m.Key == key })
		if x.countRequests(); len(x.Messages) > 0 {
			b.acquire(&x.reservation)
			b.queue = slices.Insert(b.queue, i, x)
		}
	}
}

// contains reports whether a request with that id is waiting.
func (b *backlog) contains(key string) bool {
	return slices.ContainsFunc(b.queue, func(x *exchange) bool { return x.contains(key) })
}
