package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// A call is a request of the client's on its way to an answer.
type call struct {
	message
	conn     *conn
	number   int64 // its id for mcp-go
	exchange *exchange
	stream   bool // stays open until it is stopped

	live context.Context // until the call is dropped: cancelled, or over
	drop context.CancelCauseFunc
	ctx  context.Context // of the handler
	stop context.CancelFunc

	// Written by the goroutine that runs the call, before it completes it.
	answer []byte
	failed bool // the answer is an error

	// Guarded by the lock of inflight.
	state       state
	undelivered []func(context.Context)
	unanswered  []func(context.Context)
	waiting     []*call // refused for having the same id

	progress float64 // last reported; guarded by the turn of output
}

type callKey struct{}

// OnUndelivered registers f to be run, after the handler has returned, if the
// answer to the call that ctx belongs to does not reach the client: the call was
// cancelled, its answer turned out to be an error, or it could not be written. f
// gets a context that is not cancelled with the call; it ends when Serve can wait
// no longer. OnUndelivered returns false, and f will not be run, if ctx belongs to
// no call or to one that is over.
func OnUndelivered(ctx context.Context, f func(context.Context)) bool {
	c, ok := ctx.Value(callKey{}).(*call)
	return ok && c.conn.calls.register(c, &c.undelivered, f)
}

// OnUnanswered is like OnUndelivered, but f is not run if the client got an error
// for an answer: that error may tell what f would undo.
func OnUnanswered(ctx context.Context, f func(context.Context)) bool {
	c, ok := ctx.Value(callKey{}).(*call)
	return ok && c.conn.calls.register(c, &c.unanswered, f)
}

// Notify writes a notification to the client that ctx's call belongs to, at once
// and before the call's answer. For a call that was cancelled or is over nothing is
// written and an error returned.
//
// It waits for the client to read, but not once the call is cancelled.
func Notify(ctx context.Context, method string, params map[string]any) error {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return errors.New("no call to notify of")
	}
	return c.notify(method, params, nil)
}

// Progress tells the client how far the call that ctx belongs to has come, if the
// client asked for that. What does not exceed the progress reported before is
// dropped: the protocol wants it to increase. A total of 0 and an empty message are
// left out.
func Progress(ctx context.Context, progress, total float64, message string) error {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok || c.token == nil {
		return nil
	}
	params := map[string]any{"progressToken": c.token, "progress": progress}
	if total != 0 {
		params["total"] = total
	}
	if message != "" {
		params["message"] = message
	}
	return c.notify("notifications/progress", params, func() bool {
		if !(progress > c.progress) {
			return false
		}
		c.progress = progress
		return true
	})
}

// notify writes a notification if due, which may be nil, agrees.
func (c *call) notify(method string, params map[string]any, due func() bool) error {
	line, err := json.Marshal(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  string         `json:"method"`
		Params  map[string]any `json:"params,omitempty"`
	}{mcp.JSONRPC_VERSION, method, params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return c.conn.notify(c, line, due)
}

// take takes the functions to be run out of c, so that they are run once. The
// caller holds the lock of inflight.
func (c *call) take(delivered bool) (fs []func(context.Context)) {
	if !delivered {
		fs = append(fs, c.unanswered...)
	}
	if !delivered || c.failed {
		fs = append(fs, c.undelivered...)
	}
	c.undelivered, c.unanswered = nil, nil
	return fs
}

// request starts the call that m asks for or, if it is at fault, refuses it.
func (c *conn) request(x *exchange, m message) {
	if m.fault == nil {
		m.fault = c.session.refuses(m)
	}
	if m.fault == nil {
		c.session.used(m.version)
	}
	cl := c.newCall(x, m)
	refuse := func() []byte {
		return c.errorAnswer(m.id, fault{mcp.INVALID_REQUEST, "id already in use"})
	}
	switch s := c.calls.add(cl, refuse); {
	case s == wait:
	case s == ready:
		c.complete(x)
	case cl.stream:
		// A stream keeps no room: it would never give it up again.
		c.calls.release(x)
		x.async = true
		go c.listen(cl)
	case m.method == string(mcp.MethodToolsCall):
		x.async = true
		go c.run(cl)
	default:
		c.run(cl)
	}
}

func (c *conn) newCall(x *exchange, m message) *call {
	c.numbers++
	cl := &call{
		message:  m,
		conn:     c,
		number:   c.numbers,
		exchange: x,
		stream:   m.method == string(mcp.MethodSubscriptionsListen),
		progress: math.Inf(-1),
	}
	if m.fault == nil && cl.stream && c.calls.streams() >= maxStreams {
		m.fault = &fault{mcp.INVALID_REQUEST, "too many subscriptions"}
	}
	if m.fault != nil {
		cl.answer = c.errorAnswer(m.id, *m.fault)
	}
	cl.live, cl.drop = context.WithCancelCause(c.base)
	ctx := c.server.WithContext(cl.live, c.session.of(m))
	cl.ctx, cl.stop = context.WithCancel(context.WithValue(ctx, callKey{}, cl))
	return cl
}

// run runs a call to its end.
func (c *conn) run(cl *call) {
	defer c.complete(cl.exchange)
	defer cl.stop()
	c.work(cl)
}

func (c *conn) work(cl *call) {
	if c.calls.is(cl, cancelled) {
		return // before it began
	}
	began := time.Now()
	// What stands if the handler panics.
	cl.answer, cl.failed = c.errorAnswer(cl.id, fault{mcp.INTERNAL_ERROR, "internal error"}), true
	c.guard(cl.method, func() {
		response := c.server.HandleMessage(cl.ctx, cl.encode(cl.number))
		if answer, failed, err := encodeResponse(cl.id, response); err != nil {
			c.log.Error("answer cannot be encoded", "method", cl.method, "type", fmt.Sprintf("%T", err))
		} else {
			cl.answer, cl.failed = answer, failed
		}
	})
	c.log.Debug("call ended", "method", cl.method, "id", string(cl.id), "failed", cl.failed, "duration", time.Since(began))
}

// encodeResponse writes a response of mcp-go's with the client's own id.
func encodeResponse(id json.RawMessage, response mcp.JSONRPCMessage) (line []byte, failed bool, err error) {
	switch r := response.(type) {
	case mcp.JSONRPCResponse:
		switch result := r.Result.(type) {
		case *mcp.CallToolResult:
			failed = result.IsError
		case mcp.CallToolResult:
			failed = result.IsError
		case mcp.SubscriptionsListenResult:
			result.EnsureResultMeta().SetSubscriptionID(id)
		}
		body, err := json.Marshal(r.Result)
		return answer(id, "result", body), failed, err
	case mcp.JSONRPCError:
		body, err := json.Marshal(r.Error)
		return answer(id, "error", body), true, err
	}
	return nil, true, errors.New("no response")
}

// guard runs f and logs it if it panics: not with the value, which may hold
// anything.
func (c *conn) guard(method string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.log.Error("panic", "method", method, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	f()
}

// undelivered runs what was registered with OnUndelivered.
func (c *conn) undelivered(fs []func(context.Context)) {
	for _, f := range fs {
		c.guard("undelivered", func() { f(c.base) })
	}
}
