package raffclient

import (
	"context"
	"slices"
	"sync"
	"time"
)

// The API lets a key make 30 requests (tier "standard"; 100 for "high") in any
// one second, plus some more from a burst budget that refills over a minute
// (https://docs.rafftechnologies.com/api-reference/endpoints). It is not documented
// whether the budget of 60 (200) includes those 30, nor how long it lasts. The
// pacer needs none of it: the budget is left for what the network does beyond
// maxDelay and for other programs that use the same key.
const (
	defaultLimit = 30
	maxLimit     = 100 // of the highest tier; a header that says more is not believed
	// window is a little over the API's second, whose clock may be coarse.
	window = time.Second + 20*time.Millisecond
	// maxDelay is how long a request is assumed to take to the API at most. The
	// API counts from when a request arrives, which is not known before the
	// response: two requests that leave a second apart can arrive together. A
	// higher value would cost speed where the API is slow to respond.
	maxDelay = 200 * time.Millisecond
	// maxPause bounds how long one answer can hold up the other calls.
	maxPause = 60 * time.Second
)

// pacer gives each request its turn: first come, first served.
type pacer struct {
	// turn is held by the request that goes next. Goroutines that wait to
	// send on a channel are served in the order of their arrival.
	turn chan struct{}

	mu     sync.Mutex
	slots  []slot    // as many as the limit
	resume time.Time // nothing leaves before
}

// slot is a place in the API's window. A request takes one when it leaves.
type slot struct {
	sent     time.Time
	answered bool
	// free is when the request has left the API's window for certain.
	free time.Time
}

func newPacer() *pacer {
	return &pacer{turn: make(chan struct{}, 1), slots: make([]slot, defaultLimit)}
}

// urgent marks a context whose requests go past the queue: those that find out
// what became of a lost one, which would otherwise wait behind all that came
// since.
func urgent(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgentKey{}, true)
}

type urgentKey struct{}

// wait returns nil when a request may leave, or the error of ctx, at once if
// ctx would be done before the turn came.
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
		d := p.depart()
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

// depart notes a departure and returns 0, or returns how long one is impossible for
// certain.
func (p *pacer) depart() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
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

// soonest returns the earliest time at which the slot can be free: if the response
// has not come, it may come now.
func (s *slot) soonest(now time.Time) time.Time {
	if answered := now.Add(window); !s.answered && answered.Before(s.free) {
		return answered
	}
	return s.free
}

// pause holds all requests back for d: the API has said it is too much.
func (p *pacer) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if resume := time.Now().Add(min(d, maxPause)); resume.After(p.resume) {
		p.resume = resume
	}
}

// learn takes note of a response and of the limit that it announced; 0 is none.
func (p *pacer) learn(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered()
	if limit < 1 || limit > maxLimit || limit == len(p.slots) {
		return
	}
	// The slots that are the last to be free are kept.
	slices.SortFunc(p.slots, func(a, b slot) int { return b.free.Compare(a.free) })
	slots := make([]slot, limit)
	copy(slots, p.slots)
	p.slots = slots
}

// answered notes that a response came, to which request is not known here. It is
// taken for the oldest one's, which frees a slot no earlier than the right one's
// would be.
func (p *pacer) answered() {
	var oldest *slot
	for i := range p.slots {
		if s := &p.slots[i]; !s.answered && !s.sent.IsZero() && (oldest == nil || s.sent.Before(oldest.sent)) {
			oldest = s
		}
	}
	if oldest == nil {
		return
	}
	oldest.answered = true
	if free := time.Now().Add(window); free.Before(oldest.free) {
		oldest.free = free
	}
}
