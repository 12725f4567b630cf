package raffclient_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// createMany creates n keys concurrently and returns how long that took.
func createMany(ctx context.Context, tb testing.TB, c *raffclient.Client, n int) time.Duration {
	tb.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := c.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: fmt.Sprint(i)}); err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// limiters are the readings of the documented rate limit, by name.
var limiters = map[string]sandbox.Limiter{
	"burst includes rate": sandbox.BurstIncludesRate,
	"burst on top":        sandbox.BurstOnTop,
}

// bursts is the measure of pacing: bursts of 300 with pauses between them.
func bursts(t *testing.T, limiter sandbox.Limiter, report func(took time.Duration)) {
	for range 3 {
		a := newAccount(t)
		a.api.SetLimiter(limiter)
		for _, pause := range []time.Duration{0, 300 * time.Millisecond, 5 * time.Second, 0} {
			time.Sleep(pause)
			report(createMany(t.Context(), t, a.client, 300))
		}
		if n := a.api.RateLimited(); n > 0 {
			t.Errorf("%d responses were 429", n)
		}
	}
}

func TestPaceOfBursts(t *testing.T) {
	for name, limiter := range limiters {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bursts(t, limiter, func(took time.Duration) {
					if took > 10500*time.Millisecond {
						t.Errorf("300 creations took %v", took)
					}
				})
			})
		})
	}
}

// BenchmarkPace reports the fake seconds that 300 creations take against the
// documented limiter; 9 is the least possible.
func BenchmarkPace(b *testing.B) {
	var worst time.Duration
	for b.Loop() {
		synctestIn(b, func(t *testing.T) {
			bursts(t, sandbox.BurstIncludesRate, func(took time.Duration) { worst = max(worst, took) })
		})
	}
	b.ReportMetric(worst.Seconds(), "fake-s/300")
}

// synctestIn runs f in a bubble from a benchmark.
func synctestIn(b *testing.B, f func(t *testing.T)) {
	if !testing.RunTests(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "bubble", F: func(t *testing.T) { synctest.Test(t, f) }}}) {
		b.Fatal("failed")
	}
}

func TestSingleCreationDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		if took := createMany(t.Context(), t, a.client, 1); took != 0 {
			t.Errorf("waited %v", took)
		}
		createMany(t.Context(), t, a.client, 29)
		time.Sleep(1100 * time.Millisecond)
		if took := createMany(t.Context(), t, a.client, 1); took != 0 {
			t.Errorf("waited %v after a burst and a pause", took)
		}
	})
}

// jitters are ways in which the network delivers requests late, by up to 200 ms,
// so that requests which leave a second apart arrive together.
var jitters = map[string]func(random *rand.Rand) time.Duration{
	"none": func(*rand.Rand) time.Duration { return 0 },
	"uniform": func(random *rand.Rand) time.Duration {
		return time.Duration(random.Int64N(int64(200 * time.Millisecond)))
	},
	"all or nothing": func(random *rand.Rand) time.Duration {
		return time.Duration(random.IntN(2)) * 200 * time.Millisecond
	},
	// A network that stalls once a second and then delivers all at once.
	"stalls": func(*rand.Rand) time.Duration {
		return max(0, 200*time.Millisecond-time.Duration(time.Now().UnixNano())%(1400*time.Millisecond))
	},
	// Every other burst is late as a whole.
	"every other second": func(*rand.Rand) time.Duration {
		return time.Duration(time.Now().UnixMilli()/1020%2) * 200 * time.Millisecond
	},
}

// loads are what callers ask for. Each returns the number of requests.
var loads = map[string]func(t *testing.T, call func(n int)) int{
	"300 at once": func(t *testing.T, call func(int)) int {
		call(300)
		return 300
	},
	"bursts with pauses": func(t *testing.T, call func(int)) int {
		for _, pause := range []int{0, 300, 700, 5000, 0, 999, 1000, 1001, 50, 1500} { // in ms
			time.Sleep(time.Duration(pause) * time.Millisecond)
			call(75)
		}
		return 750
	},
	"after idling": func(t *testing.T, call func(int)) int {
		for range 4 {
			call(150)
			time.Sleep(90 * time.Second)
		}
		return 600
	},
	"2100 without a pause": func(t *testing.T, call func(int)) int {
		var callers sync.WaitGroup
		for range 60 {
			callers.Go(func() {
				for range 35 {
					call(1)
				}
			})
		}
		callers.Wait()
		return 2100
	},
}

