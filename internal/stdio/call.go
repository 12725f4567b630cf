package stdio

import (
	"context"
	"math"
	"sync"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// A call is one request of the client, from its receipt until its response has been
// written or is known never to be.
type call struct {
	codec.Message
	number      int64 // the id that mcp-go receives
	reservation *reservation
	out         *output

	ctx         context.Context // done when the call is cancelled or over
	stop        context.CancelCauseFunc
	handlerCtx  context.Context // of the handler: also done when that has returned
	stopHandler context.CancelFunc

	// Set by the goroutine that handles the call, before it calls callDone.
	response []byte // encoded
	failed   bool   // the response is an error

	mu          sync.Mutex
	state       callState
	undelivered []func(context.Context, Reason)

	progress float64 // last reported; guarded by the lock of out
}

// A callState is the state of the response to a call. The transitions:
//
//	open → writing → over      the response is written, or the write fails
//	open → cancelled → over    there is no response
//	any  → abandoned → over    Serve stopped waiting for the handler or the write
type callState int

const (
	callOpen      callState = iota // there is no response yet
	callCancelled                  // it will not be written
	callWriting                    // it is being written, and can no longer be cancelled
	callAbandoned                  // it counts as not delivered, even if a write still succeeds
	callOver                       // it was written, or never will be
)

// newCall returns a call whose context derives from parent. setUp returns the
// context of its handler, given that of the call.
func newCall(parent context.Context, m codec.Message, number int64, r *reservation, out *output, setUp func(context.Context) context.Context) *call {
	c := &call{Message: m, number: number, reservation: r, out: out, progress: math.Inf(-1)}
	c.ctx, c.stop = context.WithCancelCause(parent)
	c.handlerCtx, c.stopHandler = context.WithCancel(context.WithValue(setUp(c.ctx), callKey{}, c))
	return c
}

type callKey struct{}

// callFrom returns the call that the context of a handler belongs to.
func callFrom(ctx context.Context) (c *call, ok bool) {
	c, ok = ctx.Value(callKey{}).(*call)
	return c, ok
}

// A Reason says why the result of a call did not reach the client.
type Reason int

const (
	// NoResponse: the client received no response, because it cancelled the call
	// or because the response could not be written.
	NoResponse Reason = iota
	// ErrorResponse: the client received an error response.
	ErrorResponse
)

// OnUndelivered registers f to run after the handler has returned, unless the
// result of the call that ctx belongs to reaches the client: f runs if the call is
// cancelled, if its response is an error, or if the response cannot be written.
// Functions run in the order in which they were registered.
//
// The context of f is not cancelled with the call; it is done when Serve no longer waits. OnUndelivered returns false, and f does not run, if ctx belongs to no
// call or to one that is over.
func OnUndelivered(ctx context.Context, f func(context.Context, Reason)) bool {
	c, ok := callFrom(ctx)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != callOpen && c.state != callCancelled {
		return false
	}
	c.undelivered = append(c.undelivered, f)
	return true
}

// cancel cancels a call that is open.
func (c *call) cancel(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == callOpen {
		c.state = callCancelled
		c.stop(cause)
	}
}

// claim marks the response as being written. It returns false if the response must not be
// written.
func (c *call) claim() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != callOpen {
		return false
	}
	c.state = callWriting
	return true
}

// abandon marks the call as abandoned. It returns the functions that must run now.
func (c *call) abandon() []func(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = callAbandoned
	return c.takeUndelivered(NoResponse)
}

// end ends the call. If writing failed, or if the response was never claimed, the result
// is undelivered. end returns the functions that must run now.
func (c *call) end(writeFailed bool) (undelivered []func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case writeFailed || c.state != callWriting:
		undelivered = c.takeUndelivered(NoResponse)
	case c.failed:
		undelivered = c.takeUndelivered(ErrorResponse)
	}
	c.undelivered = nil
	c.state = callOver
	c.stop(nil)
	return undelivered
}

// takeUndelivered removes the registered functions, so that each runs once. The
// caller holds the lock.
func (c *call) takeUndelivered(reason Reason) (fs []func(context.Context)) {
	for _, f := range c.undelivered {
		fs = append(fs, func(ctx context.Context) { f(ctx, reason) })
	}
	c.undelivered = nil
	return fs
}

func (c *call) is(s callState) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == s
}
