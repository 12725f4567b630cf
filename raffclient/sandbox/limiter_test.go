package sandbox_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

// burst sends n requests and returns how many were admitted.
func (s session) burst(key string, n int) int {
	s.T.Helper()
	passed := 0
	for range n {
		resp, err := s.Client.Do(s.Request(key, "GET", "/api/v1/permissions", ""))
		if err != nil {
			s.T.Fatal(err)
		}
		resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusOK:
			passed++
		case http.StatusTooManyRequests:
		default:
			s.T.Fatalf("status %d", resp.StatusCode)
		}
	}
	return passed
}

func wantAdmitted(t *testing.T, when string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d requests admitted, want %d", when, got, want)
	}
}

// eachLimiter runs a test with each limiter and its budget for the standard tier.
func eachLimiter(t *testing.T, test func(t *testing.T, s session, budget int)) {
	for _, tt := range []struct {
		name    string
		limiter sandbox.Limiter
		budget  int
	}{
		{"burst includes rate", sandbox.BurstIncludesRate, 30},
		{"burst on top", sandbox.BurstOnTop, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := inProcess(t)
				s.API.SetLimiter(tt.limiter)
				test(t, s, tt.budget)
			})
		})
	}
}

func TestLimiter(t *testing.T) {
	eachLimiter(t, func(t *testing.T, s session, budget int) {
		key := s.keyOf("admin")
		wantAdmitted(t, "at once", s.burst(key, 30+budget), 30+budget)

		a := s.Do(key, "GET", "/api/v1/permissions", "")
		sandboxtest.WantStatus(t, a, http.StatusTooManyRequests)
		for name, want := range map[string]string{"Retry-After": "1", "X-Ratelimit-Limit": "30", "X-Ratelimit-Remaining": "0"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if want := `{"error":"Rate limit exceeded","message":"Maximum 30 requests per second allowed for your tier"}`; a.Text != want {
			t.Errorf("body %s, want %s", a.Text, want)
		}
		wantAdmitted(t, "with another key", s.burst(s.API.OwnerKey().Reveal(), 1), 1)

		time.Sleep(2 * time.Second)
		back := budget / 30 // in two seconds
		wantAdmitted(t, "after two seconds", s.burst(key, 40), 30+back)
		time.Sleep(20 * time.Second)
		wantAdmitted(t, "after twenty seconds", s.burst(key, 60), 30+10*back)
		time.Sleep(time.Hour)
		wantAdmitted(t, "after an hour", s.burst(key, 100), 30+budget)
		if got, want := s.API.RateLimited(), 1+(10-back)+(30-10*back)+(70-budget); got != want {
			t.Errorf("RateLimited is %d, want %d", got, want)
		}
	})
}

func TestLimiterKeepsTheWindowSliding(t *testing.T) {
	eachLimiter(t, func(t *testing.T, s session, budget int) {
		key := s.keyOf("none")
		s.burst(key, 30+budget)
		one := time.Minute / time.Duration(budget) // refills the budget by one
		time.Sleep(2*one - 1)
		wantAdmitted(t, "at first", s.burst(key, 31), 31)
		wantAdmitted(t, "immediately after", s.burst(key, 1), 0)
		time.Sleep(time.Second - 1)
		wantAdmitted(t, "within the window, budget for one", s.burst(key, 31), 1)
		time.Sleep(time.Nanosecond)
		wantAdmitted(t, "past the window, with that one in it", s.burst(key, 31), 29)
	})
}

// No interval of one second has more requests than the burst.
func TestBurstIsTheMostInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		var passed []time.Time
		for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(13 * time.Millisecond) {
			for range s.burst(key, 1+int(time.Since(start)/time.Second)%3) {
				passed = append(passed, time.Now())
			}
		}
		most := 0
		for i, first := 0, 0; i < len(passed); i++ {
			for passed[i].Sub(passed[first]) >= time.Second {
				first++
			}
			most = max(most, i-first+1)
		}
		if most != 60 || len(passed) < 20*30 {
			t.Errorf("%d requests admitted, of them %d in one second; want 30 a second, and at most 60", len(passed), most)
		}
	})
}

