// Package stdio serves MCP over a pair of streams, one JSON-RPC message a line,
// on top of [server.MCPServer.HandleMessage].
//
// What it adds is a promise about answers. Every request is answered once, or
// somebody is told that it was not: a tool whose answer must not get lost, since
// it holds a secret that is shown once, registers with [OnUndelivered] what is to
// be undone if the answer does not reach the client. [Notify] and [Progress] write
// to the client during a call.
package stdio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Config is how [Serve] serves. The zero value is ready for use.
type Config struct {
	MaxLine  int           // bytes of one message; default 256 KiB
	MaxCalls int           // requests being worked on at once, before others have to wait; default 1000
	Drain    time.Duration // how long Serve waits at the end for calls in flight; default 60 s
	Logger   *slog.Logger  // nil: discard

	// Hurry, once closed, ends Serve within five seconds: calls in flight are cut
	// off at once, and what was registered with OnUndelivered is run. Nil: there is
	// no hurry.
	Hurry <-chan struct{}
}

const (
	// maxBytes of requests may be worked on before others have to wait. Decoded they
	// can take twenty times as much.
	maxBytes = 512 << 10
	// maxWaiting requests may wait for room, and their bytes may be maxWaitingBytes;
	// as many, again, may wait for the user's answer to a question.
	maxWaiting      = 1000
	maxWaitingBytes = 4 << 20
	// patience is how long reading pauses for room when that is full. What is too
	// much then is refused.
	patience = time.Second
	// maxStreams subscriptions may be open at once.
	maxStreams = 16
)

// A limit is how long the end may wait for something, and how long in a hurry.
type limit struct{ calm, hurried time.Duration }

var (
	// grace is for calls that were cut off to end, and for the functions given to
	// OnUndelivered to run.
	grace = limit{10 * time.Second, 4 * time.Second}
	// lastWords is for the functions of calls whose handlers do not end, and again
	// for all when they too are cut off, to log what they leave behind.
	lastWords = limit{3 * time.Second, 500 * time.Millisecond}
)

// The causes, by [context.Cause], for which the context of a call is cancelled.
var (
	ErrCancelled  = errors.New("cancelled by the client")
	ErrClientGone = errors.New("the client is gone")
	ErrCutOff     = errors.New("cut off: the server is ending")
)

// Serve reads messages from in until it ends or ctx is done, answers on out, and
// returns once every call in flight has been answered.
//
// Calls are not cancelled when ctx is done: they are finished, and cut off only
// when cfg.Drain is over or cfg.Hurry is closed; the error then says how many. A client that closes out
// has left, which is no error: its calls are cancelled with [ErrClientGone]. For
// this, writing to a closed pipe must fail rather than end the program: if out is
// standard output, ignore SIGPIPE.
//
// A read that blocks cannot be interrupted portably. When ctx is done, a goroutine
// stays in in.Read until that returns; what it reads is dropped.
func Serve(ctx context.Context, s *server.MCPServer, in io.Reader, out io.Writer, cfg Config) error {
	c := newConn(ctx, s, out, cfg)
	defer c.giveUp()
	if err := s.RegisterSession(c.base, c.session); err != nil {
		return err
	}
	defer s.UnregisterSession(c.base, c.session.id)

	defer context.AfterFunc(ctx, func() {
		if n := c.calls.len(); n > 0 {
			c.log.Info("ending when the calls in flight are finished", "calls", n)
		}
	})()
	end := make(chan error, 1)
	go func() { end <- c.read(newLines(in, c.cfg.MaxLine)) }()
	var readErr error
	select {
	case readErr = <-end:
	case <-ctx.Done():
	case <-cfg.Hurry:
	case <-c.calls.closed:
	}
	c.calls.close(nil)
	c.session.asked.end()
	drainErr := c.drain()
	return errors.Join(readErr, c.writeError(), drainErr)
}

// A conn is one client, from the start of Serve to its end.
type conn struct {
	server  *server.MCPServer
	session *session
	cfg     Config
	log     *slog.Logger
	out     output
	calls   *inflight
	left    sync.Once

	// For the reading goroutine.
	numbers int64 // of calls so far
	backlog backlog

	base   context.Context // of all calls; ends when Serve waits no longer
	giveUp context.CancelFunc
}

