package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
	"github.com/rafftechnologies/raff-mcp/internal/keychain/keychaintest"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// A terminal is a pseudo-terminal with a program in it.
type terminal struct {
	master, slave *os.File
	mu            sync.Mutex
	shown         bytes.Buffer
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the pseudo-terminal cannot be opened: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	p := &terminal{master: master, slave: slave}
	go func() { // it ends when both ends are closed
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			p.mu.Lock()
			p.shown.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *terminal) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

// echoes reports whether the terminal shows what is typed.
func (p *terminal) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// wait waits until condition holds.
func (p *terminal) wait(t *testing.T, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nothing more happens after %q", p.text())
		}
	}
}

// loginAt starts login in the terminal, types keys when it asks for the key, and waits for
// its end.
func loginAt(t *testing.T, p *terminal, keys string, env ...string) (home string, err error) {
	t.Helper()
	home = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "raff-mcp", "login", "--no-keychain")
	cmd.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.wait(t, func() bool { return strings.Contains(p.text(), "(not shown): ") && !p.echoes(t) })
	if _, err := p.master.WriteString(keys); err != nil {
		t.Fatal(err)
	}
	return home, cmd.Wait()
}

// At a terminal, the key is not shown while it is typed, and afterwards the terminal is as
// it was, also after Ctrl-C.
func TestLoginAtATerminal(t *testing.T) {
	t.Parallel()
	api := sandbox.New()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	key := api.OwnerKey().Reveal()
	for _, tt := range []struct {
		name, keys string
		ok         bool
		want       string
	}{
		{"a key", key + "\r", true, "It is stored in "},
		{"Ctrl-C", key[:20] + "\x03", false, "raff-mcp: login: interrupted. Nothing was stored."},
		{"nothing", "\r", false, "raff-mcp: login: no key was entered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := openTerminal(t)
			home, err := loginAt(t, p, tt.keys, "RAFF_API_URL="+server.URL)
			if e, failed := errors.AsType[*exec.ExitError](err); failed == tt.ok || failed && e.ExitCode() != exitError {
				t.Errorf("got %v", err)
			}
			p.wait(t, func() bool { return strings.Contains(p.text(), tt.want) })
			if strings.Contains(p.text(), key[:16]) {
				t.Errorf("it shows the key: %q", p.text())
			}
			if !strings.HasPrefix(p.text(), "API key for "+server.URL+" (not shown): \r\n") {
				t.Errorf("got %q", p.text())
			}
			if !p.echoes(t) {
				t.Error("the terminal is left without echo")
			}
			if _, err := os.Stat(home + "/.raff/keys"); (err == nil) != tt.ok {
				t.Errorf("stored: %v", err)
			}
		})
	}
}

// With a keychain, the key is there and in no file.
func TestLoginWithKeychain(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	daemon := keychaintest.Unlocked(t)
	api := sandbox.New()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	key := api.OwnerKey().Reveal()
	env := fakeEnvironment(t, map[string]string{"RAFF_API_URL": server.URL})
	env.Keychain = keychain.New()
	code, stdout, stderr := runWithInput(env, key, "login")
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "It is stored in the system keychain, for "+server.URL+".\n") {
		t.Errorf("got exit code %d, %q and %q", code, stdout, stderr)
	}
	if got, err := env.Keychain.Get(t.Context(), server.URL); err != nil || got != key {
		t.Errorf("the keychain does not contain the key: %v", err)
	}
	for _, text := range storedKeys(t, env) {
		if strings.Contains(text, "raff_") {
			t.Error("a file contains the key as well")
		}
	}

	// While the keychain does not respond, login says so, and can be interrupted.
	if err := daemon.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), keychainNotice+time.Second)
	defer cancel()
	var out, log bytes.Buffer
	code = run(ctx, nil, []string{"login"}, env, strings.NewReader(key), &out, &log)
	if code != exitError || out.Len() > 0 || !strings.Contains(log.String(), "Waiting for the system keychain") || !strings.Contains(log.String(), "login: interrupted while the key was being stored.") {
		t.Errorf("no response: got exit code %d, %q and %q", code, out.String(), log.String())
	}
	if err := daemon.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}

	keychaintest.Lock(t)
	code, stdout, stderr = runWithInput(env, key, "login")
	if code != exitError || stdout != "" || !strings.Contains(stderr, "Unlock the keychain and try again, or store the key in a file with --no-keychain.") {
		t.Errorf("locked: got exit code %d, %q and %q", code, stdout, stderr)
	}
	code, stdout, stderr = runWithInput(env, "", "logout")
	if code != exitError || stdout != "" || !strings.Contains(stderr, "raff-mcp: logout: the key could not be removed from the system keychain: ") {
		t.Errorf("locked: got exit code %d, %q and %q", code, stdout, stderr)
	}
	code, stdout, stderr = runWithInput(env, key, "login", "--no-keychain")
	if code != exitOK || !strings.Contains(stdout, "It replaces the key") || !strings.Contains(stderr, "the old key is still in the system keychain") || strings.Contains(stdout+stderr, key[:16]) {
		t.Errorf("in a file: got exit code %d, %q and %q", code, stdout, stderr)
	}
}
