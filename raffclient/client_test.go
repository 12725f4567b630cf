package raffclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/contract"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// account is a sandbox, a client of it, and what the client logged.
type account struct {
	api    *faulty.API
	client *raffclient.Client
	log    *bytes.Buffer
	seeded int // keys that were there from the start
}

func newAccount(t *testing.T, change ...func(*raffclient.Config)) *account {
	t.Helper()
	a := &account{api: faulty.Wrap(sandbox.NewEmpty()), log: &bytes.Buffer{}}
	cfg := raffclient.Config{
		APIKey:    a.api.OwnerKey(),
		BaseURL:   "http://localhost",
		Transport: a.api.Transport(),
		Logger:    slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if a.client, err = raffclient.New(cfg); err != nil {
		t.Fatalf("New: %v", err)
	}
	contract.Watch(t, a.api, description)
	a.seeded = len(a.api.Keys())
	a.api.Record(true)
	return a
}

// made returns the keys that the test created.
func (a *account) made() []sandbox.Key { return a.api.Keys()[a.seeded:] }

// posts counts the creations that reached the API.
func (a *account) posts() (n int) {
	for _, r := range a.api.Requests() {
		if r.Method == "POST" {
			n++
		}
	}
	return n
}

func (a *account) create(ctx context.Context) (raffclient.APIKeyWithSecret, error) {
	return a.client.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: "ci"})
}

