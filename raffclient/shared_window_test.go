package raffclient_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// sharing returns an account and a second client with the same key. Both share the rate
// limit through dir, as two processes do: they have nothing in common but files.
func sharing(t *testing.T, dir string) (a *account, second *raffclient.Client) {
	t.Helper()
	a = newAccount(t, func(c *raffclient.Config) { c.SharedDir = dir })
	second, err := raffclient.New(raffclient.Config{
		APIKey: a.api.OwnerKey(), BaseURL: "http://localhost", Transport: a.api.Transport(), SharedDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, second
}

// readWithBoth sends n requests with each client at the same time. It returns how many were
// refused for the rate limit, and how long that took.
func readWithBoth(t *testing.T, a *account, second *raffclient.Client, n int) (refused int, took time.Duration) {
	t.Helper()
	key, err := a.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	start := time.Now()
	var wg sync.WaitGroup
	for range n {
		for _, c := range []*raffclient.Client{a.client, second} {
			wg.Go(func() { _, _ = c.GetAPIKey(t.Context(), key.ID) })
		}
	}
	wg.Wait()
	return a.api.RateLimited(), time.Since(start)
}

// stateFile returns the file in dir that contains the slots.
func stateFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 || files[1] != files[0]+".lock" {
		t.Fatalf("got %q, %v", files, err)
	}
	return files[0]
}

func TestClientsShareTheRateLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "shared")
	synctest.Test(t, func(t *testing.T) {
		a, second := sharing(t, dir)
		if refused, took := readWithBoth(t, a, second, 150); refused > 3 || took > 10500*time.Millisecond {
			t.Errorf("%d of 300 requests were refused, in %v", refused, took)
		}
	})
	info, err := os.Stat(dir)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has the mode %v, %v", info.Mode(), err)
	}
}

// Without a common directory they exceed it, which is what the test above relies on.
func TestClientsThatDoNotShareAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, second := sharing(t, "")
		if refused, _ := readWithBoth(t, a, second, 150); refused < 10 {
			t.Errorf("%d of 300 requests were refused", refused)
		}
	})
}

// One client is as fast with a directory as without it.
func TestSharingCostsOneClientNothing(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, _ := sharing(t, dir)
		for _, pause := range []time.Duration{0, 300 * time.Millisecond, 5 * time.Second, 2 * time.Minute} {
			time.Sleep(pause)
			if took := createMany(t.Context(), t, a.client, 300); took > 10500*time.Millisecond {
				t.Errorf("300 creations took %v", took)
			}
		}
		if n := a.api.RateLimited(); n > 0 {
			t.Errorf("%d responses were 429", n)
		}
	})
}

// The second client begins with what the first has learned, and waits for its refusals.
func TestLimitAndRefusalsAreShared(t *testing.T) {
	respond := func(status int, header http.Header) roundTripper {
		return func(*http.Request) (*http.Response, error) {
			res := jsonResponse(status, `{"success":true,"data":{"secret":"raff_0123456789abcdef"}}`)
			res.Header = header
			return res, nil
		}
	}
	ok := respond(201, http.Header{"X-Ratelimit-Limit": {"100"}})
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		client := func(transport roundTripper) *raffclient.Client {
			c, err := raffclient.New(raffclient.Config{
				APIKey: raffclient.NewSecret("raff_x"), CallTimeout: time.Hour, Transport: transport, SharedDir: dir,
			})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		createMany(t.Context(), t, client(ok), 1)
		if took := createMany(t.Context(), t, client(ok), 99); took > 0 {
			t.Errorf("99 more requests of the tier high took %v", took)
		}
		refused := false
		var wg sync.WaitGroup
		createMany(t.Context(), t, client(func(r *http.Request) (*http.Response, error) {
			if !refused {
				refused = true
				wg.Go(func() {
					time.Sleep(time.Second) // the refusal has arrived
					if took := createMany(t.Context(), t, client(ok), 1); took < 3*time.Second {
						t.Errorf("another client waited %v after a refusal for 5 s", took)
					}
				})
				return respond(429, http.Header{"Retry-After": {"5"}})(r)
			}
			return ok(r)
		}), 1)
		wg.Wait()
	})
}

// usedDir returns a directory that a client of newUserOf has used.
func usedDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		_, c := newUserOf(t, dir)
		createMany(t.Context(), t, c, 1)
	})
	return dir
}

