package stdio

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// A registry finds calls in flight by their ids. Its lock is acquired before those
// of the calls.
type registry struct {
	mu       sync.Mutex
	byID     map[string]*call      // calls whose response is not being written yet
	writing  []*call               // calls whose response is being written
	waiting  map[*call][]*exchange // responses that wait until the call is over, because they have its id
	closeErr error                 // why all calls are cancelled
}

func newRegistry() *registry {
	return &registry{byID: map[string]*call{}, waiting: map[*call][]*exchange{}}
}

// A callStart is how a call that was added starts.
type callStart int

const (
	startRun     callStart = iota
	startRespond           // its response is known
	startWait              // its response is known, but must wait for another call with its id
)

// add adds c to x. If the id of c belongs to a call in flight, add refuses c, and its
// response waits until that call is over: a client would take the first response with
// that id for the response to the first call, and would miss that one, which may contain
// a secret. Any other error response with such an id waits, too.
func (r *registry) add(x *exchange, c *call, refuse func() []byte) callStart {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.calls = append(x.calls, c)
	x.pending.Add(1)
	first := r.byID[c.Key]
	switch {
	case c.response == nil && first == nil:
		r.byID[c.Key] = c
		if r.closeErr != nil {
			c.cancel(r.closeErr)
		}
		return startRun
	case c.response == nil:
		c.response = refuse()
	}
	if first == nil || slices.Contains(x.calls, first) { // the responses of a batch have an order
		return startRespond
	}
	r.waiting[first] = append(r.waiting[first], x)
	return startWait
}

// has reports whether a call with that id is in flight.
func (r *registry) has(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[key] != nil
}

// len returns the number of calls in flight.
func (r *registry) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID) + len(r.writing)
}

// cancel cancels the call with that id, if there is one and its response is not
// being written.
func (r *registry) cancel(key string, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.byID[key]; c != nil {
		c.cancel(cause)
	}
}

// cancelAll cancels all calls, also those that are added later.
func (r *registry) cancelAll(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeErr = cmp.Or(r.closeErr, cause)
	for _, c := range r.byID {
		c.cancel(r.closeErr)
	}
}

// claim returns the calls of x that were not cancelled. From now on they cannot be,
// and their ids are free: a client may use them again as soon as it has read the
// response, which is before the write returns. One exchange is written at a time.
func (r *registry) claim(x *exchange) []*call {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range x.calls {
		if c.claim() {
			r.writing = append(r.writing, c)
			r.remove(c)
		}
	}
	return r.writing
}

// unclaim forgets the calls that claim returned, after their responses were written.
func (r *registry) unclaim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writing = nil
}

// end ends the calls of x. It returns the exchanges that waited for one of them, and the
// functions that must run because a result was not delivered.
func (r *registry) end(x *exchange, writeFailed bool) (waiting []*exchange, undelivered []func(context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range x.calls {
		undelivered = append(undelivered, c.end(writeFailed)...)
		r.remove(c)
		waiting = append(waiting, r.waiting[c]...)
		delete(r.waiting, c)
	}
	return waiting, undelivered
}

// abandonWrites abandons the calls whose responses are still being written, and returns
// the functions that must run now.
func (r *registry) abandonWrites() (undelivered []func(context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.writing {
		undelivered = append(undelivered, c.abandon()...)
	}
	return undelivered
}

// abandonHandlers abandons the calls whose handlers have not returned, and returns the
// functions that must run now.
func (r *registry) abandonHandlers() (undelivered []func(context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.byID {
		undelivered = append(undelivered, c.abandon()...)
	}
	return undelivered
}

func (r *registry) remove(c *call) {
	if r.byID[c.Key] == c {
		delete(r.byID, c.Key)
	}
}