func newConn(ctx context.Context, s *server.MCPServer, out io.Writer, cfg Config) *conn {
	cfg.MaxLine = cmp.Or(cfg.MaxLine, 256<<10)
	cfg.MaxCalls = cmp.Or(cfg.MaxCalls, 1000)
	cfg.Drain = cmp.Or(cfg.Drain, time.Minute)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	c := &conn{
		server:  s,
		session: newSession(),
		cfg:     cfg,
		log:     cfg.Logger,
		out:     output{w: out, turn: make(chan struct{}, 1)},
		calls:   newInflight(cfg),
		backlog: backlog{capacity: waiting(cfg)},
	}
	c.base, c.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	return c
}

// receive dispatches the messages of x and, if all is done by then, answers them.
func (c *conn) receive(x *exchange) {
	for _, m := range x.messages {
		c.dispatch(x, m)
	}
	switch done := c.calls.complete(x); {
	case done && x.async:
		go c.deliver(x)
	case done:
		c.deliver(x)
	}
}

// dispatch does what m asks for, or starts it. All but tool calls and
// subscriptions is done when dispatch returns: that is the order clients rely on,
// who send calls right behind initialize.
func (c *conn) dispatch(x *exchange, m message) {
	switch {
	case m.reply:
		c.session.asked.replied(c.log, m)
	case m.notification() && m.fault != nil:
		c.log.Debug("notification ignored", "method", m.method, "reason", m.fault.text)
	case m.notification() && m.method == string(mcp.MethodNotificationCancelled):
		c.cancelled(m)
	case m.notification():
		c.notified(m)
	case x.batch && m.method == string(mcp.MethodInitialize):
		m.fault = &fault{mcp.INVALID_REQUEST, "initialize must not be part of a batch"}
		fallthrough
	default:
		c.request(x, m)
	}
}

func (c *conn) cancelled(m message) {
	if id := m.requestID(); id != nil {
		c.log.Debug("cancellation", "id", string(id))
		c.backlog.withdraw(idKey(id))
		c.calls.cancel(idKey(id), ErrCancelled)
	}
}

func (c *conn) notified(m message) {
	ctx := c.server.WithContext(c.base, c.session)
	c.guard(m.method, func() { c.server.HandleMessage(ctx, m.encode(0)) })
}

// drain waits for what is in flight.
func (c *conn) drain() error {
	began := time.Now()
	idle := make(chan struct{})
	go func() {
		c.calls.work.Wait()
		close(idle)
	}()
	if c.within(idle, limit{calm: c.cfg.Drain}) {
		return nil
	}
	n := c.calls.len()
	took := time.Since(began).Round(time.Millisecond)
	c.calls.close(ErrCutOff)
	c.log.Warn("calls in flight were cut off", "calls", n, "after", took)
	go c.undelivered(c.calls.abandon())
	finished := c.within(idle, grace)
	if !finished {
		// Handlers that have not returned may hold what would be lost.
		last := c.calls.abandonAll()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.undelivered(last)
		}()
		c.within(done, lastWords)
		c.giveUp()
		c.within(idle, lastWords)
	}
	if n == 0 && finished {
		return nil
	}
	return fmt.Errorf("%d calls still in flight after %v: %w", n, took, ErrCutOff)
}

// within reports whether done is closed within the limit.
func (c *conn) within(done <-chan struct{}, l limit) bool {
	calm := time.NewTimer(l.calm)
	defer calm.Stop()
	select {
	case <-done:
		return true
	case <-calm.C:
		return false
	case <-c.cfg.Hurry:
	}
	hurried := time.NewTimer(l.hurried)
	defer hurried.Stop()
	select {
	case <-done:
		return true
	case <-calm.C:
	case <-hurried.C:
	}
	return false
}

// lost ends the session after a failed write: what was written last may end in
// the middle of a line, so nothing can follow it.
func (c *conn) lost(err error) {
	c.left.Do(func() { c.log.Warn("cannot write to the client", "error", err) })
	c.calls.close(ErrClientGone)
}

// writeError returns what went wrong with writing, unless it is that the client
// closed its end, an ordinary way to leave.
func (c *conn) writeError() error {
	err := c.out.failure()
	for _, left := range []error{nil, io.ErrClosedPipe, os.ErrClosed, syscall.EPIPE} {
		if errors.Is(err, left) {
			return nil
		}
	}
	// Windows has two more words for it: ERROR_BROKEN_PIPE and ERROR_NO_DATA.
	if runtime.GOOS == "windows" && (errors.Is(err, syscall.Errno(109)) || errors.Is(err, syscall.Errno(232))) {
		return nil
	}
	return fmt.Errorf("write: %w", err)
}