// newUserOf returns an account, and a client of it that shares the rate limit through dir. The
// client has the same key, and with it the same files, in every account.
func newUserOf(t *testing.T, dir string) (*account, *raffclient.Client) {
	t.Helper()
	a := newAccount(t)
	c, err := raffclient.New(raffclient.Config{
		APIKey: raffclient.NewSecret("raff_x"), BaseURL: "http://localhost", SharedDir: dir, CallTimeout: time.Hour,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("X-API-Key", a.api.OwnerKey().Reveal())
			return a.api.Transport().RoundTrip(r)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

// Whatever is wrong with the directory or its files, the client works, and is not slower
// than a moment.
func TestSharingThatFails(t *testing.T) {
	used := usedDir
	for name, dir := range map[string]func(t *testing.T) string{
		"no home directory": func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "home", ".raff", "rate")
		},
		"a file in place of the directory": func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"a directory in place of the file": func(t *testing.T) string {
			dir := used(t)
			file := stateFile(t, dir)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"nonsense": func(t *testing.T) string {
			dir := used(t)
			if err := os.WriteFile(stateFile(t, dir), bytes.Repeat([]byte{0xff}, 5000), 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"truncated": func(t *testing.T) string {
			dir := used(t)
			if err := os.Truncate(stateFile(t, dir), 40); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"locked for good": func(t *testing.T) string {
			dir := used(t)
			lock := flock.New(stateFile(t, dir) + ".lock")
			if ok, err := lock.TryLock(); !ok {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = lock.Unlock() })
			return dir
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := dir(t)
			synctest.Test(t, func(t *testing.T) {
				a, c := newUserOf(t, dir)
				if took := createMany(t.Context(), t, c, 30); took > time.Second {
					t.Errorf("30 creations took %v", took)
				}
				createMany(t.Context(), t, c, 300)
				if n := a.api.RateLimited(); n > 0 {
					t.Errorf("%d responses were 429", n)
				}
			})
		})
	}
}

// Times in the file that are far in the future, because the clock was set back, delay nothing
// for longer than they could have before.
func TestSharingAfterTheClockWasSetBack(t *testing.T) {
	dir := t.TempDir()
	for _, years := range []int{40, 0} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Duration(years) * 365 * 24 * time.Hour)
			c := newStubClient(t, dir)
			if took := createMany(t.Context(), t, c, 30); took > 1300*time.Millisecond {
				t.Errorf("after %d years, 30 creations took %v", years, took)
			}
		})
	}
}

// Neither the names of the files nor their contents reveal the key.
func TestSharedFilesContainNoKey(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, _ := sharing(t, dir)
		createMany(t.Context(), t, a.client, 1)
		file := stateFile(t, dir)
		text, err := os.ReadFile(file)
		if key := a.api.OwnerKey().Reveal(); err != nil || len(text) == 0 || strings.Contains(file+string(text), key[5:13]) {
			t.Errorf("%s contains part of the key, or nothing: %v", file, err)
		}
		if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("the file has the mode %v, %v", info.Mode(), err)
		}
	})
}

// BenchmarkSharing compares a request of a client that shares the rate limit with one of a
// client that does not. It reports the medians.
func BenchmarkSharing(b *testing.B) {
	alone, shared := newStubClient(b, ""), newStubClient(b, b.TempDir())
	measure := func(c *raffclient.Client) (took time.Duration) {
		time.Sleep(1100 * time.Millisecond) // all slots are free
		for range 20 {
			took += createMany(b.Context(), b, c, 1)
		}
		return took / 20
	}
	_, _ = measure(alone), measure(shared)
	var a, s []float64
	for b.Loop() {
		a = append(a, float64(measure(alone).Microseconds()))
		s = append(s, float64(measure(shared).Microseconds()))
	}
	slices.Sort(a)
	slices.Sort(s)
	b.ReportMetric(a[len(a)/2], "µs-alone")
	b.ReportMetric(s[len(s)/2], "µs-shared")
}

// newStubClient returns a client of an API that always succeeds.
func newStubClient(tb testing.TB, dir string) *raffclient.Client {
	c, err := raffclient.New(raffclient.Config{
		APIKey: raffclient.NewSecret("raff_x"), SharedDir: dir, CallTimeout: time.Hour,
		Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return jsonResponse(201, `{"success":true,"data":{"secret":"raff_0123456789abcdef"}}`), nil
		}),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
