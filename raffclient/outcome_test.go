package raffclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// create is where faults strike in these tests.
func create(f faulty.Fault) faulty.Fault {
	f.Method, f.Path = "POST", "/api/v1/api-keys"
	return f
}

// A creation whose response was lost is sent once, and the error says what it
// created.
func TestLostResponse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		made  int
	}{
		{"reset after", faulty.Fault{Cut: true, After: true}, 1},
		{"reset before", faulty.Fault{Cut: true}, 0},
		{"timeout after", faulty.Fault{DelayAfter: time.Hour}, 1},
		{"timeout before", faulty.Fault{Delay: time.Hour}, 0},
		{"500 after", faulty.Fault{Status: 500, After: true}, 1},
		{"500 before", faulty.Fault{Status: 500, Body: `{"error":"Internal Server Error"}`}, 0},
		{"502 after", faulty.Fault{Status: 502, After: true, Body: "<html>"}, 1},
		{"503 before", faulty.Fault{Status: 503, Header: http.Header{"Retry-After": {"1"}}}, 0},
		{"504 after", faulty.Fault{Status: 504, After: true}, 1},
		{"301 after", faulty.Fault{Redirect: "/elsewhere", Status: 301, After: true}, 1},
		{"302 after", faulty.Fault{Redirect: "https://evil.example/", Status: 302, After: true}, 1},
		{"302 before", faulty.Fault{Redirect: "/elsewhere", Status: 302}, 0},
		{"303 after", faulty.Fault{Redirect: "/elsewhere", Status: 303, After: true}, 1},
		{"no secret", faulty.Fault{Omit: []string{"secret"}}, 1},
		{"empty secret", faulty.Fault{Set: map[string]any{"secret": ""}}, 1},
		{"secret is a number", faulty.Fault{Set: map[string]any{"secret": 5}}, 1},
		{"secret is null", faulty.Fault{Set: map[string]any{"secret": nil}}, 1},
		{"neither secret nor ID", faulty.Fault{Omit: []string{"secret", "id"}}, 1},
		{"no data", faulty.Fault{Omit: []string{"data"}}, 1},
		{"empty body", faulty.Fault{Status: 201, After: true}, 1},
		{"html", faulty.Fault{Status: 200, After: true, Body: "<html>signed in</html>"}, 1},
		{"html, not the API", faulty.Fault{Status: 200, Body: "<html>sign in</html>"}, 0},
		{"a list", faulty.Fault{Status: 201, After: true, Body: `[1]`}, 1},
		{"text", faulty.Fault{Status: 201, After: true, Body: `"x"`}, 1},
		{"endless nothing", faulty.Fault{Status: 201, After: true, Body: " ", Endless: true}, 1},
		{"endless text", faulty.Fault{Status: 201, After: true, Body: `{"data":{"x":"`, Endless: true, Filler: 'x'}, 1},
		{"cut at once", faulty.Fault{CutBody: -1}, 1},
		{"cut early", faulty.Fault{CutBody: 9}, 1},
		{"not successful", faulty.Fault{Status: 200, Body: `{"success":false,"message":"no"}`}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				if _, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"}); err != nil {
					t.Fatal(err) // an older key of the same name, which must not be taken for the lost one
				}
				time.Sleep(time.Minute)
				a.api.Fail(create(tt.fault))
				start := time.Now()
				_, err := a.create(t.Context())

				lost, ok := errors.AsType[*raffclient.OutcomeError](err)
				if !ok || !errors.Is(err, raffclient.ErrOutcomeUnknown) {
					t.Fatalf("got %v, want ErrOutcomeUnknown", err)
				}
				if lost.LookupErr != nil || len(lost.Found) != tt.made || lost.Name != "ci" {
					t.Errorf("got %+v, want %d key(s)", lost, tt.made)
				}
				if tt.made == 1 {
					a.logged(t, "level=ERROR", "name=ci", lost.Found[0].ID, lost.Found[0].Prefix)
				}
				if made := a.made(); len(made) != 1+tt.made {
					t.Errorf("got %d keys, want %d", len(made), 1+tt.made)
				} else if tt.made == 1 && lost.Found[0].ID != made[1].ID {
					t.Errorf("got key %s, want %s", lost.Found[0].ID, made[1].ID)
				}
				if got := a.posts(); got != 2 {
					t.Errorf("got %d creations sent, want 2", got)
				}
				if took := time.Since(start); took > 55*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// The secret is returned whenever it can be read from the response.
func TestSecretSurvivesBadResponses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
	}{
		{"200", faulty.Fault{Status: 0}},
		{"other types", faulty.Fault{Set: map[string]any{
			"id": 5, "name": []int{1}, "is_active": "yes", "created_at": 17, "expires_at": map[string]int{"a": 1},
			"project_accesses": "none", "role_id": true, "key_prefix": nil,
		}}},
		{"not a date", faulty.Fault{Set: map[string]any{"created_at": "yesterday", "expires_at": "2027-13-45"}}},
		{"unknown fields", faulty.Fault{Set: map[string]any{"surprise": map[string]any{"secret": "x"}}}},
		{"nothing but the secret", faulty.Fault{Omit: []string{"id", "name", "key_prefix", "is_active", "account_id", "created_at", "created_by", "scope", "rate_limit_tier", "success"}}},
		{"success false", faulty.Fault{Set: map[string]any{"success": false}}},
		{"success text", faulty.Fault{Set: map[string]any{"success": "sure"}}},
		{"goes on for ever", faulty.Fault{Endless: true}},
		{"goes on with nonsense", faulty.Fault{Endless: true, Filler: 'x'}},
		{"late", faulty.Fault{DelayAfter: 14 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				a.api.Fail(create(tt.fault))
				key, err := a.create(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got, want := key.Prefix(), a.made()[0].Prefix; got != want {
					t.Errorf("got prefix %q, want %q", got, want)
				}
				if secret := key.Secret.Reveal(); !strings.HasPrefix(secret, a.made()[0].Prefix) || len(secret) != 69 {
					t.Errorf("got a secret of %d characters", len(secret))
				}
			})
		})
	}
}