// A new limiter keeps the level of the budget.
func TestSetLimiterLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		wantAdmitted(t, "at once", s.burst(key, 45), 45) // and half of the budget
		s.API.SetLimiter(sandbox.BurstOnTop)
		wantAdmitted(t, "with the budget on top", s.burst(key, 61), 30)
		s.API.SetLimiter(sandbox.BurstIncludesRate)
		time.Sleep(time.Second)
		wantAdmitted(t, "a second later", s.burst(key, 31), 30)
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
				_, key := s.NewKey(`{"name": "a", "rate_limit_tier": "` + tt.tier + `"}`)
				for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(tt.interval) {
					s.burst(key, tt.together)
				}
				if got := s.API.RateLimited(); got != 0 {
					t.Errorf("%d requests refused, want none", got)
				}
			})
		})
	}
}

func TestLimiterAboveTheRate(t *testing.T) {
	eachLimiter(t, func(t *testing.T, s session, budget int) {
		key := s.keyOf("none")
		for range 60 {
			s.burst(key, 40)
			time.Sleep(time.Second)
		}
		// The budget, and its refill until the last burst, allowed some.
		if got, want := s.API.RateLimited(), 60*10-(budget+59*budget/60); got != want {
			t.Errorf("%d requests refused, want %d", got, want)
		}
	})
}

func TestLimiterOfHighTier(t *testing.T) {
	eachLimiter(t, func(t *testing.T, s session, budget int) {
		id, key := s.NewKey(`{"name": "a", "rate_limit_tier": "high"}`)
		most := 100 + budget*100/30
		wantAdmitted(t, "at once", s.burst(key, 301), most)
		a := s.Do(key, "GET", "/api/v1/permissions", "")
		if got := a.Header.Get("X-RateLimit-Limit"); got != "100" {
			t.Errorf("X-RateLimit-Limit is %q, want 100", got)
		}
		s.Owner("PATCH", "/api/v1/api-keys/"+id, `{"rate_limit_tier": "standard"}`)
		time.Sleep(time.Hour)
		wantAdmitted(t, "as standard", s.burst(key, 100), 30+budget)
	})
}

func TestLimiterWithConcurrentRequests(t *testing.T) {
	eachLimiter(t, func(t *testing.T, s session, budget int) {
		key := s.keyOf("none")
		var passed atomic.Int32
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { passed.Add(int32(s.burst(key, 1))) })
		}
		all.Wait()
		wantAdmitted(t, "at once", int(passed.Load()), 30+budget)
	})
}

func TestAnnounceLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		key := s.keyOf("none")
		a := s.Do(key, "GET", "/api/v1/permissions", "")
		if got := a.Header.Values("X-RateLimit-Limit"); got != nil {
			t.Errorf("X-RateLimit-Limit is %v, want none", got)
		}
		s.API.AnnounceLimits(true)
		for _, want := range []string{"28", "27"} {
			a := s.Do(key, "GET", "/api/v1/permissions", "")
			if limit, got := a.Header.Get("X-RateLimit-Limit"), a.Header.Get("X-RateLimit-Remaining"); limit != "30" || got != want {
				t.Errorf("limit %q, remaining %q; want 30, %s", limit, got, want)
			}
		}
		s.burst(key, 40)
		if got := s.Do(key, "GET", "/api/v1/api-keys", "").Header.Get("X-RateLimit-Remaining"); got != "0" {
			t.Errorf("remaining %q, want 0", got)
		}
	})
}

func TestLimiterWhenTheClockIsSetBack(t *testing.T) {
	s := inProcess(t)
	c := sandboxtest.NewClock(s.API)
	key := s.keyOf("none")
	s.burst(key, 90)
	c.Pass(-time.Hour)
	wantAdmitted(t, "an hour before", s.burst(key, 40), 30)
}
