package raffclient_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// listing is a fault that strikes every list of keys.
func listing(f faulty.Fault) faulty.Fault {
	f.Method, f.Path, f.Times = "GET", "/api/v1/api-keys", -1
	return f
}

// lookedUp returns the OutcomeError of a creation whose response was lost.
func lookedUp(t *testing.T, err error) *raffclient.OutcomeError {
	t.Helper()
	lost, ok := errors.AsType[*raffclient.OutcomeError](err)
	if !ok {
		t.Fatalf("got %v, want an OutcomeError", err)
	}
	return lost
}

// A key is found however late it appears, within reason, and however the API shows
// it.
func TestLookupFindsTheKey(t *testing.T) {
	const minuteAhead = "Sat, 01 Jan 2000 01:01:00 GMT" // of the bubble's clock, when the key is made
	reset := faulty.Fault{Cut: true}
	for _, tt := range []struct {
		name  string
		lost  faulty.Fault  // no response, and no key yet
		after time.Duration // when the key is created all the same
		list  faulty.Fault
		named string
	}{
		{"at once", reset, 0, faulty.Fault{}, " CI deploy "},
		{"late", reset, 10 * time.Second, faulty.Fault{}, " CI deploy "},
		{"late after a timeout", faulty.Fault{Delay: time.Hour}, 25 * time.Second, faulty.Fault{}, " CI deploy "},
		{"late after a 504", faulty.Fault{Status: 504}, 6 * time.Second, faulty.Fault{}, " CI deploy "},
		{"its name trimmed", reset, 0, faulty.Fault{}, "CI deploy"},
		{"its name in lower case", reset, 0, faulty.Fault{}, "ci deploy"},
		{"its name with other space", reset, 0, faulty.Fault{}, "CI\u00a0 deploy"},
		{"created_at behind Date", reset, 0, faulty.Fault{Header: http.Header{"Date": {minuteAhead}}}, " CI deploy "},
		{"no total", reset, 0, faulty.Fault{Omit: []string{"total"}}, " CI deploy "},
		{"IDs are numbers", reset, 0, faulty.Fault{Set: map[string]any{"id": 5}}, " CI deploy "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				request := raffclient.CreateAPIKeyRequest{Name: " CI deploy "}
				if _, err := a.client.CreateAPIKey(t.Context(), request); err != nil {
					t.Fatal(err) // an older key of the same name
				}
				time.Sleep(time.Hour)
				a.api.Fail(create(tt.lost))
				a.api.Fail(listing(tt.list))
				other := newAccountOf(t, a.api)
				var wg sync.WaitGroup
				wg.Go(func() {
					time.Sleep(tt.after + time.Millisecond)
					if _, err := other.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: tt.named}); err != nil {
						t.Error(err)
					}
				})
				_, err := a.client.CreateAPIKey(t.Context(), request)
				wg.Wait()
				lost := lookedUp(t, err)
				if made := a.made(); lost.LookupErr != nil || len(lost.Found) != 1 || len(made) != 2 || lost.Found[0].Prefix != made[1].Prefix {
					t.Errorf("got %+v of %d keys, want the second", lost, len(made))
				}
			})
		})
	}
}

// withShortPages makes the API return at most 20 elements of a list, whatever it is
// asked for.
func withShortPages(c *raffclient.Config) {
	inner := c.Transport
	c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if q := r.URL.Query(); q.Has("limit") {
			q.Set("limit", "20")
			r = r.Clone(r.Context())
			r.URL.RawQuery = q.Encode()
		}
		return inner.RoundTrip(r)
	})
}

// An API may give less than it is asked for. Without a total, only an empty page is
// the end.
func TestLookupReadsShortPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, withShortPages)
		createMany(t.Context(), t, a.client, 45)
		a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
		a.api.Fail(listing(faulty.Fault{Omit: []string{"total"}}))
		_, err := a.create(t.Context())
		if lost := lookedUp(t, err); lost.LookupErr != nil || len(lost.Found) != 1 || lost.Found[0].ID != a.made()[45].ID {
			t.Errorf("got %+v, want the last key", lost)
		}
	})
}

