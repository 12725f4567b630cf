package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Limiter is a way to read the documented rate limit, which gives two numbers for
// each tier, "30 requests per second, burst 60" for standard and "100 requests per
// second, burst 200" for high, a sliding window of one second and a burst budget
// that refreshes over 60 seconds, and does not say how these work together. Under
// every reading here, the window contains the requests of the last second that were
// let pass, including those that the budget paid for, and none that was refused.
type Limiter int

const (
	// BurstIncludesRate takes the burst for the total: no second ever has more than
	// 60 requests (200). The first 30 (100) in the window are free. Each request
	// beyond takes one from a budget of 30 (100), the difference, which is full at
	// first and refills evenly, an empty one in 60 seconds. A new API has this
	// limiter, because it is the stricter one: a client that is never refused under
	// it is never refused under BurstOnTop either.
	BurstIncludesRate Limiter = iota
	// BurstOnTop takes the burst for what comes on top of the rate: as
	// BurstIncludesRate, but with a budget of 60 (200), so that 90 requests (300) can
	// pass at one moment.
	BurstOnTop
)

// SetLimiter chooses the reading by which requests are limited from now on. What
// the keys have used of their budgets so far counts, as a share.
func (a *API) SetLimiter(l Limiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limiter = l
}

// budget returns how many requests beyond the rate a full budget pays for.
func (l Limiter) budget(t tier) int {
	if l == BurstOnTop {
		return t.burst
	}
	return t.burst - t.rate
}

// tier is the pair of numbers that is documented for a tier.
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

// usage is what a key has used of its limit.
type usage struct {
	window []time.Time
	credit time.Duration // the budget, as the time that it took to fill
	seen   time.Time     // when credit was last reckoned
}

// take reports whether a request may pass now, where budget requests beyond the
// rate empty a full budget.
func (u *usage) take(now time.Time, rate, budget int) bool {
	u.credit = min(refill, u.credit+min(refill, max(0, now.Sub(u.seen))))
	u.seen = now
	u.window = slices.DeleteFunc(u.window, func(passed time.Time) bool {
		age := now.Sub(passed)
		return age < 0 || age >= time.Second // negative if the clock was set back
	})
	if len(u.window) >= rate {
		price := refill / time.Duration(budget)
		if u.credit < price {
			return false
		}
		u.credit -= price
	}
	u.window = append(u.window, now)
	return true
}

// limit refuses a request beyond the key's rate, in the documented words.
func (a *API) limit(c call, key *apiKey) error {
	t := tiers()[key.RateLimitTier]
	passed := key.usage.take(c.now, t.rate, a.limiter.budget(t))
	if a.announceLimits || !passed {
		c.header.Set("X-RateLimit-Limit", strconv.Itoa(t.rate))
		c.header.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, t.rate-len(key.usage.window))))
	}
	if passed {
		return nil
	}
	a.rateLimited++
	return &apiError{
		status:  http.StatusTooManyRequests,
		title:   "Rate limit exceeded",
		message: fmt.Sprintf("Maximum %d requests per second allowed for your tier", t.rate),
		header:  http.Header{"Retry-After": {"1"}},
	}
}
