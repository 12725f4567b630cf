package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"github.com/rafftechnologies/raff-mcp/internal/keychain/keychaintest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func TestKeyring(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	keychaintest.Unlocked(t)
	b := newBench(t, delivery.Config{Delivery: "keyring"})
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(keyringItems(t)); n != 0 {
		t.Errorf("%d items are left of trying", n)
	}
	if r, err := b.way.Rehearse(t.Context()); err != nil || r.Left != "" || !strings.HasPrefix(r.Location, "secret-tool lookup service raff-mcp username rehearsal-") {
		t.Errorf("a rehearsal: got %+v, %v", r, err)
	}
	if n := len(keyringItems(t)); n != 0 {
		t.Errorf("%d items are left of a rehearsal", n)
	}
	got, err := b.deliver(t)
	if err != nil || got.Delivery != "keyring" || got.Location != "secret-tool lookup service raff-mcp username "+ci.ID {
		t.Errorf("got %+v, %v", got, err)
	}
	if stored, err := keyring.Get("raff-mcp", ci.ID); err != nil || stored != secret {
		t.Errorf("got %q, %v", stored, err)
	}
	if path, err := exec.LookPath("secret-tool"); err != nil {
		t.Log("secret-tool is not installed, so what it prints was not compared")
	} else if out, err := exec.Command(path, strings.Fields(got.Location)[1:]...).Output(); err != nil || string(out) != secret {
		t.Errorf("%s: got %q, %v", got.Location, out, err)
	}
	if where := holders(t, b.home); len(where) != 0 {
		t.Errorf("the secret is in %q", where)
	}
	deliverConcurrently(t, b)
	if n := len(keyringItems(t)); n != 21 {
		t.Errorf("got %d items, want 21", n)
	}
	deliverOddKeys(t, b)
}

// deliverConcurrently delivers 20 secrets to a keychain.
func deliverConcurrently(t *testing.T, b *bench) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			k := delivery.Key{ID: fmt.Sprint("id-", i)}
			if err := b.way.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			if got, err := b.way.Deliver(t.Context(), k, raffclient.NewSecret(secretOf(k.ID))); err != nil || got.Delivery != "keyring" {
				t.Errorf("got %+v, %v", got, err)
			}
			if stored, err := keyring.Get("raff-mcp", k.ID); err != nil || stored != secretOf(k.ID) {
				t.Errorf("got %q, %v", stored, err)
			}
		})
	}
	wg.Wait()
}

// deliverOddKeys checks the accounts of keys with unusual IDs. The account is part of a
// command that the user may run. Where it is not the whole ID, it is not that of another
// key.
func deliverOddKeys(t *testing.T, b *bench) {
	t.Helper()
	accounts := map[string]string{}
	for i, odd := range []delivery.Key{{ID: "$(touch x); 'y"}, {ID: "touch(x)y"}, {ID: secret}, {ID: secret + "x"}, {}, {}} {
		want := secretOf(fmt.Sprint("odd-", i))
		if odd.ID == secret {
			want = secret
		}
		got, err := b.way.Deliver(t.Context(), odd, raffclient.NewSecret(want))
		account, found := strings.CutPrefix(got.Location, "secret-tool lookup service raff-mcp username ")
		if err != nil || !found || !regexp.MustCompile(`^[0-9A-Za-z_-]+$`).MatchString(account) {
			t.Errorf("got %+v, %v", got, err)
		}
		if odd.ID == secret && strings.Contains(account, secret[13:21]) {
			t.Errorf("the secret is in %s", account)
		}
		accounts[account] = want
	}
	if len(accounts) != 6 {
		t.Errorf("got %q, want 6 accounts", accounts)
	}
	for account, want := range accounts {
		if stored, err := keyring.Get("raff-mcp", account); err != nil || stored != want {
			t.Errorf("%s: got %q, %v", account, stored, err)
		}
	}
}

// keyringItems returns the items of this program in the keyring.
func keyringItems(t *testing.T) (items []dbus.ObjectPath) {
	t.Helper()
	var locked []dbus.ObjectPath
	err := keychaintest.Bus(t).Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"service": "raff-mcp"}).Store(&items, &locked)
	if err != nil {
		t.Fatal(err)
	}
	return append(items, locked...)
}

// A keychain that is locked, with nobody there to unlock it.
func TestKeyringLocked(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	keychaintest.Unlocked(t)
	b := newBench(t, delivery.Config{Delivery: "keyring"})
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	keychaintest.Lock(t)

	start := time.Now()
	err := b.way.Ready(t.Context())
	if err == nil {
		t.Fatal("Ready: got no error")
	}
	contains(t, err.Error(), "--secrets=keyring: ", "locked")
	t.Logf("after %v: %v", time.Since(start), err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that it hurries
	got, err := b.way.Deliver(ctx, ci, raffclient.NewSecret(secret))
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	if err != nil || got.Delivery != "recovered" || readFile(t, got.Location) != secret {
		t.Errorf("got %+v, %v", got, err)
	}
	contains(t, got.Note, "could not be delivered by keyring", "locked")
	// It may be locked when the program starts: there is somebody to ask later.
	if _, err := delivery.New(t.Context(), delivery.Config{Delivery: "keyring"}); err != nil {
		t.Errorf("New: %v", err)
	}
}

// A keychain that does not answer, as one that waits for its user.
func TestKeyringHangs(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	daemon := keychaintest.Unlocked(t)
	b := newBench(t, delivery.Config{Delivery: "keyring"}.WithWaits(2*time.Second, 2*time.Second))
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 { // they do not add up
		wg.Go(func() {
			err := b.way.Ready(t.Context())
			if err == nil {
				t.Error("Ready: got no error")
				return
			}
			contains(t, err.Error(), "--secrets=keyring: the keychain did not respond", "unlock")
		})
	}
	wg.Go(func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // so that it hurries
		got, err := b.way.Deliver(ctx, ci, raffclient.NewSecret(secret))
		if err != nil || got.Delivery != "recovered" || readFile(t, got.Location) != secret {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	start := time.Now()
	wg.Wait()
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := daemon.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := b.way.Ready(t.Context()); err != nil {
		t.Errorf("when it answers again: %v", err)
	}
}

func TestKeyringAbsent(t *testing.T) {
	if keychaintest.Session() != "" {
		refusesKeyring(t, "nothing serves the Secret Service")
		return
	}
	t.Run("no bus", func(t *testing.T) {
		if _, err := os.Stat(fmt.Sprintf("/run/user/%d", os.Getuid())); err == nil {
			t.Skip("this user has a D-Bus session that cannot be hidden")
		}
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		refusesKeyring(t, "no D-Bus session")
	})
	t.Run("bus that is gone", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "bus"))
		refusesKeyring(t, "no D-Bus session")
	})
	bare := filepath.Join(t.TempDir(), "session.conf")
	err := os.WriteFile(bare, fmt.Appendf(nil, `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=%s</listen>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`, filepath.Dir(bare)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	keychaintest.Run(t, "bare", "--config-file="+bare)
}

func refusesKeyring(t *testing.T, want string) {
	t.Helper()
	start := time.Now()
	_, err := delivery.New(t.Context(), delivery.Config{Delivery: "keyring"})
	if _, ok := errors.AsType[*delivery.NotReadyError](err); !ok {
		t.Fatalf("got %v, want a NotReadyError", err)
	}
	contains(t, err.Error(), "--secrets=keyring: there is no keychain", want)
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
}
