package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// tier is what a key may do in a second, and how much more for a moment.
type tier struct{ rate, burst int }

// tiers returns the documented tiers. "high" is documented as given by support
// only; what an account without it gets is not, so the sandbox gives it to all.
func tiers() map[string]tier {
	return map[string]tier{
		"standard": {rate: 30, burst: 60},
		"high":     {rate: 100, burst: 200},
	}
}

// refill is the time in which an empty burst budget is full again.
const refill = time.Minute

// limiter is the documented one: a sliding window of one second, and a burst budget
// for what goes beyond. How the two meet is not documented. Here every request that
// was let pass is in the window, also those that the budget paid for, and none that
// was refused: the strict reading, under which a client above the rate runs out of
// budget for certain, while one that backs off is let in again at once.
type limiter struct {
	window []time.Time
	credit time.Duration // the budget, as the time that it took to fill
	seen   time.Time     // when credit was last reckoned
}

// take reports whether a request may pass now.
func (l *limiter) take(now time.Time, t tier) bool {
	l.credit = min(refill, l.credit+min(refill, max(0, now.Sub(l.seen))))
	l.seen = now
	l.window = slices.DeleteFunc(l.window, func(passed time.Time) bool {
		age := now.Sub(passed)
		return age < 0 || age >= time.Second // negative if the clock was set back
	})
	if len(l.window) >= t.rate {
		price := refill / time.Duration(t.burst)
		if l.credit < price {
			return false
		}
		l.credit -= price
	}
	l.window = append(l.window, now)
	return true
}

// limit refuses a request beyond the key's rate, in the documented words.
func (a *API) limit(c call, key *apiKey) error {
	t := tiers()[key.RateLimitTier]
	passed := key.limiter.take(c.now, t)
	if a.announceLimits || !passed {
		c.out.Set("X-RateLimit-Limit", strconv.Itoa(t.rate))
		c.out.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, t.rate-len(key.limiter.window))))
	}
	if passed {
		return nil
	}
	a.rateLimited++
	return &refusal{
		status:  http.StatusTooManyRequests,
		title:   "Rate limit exceeded",
		message: fmt.Sprintf("Maximum %d requests per second allowed for your tier", t.rate),
		header:  http.Header{"Retry-After": {"1"}},
	}
}