// A truncated response yields the secret if it came that far, wherever it
// ends; otherwise the key is found.
func TestTruncatedResponse(t *testing.T) {
	const body = `{"success":true,"data":{"id":"1","secret":"raff_0123456789abcdef","name":"ci","tags":[{"a":"b"}],"is_active":true}}`
	whole := strings.Index(body, `"secret":`) + len(`"secret":"raff_0123456789abcdef"`)
	for n := range len(body) {
		c, err := raffclient.New(raffclient.Config{
			APIKey: raffclient.NewSecret("raff_x"),
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return jsonResponse(201, body[:n]), nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		synctest.Test(t, func(t *testing.T) {
			ctx = t.Context()
			key, err := c.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: "ci"})
			if got, want := !key.Secret.IsZero(), n >= whole; got != want {
				t.Errorf("cut after %d bytes: got a secret: %t, want %t (%v)", n, got, want, err)
			}
		})
	}
}

// A bare object, as one page of the documentation shows, is understood.
func TestResponseWithoutEnvelope(t *testing.T) {
	c, err := raffclient.New(raffclient.Config{
		APIKey: raffclient.NewSecret("raff_x"),
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return jsonResponse(200, `{"id":"1","secret":"raff_0123456789abcdef"}`), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
	if err != nil || key.ID != "1" || key.Secret.Reveal() != "raff_0123456789abcdef" {
		t.Errorf("got %+v, %v", key, err)
	}
}

// The API may create the key long after the connection was lost.
func TestKeyThatAppearsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{Status: 504}))
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(2 * time.Second)
			other := newAccountOf(t, a.api)
			if _, err := other.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"}); err != nil {
				t.Error(err)
			}
		})
		_, err := a.create(t.Context())
		wg.Wait()
		if lost, ok := errors.AsType[*raffclient.OutcomeError](err); !ok || len(lost.Found) != 1 {
			t.Errorf("got %v, want one key", err)
		}
	})
}

// logged fails the test if no line of the log has all of these: where a call was
// cancelled, the log is the one place where what became of it is told.
func (a *account) logged(t *testing.T, words ...string) {
	t.Helper()
	for line := range strings.Lines(a.log.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			return
		}
	}
	t.Errorf("no line of the log has %q: %s", words, a.log)
}

