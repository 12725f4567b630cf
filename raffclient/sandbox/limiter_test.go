package sandbox_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// burst sends n requests and returns how many were let pass.
func (s session) burst(key string, n int) int {
	s.t.Helper()
	passed := 0
	for range n {
		resp, err := s.client.Do(s.request(key, "GET", "/api/v1/permissions", ""))
		if err != nil {
			s.t.Fatal(err)
		}
		resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusOK:
			passed++
		case http.StatusTooManyRequests:
		default:
			s.t.Fatalf("status %d", resp.StatusCode)
		}
	}
	return passed
}

func wantPassed(t *testing.T, when string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d requests passed, want %d", when, got, want)
	}
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("admin")
		wantPassed(t, "at once", s.burst(key, 90), 90)

		a := s.do(key, "GET", "/api/v1/permissions", "")
		wantStatus(t, a, http.StatusTooManyRequests)
		for name, want := range map[string]string{"Retry-After": "1", "X-Ratelimit-Limit": "30", "X-Ratelimit-Remaining": "0"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if want := `{"error":"Rate limit exceeded","message":"Maximum 30 requests per second allowed for your tier"}`; a.text != want {
			t.Errorf("body %s, want %s", a.text, want)
		}
		wantPassed(t, "with another key", s.burst(s.api.OwnerKey(), 1), 1)

		time.Sleep(time.Second)
		wantPassed(t, "after a second", s.burst(key, 40), 31)
		time.Sleep(10 * time.Second)
		wantPassed(t, "after ten seconds", s.burst(key, 50), 40)
		time.Sleep(time.Hour)
		wantPassed(t, "after an hour", s.burst(key, 100), 90)
		if got, want := s.api.RateLimited(), 1+9+10+10; got != want {
			t.Errorf("RateLimited is %d, want %d", got, want)
		}
	})
}

func TestLimiterKeepsTheWindowSliding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		s.burst(key, 90)
		time.Sleep(2*time.Second - 1)
		wantPassed(t, "at first", s.burst(key, 31), 31)
		wantPassed(t, "at once after", s.burst(key, 1), 0)
		time.Sleep(time.Second / 2)
		wantPassed(t, "within the window, budget for one", s.burst(key, 1), 1)
		wantPassed(t, "within the window, budget spent", s.burst(key, 1), 0)
	})
}

func TestLimiterAtTheRate(t *testing.T) {
	for _, tt := range []struct {
		name     string
		tier     string
		together int
		interval time.Duration
	}{
		{"standard, all at once", "standard", 30, time.Second},
		{"standard, one by one", "standard", 1, time.Second/30 + 1},
		{"high, all at once", "high", 100, time.Second},
		{"high, ten by ten", "high", 10, time.Second / 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := inProcess(t)
				_, key := s.newKey(`{"name": "a", "rate_limit_tier": "` + tt.tier + `"}`)
				for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(tt.interval) {
					s.burst(key, tt.together)
				}
				if got := s.api.RateLimited(); got != 0 {
					t.Errorf("%d requests refused, want none", got)
				}
			})
		})
	}
}

func TestLimiterAboveTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		for range 60 {
			s.burst(key, 40)
			time.Sleep(time.Second)
		}
		// 60 and 59 refilled above 30 a second.
		if got, want := s.api.RateLimited(), 60*10-(60+59); got != want {
			t.Errorf("%d requests refused, want %d", got, want)
		}
	})
}

func TestLimiterOfHighTier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		id, key := s.newKey(`{"name": "a", "rate_limit_tier": "high"}`)
		wantPassed(t, "at once", s.burst(key, 301), 300)
		a := s.do(key, "GET", "/api/v1/permissions", "")
		if got := a.header.Get("X-RateLimit-Limit"); got != "100" {
			t.Errorf("X-RateLimit-Limit is %q, want 100", got)
		}
		s.owner("PATCH", "/api/v1/api-keys/"+id, `{"rate_limit_tier": "standard"}`)
		time.Sleep(time.Hour)
		wantPassed(t, "as standard", s.burst(key, 100), 90)
	})
}

func TestLimiterWithConcurrentRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		var passed atomic.Int32
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { passed.Add(int32(s.burst(key, 1))) })
		}
		all.Wait()
		wantPassed(t, "at once", int(passed.Load()), 90)
	})
}

func TestAnnounceLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		a := s.do(key, "GET", "/api/v1/permissions", "")
		if got := a.header.Values("X-RateLimit-Limit"); got != nil {
			t.Errorf("X-RateLimit-Limit is %v, want none", got)
		}
		s.api.AnnounceLimits(true)
		for _, want := range []string{"28", "27"} {
			a := s.do(key, "GET", "/api/v1/permissions", "")
			if limit, got := a.header.Get("X-RateLimit-Limit"), a.header.Get("X-RateLimit-Remaining"); limit != "30" || got != want {
				t.Errorf("limit %q, remaining %q; want 30, %s", limit, got, want)
			}
		}
		s.burst(key, 40)
		if got := s.do(key, "GET", "/api/v1/api-keys", "").header.Get("X-RateLimit-Remaining"); got != "0" {
			t.Errorf("remaining %q, want 0", got)
		}
	})
}

func TestLimiterWhenTheClockIsSetBack(t *testing.T) {
	s := inProcess(t)
	c := newClock(s.api)
	key := s.keyOf("none")
	s.burst(key, 90)
	c.pass(-time.Hour)
	wantPassed(t, "an hour before", s.burst(key, 40), 30)
}
