package keychain_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
	"github.com/rafftechnologies/raff-mcp/internal/keychain/keychaintest"
)

func TestKeychain(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	daemon := keychaintest.Unlocked(t)
	k := keychain.New()
	if err := k.Exists(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(t.Context(), "a"); !errors.Is(err, keychain.ErrNotFound) {
		t.Errorf("before it is set: got %v", err)
	}
	for _, value := range []string{"one", "two"} {
		if err := k.Set(t.Context(), "a", value); err != nil {
			t.Fatal(err)
		}
		if got, err := k.Get(t.Context(), "a"); err != nil || got != value {
			t.Errorf("got %q, %v, want %q", got, err, value)
		}
	}
	if _, err := k.Get(t.Context(), "b"); !errors.Is(err, keychain.ErrNotFound) {
		t.Errorf("another account: got %v", err)
	}
	if err := k.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := k.Delete(t.Context(), "a"); !errors.Is(err, keychain.ErrNotFound) {
		t.Errorf("a second time: got %v", err)
	}

	// One that does not respond delays nobody longer than they want.
	if err := daemon.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := k.Get(ctx, "a"); !errors.Is(err, keychain.ErrNoResponse) {
				t.Errorf("got %v, want %v", err, keychain.ErrNoResponse)
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := daemon.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := k.Probe(t.Context()); err != nil {
		t.Errorf("when it responds again: %v", err)
	}
}

func TestKeychainAbsent(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "bus"))
	for name, k := range map[string]*keychain.Keychain{"no bus": keychain.New(), "nil": nil} {
		_, err := k.Get(t.Context(), "a")
		for _, err := range []error{err, k.Exists(t.Context()), k.Probe(t.Context()), k.Delete(t.Context(), "a")} {
			if !errors.Is(err, keychain.ErrAbsent) {
				t.Errorf("%s: got %v, want %v", name, err, keychain.ErrAbsent)
			}
		}
	}
}