func TestCreateSendsWhatIsDocumented(t *testing.T) {
	a := newAccount(t, func(c *raffclient.Config) { c.ProjectID, c.UserAgent = "p", "raff-mcp/1" })
	expires := time.Date(2100, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	key, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{
		Name: "ci", RateLimitTier: "high", ExpiresAt: &expires, RoleID: sandbox.RoleID("member"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if key.ID == "" || key.Prefix() != key.Secret.Reveal()[:13] || key.ExpiresAt == "" || *key.Active != true || key.RateLimitTier != "high" {
		t.Errorf("got key %+v", key)
	}
	r := a.api.Requests()[0]
	if got, want := r.Method+" "+r.Path, "POST /api/v1/api-keys"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := `{"name":"ci","rate_limit_tier":"high","expires_at":"2100-01-02T03:04:05+01:00","role_id":"` + sandbox.RoleID("member") + `"}`
	if got := string(r.Body); got != want {
		t.Errorf("got body %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"X-API-Key": a.api.OwnerKey().Reveal(), "User-Agent": "raff-mcp/1", "Accept": "application/json",
		"Content-Type": "application/json", "X-Project-ID": "", "Idempotency-Key": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("header %s: got %q, want %q", name, got, want)
		}
	}
}

func TestNew(t *testing.T) {
	good := raffclient.NewSecret("raff_x")
	for _, tt := range []struct {
		name string
		cfg  raffclient.Config
		want string // "" for success
	}{
		{"default", raffclient.Config{APIKey: good}, ""},
		{"loopback", raffclient.Config{APIKey: good, BaseURL: "http://127.0.0.1:8080/"}, ""},
		{"loopback 6", raffclient.Config{APIKey: good, BaseURL: "http://[::1]:8080"}, ""},
		{"no key", raffclient.Config{}, "no API key"},
		{"not a key", raffclient.Config{APIKey: raffclient.NewSecret("sk-1")}, "raff_"},
		{"line feed in key", raffclient.Config{APIKey: raffclient.NewSecret("raff_\nx")}, "cannot be sent"},
		{"http", raffclient.Config{APIKey: good, BaseURL: "http://api.example.com"}, "unencrypted"},
		{"looks like loopback", raffclient.Config{APIKey: good, BaseURL: "http://127.0.0.1.example.com"}, "unencrypted"},
		{"ftp", raffclient.Config{APIKey: good, BaseURL: "ftp://api.example.com"}, "https://"},
		{"password", raffclient.Config{APIKey: good, BaseURL: "https://u:raff_p@api.example.com"}, "password"},
		{"highest port", raffclient.Config{APIKey: good, BaseURL: "https://api.example.com:65535"}, ""},
		{"port too high", raffclient.Config{APIKey: good, BaseURL: "http://127.0.0.1:99999"}, "port"},
		{"port 0", raffclient.Config{APIKey: good, BaseURL: "https://api.example.com:0"}, "port"},
		{"no host", raffclient.Config{APIKey: good, BaseURL: "https://:443"}, "like https://"},
		{"empty query", raffclient.Config{APIKey: good, BaseURL: "https://api.example.com?"}, "like https://"},
		{"nonsense", raffclient.Config{APIKey: good, BaseURL: "https://raff_ %zz"}, "URL"},
		{"call timeout", raffclient.Config{APIKey: good, CallTimeout: time.Second}, "call timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := raffclient.New(tt.cfg)
			if tt.want == "" && err != nil {
				t.Errorf("got %v, want success", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "raff_p")) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// Whatever the API responds, the error says what happened, and no unknown key is
// left.
func TestCreateRefused(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html"}}
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		want  error
		text  string
		posts int
	}{
		{"400", faulty.Fault{Status: 400, Body: `{"error":"Bad Request","message":"name is taken"}`}, raffclient.ErrInvalid, "name is taken", 1},
		{"401", faulty.Fault{Status: 401, Body: `{"error":"Unauthorized"}`}, raffclient.ErrUnauthorized, "401", 1},
		{"403", faulty.Fault{Status: 403, Body: `{"error":"Forbidden"}`}, raffclient.ErrForbidden, "403", 1},
		{"403 billing", faulty.Fault{Status: 403, Body: `{"error":"Billing validation failed","reason":"banned"}`}, raffclient.ErrBilling, "banned", 1},
		{"403 billing, reason in message", faulty.Fault{Status: 403, Body: `{"error":"Forbidden","message":{"reason":"no_billing_customer"}}`}, raffclient.ErrBilling, "no_billing_customer", 1},
		{"403 billing, reason and message in message", faulty.Fault{Status: 403, Body: `{"message":{"message":"add a card","reason":"failed"}}`}, raffclient.ErrBilling, "add a card: failed", 1},
		{"403 billing, title alone", faulty.Fault{Status: 403, Body: `{"error":"Billing validation failed"}`}, raffclient.ErrBilling, "Billing validation failed", 1},
		{"403 about a billing permission", faulty.Fault{Status: 403, Body: `{"error":"Forbidden","message":"missing permission account.billing.view"}`}, raffclient.ErrForbidden, "account.billing.view", 1},
		{"402", faulty.Fault{Status: 402, Body: `{"error":"Payment Required"}`}, raffclient.ErrBilling, "402", 1},
		{"402, nothing", faulty.Fault{Status: 402}, raffclient.ErrBilling, "402", 1},
		{"404", faulty.Fault{Status: 404, Body: `{}`}, raffclient.ErrNoEndpoint, "404", 1},
		{"409", faulty.Fault{Status: 409}, raffclient.ErrConflict, "409", 1},
		{"418", faulty.Fault{Status: 418}, raffclient.ErrInvalid, "418", 1},
		{"rpc", faulty.Fault{Status: 400, Body: `{"message":"rpc error: code = Invalid desc = no such role"}`}, raffclient.ErrInvalid, "no such role", 1},
		{"html", faulty.Fault{Status: 400, Body: "<html>", Header: html}, raffclient.ErrInvalid, "400", 1},
		{"types", faulty.Fault{Status: 400, Body: `{"error":{"a":1},"message":["x"]}`}, raffclient.ErrInvalid, "400", 1},
		{"redirect", faulty.Fault{Redirect: "https://evil.example/raff"}, raffclient.ErrRedirected, "evil.example", 1},
		{"project", faulty.Fault{Status: 400, Body: `{"error":"Bad Request","message":"X-Project-ID required"}`, Times: -1}, raffclient.ErrProjectRequired, "X-Project-ID", 1},
		{"refused", faulty.Fault{Refuse: true, Times: -1}, raffclient.ErrUnreachable, "refused", 0},
		{"dns", faulty.Fault{RefuseErr: &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}, Times: -1}, raffclient.ErrUnreachable, "api.example.com", 0},
		{"429", faulty.Fault{Status: 429, Header: http.Header{"Retry-After": {"3600"}}, Times: -1}, raffclient.ErrRateLimited, "429", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				a.api.Fail(tt.fault)
				_, err := a.create(t.Context())
				if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
				}
				if errors.Is(err, raffclient.ErrOutcomeUnknown) {
					t.Errorf("got %v, want a known outcome", err)
				}
				if n := len(a.made()); n != 0 {
					t.Errorf("got %d keys, want 0", n)
				}
				if got := a.posts(); got != tt.posts {
					t.Errorf("got %d requests, want %d", got, tt.posts)
				}
			})
		})
	}
}

