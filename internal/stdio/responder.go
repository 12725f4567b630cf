package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// A responder writes the responses of calls. It contains the state that all calls of a
// client share.
type responder struct {
	log       *slog.Logger
	out       *output
	session   *session
	admission *admission
	calls     *registry
	ctx       context.Context // of all calls and OnUndelivered functions
}

func newResponder(ctx context.Context, out io.Writer, cfg Config) *responder {
	r := &responder{
		log:       cfg.Logger,
		admission: newAdmission(cfg.maxCalls),
		calls:     newRegistry(),
		ctx:       ctx,
	}
	r.out = newOutput(out, r.clientGone)
	r.session = newSession(newElicitor(r.out, r.admission))
	return r
}

// clientGone ends the session after a failed write.
func (r *responder) clientGone(err error) {
	level := slog.LevelWarn
	if IsClosed(err) { // an ordinary way to leave
		level = slog.LevelDebug
	}
	r.log.Log(r.ctx, level, "cannot write to the client", "error", err)
	r.admission.close()
	r.calls.cancelAll(errClientGone)
}

func (r *responder) errorResponse(id []byte, f codec.Fault) []byte {
	return codec.EncodeError(id, f, r.session.omitsNullID())
}

// callDone counts a call of x that has its response. After the last one, it responds to x.
func (r *responder) callDone(x *exchange) {
	if x.countDown() {
		r.respond(x)
	}
}

// respond writes the responses to x and ends it. It blocks while the client does not
// read; meanwhile, calls continue, and messages are read until the goroutine of the
// reader has a response to write itself.
func (r *responder) respond(x *exchange) {
	writeFailed := r.writeResponses(x)
	waiting, undelivered := r.calls.end(x, writeFailed)
	for _, w := range waiting {
		r.callDone(w)
	}
	if len(undelivered) == 0 {
		r.admission.release(&x.reservation)
		return
	}
	go func() {
		r.runUndelivered(undelivered)
		r.admission.release(&x.reservation)
	}()
}

// writeResponses writes the notifications that mcp-go has sent, because x may have
// caused them, and the responses to x. While it waits for the output, calls can still
// be cancelled.
func (r *responder) writeResponses(x *exchange) (writeFailed bool) {
	if len(x.calls) == 0 || !r.out.lock(x.cancelled()) {
		return false
	}
	defer r.out.unlock()
	for range len(r.session.notifications) {
		n := <-r.session.notifications
		guard(r.log, n.Method, func() {
			if line, err := json.Marshal(n); err == nil {
				_ = r.out.write(line) // the next write fails as well
			}
		})
	}
	claimed := r.calls.claim(x)
	defer r.calls.unclaim()
	return len(claimed) > 0 && r.out.write(x.encode(claimed)) != nil
}

// runUndelivered runs functions that were registered with OnUndelivered.
func (r *responder) runUndelivered(fs []func(context.Context)) {
	for _, f := range fs {
		guard(r.log, "undelivered", func() { f(r.ctx) })
	}
}

// guard runs f and logs a panic, but not its value, which may contain a secret.
func guard(log *slog.Logger, method string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic", "method", method, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	f()
}
