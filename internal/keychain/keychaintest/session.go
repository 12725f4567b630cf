// Package keychaintest gives a test a real keychain on Linux: a D-Bus session of its own
// with GNOME Keyring, and nothing of the user's in reach.
//
//	func TestIt(t *testing.T) {
//		if keychaintest.Session() == "" {
//			keychaintest.NeedProgram(t, "gnome-keyring-daemon")
//			keychaintest.Run(t, "keyring")
//			return
//		}
//		keychaintest.Unlocked(t)
//		… // use the keychain
//	}
package keychaintest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// variable contains the name of the session that a test runs in.
const variable = "KEYCHAINTEST_SESSION"

// Session returns the name of the session that Run has started for this process, or "".
func Session() string { return os.Getenv(variable) }

// Run runs the test again, in a D-Bus session with that name. The options are those of
// dbus-run-session.
func Run(t *testing.T, session string, options ...string) {
	t.Helper()
	t.Parallel()
	NeedProgram(t, "dbus-run-session")
	home := t.TempDir()
	args := append(options, "--", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd := exec.Command("dbus-run-session", args...)
	cmd.Env = append(os.Environ(), variable+"="+session, "HOME="+home, "XDG_RUNTIME_DIR="+home,
		"XDG_DATA_HOME="+home+"/data", "XDG_CONFIG_HOME="+home+"/config", "XDG_CACHE_HOME="+home+"/cache",
		"DISPLAY=", "WAYLAND_DISPLAY=", "GNOME_KEYRING_CONTROL=")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in its own session: %v\n%s", err, out)
	}
}

// NeedProgram skips the test if a program is not installed.
func NeedProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed, so the real Secret Service was not tested", name)
	}
}

// Unlocked starts a keyring that is not locked, and returns its process.
func Unlocked(t *testing.T) *os.Process {
	t.Helper()
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	cmd.Stdin = strings.NewReader("a password")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	bus := Bus(t)
	for end := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		var owned bool
		err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&owned)
		if err == nil && owned {
			return cmd.Process
		}
		if time.Now().After(end) {
			t.Fatal("the keyring does not come up")
		}
	}
}

// Lock locks the keyring that Unlocked has started. Nobody can unlock it again.
func Lock(t *testing.T) {
	t.Helper()
	err := Bus(t).Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{"/org/freedesktop/secrets/collection/login"}).Err
	if err != nil {
		t.Fatal(err)
	}
}

// Bus returns a connection to the bus of the session.
func Bus(t *testing.T) *dbus.Conn {
	t.Helper()
	bus, err := dbus.SessionBus()
	if err != nil {
		t.Fatal(err)
	}
	return bus
}
