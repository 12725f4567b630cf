// Package stdio serves MCP over a pair of streams, one JSON-RPC message per line,
// on top of [server.MCPServer.HandleMessage].
//
// A line takes this path: package codec reads it and decodes it into a frame of
// validated messages. The reader makes an exchange of the frame (exchange.go) and
// starts it, or keeps it in the backlog until there is capacity (reader.go, backlog.go,
// admission.go). The dispatcher starts a call for each request: tool calls and completion
// run concurrently, everything else in order (dispatcher.go, call.go). A call hands its
// message to mcp-go, and may meanwhile report progress (progress.go) or ask the user
// (elicit.go). When all calls of an exchange have their responses, the responder writes
// these as one line (responder.go, output.go). At the end, Serve waits for the calls in
// flight (drain.go).
//
// A tool whose result must not be lost, because it contains a secret that is shown only
// once, registers with [OnUndelivered] what to do if the result does not reach the client.
// [Progress] reports the progress of a call.
package stdio

import (
	"context"
	"errors"
	"io"

	"github.com/mark3labs/mcp-go/server"
)

// Serve reads messages from in until it ends or ctx is done, responds on out, and
// returns after it has responded to every call in flight.
//
// Calls are not cancelled when ctx is done: they may finish within one minute. Calls
// that do not, or that are in flight when cfg.CutOff is closed, are cut off, and Serve
// returns an error that contains their number. If the client closes out, its calls are
// cancelled, and Serve returns no error. Writing to a closed pipe must then fail and not
// end the program: if out is standard output, ignore SIGPIPE.
//
// A read that blocks cannot be interrupted portably. When ctx is done, a goroutine
// remains until in.Read returns; what it reads is dropped.
func Serve(ctx context.Context, s *server.MCPServer, in io.Reader, out io.Writer, cfg Config) error {
	d := newDispatcher(ctx, s, out, cfg.withDefaults())
	defer d.stop()
	if err := s.RegisterSession(d.ctx, d.session); err != nil {
		return err
	}
	defer s.UnregisterSession(d.ctx, d.session.id)
	defer context.AfterFunc(ctx, func() {
		if n := d.calls.len(); n > 0 {
			d.log.Info("ending when the calls in flight are finished", "calls", n)
		}
	})()

	end := make(chan error, 1)
	go func() { end <- newReader(d, in).run() }()
	var readErr error
	select {
	case readErr = <-end:
	case <-ctx.Done():
	case <-cfg.CutOff:
	case <-d.admission.closed:
	}
	d.admission.close()
	d.session.elicitor.end()
	drainErr := d.drain()
	return errors.Join(readErr, writeError(d.out.failure()), drainErr)
}
