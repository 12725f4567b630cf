package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Limiter is an interpretation of the documented rate limit. The documentation gives two
// numbers for each tier, "30 requests per second, burst 60" for standard and "100
// requests per second, burst 200" for high, a sliding window of one second, and a burst
// budget that refreshes over 60 seconds. It does not say how these work together. In
// every interpretation here, the window contains the requests of the last second that
// were admitted, including those that used the budget, and none that was refused.
type Limiter int

const (
	// BurstIncludesRate takes the burst as the total: no second ever has more than
	// 60 requests (200). The first 30 (100) in the window are free. Each further
	// request takes one from a budget of 30 (100), the difference, which is full at
	// first and refills evenly, from empty to full in 60 seconds. A new API has this
	// limiter, because it is the stricter one: a client that is never refused by it
	// is never refused by BurstOnTop either.
	BurstIncludesRate Limiter = iota
	// BurstOnTop takes the burst as an addition to the rate: it is like
	// BurstIncludesRate, but with a budget of 60 (200), so that 90 requests (300) can
	// pass at the same time.
	BurstOnTop
)

// SetLimiter sets the limiter for the following requests. The share of the budget that
// each key has used is kept.
func (a *API) SetLimiter(l Limiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limiter = l
}

// budget returns how many requests beyond the rate a full budget allows.
func (l Limiter) budget(t tier) int {
	if l == BurstOnTop {
		return t.burst
	}
	return t.burst - t.rate
}

// tier is a documented rate limit: requests per second and burst.
type tier struct{ rate, burst int }

// tiers returns the documented tiers. "high" is documented as granted by support only,
// but not what happens to an account without it, so here every account has it.
func tiers() map[string]tier {
	return map[string]tier{
		"standard": {rate: 30, burst: 60},
		"high":     {rate: 100, burst: 200},
	}
}

// refill is the time in which an empty burst budget becomes full.
const refill = time.Minute

// usage is how much of its rate limit a key has used.
type usage struct {
	window []time.Time
	credit time.Duration // the budget, as the time that it takes to refill
	seen   time.Time     // when credit was last updated
}

// take reports whether a request is admitted now, and records it if so. A full budget
// allows budget requests beyond the rate.
func (u *usage) take(now time.Time, rate, budget int) bool {
	u.credit = min(refill, u.credit+min(refill, max(0, now.Sub(u.seen))))
	u.seen = now
	u.window = slices.DeleteFunc(u.window, func(admitted time.Time) bool {
		age := now.Sub(admitted)
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

// limit refuses a request beyond the key's rate, with the documented message.
func (a *API) limit(c call, key *apiKey) error {
	t := tiers()[key.RateLimitTier]
	admitted := key.usage.take(c.now, t.rate, a.limiter.budget(t))
	if a.announceLimits || !admitted {
		c.header.Set("X-RateLimit-Limit", strconv.Itoa(t.rate))
		c.header.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, t.rate-len(key.usage.window))))
	}
	if admitted {
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
