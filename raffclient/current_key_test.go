package raffclient_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// A keyStore is where a client reads its key.
type keyStore struct {
	mu    sync.Mutex
	key   raffclient.Secret
	err   error
	reads atomic.Int32
	delay time.Duration // of each reading
}

func (s *keyStore) put(key raffclient.Secret, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.err = key, err
}

func (s *keyStore) read(ctx context.Context) (raffclient.Secret, error) {
	s.reads.Add(1)
	select {
	case <-time.After(s.delay):
	case <-ctx.Done():
		return raffclient.Secret{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, s.err
}

// newStoreClient returns a client of a new sandbox that reads the owner's key in a store.
func newStoreClient(t *testing.T) (*raffclient.Client, *faulty.API, *keyStore) {
	t.Helper()
	api := faulty.Wrap(sandbox.New())
	api.Record(true)
	store := &keyStore{key: api.OwnerKey()}
	return newClient(t, raffclient.Config{ReadKey: store.read, Transport: api.Transport()}), api, store
}

// rotate regenerates the owner's key with a client of its own, and returns the new one.
func rotate(t *testing.T, api *faulty.API) raffclient.Secret {
	t.Helper()
	c := newClient(t, raffclient.Config{APIKey: api.OwnerKey(), Transport: api.API.Transport()})
	key, err := c.GetAPIKey(t.Context(), sandbox.KeyID("owner"))
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := c.RegenerateAPIKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return renewed.Secret
}

// ask sends one request.
func ask(ctx context.Context, c *raffclient.Client) error {
	_, err := c.GetAPIKey(ctx, sandbox.KeyID("owner"))
	return err
}

// The key is read when the first request is sent, and not again while it works.
func TestKeyIsReadWhenNeeded(t *testing.T) {
	c, api, store := newStoreClient(t)
	if got := c.OwnKeyPrefix(); store.reads.Load() != 0 || got != "" {
		t.Errorf("got %d readings and the prefix %q before the first request", store.reads.Load(), got)
	}
	if key := (raffclient.APIKey{KeyPrefix: "raff_00000000"}); c.IsOwn(key) || c.IsOwn(raffclient.APIKey{}) || !c.MayBeOwn(key) {
		t.Error("a key is known not to be the own one, although that has not been read")
	}
	for range 2 {
		if err := ask(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.OwnKeyPrefix(); store.reads.Load() != 1 || !strings.HasPrefix(api.OwnerKey().Reveal(), got) || got == "" {
		t.Errorf("got %d readings and the prefix %q", store.reads.Load(), got)
	}
	if c = newClient(t, raffclient.Config{ReadKey: store.read, Transport: api.Transport()}); c.LoadKey(t.Context()) != nil || c.OwnKeyPrefix() == "" {
		t.Error("LoadKey did not read the key")
	}
}

// Without a key nothing is sent, and the error says why. Every call tries again.
func TestNoKey(t *testing.T) {
	c, api, store := newStoreClient(t)
	problem := errors.New("There is no key. Set one.")
	for _, err := range []error{problem, nil} {
		store.put(raffclient.Secret{}, err)
		got := ask(t.Context(), c)
		if !errors.Is(got, raffclient.ErrNoKey) || err != nil && !errors.Is(got, err) || len(api.Requests()) != 0 {
			t.Errorf("got %v", got)
		}
	}
	store.put(raffclient.NewSecret("not a key"), nil)
	if err := c.LoadKey(t.Context()); !errors.Is(err, raffclient.ErrNoKey) || strings.Contains(err.Error(), "not a key") {
		t.Errorf("got %v", err)
	}
	store.put(api.OwnerKey(), nil)
	if err := ask(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// A rejected key is read again, and the request sent once more with the new one: also one
// that must not take effect twice, because the rejected one had no effect.
func TestRotatedKey(t *testing.T) {
	c, api, store := newStoreClient(t)
	if err := ask(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	renewed := rotate(t, api)
	store.put(renewed, nil)
	before, sent := len(api.Keys()), len(api.Requests())
	if _, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"}); err != nil {
		t.Fatal(err)
	}
	if got := len(api.Keys()); got != before+1 {
		t.Errorf("%d keys were created, want 1", got-before)
	}
	requests := api.Requests()[sent:]
	if len(requests) != 2 || requests[0].Status != 401 || requests[1].Status != 201 || requests[1].Header.Get("X-API-Key") != renewed.Reveal() {
		t.Errorf("got %d requests, want one with each key", len(requests))
	}
	if old := (raffclient.APIKey{KeyPrefix: api.OwnerKey().PublicPrefix()}); c.OwnKeyPrefix() != renewed.PublicPrefix() || c.IsOwn(old) {
		t.Errorf("got %s, want the new key to be the client's own", c.OwnKeyPrefix())
	}
	// Both remain secret.
	for _, key := range []raffclient.Secret{api.OwnerKey(), renewed} {
		if got := c.Sanitize("x" + key.Reveal()[5:] + "x"); strings.Contains(got, key.Reveal()[15:]) {
			t.Errorf("got %q", got)
		}
	}
}

// A response that contains a key that the client had before does not show it, and it is not
// taken for a new key's secret.
func TestFormerKeyInResponse(t *testing.T) {
	c, api, store := newStoreClient(t)
	former := raffclient.NewSecret("raff_former/key")
	store.put(former, nil)
	if err := ask(t.Context(), c); !errors.Is(err, raffclient.ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	store.put(api.OwnerKey(), nil)
	api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"name": "a " + former.Reveal()}})
	key, err := c.GetAPIKey(t.Context(), sandbox.KeyID("owner")) // answered with 401 first
	if err == nil && strings.Contains(key.Name, former.Reveal()) {
		t.Errorf("got %q", key.Name)
	}
	api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"name": "a " + former.Reveal()}})
	if key, err = c.GetAPIKey(t.Context(), sandbox.KeyID("owner")); err != nil || key.Name != "a [redacted]" {
		t.Errorf("got %q, %v", key.Name, err)
	}
	api.Fail(faulty.Fault{Method: "POST", After: true, Status: 201, Body: `{"success":true,"data":{"id":"0b7e5a52-6d3f-4c36-9d0a-1f2e3d4c5b6a","name":"ci","secret":"` + former.Reveal() + `"}}`})
	if created, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"}); err == nil {
		t.Errorf("got %+v, want an error: the secret is lost", created)
	}
}