func newAccountOf(t *testing.T, api *faulty.API) *raffclient.Client {
	t.Helper()
	c, err := raffclient.New(raffclient.Config{
		APIKey: api.OwnerKey(), BaseURL: "http://localhost", Transport: api.Transport(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Of keys that are being made at the same time under the same name, only the
// lost one is reported: reporting another would get a good key revoked.
func TestLostAmongOthersOfItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{Cut: true, After: true, Skip: 7}))
		// The others are slower than the lookup would be.
		a.api.Fail(create(faulty.Fault{DelayAfter: 10 * time.Second, Times: -1}))
		good := map[string]bool{}
		var lost []*raffclient.OutcomeError
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				key, err := a.create(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if e, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
					lost = append(lost, e)
					return
				}
				if err != nil {
					t.Error(err)
				}
				good[key.ID] = true
			})
		}
		wg.Wait()
		if len(lost) != 1 || len(good) != 19 || len(a.made()) != 20 {
			t.Fatalf("got %d lost, %d good of %d", len(lost), len(good), len(a.made()))
		}
		if e := lost[0]; len(e.Found) != 1 || good[e.Found[0].ID] {
			t.Errorf("got %+v, want the one key that nobody has", e)
		}
	})
}

// Clocks differ. The comparison is by the server's.
func TestLostResponseWithSkewedClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, -time.Second, 500 * time.Millisecond, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				a.api.SetClock(func() time.Time { return time.Now().Add(skew) })
				if _, err := a.create(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Minute)
				a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
				// The newer key is this one, not the one of five minutes ago.
				_, err := newAccountOf(t, a.api).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
				if lost, ok := errors.AsType[*raffclient.OutcomeError](err); !ok || len(lost.Found) != 1 || lost.Found[0].ID != a.made()[1].ID || !lost.Found[0].Recent {
					t.Errorf("got %v, want the second key", err)
				}
			})
		})
	}
}

// Where the lookup fails too, the error says so and nothing is claimed.
func TestLookupFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
		a.api.Fail(faulty.Fault{Method: "GET", Status: 403, Times: -1})
		_, err := a.create(t.Context())
		lost, ok := errors.AsType[*raffclient.OutcomeError](err)
		if !ok || len(lost.Found) != 0 || !errors.Is(lost.LookupErr, raffclient.ErrForbidden) {
			t.Errorf("got %v, want an unknown outcome with ErrForbidden", err)
		}
		a.logged(t, "level=ERROR", "name=ci")
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		for range 30 {
			if _, err := a.create(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		_, err := a.create(ctx)
		if !errors.Is(err, raffclient.ErrNotSent) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want ErrNotSent and context.Canceled", err)
		}
		if n := len(a.made()); n != 30 {
			t.Errorf("got %d keys, want 30", n)
		}
	})
}

func TestCancelledWhileRepeating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(faulty.Fault{Status: 429})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err := a.create(ctx); !errors.Is(err, raffclient.ErrNotSent) {
			t.Errorf("got %v, want ErrNotSent", err)
		}
		if n := len(a.made()); n != 0 {
			t.Errorf("got %d keys, want 0", n)
		}
	})
}

// A creation on its way is seen through, so that the caller can revoke it.
func TestCancelledOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{DelayAfter: time.Second}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		key, err := a.create(ctx)
		if err != nil || key.Secret.IsZero() || key.ID != a.made()[0].ID {
			t.Errorf("got %v, %v; want the key", key.ID, err)
		}
	})
}

func TestOutcomeErrorNamesNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		secret := ""
		a.api.Fail(create(faulty.Fault{Status: 500, After: true, Body: fmt.Sprintf(`{"message":"%s raff_0123456789abcdef"}`, a.api.OwnerKey().Reveal())}))
		key, err := a.create(t.Context())
		secret = key.Secret.Reveal()
		text := fmt.Sprintf("%v %+v %s", err, err, a.log)
		for _, s := range []string{a.api.OwnerKey().Reveal(), "raff_0123456789abcdef", secret} {
			if s != "" && strings.Contains(text, s) {
				t.Errorf("a key is in %s", text)
			}
		}
		if !strings.Contains(text, "raff_01234567…[redacted]") {
			t.Errorf("got %s, want the prefix", text)
		}
	})
}

// The new secret may begin with the server's own key, and is whole all the same.
func TestSecretThatBeginsLikeTheOwnKey(t *testing.T) {
	for _, secret := range []string{"raff_own1", "raff_own-2", "raff_other"} {
		c, err := raffclient.New(raffclient.Config{
			APIKey: raffclient.NewSecret("raff_own"),
			Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				return jsonResponse(201, `{"success":true,"data":{"id":"1","name":"for raff_own","secret":"`+secret+`"}}`), nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		key, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
		if err != nil || key.Secret.Reveal() != secret {
			t.Errorf("got %q, %v; want %q", key.Secret.Reveal(), err, secret)
		}
		if strings.Contains(key.Name, "raff_own") {
			t.Errorf("the own key is in the name %q", key.Name)
		}
	}
}
