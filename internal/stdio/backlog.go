package stdio

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// A backlog holds the requests that were read but have no room yet, in their
// order. Reading goes on meanwhile, since what comes behind them may make room:
// the user's answer to a question, or a cancellation.
type backlog struct {
	capacity
	queue []*exchange
}

// put appends x if it fits.
func (b *backlog) put(x *exchange) bool {
	if !b.fits(x) {
		return false
	}
	b.add(x, 1)
	b.queue = append(b.queue, x)
	return true
}

// take removes what is at i in the queue.
func (b *backlog) take(i int) *exchange {
	x := b.queue[i]
	b.add(x, -1)
	b.queue = slices.Delete(b.queue, i, i+1)
	return x
}

// withdraw removes the requests with that id, which were cancelled.
func (b *backlog) withdraw(key string) {
	for i := len(b.queue) - 1; i >= 0; i-- {
		if !b.queue[i].has(key) {
			continue
		}
		x := b.take(i)
		x.messages = slices.DeleteFunc(x.messages, func(m message) bool { return m.request() && m.key == key })
		if x.sized(x.bytes); len(x.messages) > 0 {
			b.add(x, 1)
			b.queue = slices.Insert(b.queue, i, x)
		}
	}
}

// has reports whether a request with that id is waiting.
func (b *backlog) has(key string) bool {
	return slices.ContainsFunc(b.queue, func(x *exchange) bool { return x.has(key) })
}

// has reports whether a request of x has that id.
func (x *exchange) has(key string) bool {
	return slices.ContainsFunc(x.messages, func(m message) bool { return m.request() && m.key == key })
}

// A reader reads lines and starts what they ask for. All of it is done by one
// goroutine.
type reader struct {
	*conn
	lines   *lines
	next    chan input // what was read in the background
	reading bool       // in the background
	stalled bool       // the backlog was full for some time, and nothing of it could be started since
}

type input struct {
	line []byte
	long *outline
	err  error
}

// read receives lines until there are no more, or no more are wanted.
func (c *conn) read(l *lines) error {
	r := &reader{conn: c, lines: l, next: make(chan input, 1)}
	for {
		// Calls that were just started run now, rather than when another thread has
		// been woken for them: reading blocks this one.
		runtime.Gosched()
		in, ok := r.line()
		switch {
		case !ok:
			return nil
		case errors.Is(in.err, io.EOF):
			r.startAll()
			return nil
		case in.err != nil:
			r.startAll()
			return fmt.Errorf("read: %w", in.err)
		}
		if !r.accept(c.exchange(in.line, in.long)) {
			return nil
		}
	}
}

// line returns the next line. While it waits for it, it starts what there is room
// for. It returns false once nothing more is admitted.
func (r *reader) line() (in input, ok bool) {
	if len(r.backlog.queue) == 0 && !r.reading {
		in.line, in.long, in.err = r.lines.next()
		return in, true
	}
	if !r.reading {
		r.reading = true
		go func() {
			line, long, err := r.lines.next()
			r.next <- input{line, long, err}
		}()
	}
	for {
		select {
		case in = <-r.next:
			r.reading = false
			return in, true
		case <-r.calls.room:
			r.start()
		case <-r.calls.closed:
			return in, false
		}
	}
}

// accept starts x, or keeps it until there is room. It returns false once nothing
// more is admitted.
func (r *reader) accept(x *exchange) bool {
	if len(r.backlog.queue) == 0 || x.requests == 0 {
		switch r.calls.admit(x) {
		case admitted:
			r.receive(x)
			return true
		case ending:
			return false
		}
	}
	for !r.backlog.put(x) {
		room, open := r.awaitRoom(x)
		switch {
		case !open:
			return false
		case !room:
			return r.accept(x.refused())
		}
	}
	r.overtake(x)
	return true
}

// awaitRoom waits while the backlog is full. It returns false for room after a
// while in which nothing was started: what comes behind x must be read even so.
func (r *reader) awaitRoom(x *exchange) (room, open bool) {
	wait := patience
	if r.stalled {
		wait = 0
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	late := timer.C
	if r.idInUse(x) {
		late = nil // its refusal would have to wait for the request before it
	}
	for {
		select {
		case <-r.calls.room:
			if r.start() {
				return true, true
			}
		case <-r.calls.closed:
			return false, false
		case <-late:
			r.stalled = true
			return false, true
		}
	}
}

func (r *reader) idInUse(x *exchange) bool {
	return slices.ContainsFunc(x.messages, func(m message) bool {
		return m.request() && (r.backlog.has(m.key) || r.calls.has(m.key))
	})
}

// start starts what there is room for, and reports whether that was anything.
func (r *reader) start() (started bool) {
	for len(r.backlog.queue) > 0 && r.calls.admit(r.backlog.queue[0]) == admitted {
		r.receive(r.backlog.take(0))
		started, r.stalled = true, false
	}
	return started
}

// startAll starts all that waits, when there is room, unless nothing more is
// admitted before.
func (r *reader) startAll() {
	for r.start(); len(r.backlog.queue) > 0; r.start() {
		select {
		case <-r.calls.room:
		case <-r.calls.closed:
			return
		}
	}
}

// overtake does at once what a batch in the backlog contains besides requests.
func (r *reader) overtake(x *exchange) {
	all := x.messages
	x.messages = slices.DeleteFunc(slices.Clone(all), func(m message) bool { return !m.request() })
	for _, m := range all {
		if !m.request() {
			r.dispatch(x, m)
		}
	}
}

// refused returns x with its requests refused for want of room. It takes none.
func (x *exchange) refused() *exchange {
	for i := range x.messages {
		if m := &x.messages[i]; m.request() && m.fault == nil {
			m.fault = &fault{serverBusy, "too many requests are waiting, so this one was not started. Send it again when others have been answered."}
		}
	}
	x.requests, x.bytes = 0, 0
	return x
}

// serverBusy is a code that JSON-RPC leaves to the server.
const serverBusy = -32000

// takesRoom reports whether m is a request that counts. Without initialize, what is
// behind it cannot be understood, so that never waits.
func (m message) takesRoom() bool {
	return m.request() && m.method != string(mcp.MethodInitialize)
}
