package stdio

import (
	"slices"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// An exchange is a line from the client, the calls it starts and the line that
// responds to them.
type exchange struct {
	codec.Frame
	reservation reservation
	async       bool         // a call runs in another goroutine
	calls       []*call      // in the order of the line; all of them when pending is 0
	pending     atomic.Int32 // calls without a response, plus one until all have been started
}

func newExchange(f codec.Frame) *exchange {
	x := &exchange{Frame: f}
	x.reservation.bytes = f.Size
	x.countRequests()
	x.pending.Store(1)
	return x
}

func (x *exchange) countRequests() {
	x.reservation.requests = 0
	for _, m := range x.Messages {
		if needsCapacity(m) {
			x.reservation.requests++
		}
	}
}

// needsCapacity reports whether m is a request that may have to wait for capacity.
// An initialize request never waits: the messages after it cannot be decoded without it.
func needsCapacity(m codec.Message) bool {
	return m.IsRequest() && m.Method != string(mcp.MethodInitialize)
}

// contains reports whether x contains a request with that id.
func (x *exchange) contains(key string) bool {
	return slices.ContainsFunc(x.Messages, func(m codec.Message) bool { return m.IsRequest() && m.Key == key })
}

// countDown counts down the calls without a response. It returns true for the last one.
func (x *exchange) countDown() (last bool) { return x.pending.Add(-1) == 0 }

// serverBusy is from the range of codes that JSON-RPC leaves to the server.
const serverBusy = -32000

// refuse makes all requests of x fail for lack of capacity, so that x needs none.
func (x *exchange) refuse() {
	for i := range x.Messages {
		if m := &x.Messages[i]; m.IsRequest() && m.Fault == nil {
			m.Fault = &codec.Fault{Code: serverBusy, Text: "too many requests are waiting, so this one was not started. Send it again when others have been answered."}
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
	if !x.Batch {
		return calls[0].response
	}
	responses := make([][]byte, len(calls))
	for i, c := range calls {
		responses[i] = c.response
	}
	return codec.EncodeBatch(responses)
}
