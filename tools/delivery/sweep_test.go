package delivery_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// leave kills a helper that is writing a secret into dir, and returns the temporary
// file that is left.
func leave(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	killWhenReady(t, "deliver hanging", dir, 0)
	left := slices.DeleteFunc(files(t, dir), func(path string) bool { return slices.Contains(before, path) })
	if len(left) != 1 || !strings.HasSuffix(left[0], ".part") {
		t.Fatalf("got %q, want a temporary file", left)
	}
	return left[0]
}

// age makes a file look as if nobody were writing it any more.
func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// makeDirs makes the directories that a bench uses, and returns the configuration
// for it.
func makeDirs(t *testing.T) delivery.Config {
	t.Helper()
	home := t.TempDir()
	cfg := delivery.Config{Delivery: "file", Dir: filepath.Join(home, "secrets"), Recovery: filepath.Join(home, "recovered")}
	if err := errors.Join(os.Mkdir(cfg.Dir, 0o700), os.Mkdir(cfg.Recovery, 0o700)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// The program is killed when a secret is written but has no name yet. It is the only
// copy, so it gets its name at the next start, or before the next delivery.
func TestKilledBeforeNaming(t *testing.T) {
	for _, tt := range []struct {
		name  string
		where func(delivery.Config) string
		look  func(t *testing.T, b *bench)
	}{
		{"directory, at start", func(c delivery.Config) string { return c.Dir }, nil},
		{"recovery, at start", func(c delivery.Config) string { return c.Recovery }, nil},
		{"directory, before a delivery", func(c delivery.Config) string { return c.Dir }, ready},
		{"recovery, before a delivery", func(c delivery.Config) string { return c.Recovery }, ready},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := makeDirs(t)
			dir := tt.where(cfg)
			taken := filepath.Join(dir, "Production-CI-raff_17d70fcf.key")
			if err := os.WriteFile(taken, []byte("older"), 0o600); err != nil {
				t.Fatal(err)
			}
			temporary := leave(t, dir)
			b := newBench(t, cfg)
			if text := readFile(t, temporary); text != secret || b.log.Len() != 0 {
				t.Errorf("got %q, log %s; want what may still be written left alone", text, &b.log)
			}

			age(t, temporary, time.Hour)
			if tt.look == nil {
				b = newBench(t, cfg)
			} else {
				tt.look(t, b)
			}
			want := filepath.Join(dir, "Production-CI-raff_17d70fcf-2.key")
			if text := readFile(t, want); text != secret {
				t.Errorf("got %q", text)
			}
			onlyOwner(t, want)
			if got := files(t, filepath.Dir(dir)); !slices.Equal(got, []string{want, taken}) {
				t.Errorf("got %q", got)
			}
			if text := readFile(t, taken); text != "older" {
				t.Errorf("the older file has become %q", text)
			}
			contains(t, b.log.String(), want, "level=WARN", "not delivered")
			b.searchTexts(t, delivery.Secret{}, nil)
		})
	}
}