// Whatever the load and the network, nothing is refused, under either reading of
// the rate limit and in both tiers.
func TestPaceIsNeverRefused(t *testing.T) {
	t.Parallel()
	for limiter := range limiters {
		for jitter := range jitters {
			for load := range loads {
				for _, tier := range []string{"standard", "high"} {
					// What holds under the stricter reading holds under the other, and what
					// holds for 30 requests for 100: one jitter is enough for these.
					if jitter != "uniform" && (limiter == "burst on top" || tier == "high") {
						continue
					}
					t.Run(strings.Join([]string{limiter, jitter, load, tier}, "/"), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) { paced(t, limiter, jitter, load, tier) })
					})
				}
			}
		}
	}
}

func paced(t *testing.T, limiter, jitter, load, tier string) {
	api := faulty.Wrap(sandbox.NewEmpty())
	api.SetLimiter(limiters[limiter])
	api.AnnounceLimits(true)
	key, err := newAccountOf(t, api).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{
		Name: "paced", RateLimitTier: tier, RoleID: sandbox.RoleID("admin"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	transport := api.Transport()
	c, err := raffclient.New(raffclient.Config{
		APIKey: key.Secret, CallTimeout: time.Hour,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			there, back := jitters[jitter](random), jitters[jitter](random)
			mu.Unlock()
			time.Sleep(there)
			res, err := transport.RoundTrip(r)
			time.Sleep(back)
			return res, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	n := loads[load](t, func(n int) {
		var calls sync.WaitGroup
		for range n {
			calls.Go(func() {
				if _, err := c.GetAPIKey(t.Context(), key.ID); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	})
	if refused := api.RateLimited(); refused > 0 {
		t.Errorf("%d of %d requests were refused", refused, n)
	}
	// A place in the window is free again after a second and maxDelay.
	rate := map[string]int{"standard": 30, "high": 100}[tier]
	longest := time.Duration(n/rate+1) * (1020 + 200) * time.Millisecond
	if took := time.Since(start); load != "after idling" && load != "bursts with pauses" && took > longest {
		t.Errorf("%d requests took %v, want %v at most", n, took, longest)
	}
}

// A server that is slow to respond does not slow down what is sent beyond the
// longest delay that is assumed.
func TestPaceWithSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{DelayAfter: 5 * time.Second, Times: -1}))
		want := 9*1220*time.Millisecond + 5*time.Second
		if took := createMany(t.Context(), t, a.client, 300); took > want || a.api.RateLimited() > 0 {
			t.Errorf("300 creations took %v, want %v; %d responses were 429", took, want, a.api.RateLimited())
		}
	})
}

func TestPaceLearnsTheTier(t *testing.T) {
	for _, tt := range []struct {
		header string
		want   time.Duration // for 101 more
	}{
		{"100", 1020 * time.Millisecond},
		{"1", 103020 * time.Millisecond},
		{"101", 4080 * time.Millisecond}, // more than any tier has
		{"600", 4080 * time.Millisecond},
		{"0", 4080 * time.Millisecond},
		{"-5", 4080 * time.Millisecond},
		{"1e9", 4080 * time.Millisecond},
		{"99999999999999999999", 4080 * time.Millisecond},
		{"many", 4080 * time.Millisecond},
	} {
		t.Run(tt.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := raffclient.New(raffclient.Config{
					APIKey: raffclient.NewSecret("raff_x"), CallTimeout: time.Hour,
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						res := jsonResponse(201, `{"success":true,"data":{"secret":"raff_0123456789abcdef"}}`)
						res.Header.Set("X-RateLimit-Limit", tt.header)
						return res, nil
					}),
				})
				if err != nil {
					t.Fatal(err)
				}
				createMany(t.Context(), t, c, 1)
				if got := createMany(t.Context(), t, c, 101); got > tt.want || got < tt.want-1020*time.Millisecond {
					t.Errorf("101 creations took %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// A refusal holds back every call through the client, not only its own.
func TestRefusalHoldsEveryoneBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(faulty.Fault{Status: 429, Header: http.Header{"Retry-After": {"5"}}})
		createMany(t.Context(), t, a.client, 1)
		start := a.api.Requests()[0].Time
		for _, r := range a.api.Requests()[1:] {
			if got := r.Time.Sub(start); got < 5*time.Second {
				t.Errorf("a request was sent after %v", got)
			}
		}
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				_, _ = a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: fmt.Sprintf("%03d", i)})
			})
			synctest.Wait() // it is in the queue before the next one comes
		}
		wg.Wait()
		// Thirty leave together, and those may overtake each other.
		var got []int
		for _, k := range a.made() {
			i, _ := strconv.Atoi(k.Name)
			got = append(got, i/30)
		}
		if !slices.IsSorted(got) || len(got) != 100 {
			t.Errorf("got thirties in order %v", got)
		}
	})
}