// What surely was not processed is sent again.
func TestCreateRepeated(t *testing.T) {
	limited := http.Header{"Retry-After": {"3"}}
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		least time.Duration // how long it waits
		most  time.Duration
	}{
		{"429, seconds", faulty.Fault{Status: 429, Header: limited}, 3 * time.Second, 3 * time.Second},
		{"429, date", faulty.Fault{Status: 429, Header: http.Header{"Retry-After": {"Thu, 01 Jan 1998 00:00:07 GMT"}, "Date": {"Thu, 01 Jan 1998 00:00:00 GMT"}}}, 7 * time.Second, 7 * time.Second},
		{"429, nothing", faulty.Fault{Status: 429, Times: 3}, 7 * time.Second, 9 * time.Second},
		{"429, nonsense", faulty.Fault{Status: 429, Header: http.Header{"Retry-After": {"-1"}}}, time.Second, 2 * time.Second},
		{"dial", faulty.Fault{Refuse: true, Times: 2}, 3 * time.Second, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				a.api.Fail(create(tt.fault))
				start := time.Now()
				if _, err := a.create(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(start); got < tt.least || got > tt.most {
					t.Errorf("waited %v, want %v to %v", got, tt.least, tt.most)
				}
				if n := len(a.made()); n != 1 {
					t.Errorf("got %d keys, want 1", n)
				}
			})
		})
	}
}

func TestProjectIDIsSentOnlyOnDemand(t *testing.T) {
	project := sandbox.ProjectID("default")
	a := newAccount(t, func(c *raffclient.Config) { c.ProjectID = project })
	a.api.RequireProjectID(true)
	if _, err := a.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range a.api.Requests() {
		got = append(got, r.Header.Get("X-Project-ID"))
	}
	if fmt.Sprint(got) != "[ "+project+"]" {
		t.Errorf("got X-Project-ID %q, want none and then %s", got, project)
	}
}

// Reading and deleting may be repeated, and a deletion that finds nothing the
// second time has succeeded.
func TestIdempotentRequestsAreRepeated(t *testing.T) {
	for _, fault := range []faulty.Fault{
		{Status: 500, Times: 2},
		{Status: 502, After: true},
		{Status: 503, Header: http.Header{"Retry-After": {"2"}}},
		{Cut: true},
		{Cut: true, After: true},
		{CutBody: 5},
		{DelayAfter: time.Minute},
		{Refuse: true},
	} {
		t.Run(fmt.Sprintf("%+v", fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				key, err := a.create(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				a.api.Fail(fault)
				if got, err := a.client.GetAPIKey(t.Context(), key.ID); err != nil || got.Name != "ci" {
					t.Errorf("GetAPIKey: got %q, %v", got.Name, err)
				}
				a.api.Fail(fault)
				if err := a.client.RevokeAPIKey(t.Context(), key.APIKey); err != nil {
					t.Errorf("RevokeAPIKey: %v", err)
				}
				if keys := a.made(); !keys[0].Revoked {
					t.Error("the key was not revoked")
				}
			})
		})
	}
}

// A repeated deletion that finds nothing has succeeded, whatever the response says.
func TestRepeatedDeletion(t *testing.T) {
	for _, body := range []string{"", `{"error":"Not Found"}`, `{"success":false,"message":"no such key"}`, "<html>"} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			a := newAccount(t, func(c *raffclient.Config) {
				c.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
					if sent++; sent == 1 {
						return jsonResponse(502, ""), nil
					}
					return jsonResponse(404, body), nil
				})
			})
			if err := a.client.RevokeAPIKey(t.Context(), raffclient.APIKey{ID: "1"}); err != nil || sent != 2 {
				t.Errorf("%q: got %v after %d requests, want none after 2", body, err, sent)
			}
		})
	}
}