func ready(t *testing.T, b *bench) {
	t.Helper()
	if err := b.way.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// The other ways save secrets in the recovery directory too.
func TestKilledBeforeNamingWithCommand(t *testing.T) {
	b, _ := newCommandBench(t, "takes", delivery.Config{})
	if _, err := os.Stat(b.recovery); err == nil {
		t.Fatal("the recovery directory was made although there is nothing to recover")
	}
	if err := os.MkdirAll(b.recovery, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, look := range []func(){func() { ready(t, b) }, func() {
		if _, err := delivery.New(t.Context(), delivery.Config{Delivery: "command", Command: "'" + os.Args[0] + "'", Recovery: b.recovery}); err != nil {
			t.Error(err)
		}
	}} {
		temporary := leave(t, b.recovery)
		age(t, temporary, time.Hour)
		look()
		want := filepath.Join(b.recovery, "Production-CI-raff_17d70fcf.key")
		if got := files(t, b.recovery); !slices.Equal(got, []string{want}) || readFile(t, want) != secret {
			t.Fatalf("got %q", got)
		}
		if err := os.Remove(want); err != nil {
			t.Fatal(err)
		}
	}
}

// What is left without being a secret goes away, in time; what others are writing,
// and what is not ours, stays.
func TestSweep(t *testing.T) {
	whole := fmt.Sprintf(".raff-mcp-ABC.%d.x-raff_17d70fcf.key.part", len(secret))
	for _, tt := range []struct {
		what, name, text string
		age              time.Duration
		want             string // the name that it has afterwards
		log              string
	}{
		{"being written", whole, secret, time.Minute, whole, ""},
		{"from the future, but not much", whole, secret, -time.Minute, whole, ""},
		{"whole", whole, secret, time.Hour, "x-raff_17d70fcf.key", "level=WARN"},
		{"from the future", whole, secret, -time.Hour, "x-raff_17d70fcf.key", "level=WARN"},
		{"cut off", whole, secret[:30], time.Hour, "", "level=ERROR"},
		{"longer than it should be", whole, secret + "x", time.Hour, "", "level=ERROR"},
		{"empty", whole, "", time.Hour, "", "level=ERROR"},
		{"zeros", whole, strings.Repeat("\x00", len(secret)), time.Hour, "", "level=ERROR"},
		{"meant to be empty", ".raff-mcp-ABC.0.x.key.part", "", time.Hour, "", "level=ERROR"},
		{"probe being written", ".raff-mcp-ABC.probe", "###", time.Minute, ".raff-mcp-ABC.probe", ""},
		{"probe", ".raff-mcp-ABC.probe", "###", time.Hour, "", ""},
		{"unknown", ".raff-mcp-ABC.part", "###", time.Hour, "", ""},
		{"not ours", "x.part", "x", time.Hour, "x.part", ""},
		{"not ours either", ".raff-mcp-x", "x", time.Hour, ".raff-mcp-x", ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			cfg := makeDirs(t)
			for _, dir := range []string{cfg.Dir, cfg.Recovery} {
				path := filepath.Join(dir, tt.name)
				if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
				age(t, path, tt.age)
			}
			b := newBench(t, cfg)
			for _, dir := range []string{cfg.Dir, cfg.Recovery} {
				var want []string
				if tt.want != "" {
					want = []string{filepath.Join(dir, tt.want)}
				}
				if got := files(t, dir); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if tt.log != "" {
					contains(t, b.log.String(), tt.log, filepath.Join(dir, "x"))
				}
			}
			if tt.log == "" && b.log.Len() != 0 {
				t.Errorf("got log %s", &b.log)
			}
			b.searchTexts(t, delivery.Secret{}, nil)
		})
	}
}

// The program is killed when the file has its name already: there is one file, not
// two.
func TestSweepNamed(t *testing.T) {
	cfg := makeDirs(t)
	temporary := leave(t, cfg.Dir)
	named := filepath.Join(cfg.Dir, "Production-CI-raff_17d70fcf.key")
	if err := os.Link(temporary, named); err != nil {
		t.Fatal(err)
	}
	age(t, temporary, time.Hour)
	b := newBench(t, cfg)
	if got := files(t, cfg.Dir); !slices.Equal(got, []string{named}) || b.log.Len() != 0 {
		t.Errorf("got %q, log %s", got, &b.log)
	}
}

// Several processes that start at once give each file one name.
func TestSweepAtOnce(t *testing.T) {
	cfg := makeDirs(t)
	const secrets = 30
	for i := range secrets {
		text := secretOf(fmt.Sprint(i))
		path := filepath.Join(cfg.Recovery, fmt.Sprintf(".raff-mcp-%d.%d.x-%s.key.part", i, len(text), text[:13]))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, path, time.Hour)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := delivery.New(t.Context(), cfg); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all := files(t, cfg.Recovery)
	if len(all) != secrets {
		t.Errorf("got %d files, want %d: %q", len(all), secrets, all)
	}
	for _, path := range all {
		if text := readFile(t, path); !isWhole(text) || filepath.Base(path) != "x-"+text[:13]+".key" {
			t.Errorf("%s contains %q", path, text)
		}
	}
}

// Whenever the program is killed, each secret is in a file that is complete and has
// its name, at once or after the next start.
func TestKilled(t *testing.T) {
	t.Parallel()
	const runs = 100
	cfg := makeDirs(t)
	for range runs {
		killWhenReady(t, "deliver", cfg.Dir, rand.N(30*time.Millisecond))
	}
	left := 0
	for _, path := range files(t, cfg.Dir) {
		if text := readFile(t, path); strings.HasSuffix(path, ".key") {
			if !isWhole(text) || !strings.Contains(path, text[:13]) {
				t.Errorf("%s contains %q", path, text)
			}
			continue
		}
		left++
		age(t, path, time.Hour)
	}
	newBench(t, cfg)
	all, seen := files(t, cfg.Dir), map[string]string{}
	for _, path := range all {
		text := readFile(t, path)
		if !isWhole(text) || !strings.Contains(path, text[:13]) || !strings.HasSuffix(path, ".key") {
			t.Errorf("%s contains %q", path, text)
		}
		if other := seen[text]; other != "" {
			t.Errorf("%s and %s are the same", path, other)
		}
		seen[text] = path
	}
	if len(all) < runs/4 {
		t.Errorf("got %d files: hardly anything was delivered", len(all))
	}
	t.Logf("killed %d times: %d files after a new start, %d temporary ones before", runs, len(all), left)
}
