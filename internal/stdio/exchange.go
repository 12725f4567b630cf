package stdio

import (
	"slices"
	"sync/atomic"
)

// An exchange is a line from the client, the calls it starts and the line that
// responds to them.
type exchange struct {
	frame
	reservation reservation
	async       bool         // a call runs in another goroutine
	calls       []*call      // in the order of the line; complete when pending is 0
	pending     atomic.Int32 // calls without a response, plus one until all have been started
}

func newExchange(f frame) *exchange {
	x := &exchange{frame: f}
	x.reservation.bytes = f.size
	x.countRequests()
	x.pending.Store(1)
	return x
}

func (x *exchange) countRequests() {
	x.reservation.requests = 0
	for _, m := range x.messages {
		if m.needsCapacity() {
			x.reservation.requests++
		}
	}
}

// contains reports whether x contains a request with that id.
func (x *exchange) contains(key string) bool {
	return slices.ContainsFunc(x.messages, func(m message) bool { return m.isRequest() && m.key == key })
}

// complete counts a call that has its response. It returns true for the last one.
func (x *exchange) complete() bool { return x.pending.Add(-1) == 0 }

// refuse makes all requests of x fail for lack of capacity. It needs none then.
func (x *exchange) refuse() {
	for i := range x.messages {
		if m := &x.messages[i]; m.isRequest() && m.fault == nil {
			m.fault = &fault{serverBusy, "too many requests are waiting, so this one was not started. Send it again when others have been answered."}
		}
	}
	x.reservation = reservation{}
}

// cancelled returns a channel that is closed when all calls of x are cancelled.
func (x *exchange) cancelled() <-chan struct{} {
	if len(x.calls) == 1 {
		return x.calls[0].ctx.Done()
	}
	all := make(chan struct{})
	go func() {
		for _, c := range x.calls {
			<-c.ctx.Done() // at the latest when x ends
		}
		close(all)
	}()
	return all
}

// encode returns the line that responds to x with the responses of these calls.
func (x *exchange) encode(calls []*call) []byte {
	if !x.batch {
		return calls[0].response
	}
	responses := make([][]byte, len(calls))
	for i, c := range calls {
		responses[i] = c.response
	}
	return encodeBatch(responses)
}
