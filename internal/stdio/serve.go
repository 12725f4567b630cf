// Package stdio serves MCP over a pair of streams, one JSON-RPC message per line,
// on top of [server.MCPServer.HandleMessage].
//
// A line takes this path: the codec reads it (linereader.go), decodes it into a frame
// of validated messages (frame.go, message.go, object.go, shape.go), and knows nothing
// of what follows. The reader (reader.go) makes an exchange of the frame and admits it,
// or keeps it in the backlog until there is capacity (admission.go, backlog.go). The
// dispatcher (dispatcher.go) starts a call for each request (call.go); tool calls run
// concurrently, everything else in order. A call hands its message to mcp-go, and may
// meanwhile report progress (notify.go) or ask the user (elicit.go). When all calls of
// an exchange have their responses (respond.go), they are encoded (encode.go) and
// written as one line (output.go).
//
// Every request gets one response, or the program learns that it did not: a tool
// whose result must not be lost, because it contains a secret that is shown once,
// registers with [OnUndelivered] what to do if it does not reach the client.
// [Progress] reports the progress of a call.
package stdio

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

// Config configures [Serve]. The zero value is ready for use.
type Config struct {
	// MaxLine is the limit for the bytes of a line; default 4 MiB. A longer line is
	// skipped without storing it, and the error response to it has no id.
	MaxLine int

	// Logger receives what happens to messages, never what they contain; nil: discard.
	Logger *slog.Logger

	// Hurry, once closed, ends Serve within five seconds: calls in flight are cut
	// off immediately, and the functions registered with OnUndelivered run. It may
	// be nil.
	Hurry <-chan struct{}

	maxCalls int // requests processed at once, before others wait; default 1000
}

const (
	defaultMaxLine  = 4 << 20
	defaultMaxCalls = 1000

	// maxWorkingBytes is how many bytes the lines of requests may have that are
	// processed at once, before others wait. A single longer line is processed
	// alone. Decoded, a line can take twenty times as much memory.
	maxWorkingBytes = 512 << 10

	// maxWaiting requests of maxWaitingBytes may wait for capacity, and as many
	// again for the user's answer.
	maxWaiting      = 1000
	maxWaitingBytes = 4 << 20

	// backlogPatience is how long reading pauses when no more requests can wait.
	// After that, they are refused.
	backlogPatience = time.Second

	// drainTimeout is how long calls in flight may take at the end.
	drainTimeout = time.Minute
)

// The causes, by [context.Cause], for which the context of a call is cancelled.
var (
	errCancelled  = errors.New("cancelled by the client")
	errClientGone = errors.New("the client is gone")
	errCutOff     = errors.New("cut off: the server is ending")
)

// Serve reads messages from in until it ends or ctx is done, responds on out, and
// returns after it has responded to every call in flight.
//
// Calls are not cancelled when ctx is done: they may finish within one minute. Calls
// that do not, or that are in flight when cfg.Hurry is closed, are cut off, and
// Serve returns an error that says how many. A client that closes out has left,
// which is no error: its calls are cancelled. For this, writing to a closed pipe must
// fail rather than end the program: if out is standard output, ignore SIGPIPE.
//
// A read that blocks cannot be interrupted portably. When ctx is done, a goroutine
// stays in in.Read until that returns; what it reads is dropped.
func Serve(ctx context.Context, s *server.MCPServer, in io.Reader, out io.Writer, cfg Config) error {
	cfg.MaxLine = cmp.Or(cfg.MaxLine, defaultMaxLine)
	cfg.maxCalls = cmp.Or(cfg.maxCalls, defaultMaxCalls)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))

	d := newDispatcher(ctx, s, out, cfg)
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
	case <-cfg.Hurry:
	case <-d.admission.closed:
	}
	d.admission.close()
	d.session.end()
	drainErr := d.drain()
	return errors.Join(readErr, writeError(d.out.failure()), drainErr)
}
