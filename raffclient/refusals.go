package raffclient

import (
	"log/slog"
	"sync"
	"time"
)

// refusals logs one line for all requests that the API refuses because of the rate
// limit, from the first one until no call waits for the limit any more: many calls can
// be refused at once, and each of them several times. The zero refusals is ready for
// use.
type refusals struct {
	mu       sync.Mutex
	since    time.Time
	requests int               // since then
	calls    map[*sending]bool // since then; true if the call has not ended
}

// maxRefusals is the time after which refusals are logged although calls still wait.
const maxRefusals = time.Minute

// add records that a request of s was refused.
func (r *refusals) add(log *slog.Logger, s *sending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requests > 0 && time.Since(r.since) >= maxRefusals {
		r.flush(log)
	}
	if r.requests == 0 {
		r.since, r.calls = time.Now(), map[*sending]bool{}
	}
	r.requests++
	r.calls[s] = true
}

// end records that the call s has ended.
func (r *refusals) end(log *slog.Logger, s *sending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.calls[s] {
		return
	}
	r.calls[s] = false
	for _, waits := range r.calls {
		if waits {
			return
		}
	}
	r.flush(log)
}

func (r *refusals) flush(log *slog.Logger) {
	log.Warn("Raff refused requests because of the rate limit", "requests", r.requests, "calls", len(r.calls), "duration", time.Since(r.since).Round(time.Millisecond))
	r.requests, r.calls = 0, nil
}