// If reading the key again does not help, the error of the API stays and says what was tried.
func TestRejectedKeyIsReadAgainInVain(t *testing.T) {
	another := raffclient.NewSecret("raff_0000000000000000")
	problem := errors.New("The file is gone. Restore it.")
	for _, tt := range []struct {
		name     string
		key      raffclient.Secret
		err      error
		want     raffclient.Reread
		requests int
	}{
		{"same", raffclient.Secret{}, nil, raffclient.RereadSame, 1},
		{"another", another, nil, raffclient.RereadAnother, 2},
		{"failed", raffclient.Secret{}, problem, raffclient.RereadFailed, 1},
		{"not a key", raffclient.NewSecret("x"), nil, raffclient.RereadFailed, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, api, store := newStoreClient(t)
			if err := c.LoadKey(t.Context()); err != nil {
				t.Fatal(err)
			}
			renewed := rotate(t, api)
			if !tt.key.IsZero() || tt.err != nil {
				store.put(tt.key, tt.err)
			}
			err := ask(t.Context(), c)
			e, ok := errors.AsType[*raffclient.Error](err)
			if !ok || !errors.Is(err, raffclient.ErrUnauthorized) || e.Reread != tt.want || tt.err != nil && !errors.Is(err, tt.err) || len(api.Requests()) != tt.requests {
				t.Errorf("got %v (%v), %d requests", err, e, len(api.Requests()))
			}
			// The next call tries again.
			store.put(renewed, nil)
			if err := ask(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// A fixed key is not read again.
func TestRejectedFixedKey(t *testing.T) {
	api := faulty.Wrap(sandbox.New())
	api.Record(true)
	c := newClient(t, raffclient.Config{APIKey: api.OwnerKey(), Transport: api.Transport()})
	rotate(t, api)
	e, ok := errors.AsType[*raffclient.Error](ask(t.Context(), c))
	if !ok || e.Status != http.StatusUnauthorized || e.Reread != raffclient.NotReread || len(api.Requests()) != 1 || c.ReloadKey(t.Context()) != nil {
		t.Errorf("got %v, %d requests", e, len(api.Requests()))
	}
}

// Concurrent calls read the key once, and once again if it is rejected, whatever that gives.
func TestConcurrentCallsReadTheKeyOnce(t *testing.T) {
	const calls = 20
	for _, rotated := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c, api, store := newStoreClient(t)
			store.delay = time.Second
			run := func() (failed int) {
				var wg sync.WaitGroup
				var n atomic.Int32
				for range calls {
					wg.Go(func() {
						if err := ask(t.Context(), c); err != nil {
							n.Add(1)
						}
					})
				}
				wg.Wait()
				return int(n.Load())
			}
			if failed := run(); failed != 0 || store.reads.Load() != 1 {
				t.Fatalf("%d calls failed, and the key was read %d times", failed, store.reads.Load())
			}
			renewed := rotate(t, api)
			want := calls
			if rotated {
				store.put(renewed, nil)
				want = 0
			}
			if failed := run(); failed != want || store.reads.Load() != 2 {
				t.Errorf("rotated %t: %d calls failed, and the key was read %d times", rotated, failed, store.reads.Load())
			}
		})
	}
}

// A call that is cancelled while the key is read has no effect on others, whether they wait
// for the same reading or come later.
func TestCancelledReading(t *testing.T) {
	for _, others := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			c, api, store := newStoreClient(t)
			store.delay = 10 * time.Second
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := ask(ctx, c); !errors.Is(err, raffclient.ErrNotSent) || !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
			for range others {
				wg.Go(func() {
					if err := ask(t.Context(), c); err != nil {
						t.Errorf("the other call: %v", err)
					}
				})
			}
			time.Sleep(time.Second)
			cancel()
			wg.Wait()
			if err := ask(t.Context(), c); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if got, want := int(store.reads.Load()), 2-others; got != want {
				t.Errorf("%d others: the key was read %d times, want %d", others, got, want)
			}
			if got := len(api.Requests()); got != 1+others {
				t.Errorf("%d requests were sent", got)
			}
		})
	}
}