// A response that may not be a list does not prove that there is no key.
func TestLookupWithoutProof(t *testing.T) {
	for _, body := range []string{
		`{"success":true,"data":null}`,
		`{"success":true,"data":[]}`,
		`{"success":true}`,
		`{}`,
		`null`,
		`[]`,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t)
			a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
			a.api.Fail(listing(faulty.Fault{Body: body}))
			_, err := a.create(t.Context())
			if lost := lookedUp(t, err); lost.LookupErr == nil || len(lost.Found) != 0 {
				t.Errorf("the list %s: got %+v, want LookupErr", body, lost)
			}
		})
	}
}

// A key that may be older than the call is a candidate at most, and one that was in
// use before the call is none.
func TestLookupDoubts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		list  faulty.Fault
		used  bool
		age   time.Duration
		found int
	}{
		{"no Date", faulty.Fault{Header: http.Header{"Date": nil}}, false, 10 * time.Minute, 1},
		{"no created_at", faulty.Fault{Omit: []string{"created_at"}}, false, 10 * time.Minute, 1},
		{"created_at is not a date", faulty.Fault{Set: map[string]any{"created_at": "today"}}, false, 10 * time.Minute, 1},
		{"in use", faulty.Fault{Omit: []string{"created_at"}}, true, 10 * time.Minute, 0},
		{"created_at may be local time", faulty.Fault{}, false, 14 * time.Hour, 1},
		{"certainly older", faulty.Fault{}, false, 27 * time.Hour, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				// Somebody else made it, so that this client does not know it.
				key, err := newAccountOf(t, a.api).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
				if err != nil {
					t.Fatal(err)
				}
				if tt.used {
					request, _ := http.NewRequestWithContext(t.Context(), "GET", "http://localhost/api/v1/api-keys", nil)
					request.Header.Set("X-API-Key", key.Secret.Reveal())
					if _, err := a.api.Transport().RoundTrip(request); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(tt.age)
				a.api.Fail(create(faulty.Fault{Cut: true}))
				a.api.Fail(listing(tt.list))
				_, err = a.create(t.Context())
				lost := lookedUp(t, err)
				if lost.LookupErr != nil || len(lost.Found) != tt.found {
					t.Fatalf("got %+v, want %d candidates", lost, tt.found)
				}
				for _, m := range lost.Found {
					if m.Confirmed || m.Recent || m.ID != key.ID {
						t.Errorf("got %+v, want the old key, and doubt", m)
					}
				}
			})
		})
	}
}

// A response that reports a failure does not prove what it names.
func TestLookupOfWhatWasDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		key, err := a.create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		a.api.Fail(create(faulty.Fault{Body: `{"success":false,"message":"there is one of that name","data":{"id":"` + key.ID + `","name":"ci"}}`}))
		_, err = a.create(t.Context())
		if lost := lookedUp(t, err); lost.LookupErr != nil || len(lost.Found) != 0 {
			t.Errorf("got %+v, want nothing found", lost)
		}
	})
}

// A key that was delivered without its ID is known by its prefix, and not taken for
// a lost one.
func TestLookupKnowsWhatWasDelivered(t *testing.T) {
	for _, omit := range [][]string{{"id"}, {"id", "key_prefix"}} {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t)
			a.api.Fail(create(faulty.Fault{Omit: omit}))
			if _, err := a.create(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
			_, err := a.create(t.Context())
			if lost := lookedUp(t, err); len(lost.Found) != 1 || lost.Found[0].ID != a.made()[1].ID {
				t.Errorf("without %s: got %+v, want the second key alone", omit, lost.Found)
			}
		})
	}
}

// A response without a secret that describes a key of an earlier call does not say
// that the lost request made it.
func TestLookupOfWhatIsOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		mine, err := a.create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := newAccountOf(t, a.api).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		for _, older := range []raffclient.APIKeyWithSecret{mine, theirs} {
			a.api.Fail(create(faulty.Fault{Omit: []string{"secret"}, Set: map[string]any{
				"id": older.ID, "key_prefix": older.KeyPrefix, "created_at": older.CreatedAt,
			}}))
			_, err = a.create(t.Context())
			for _, m := range lookedUp(t, err).Found {
				if m.ID == older.ID && m.Recent {
					t.Errorf("got %+v, which is older", m)
				}
			}
		}
	})
}

