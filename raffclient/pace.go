package raffclient

import (
	"context"
	"sync"
	"time"
)

// The API lets a key make 30 requests (tier "standard"; 100 for "high") in any
// one second, and keeps a burst budget on top, 60 (200), that refills over a
// minute (https://docs.rafftechnologies.com/api-reference/endpoints). The
// pacer stays inside the window by itself: the budget is left for the jitter
// of the network and for other programs that use the same key.
const (
	defaultLimit = 30
	maxLimit     = 100 // of the highest tier; a header that says more is not believed
	// window is a little over the API's second, because requests may travel
	// at different speeds.
	window = time.Second + 20*time.Millisecond
	// maxPause bounds how long one answer can hold up the other calls.
	maxPause = 60 * time.Second
)

// pacer gives each request its turn: first come, first served.
type pacer struct {
	// turn is held by the request that goes next. Goroutines that wait to
	// send on a channel are served in the order of their arrival.
	turn chan struct{}

	mu     sync.Mutex
	sent   []time.Time // a ring of the latest departures, as many as the limit
	next   int         // the oldest of them
	resume time.Time   // nothing leaves before
}

func newPacer() *pacer {
	return &pacer{turn: make(chan struct{}, 1), sent: make([]time.Time, defaultLimit)}
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

// depart notes a departure and returns 0, or returns how long to wait for one.
func (p *pacer) depart() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at := p.resume
	if oldest := p.sent[p.next]; !oldest.IsZero() && oldest.Add(window).After(at) {
		at = oldest.Add(window)
	}
	if d := at.Sub(now); d > 0 {
		return d
	}
	p.sent[p.next] = now
	p.next = (p.next + 1) % len(p.sent)
	return 0
}

// pause holds all requests back for d: the API has said it is too much.
func (p *pacer) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if resume := time.Now().Add(min(d, maxPause)); resume.After(p.resume) {
		p.resume = resume
	}
}

// learn takes over the limit that an answer announced; 0 is none.
func (p *pacer) learn(limit int) {
	if limit < 1 || limit > maxLimit {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit == len(p.sent) {
		return
	}
	// Keep the latest departures. Slots before them are zero: never used.
	latest := append(p.sent[p.next:len(p.sent):len(p.sent)], p.sent[:p.next]...)
	ring := make([]time.Time, limit)
	if len(latest) > limit {
		latest = latest[len(latest)-limit:]
	}
	copy(ring[limit-len(latest):], latest)
	p.sent, p.next = ring, 0
}
