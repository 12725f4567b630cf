package raffclient

import (
	"context"
	"slices"
	"sync"
	"time"
)

// The API permits a key 30 requests (tier "standard"; 100 for "high") in any one
// second, and more from a burst budget that refills over a minute
// (https://docs.rafftechnologies.com/api-reference/endpoints). It is not documented
// whether the budget of 60 (200) includes those 30, nor how long it lasts. The pacer
// does not use the budget: it is left for network delays beyond maxDelay and for
// other programs that use the same key.
const (
	defaultLimit = 30
	maxLimit     = 100 // of the highest tier; a higher value in a header is ignored
	// window is a little longer than the API's second, whose clock may be coarse.
	window = time.Second + 20*time.Millisecond
	// maxDelay is the assumed maximum time that a request takes to reach the API. The
	// API counts a request when it arrives, which is not known before the response:
	// two requests sent a second apart can arrive together. A higher value would
	// reduce the throughput if the API responds slowly.
	maxDelay = 200 * time.Millisecond
	// maxPause bounds how long one response can delay the other calls.
	maxPause = 60 * time.Second
)

// pacer delays requests so that they stay within the rate limit, in the order in
// which they arrive. Requests of other processes count if they share the window.
type pacer struct {
	// turn contains an element while a request waits for a slot; the others queue to
	// send on it. Goroutines that wait to send on a channel are served in the order of
	// their arrival.
	turn chan struct{}

	// lock contains an element while a goroutine uses the fields below. It is not a mutex,
	// because the goroutine may wait for another process.
	lock   chan struct{}
	slots  []slot    // as many as the limit permits
	resume time.Time // no request is sent earlier
	shared *sharedWindow

	mu        sync.Mutex
	responses []arrival // not applied to the slots yet
}

// arrival is a response that has arrived.
type arrival struct {
	arrived time.Time
	limit   int // its X-RateLimit-Limit; 0 if unknown
}

// slot is a place in the API's window. A request occupies one when it is sent.
type slot struct {
	sent      time.Time
	responded bool // a response has arrived
	// free is when the request has certainly left the API's window.
	free time.Time
}

func newPacer() *pacer {
	return &pacer{turn: make(chan struct{}, 1), lock: make(chan struct{}, 1), slots: make([]slot, defaultLimit)}
}

// update calls f, which may read and change the slots. It is the only way to them, and
// includes what other processes have done.
func (p *pacer) update(f func(now time.Time)) {
	p.lock <- struct{}{}
	defer func() { <-p.lock }()
	if p.shared == nil || !p.shared.acquire() {
		p.apply(time.Now(), f)
		return
	}
	defer p.shared.release()
	now := time.Now()
	p.shared.update(now, func(slots []slot, resume time.Time) ([]slot, time.Time) {
		if slots != nil {
			p.slots, p.resume = slots, resume
		}
		p.apply(now, f)
		return p.slots, p.resume
	})
}

// apply calls f after it has applied the responses that have arrived.
func (p *pacer) apply(now time.Time, f func(now time.Time)) {
	for _, r := range p.takeResponses() {
		p.freeOldest(r.arrived)
		p.setLimit(r.limit)
	}
	f(now)
}

// urgent returns a context whose requests skip the queue. Lookups of the outcome of a
// lost request use it: otherwise they would wait for all requests that are queued.
func urgent(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgentKey{}, true)
}

type urgentKey struct{}

// wait waits until a request may be sent. If ctx ends first, or if its deadline is
// earlier, wait returns the error of ctx, in the latter case immediately.
func (p *pacer) wait(ctx context.Context) error {
	if ctx.Value(urgentKey{}) == nil {
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-p.turn }()
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := p.reserve()
		if d <= 0 {
			return nil
		}
		if deadline, ok := ctx.Deadline(); ok && time.Now().Add(d).After(deadline) {
			return context.DeadlineExceeded
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// reserve occupies a slot and returns 0. If no slot is free, it returns the least time to
// wait before trying again.
func (p *pacer) reserve() (delay time.Duration) {
	p.update(func(now time.Time) { delay = p.take(now) })
	return delay
}

func (p *pacer) take(now time.Time) time.Duration {
	s := &p.slots[0]
	for i := range p.slots {
		if p.slots[i].soonest(now).Before(s.soonest(now)) {
			s = &p.slots[i]
		}
	}
	at := s.soonest(now)
	if p.resume.After(at) {
		at = p.resume
	}
	if d := at.Sub(now); d > 0 {
		return d
	}
	*s = slot{sent: now, free: now.Add(maxDelay + window)}
	return 0
}

// soonest returns the earliest time at which the slot can be free. If no response has
// arrived, it may arrive now.
func (s *slot) soonest(now time.Time) time.Time {
	if t := now.Add(window); !s.responded && t.Before(s.free) {
		return t
	}
	return s.free
}

// pause delays all requests for d, because the API refused one for the rate limit.
func (p *pacer) pause(d time.Duration) {
	p.update(func(now time.Time) {
		if resume := now.Add(min(d, maxPause)); resume.After(p.resume) {
			p.resume = resume
		}
	})
}

// learn records that a response has arrived, and its X-RateLimit-Limit; 0 if unknown. The
// next request applies it to the slots, so that each request opens the shared file once.
func (p *pacer) learn(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.responses = append(p.responses, arrival{time.Now(), limit})
}

func (p *pacer) takeResponses() []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.responses
	p.responses = nil
	return r
}

func (p *pacer) setLimit(limit int) {
	if limit < 1 || limit > maxLimit || limit == len(p.slots) {
		return
	}
	// Keep the slots that become free last.
	slices.SortFunc(p.slots, func(a, b slot) int { return b.free.Compare(a.free) })
	slots := make([]slot, limit)
	copy(slots, p.slots)
	p.slots = slots
}

// freeOldest frees the slot of the oldest request without a response, of whatever process.
// Which request a response belongs to is not known here; the oldest is a safe assumption,
// because its slot becomes free no earlier than the right one would.
func (p *pacer) freeOldest(arrived time.Time) {
	var oldest *slot
	for i := range p.slots {
		if s := &p.slots[i]; !s.responded && !s.sent.IsZero() && (oldest == nil || s.sent.Before(oldest.sent)) {
			oldest = s
		}
	}
	if oldest == nil {
		return
	}
	oldest.responded = true
	if free := arrived.Add(window); free.Before(oldest.free) {
		oldest.free = free
	}
}