// Without a prefix to compare, it is not known whether a key was regenerated.
func TestLookupOfRegenerationWithoutPrefix(t *testing.T) {
	for _, omit := range [][]string{nil, {"key_prefix"}} {
		for _, known := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				key, err := a.create(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !known {
					key.KeyPrefix = ""
				}
				a.api.Fail(faulty.Fault{Method: "POST", Cut: true})
				a.api.Fail(faulty.Fault{Method: "GET", Omit: omit, Times: -1})
				_, err = a.client.RegenerateAPIKey(t.Context(), key.APIKey)
				lost := lookedUp(t, err)
				if got, want := lost.LookupErr == nil, known && omit == nil; got != want || len(lost.Found) != 0 {
					t.Errorf("omitted %v, known %t: got %+v", omit, known, lost)
				}
			})
		}
	}
}

// A prefix that the API shows of every key does not tell which of them was lost.
func TestLookupWithMaskedPrefixes(t *testing.T) {
	for _, prefix := range []string{"raff_", "raff_********", "raff_live", "raff_livelive", "raff_17d70fcf"} {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t)
			masked := map[string]any{"key_prefix": prefix}
			a.api.Fail(create(faulty.Fault{Set: masked}))
			a.api.Fail(listing(faulty.Fault{Set: masked}))
			if _, err := a.create(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
			_, err := a.create(t.Context())
			if lost := lookedUp(t, err); lost.LookupErr != nil || len(lost.Found) != 1 || lost.Found[0].ID != a.made()[1].ID {
				t.Errorf("%q: got %+v, want the second key", prefix, lost)
			}
		})
	}
}

// A key whose name the API changed beyond recognition is a candidate, however the
// list shows when it was made and that it was never used.
func TestLookupOfAnotherName(t *testing.T) {
	for _, tt := range []struct {
		name  string
		list  map[string]any // where the new key is the only one
		found int
	}{
		{"never used: zero", map[string]any{"created_at": "2000-01-01T00:00:00Z", "last_used_at": "0001-01-01T00:00:00Z"}, 1},
		{"never used: empty", map[string]any{"created_at": "2000-01-01T00:00:00Z", "last_used_at": ""}, 1},
		{"never used: created_at", map[string]any{"created_at": "2000-01-01T00:00:00Z", "last_used_at": "2000-01-01T00:00:00Z"}, 1},
		{"created_at null", map[string]any{"created_at": nil}, 1},
		{"created_at a number", map[string]any{"created_at": 946684800}, 1},
		{"created_at without zone", map[string]any{"created_at": "2000-01-01 00:00:00"}, 1},
		{"created_at west", map[string]any{"created_at": "1999-12-31T19:00:00Z"}, 1},
		{"created_at in Nepal", map[string]any{"created_at": "2000-01-01T05:45:00Z"}, 1},
		{"older", map[string]any{"created_at": "1999-12-31T19:10:00Z"}, 0},
		{"used", map[string]any{"created_at": nil, "last_used_at": "2000-01-01T00:00:00Z"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				tt.list["name"] = "klyuch"
				list := []any{map[string]any{"id": "1", "key_prefix": "raff_17d70fcf"}}
				for name, value := range tt.list {
					list[0].(map[string]any)[name] = value
				}
				text, err := json.Marshal(map[string]any{"data": list, "total": 1})
				if err != nil {
					t.Fatal(err)
				}
				a.api.Fail(create(faulty.Fault{Cut: true}))
				a.api.Fail(listing(faulty.Fault{Body: string(text), Header: http.Header{"Date": {"Sat, 01 Jan 2000 00:00:00 GMT"}}}))
				_, err = a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "Ключ"})
				if lost := lookedUp(t, err); lost.LookupErr != nil && !errors.Is(lost.LookupErr, raffclient.ErrListIncomplete) || len(lost.Found) != tt.found {
					t.Errorf("got %+v, want %d candidates", lost, tt.found)
				}
			})
		})
	}
}
