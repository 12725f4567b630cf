package stdio

import "sync"

const (
	// maxWorkingBytes bounds the lines of requests that are processed at once. A single
	// longer line is processed alone. A decoded line can take twenty times as much
	// memory.
	maxWorkingBytes = 512 << 10

	// Up to maxWaiting requests, whose lines have up to maxWaitingBytes, may wait for
	// capacity, and as many for the user's response.
	maxWaiting      = 1000
	maxWaitingBytes = 4 << 20
)

// A reservation is the capacity that the requests of one line need.
type reservation struct {
	requests, bytes int
	eliciting       bool // taken from admission.eliciting; guarded by its lock
}

// A capacity limits the number of requests in one state, and the bytes of their lines. A
// single reservation always fits, however large.
type capacity struct {
	maxRequests, maxBytes int
	requests, bytes       int // in use
}

func (c *capacity) fits(r *reservation) bool {
	return c.requests == 0 || c.requests+r.requests <= c.maxRequests && c.bytes+r.bytes <= c.maxBytes
}

func (c *capacity) acquire(r *reservation) {
	c.requests += r.requests
	c.bytes += r.bytes
}

func (c *capacity) release(r *reservation) {
	c.requests -= r.requests
	c.bytes -= r.bytes
}

// An admission limits the requests that are processed at once. Each reservation that it
// admits must be released.
type admission struct {
	freed    chan struct{}  // receives a value after capacity was freed
	closed   chan struct{}  // closed when nothing more is admitted
	admitted sync.WaitGroup // reservations that were admitted and not yet released

	mu        sync.Mutex
	working   capacity // of admitted requests that do not wait for the user
	eliciting capacity // of those that do
	isClosed  bool
}

func newAdmission(maxCalls int) *admission {
	return &admission{
		freed:     make(chan struct{}, 1),
		closed:    make(chan struct{}),
		working:   capacity{maxRequests: maxCalls, maxBytes: maxWorkingBytes},
		eliciting: waitingCapacity(maxCalls),
	}
}

// waitingCapacity returns the capacity for requests that wait, either for capacity or for
// the user.
func waitingCapacity(maxCalls int) capacity {
	return capacity{maxRequests: max(maxWaiting, maxCalls), maxBytes: maxWaitingBytes}
}

// An admissionResult is the result of [admission.admit].
type admissionResult int

const (
	admitOK admissionResult = iota
	admitFull
	admitClosed // nothing more is admitted
)

// admit acquires the capacity for r. It never returns admitFull for a reservation without
// requests.
func (a *admission) admit(r *reservation) admissionResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.isClosed:
		return admitClosed
	case r.requests > 0 && !a.working.fits(r):
		return admitFull
	}
	a.working.acquire(r)
	a.admitted.Add(1)
	return admitOK
}

// startEliciting moves r to the capacity for requests that wait for the user, so that it
// does not block other requests until the user responds. It returns false if that
// capacity is exhausted. r stays there until it is released.
func (a *admission) startEliciting(r *reservation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.eliciting {
		return true
	}
	if !a.eliciting.fits(r) {
		return false
	}
	a.working.release(r)
	a.eliciting.acquire(r)
	r.eliciting = true
	a.signalFreed()
	return true
}

// release releases the capacity that admit acquired for r.
func (a *admission) release(r *reservation) {
	defer a.admitted.Done()
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.eliciting {
		a.eliciting.release(r)
	} else {
		a.working.release(r)
	}
	a.signalFreed()
}

func (a *admission) signalFreed() {
	select {
	case a.freed <- struct{}{}:
	default:
	}
}

func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.isClosed {
		a.isClosed = true
		close(a.closed)
	}
}