// What an abandoned reading returns is not used, but it is redacted.
func TestAbandonedReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := raffclient.NewSecret("raff_late/key-that-nobody-waits-for")
		api := faulty.Wrap(sandbox.New())
		var begun atomic.Int32
		c := newClient(t, raffclient.Config{Transport: api.Transport(), ReadKey: func(context.Context) (raffclient.Secret, error) {
			if begun.Add(1) == 1 {
				time.Sleep(time.Minute) // ignores the cancellation
				return late, nil
			}
			return api.OwnerKey(), nil
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.LoadKey(ctx); !errors.Is(err, raffclient.ErrNotSent) {
			t.Errorf("got %v", err)
		}
		if err := ask(t.Context(), c); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		if c.OwnKeyPrefix() != api.OwnerKey().PublicPrefix() || strings.Contains(c.Sanitize(late.Reveal()), "waits") {
			t.Errorf("got %s; %s", c.OwnKeyPrefix(), c.Sanitize(late.Reveal()))
		}
	})
}

// A reading ends after a while, and the next call begins another.
func TestReadingThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, store := newStoreClient(t)
		store.delay = time.Hour
		start := time.Now()
		if err := ask(t.Context(), c); !errors.Is(err, raffclient.ErrNoKey) || !strings.Contains(err.Error(), "Check the place where it is kept") || time.Since(start) > time.Minute {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		store.delay = 0
		if err := ask(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
}

// So does one that ignores its context. What it returns late is not used.
func TestReadingThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := faulty.Wrap(sandbox.New())
		late := raffclient.NewSecret("raff_late/key-of-another-account")
		var begun atomic.Int32
		c := newClient(t, raffclient.Config{Transport: api.Transport(), ReadKey: func(context.Context) (raffclient.Secret, error) {
			if begun.Add(1) == 1 {
				time.Sleep(time.Hour)
				return late, nil
			}
			return api.OwnerKey(), nil
		}})
		start := time.Now()
		if err := ask(t.Context(), c); !errors.Is(err, raffclient.ErrNoKey) || time.Since(start) > time.Minute {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		if err := ask(t.Context(), c); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour)
		if err := ask(t.Context(), c); err != nil || strings.Contains(c.Sanitize(late.Reveal()), "another") {
			t.Errorf("got %v; %s", err, c.Sanitize(late.Reveal()))
		}
	})
}

// The last call that leaves a reading waits a moment for it to end, because the program may
// be about to exit.
func TestCancelledReadingIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		c := newClient(t, raffclient.Config{ReadKey: func(ctx context.Context) (raffclient.Secret, error) {
			<-ctx.Done()
			time.Sleep(100 * time.Millisecond)
			ended.Store(true)
			return raffclient.Secret{}, ctx.Err()
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.LoadKey(ctx); !errors.Is(err, context.DeadlineExceeded) || !ended.Load() {
			t.Errorf("got %v, and the reading has ended: %t", err, ended.Load())
		}
	})
}

// The key can be read again although the API accepts it.
func TestReloadKey(t *testing.T) {
	c, api, store := newStoreClient(t)
	if err := c.LoadKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	problem := errors.New("gone")
	store.put(raffclient.Secret{}, problem)
	if err := c.ReloadKey(t.Context()); !errors.Is(err, problem) || c.OwnKeyPrefix() != api.OwnerKey().PublicPrefix() {
		t.Errorf("got %v, %s", err, c.OwnKeyPrefix())
	}
	other := raffclient.NewSecret("raff_0000000000000000000000000000")
	store.put(other, nil)
	if err := c.ReloadKey(t.Context()); err != nil || c.OwnKeyPrefix() != other.PublicPrefix() {
		t.Errorf("got %v, %s", err, c.OwnKeyPrefix())
	}
}
