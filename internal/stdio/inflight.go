package stdio

import (
	"cmp"
	"context"
	"sync"
)

// inflight are the exchanges that are not over, and their calls by id. Its one
// lock decides what becomes of the answer to each.
type inflight struct {
	room   chan struct{} // some was given up
	closed chan struct{} // nothing more is admitted
	work   sync.WaitGroup

	mu      sync.Mutex
	working capacity         // of all, but
	asking  capacity         // of those whose calls asked the user
	calls   map[string]*call // whose answer is not being written yet
	writing []*call          // whose answer is
	ending  bool             // closed is
	cut     error            // why all calls are cancelled
}

// state is what has been decided about the answer to a call.
type state int

const (
	open      state = iota // nothing
	cancelled              // it will not be written
	writing                // it is being written: too late for a cancellation
	abandoned              // it is being written, but nobody waits for that any longer
	over
)

func newInflight(cfg Config) *inflight {
	return &inflight{
		room:    make(chan struct{}, 1),
		closed:  make(chan struct{}),
		working: capacity{maxRequests: cfg.MaxCalls, maxBytes: max(maxBytes, cfg.MaxLine)},
		asking:  waiting(cfg),
		calls:   map[string]*call{},
	}
}

// An admission is whether there is room for an exchange.
type admission int

const (
	admitted admission = iota
	full
	ending // nothing more is admitted
)

// admit takes x in if there is room, or if it needs none.
func (f *inflight) admit(x *exchange) admission {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ending:
		return ending
	case x.requests > 0 && !f.working.fits(x):
		return full
	}
	f.working.add(x, 1)
	f.work.Add(1)
	return admitted
}

// ask moves the room of x, one of whose calls asks the user, to where it does not
// stand in the way of others: the reply may come behind them. It returns false if
// too many ask already. The room stays there until x is over.
func (f *inflight) ask(x *exchange) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x.asking {
		return true
	}
	if !f.asking.fits(x) {
		return false
	}
	f.working.add(x, -1)
	f.asking.add(x, 1)
	x.asking = true
	f.signal()
	return true
}

// release gives up the room of x; doing it again does nothing.
func (f *inflight) release(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x.asking {
		f.asking.add(x, -1)
	} else {
		f.working.add(x, -1)
	}
	x.requests, x.bytes = 0, 0
	f.signal()
}

// signal says that there is room.
func (f *inflight) signal() {
	select {
	case f.room <- struct{}{}:
	default:
	}
}

// A capacity is what exchanges may take, and what they do.
type capacity struct {
	maxRequests, maxBytes int
	requests, bytes       int
}

// waiting returns the capacity for what waits, for room or for the user. It is
// enough for any one exchange.
func waiting(cfg Config) capacity {
	return capacity{maxRequests: max(maxWaiting, cfg.MaxCalls), maxBytes: max(maxWaitingBytes, cfg.MaxLine)}
}

func (c *capacity) fits(x *exchange) bool {
	return c.requests+x.requests <= c.maxRequests && c.bytes+x.bytes <= c.maxBytes
}

// add adds x, n times.
func (c *capacity) add(x *exchange, n int) {
	c.requests += n * x.requests
	c.bytes += n * x.bytes
}

// A start is how a call begins.
type start int

const (
	run   start = iota
	ready       // its answer is known
	wait        // its answer is known, but another call with its id comes first
)

// add makes c part of its exchange. If its id belongs to a call in flight, c is not
// run but refused, and only after that other call is over: a client takes the first
// message with an id for the answer to the call it remembers, and that answer may
// be a secret. Any other error with such an id waits as well.
func (f *inflight) add(c *call, refuse func() []byte) start {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.exchange.calls = append(c.exchange.calls, c)
	c.exchange.pending++
	first := f.calls[c.key]
	switch {
	case c.answer == nil && first == nil:
		f.calls[c.key] = c
		f.settle(c)
		return run
	case c.answer == nil:
		c.answer = refuse()
	}
	if first == nil || first.exchange == c.exchange { // a batch is answered in its order
		return ready
	}
	first.waiting = append(first.waiting, c)
	return wait
}

// streams returns how many streams are open.
func (f *inflight) streams() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c.stream {
			n++
		}
	}
	return n
}

// has reports whether a call with that id is in flight.
func (f *inflight) has(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[key] != nil
}

// cancel cancels the call with that id, unless there is none or its answer is
// being written.
func (f *inflight) cancel(key string, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.calls[key]; c != nil {
		f.drop(c, cause)
	}
}

// close ends admission, and with it streams, which have no other end. With a cause
// it cancels all calls.
func (f *inflight) close(cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ending {
		f.ending = true
		close(f.closed)
	}
	f.cut = cmp.Or(f.cut, cause)
	for _, c := range f.calls {
		f.settle(c)
	}
}

// settle applies to c what was decided for all calls.
func (f *inflight) settle(c *call) {
	switch {
	case f.cut != nil:
		f.drop(c, f.cut)
	case f.ending && c.stream:
		c.stop()
	}
}

func (f *inflight) drop(c *call, cause error) {
	if c.state == open {
		c.state = cancelled
		c.drop(cause)
	}
}

// abandon gives up calls whose answer is stuck in being written, and returns what
// was registered for them.
func (f *inflight) abandon() (undelivered []func(context.Context)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.writing {
		c.state = abandoned
		undelivered = append(undelivered, c.take(false)...)
	}
	return undelivered
}

// abandonAll gives up all calls, and returns what was registered for them.
func (f *inflight) abandonAll() (undelivered []func(context.Context)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		c.state = abandoned
		undelivered = append(undelivered, c.take(false)...)
	}
	return undelivered
}

// len returns how many calls are in flight.
func (f *inflight) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls) + len(f.writing)
}

// is reports whether c is in state s.
func (f *inflight) is(c *call, s state) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return c.state == s
}

// complete notes that a call of x has its answer, or that all its calls are known.
// It returns true to the last one.
func (f *inflight) complete(x *exchange) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	x.pending--
	return x.pending == 0
}

// claim returns the calls of x that were not cancelled. From now on they cannot be,
// and their ids are free: a client may use them again as soon as it has read the
// answer, which is before the write returns. Only one exchange is written at a time.
func (f *inflight) claim(x *exchange) []*call {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range x.calls {
		if c.state == open {
			c.state = writing
			f.writing = append(f.writing, c)
			f.forget(c)
		}
	}
	return f.writing
}

// written ends what claim began.
func (f *inflight) written() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing = nil
}

func (f *inflight) forget(c *call) {
	if f.calls[c.key] == c {
		delete(f.calls, c.key)
	}
}

// end takes the calls of x out of flight. It returns those that waited for this,
// and what is to be run because an answer was not delivered.
func (f *inflight) end(x *exchange, written bool) (waiting []*call, undelivered []func(context.Context)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range x.calls {
		undelivered = append(undelivered, c.take(written && c.state == writing)...)
		c.state = over
		c.drop(nil)
		f.forget(c)
		waiting = append(waiting, c.waiting...)
	}
	return waiting, undelivered
}

// register adds fn to fns, which are run if the answer to c is not delivered. It
// returns false if that is decided.
func (f *inflight) register(c *call, fns *[]func(context.Context), fn func(context.Context)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.state != open && c.state != cancelled {
		return false
	}
	*fns = append(*fns, fn)
	return true
}