func TestRevokeUnknownKey(t *testing.T) {
	a := newAccount(t)
	err := a.client.RevokeAPIKey(t.Context(), raffclient.APIKey{ID: "00000000-0000-4000-8000-000000000000"})
	if !errors.Is(err, raffclient.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestNoIDReachesAnotherEndpoint(t *testing.T) {
	a := newAccount(t)
	a.api.Watch(nil) // IDs that are none are sent on purpose
	for _, id := range []string{"", ".", ".."} {
		if err := a.client.RevokeAPIKey(t.Context(), raffclient.APIKey{ID: id}); !errors.Is(err, raffclient.ErrInvalid) {
			t.Errorf("ID %q: got %v, want ErrInvalid", id, err)
		}
	}
	if n := len(a.api.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	for _, id := range []string{"../roles", "a/b", "x?y=z", "x#y", "%2e%2e", "..\\.."} {
		_ = a.client.RevokeAPIKey(t.Context(), raffclient.APIKey{ID: id})
	}
	for _, r := range a.api.Requests() {
		if rest, ok := strings.CutPrefix(r.Path, "/api/v1/api-keys/"); !ok || strings.ContainsAny(rest, "/?#") || len(r.Query) > 0 {
			t.Errorf("an ID became %s with query %v", r.Path, r.Query)
		}
	}
}

func TestList(t *testing.T) {
	names := func(ctx context.Context, a *account) (n int, err error) {
		for _, err := range a.client.APIKeys(ctx) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	for _, tt := range []struct {
		name     string
		keys     int
		fault    faulty.Fault
		want     int
		err      error
		requests int
	}{
		{"empty but for the owner's", 0, faulty.Fault{}, 1, nil, 1},
		{"one page, full", 49, faulty.Fault{}, 50, nil, 2},
		{"three pages", 119, faulty.Fault{}, 120, nil, 3},
		{"no total", 119, faulty.Fault{Omit: []string{"total"}, Times: -1}, 120, nil, 4},
		{"no total, full page", 49, faulty.Fault{Omit: []string{"total"}, Times: -1}, 50, nil, 2},
		{"offset ignored", 119, faulty.Fault{IgnoreOffset: true, Times: -1}, 50, raffclient.ErrListIncomplete, 2},
		{"empty page too soon", 119, faulty.Fault{Status: 200, Body: `{"success":true,"data":[],"total":120}`, Skip: 1}, 50, raffclient.ErrListIncomplete, 2},
		{"null", 0, faulty.Fault{Body: `{"success":true,"data":null}`}, 0, nil, 1},
		{"not a list", 0, faulty.Fault{Body: `{"success":true,"data":{}}`}, 0, raffclient.ErrBadResponse, 1},
		{"not successful", 0, faulty.Fault{Body: `{"success":false,"message":"no"}`}, 0, raffclient.ErrBadResponse, 1},
		{"html", 0, faulty.Fault{Body: `<html>`}, 0, raffclient.ErrBadResponse, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				for range tt.keys {
					if _, err := a.create(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				sent := len(a.api.Requests())
				tt.fault.Method = "GET"
				a.api.Fail(tt.fault)
				got, err := names(t.Context(), a)
				if got != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("got %d keys, %v; want %d, %v", got, err, tt.want, tt.err)
				}
				if got := len(a.api.Requests()) - sent; got != tt.requests {
					t.Errorf("got %d requests, want %d", got, tt.requests)
				}
			})
		})
	}
}

func TestListStopsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		createMany(t.Context(), t, a.client, 60)
		sent := len(a.api.Requests())
		for range a.client.APIKeys(t.Context()) {
			break
		}
		if got := len(a.api.Requests()) - sent; got != 1 {
			t.Errorf("got %d requests, want 1", got)
		}
	})
}

// A list that never ends is cut.
func TestEndlessList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		a := newAccount(t, func(c *raffclient.Config) {
			c.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				var items []string
				for range 50 {
					n++
					items = append(items, fmt.Sprintf(`{"id":"%d"}`, n))
				}
				return jsonResponse(200, `{"success":true,"data":[`+strings.Join(items, ",")+`]}`), nil
			})
		})
		var last error
		for _, err := range a.client.APIKeys(t.Context()) {
			last = err
		}
		if !errors.Is(last, raffclient.ErrListIncomplete) {
			t.Errorf("got %v, want ErrListIncomplete", last)
		}
	})
}