// Those who give up waiting do not cost the others their time.
func TestGivingUpFreesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		createMany(t.Context(), t, a.client, 30)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() { _, _ = a.create(ctx) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if took := createMany(t.Context(), t, a.client, 1); took > 1100*time.Millisecond {
			t.Errorf("waited %v behind calls that were given up", took)
		}
	})
}

// One lost response among many costs the others next to nothing, and is looked up
// without waiting behind them.
func TestLostResponseAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{Cut: true, After: true, Skip: 10, DelayAfter: time.Second})) // the others are in the queue by then
		start := time.Now()
		var mu sync.Mutex
		var found int
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				_, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: fmt.Sprint(i)})
				if err == nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				found += len(lookedUp(t, err).Found)
				if took := time.Since(start); took > 5*time.Second { // the queue takes 9 s
					t.Errorf("the lookup waited until %v", took)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took > 11500*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if n := a.api.RateLimited(); n > 0 {
			t.Errorf("%d responses were 429", n)
		}
		if found != 1 || len(a.made()) != 300 || a.posts() != 300 {
			t.Errorf("got %d found, %d keys, %d requests", found, len(a.made()), a.posts())
		}
	})
}

// Creations of other names wait neither for a slow one nor for a lookup, and the
// lookup does not wait for them.
func TestLookupHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{DelayAfter: 14 * time.Second}))
		a.api.Fail(create(faulty.Fault{Cut: true})) // nothing is made, so it is looked for as long as can be
		a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
		var wg sync.WaitGroup
		for _, name := range []string{"slow", "not made"} {
			wg.Go(func() { _, _ = a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: name}) })
			synctest.Wait()
		}
		start := time.Now()
		_, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "lost"})
		if took := time.Since(start); len(lookedUp(t, err).Found) != 1 || took > time.Second {
			t.Errorf("the lost one: got %v after %v", err, took)
		}
		_, err = a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "another"})
		if took := time.Since(start); err != nil || took > time.Second {
			t.Errorf("another: got %v after %v", err, took)
		}
		wg.Wait()
	})
}

// What the rate limit refuses is one line in the log, whatever the number of calls and
// attempts.
func TestRefusalsAreOneLine(t *testing.T) {
	for _, tt := range []struct {
		name         string
		calls, times int
		want         string
	}{
		{"several calls", 5, 5, "requests=5 calls=5 duration="},
		{"several attempts", 1, 3, "requests=3 calls=1 duration=6s"},
		{"a call that gives up", 1, -1, "requests=28 calls=1 duration=54s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				refused := faulty.Fault{Status: 429, Header: http.Header{"Retry-After": {"2"}}, Times: tt.times}
				if tt.calls > 1 {
					refused.Delay = time.Second // all are sent before the first response
				}
				a.api.Fail(refused)
				var wg sync.WaitGroup
				for range tt.calls {
					wg.Go(func() {
						for _, err := range a.client.Roles(t.Context(), "") {
							if (err != nil) != (tt.times < 0) {
								t.Errorf("got error %v", err)
							}
						}
					})
				}
				wg.Wait()
				log := a.log.String()
				if n := strings.Count(log, "level=WARN"); n != 1 || !strings.Contains(log, `level=WARN msg="Raff refused requests because of the rate limit" `+tt.want) {
					t.Errorf("got %d warnings, want one with %q: %s", n, tt.want, log)
				}
			})
		})
	}
}

// If calls never stop waiting for the rate limit, the log says so once a minute.
func TestRefusalsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(faulty.Fault{Status: 429, Header: http.Header{"Retry-After": {"2"}}, Times: -1})
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 40 * time.Second)
				if err := a.client.RemoveMember(t.Context(), "00000000-0000-4000-8000-000000000000"); !errors.Is(err, raffclient.ErrRateLimited) {
					t.Errorf("got error %v", err)
				}
			})
		}
		wg.Wait()
		if n := strings.Count(a.log.String(), "level=WARN"); n != 3 || strings.Count(a.log.String(), "duration=1m") != 2 {
			t.Errorf("got %d warnings in 134 s, want 3: %s", n, a.log)
		}
	})
}

// Nothing is said about the status of a response that there was not.
func TestNoStatusWithoutResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(faulty.Fault{Refuse: true})
		if _, err := a.client.GetRole(t.Context(), "00000000-0000-4000-8000-000000000000"); err == nil {
			t.Error("no error")
		}
		if log := a.log.String(); !strings.Contains(log, `msg="request failed"`) || strings.Contains(log, "status=0") || !strings.Contains(log, "status=404") {
			t.Errorf("got log %s", log)
		}
	})
}
