package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// An exchange is a line from the client and the line that answers it.
type exchange struct {
	messages []message
	batch    bool
	async    bool // it has calls that must not keep the reading goroutine, not even by their answers

	// The room it takes; from its admission on guarded by the lock of inflight.
	requests, bytes int

	// Guarded by the lock of inflight.
	asking  bool    // its room is among that of exchanges whose calls asked the user
	calls   []*call // in the order of the line
	pending int     // calls that have no answer yet, and one until all are known
}

func newExchange(messages ...message) *exchange {
	return &exchange{messages: messages, requests: 1, pending: 1}
}

// exchange takes a line apart; of one that is too long there is only an outline.
func (c *conn) exchange(line []byte, long *outline) *exchange {
	switch {
	case long != nil:
		return c.tooLong(long)
	case len(line) == 0:
		return newExchange().sized(0)
	case line[0] == '[':
		return c.parseBatch(line)
	}
	return newExchange(parse(line)).sized(len(line))
}

// parseBatch reads a batch. It may not hold more than what may be in flight at
// once, or there would never be room for it.
func (c *conn) parseBatch(line []byte) *exchange {
	var elements []json.RawMessage
	var f *fault
	switch f = wellFormed(line); {
	case f != nil:
	case !c.session.batches():
		f = &fault{mcp.INVALID_REQUEST, "batches are not part of this protocol revision"}
	case json.Unmarshal(line, &elements) != nil:
		f = &fault{mcp.PARSE_ERROR, "not valid JSON"}
	case len(elements) == 0:
		f = &fault{mcp.INVALID_REQUEST, "empty batch"}
	case len(elements) > c.cfg.MaxCalls:
		f = &fault{mcp.INVALID_REQUEST, fmt.Sprintf("a batch must not have more than %d messages", c.cfg.MaxCalls)}
	}
	if f != nil {
		return newExchange(message{fault: f}).sized(0)
	}
	x := newExchange()
	x.batch = true
	for _, element := range elements {
		x.messages = append(x.messages, parse(element))
	}
	return x.sized(len(line))
}

func (c *conn) tooLong(o *outline) *exchange {
	f := &fault{mcp.INVALID_REQUEST, fmt.Sprintf("message longer than %d bytes", c.cfg.MaxLine)}
	m := message{id: o.requestID(), fault: f}
	if m.id != nil {
		m.key = idKey(m.id)
	}
	return newExchange(m).sized(0)
}

// sized sets the room x takes.
func (x *exchange) sized(n int) *exchange {
	x.requests, x.bytes = 0, n
	for _, m := range x.messages {
		if m.takesRoom() {
			x.requests++
		}
	}
	return x
}

// complete is called for each call of x that has its answer, and once when all its
// calls are known. The last to come delivers the answers.
func (c *conn) complete(x *exchange) {
	if c.calls.complete(x) {
		c.deliver(x)
	}
}

// deliver writes the answers of x. That blocks while the client does not read;
// calls go on, and messages are read until the reading goroutine has an answer to
// write itself.
func (c *conn) deliver(x *exchange) {
	err := c.write(x)
	if err != nil {
		c.lost(err)
	}
	waiting, undelivered := c.calls.end(x, err == nil)
	for _, w := range waiting {
		c.complete(w.exchange)
	}
	if len(undelivered) == 0 {
		c.finish(x)
		return
	}
	go func() {
		c.undelivered(undelivered)
		c.finish(x)
	}()
}

func (c *conn) finish(x *exchange) {
	c.calls.release(x)
	c.calls.work.Done()
}

// write writes the notifications that wait, since they may belong to x, and the
// answers of x. Until it is their turn, calls can be cancelled.
func (c *conn) write(x *exchange) error {
	if len(x.calls) == 0 || !c.out.lock(x.unwanted()) {
		return nil
	}
	defer c.out.unlock()
	for range len(c.session.notifications) {
		n := <-c.session.notifications
		c.guard(n.Method, func() {
			if line, err := json.Marshal(n); err == nil {
				_ = c.out.write(line) // the next write fails as well
			}
		})
	}
	claimed := c.calls.claim(x)
	defer c.calls.written()
	if len(claimed) == 0 {
		return c.out.failure()
	}
	return c.out.write(x.line(claimed))
}

// unwanted returns a channel that is closed when no call of x is alive.
func (x *exchange) unwanted() <-chan struct{} {
	if len(x.calls) == 1 {
		return x.calls[0].live.Done()
	}
	unwanted := make(chan struct{})
	go func() {
		for _, c := range x.calls {
			<-c.live.Done() // at the latest when x ends
		}
		close(unwanted)
	}()
	return unwanted
}

// line returns what answers x: a batch is answered by an array.
func (x *exchange) line(calls []*call) []byte {
	if !x.batch {
		return calls[0].answer
	}
	answers := make([][]byte, len(calls))
	for i, c := range calls {
		answers[i] = c.answer
	}
	return append(append([]byte("["), bytes.Join(answers, []byte(","))...), ']')
}

// notify writes a notification for cl, unless cl was cancelled or answered, or due
// has objections.
func (c *conn) notify(cl *call, line []byte, due func() bool) error {
	if !c.out.lock(cl.live.Done()) {
		return context.Cause(cl.live)
	}
	written := make(chan error, 1)
	go func() { // it may be stuck, but a cancelled handler must not be
		defer c.out.unlock()
		written <- c.notifyNow(cl, line, due)
	}()
	select {
	case err := <-written:
		return err
	case <-cl.live.Done():
		return context.Cause(cl.live)
	}
}

func (c *conn) notifyNow(cl *call, line []byte, due func() bool) error {
	if !c.calls.is(cl, open) {
		return context.Cause(cl.live)
	}
	if due != nil && !due() {
		return nil
	}
	err := c.out.write(line)
	if err != nil {
		c.lost(err)
	}
	return err
}

// tell writes a line that belongs to no call, without waiting for it.
func (c *conn) tell(line []byte) {
	c.calls.work.Go(func() {
		if !c.out.lock(c.calls.closed) {
			return
		}
		defer c.out.unlock()
		if err := c.out.write(line); err != nil {
			c.lost(err)
		}
	})
}

// An output writes lines. Its lock comes before that of inflight.
type output struct {
	w io.Writer
	// turn is the lock: full while a line is written, which takes as long as the
	// client does not read. Waiting for it can therefore be given up.
	turn chan struct{}
	err  atomic.Pointer[error] // of the first write that failed; none follows
}

func (o *output) lock(giveUp <-chan struct{}) bool {
	select {
	case o.turn <- struct{}{}:
		return true
	case <-giveUp:
		return false
	}
}

func (o *output) unlock() { <-o.turn }

// write writes a line. The caller holds the lock.
func (o *output) write(line []byte) error {
	if err := o.failure(); err != nil {
		return err
	}
	line = append(line, '\n')
	n, err := o.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		o.err.Store(&err)
	}
	return err
}

// failure needs no lock: at the end, a write may still be stuck.
func (o *output) failure() error {
	if err := o.err.Load(); err != nil {
		return *err
	}
	return nil
}
