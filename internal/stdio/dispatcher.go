package stdio

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// A dispatcher serves one client, from the start of Serve to its end.
type dispatcher struct {
	*responder // what all calls share: log, out, session, admission, calls, ctx
	cfg        Config
	server     *server.MCPServer

	// Used only by the goroutine of the reader.
	lastNumber int64 // of a call
	backlog    backlog

	stop context.CancelFunc // cancels ctx when Serve no longer waits
}

func newDispatcher(ctx context.Context, s *server.MCPServer, out io.Writer, cfg Config) *dispatcher {
	d := &dispatcher{cfg: cfg, server: s, backlog: backlog{capacity: waitingCapacity(cfg.maxCalls)}}
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.responder = newResponder(ctx, out, cfg)
	return d
}

// start dispatches the messages of x, which was admitted, and responds to it if all its
// calls have their responses.
func (d *dispatcher) start(x *exchange) {
	for _, m := range x.Messages {
		d.dispatch(x, m)
	}
	switch last := x.countDown(); {
	case last && x.async:
		go d.respond(x) // the client may be slow to read the results of tools
	case last:
		d.respond(x)
	}
}

// dispatch handles m or, if it may take long, starts a goroutine that does. Clients
// rely on that order: they send calls right after initialize.
func (d *dispatcher) dispatch(x *exchange, m codec.Message) {
	switch {
	case m.IsResponse:
		if !d.session.elicitor.receive(m) {
			d.log.Debug("response to no request ignored")
		}
	case m.IsNotification() && m.Fault != nil:
		d.log.Debug("notification ignored", "method", m.Method, "reason", m.Fault.Text)
	case m.IsNotification() && m.Method == string(mcp.MethodNotificationCancelled):
		d.cancel(m)
	case m.IsNotification():
		ctx := d.server.WithContext(d.ctx, d.session)
		guard(d.log, m.Method, func() { d.server.HandleMessage(ctx, m.Encode(0)) })
	default:
		d.request(x, m)
	}
}

func (d *dispatcher) cancel(m codec.Message) {
	if id := m.CancelledID(); id != nil {
		d.log.Debug("cancellation", "id", string(id))
		d.backlog.cancel(codec.IDKey(id))
		d.calls.cancel(codec.IDKey(id), errCancelled)
	}
}

// request starts a call for the request m, or refuses it.
func (d *dispatcher) request(x *exchange, m codec.Message) {
	if f := d.refusal(x, m); f != nil {
		m.Fault = f
	} else {
		d.session.noteVersion(m.Version)
	}
	d.lastNumber++
	c := newCall(d.ctx, m, d.lastNumber, &x.reservation, d.out, func(ctx context.Context) context.Context {
		return d.server.WithContext(ctx, d.session.view(m))
	})
	if m.Fault != nil {
		c.response = d.errorResponse(m.ID, *m.Fault)
	}
	refuse := func() []byte {
		return d.errorResponse(m.ID, codec.Fault{Code: mcp.INVALID_REQUEST, Text: "id already in use"})
	}
	switch d.calls.add(x, c, refuse) {
	case startWait: // callDone is called when the call with the same id is over: see respond
	case startRespond:
		d.callDone(x)
	case startRun:
		if mayTakeLong(m.Method) {
			x.async = true
			go d.run(x, c)
		} else {
			d.run(x, c)
		}
	}
}

// mayTakeLong reports whether a request may wait for something other than the client:
// tools and completion do.
func mayTakeLong(method string) bool {
	return method == string(mcp.MethodToolsCall) || method == string(mcp.MethodCompletionComplete)
}

// refusal returns why the request m is refused, nil if it is not.
func (d *dispatcher) refusal(x *exchange, m codec.Message) *codec.Fault {
	switch {
	case x.Batch && m.Method == string(mcp.MethodInitialize):
		return &codec.Fault{Code: mcp.INVALID_REQUEST, Text: "initialize must not be part of a batch"}
	case m.Fault != nil:
		return m.Fault
	}
	return d.session.check(m)
}

// run runs a call.
func (d *dispatcher) run(x *exchange, c *call) {
	defer d.callDone(x)
	defer c.stopHandler()
	if c.is(callCancelled) {
		return // before it started
	}
	start := time.Now()
	// The response if the handler panics or ends its goroutine.
	c.response, c.failed = d.errorResponse(c.ID, codec.Fault{Code: mcp.INTERNAL_ERROR, Text: "internal error"}), true
	guard(d.log, c.Method, func() {
		response := d.server.HandleMessage(c.handlerCtx, c.Encode(c.number))
		if line, failed, err := codec.EncodeResponse(c.ID, response); err != nil {
			d.log.Error("response cannot be encoded", "method", c.Method, "type", fmt.Sprintf("%T", err))
		} else {
			c.response, c.failed = line, failed
		}
	})
	attrs := []any{"method", c.Method, "id", string(c.ID), "failed", c.failed, "duration", time.Since(start)}
	// The name of a tool that does not exist may be anything, such as a misplaced key.
	if d.server.GetTool(c.Tool) != nil {
		attrs = append(attrs, "tool", c.Tool)
	}
	d.log.Debug("call ended", attrs...)
}
