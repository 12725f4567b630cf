package stdio

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// A dispatcher serves one client, from the start of Serve to its end.
type dispatcher struct {
	*responder
	cfg    Config
	server *server.MCPServer

	// Used only by the goroutine of the reader.
	lastNumber int64 // of a call
	backlog    backlog

	stop context.CancelFunc // makes ctx done when Serve waits no longer
}

func newDispatcher(ctx context.Context, s *server.MCPServer, out io.Writer, cfg Config) *dispatcher {
	d := &dispatcher{cfg: cfg, server: s, backlog: backlog{capacity: waitingCapacity(cfg.maxCalls)}}
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.responder = newResponder(ctx, newOutput(out, d.clientGone), cfg)
	return d
}

// start dispatches the messages of x, which was admitted, and responds to it if
// that completes it.
func (d *dispatcher) start(x *exchange) {
	for _, m := range x.messages {
		d.dispatch(x, m)
	}
	switch complete := x.complete(); {
	case complete && x.async:
		go d.respond(x) // the client may be slow to read the results of tools
	case complete:
		d.respond(x)
	}
}

// dispatch handles m or, if it is a tool call, starts a goroutine that does. Clients
// rely on that order: they send calls right after initialize.
func (d *dispatcher) dispatch(x *exchange, m message) {
	switch {
	case m.isResponse:
		if !d.session.receive(m) {
			d.log.Debug("response to no request ignored")
		}
	case m.isNotification() && m.fault != nil:
		d.log.Debug("notification ignored", "method", m.method, "reason", m.fault.text)
	case m.isNotification() && m.method == string(mcp.MethodNotificationCancelled):
		d.cancel(m)
	case m.isNotification():
		ctx := d.server.WithContext(d.ctx, d.session)
		guard(d.log, m.method, func() { d.server.HandleMessage(ctx, m.encode(0)) })
	default:
		d.request(x, m)
	}
}

func (d *dispatcher) cancel(m message) {
	if id := m.cancelledID(); id != nil {
		d.log.Debug("cancellation", "id", string(id))
		d.backlog.cancel(idKey(id))
		d.calls.cancel(idKey(id), errCancelled)
	}
}

// request starts the call that m asks for, or refuses it.
func (d *dispatcher) request(x *exchange, m message) {
	if f := d.refusal(x, m); f != nil {
		m.fault = f
	} else {
		d.session.noteVersion(m.version)
	}
	d.lastNumber++
	c := newCall(d.ctx, m, d.lastNumber, &x.reservation, d.out, func(ctx context.Context) context.Context {
		return d.server.WithContext(ctx, d.session.view(m))
	})
	if m.fault != nil {
		c.response = d.errorResponse(m.id, *m.fault)
	}
	refuse := func() []byte {
		return d.errorResponse(m.id, fault{mcp.INVALID_REQUEST, "id already in use"})
	}
	switch d.calls.add(x, c, refuse) {
	case waitTurn: // respond completes x
	case respond:
		d.complete(x)
	case runCall:
		if m.method == string(mcp.MethodToolsCall) {
			x.async = true
			go d.run(x, c)
		} else {
			d.run(x, c)
		}
	}
}

// refusal returns why the request m is refused, nil if it is not.
func (d *dispatcher) refusal(x *exchange, m message) *fault {
	switch {
	case x.batch && m.method == string(mcp.MethodInitialize):
		return &fault{mcp.INVALID_REQUEST, "initialize must not be part of a batch"}
	case m.fault != nil:
		return m.fault
	}
	return d.session.check(m)
}

// run runs a call.
func (d *dispatcher) run(x *exchange, c *call) {
	defer d.complete(x)
	defer c.stopHandler()
	if c.is(callCancelled) {
		return // before it began
	}
	began := time.Now()
	// The response if the handler panics or ends its goroutine.
	c.response, c.failed = d.errorResponse(c.id, fault{mcp.INTERNAL_ERROR, "internal error"}), true
	guard(d.log, c.method, func() {
		response := d.server.HandleMessage(c.handlerCtx, c.encode(c.number))
		if line, failed, err := encodeResponse(c.id, response); err != nil {
			d.log.Error("response cannot be encoded", "method", c.method, "type", fmt.Sprintf("%T", err))
		} else {
			c.response, c.failed = line, failed
		}
	})
	d.log.Debug("call ended", "method", c.method, "id", string(c.id), "failed", c.failed, "duration", time.Since(began))
}

// clientGone ends the session after a failed write.
func (d *dispatcher) clientGone(err error) {
	d.log.Warn("cannot write to the client", "error", err)
	d.admission.close()
	d.calls.cancelAll(errClientGone)
}
