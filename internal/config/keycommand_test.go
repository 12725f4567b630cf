package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// These variables have the test binary act as the command in RAFF_API_KEY_COMMAND, and are the
// text that it prints, or the file that it writes.
const (
	keyCommandMode = "KEY_COMMAND_MODE"
	keyCommandText = "KEY_COMMAND_TEXT"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(keyCommandMode); mode != "" {
		os.Exit(actAsKeyCommand(mode, os.Getenv(keyCommandText)))
	}
	os.Exit(m.Run())
}

// actAsKeyCommand does what mode says. It always prints a key on standard error, which must
// not show anywhere.
func actAsKeyCommand(mode, text string) int {
	fmt.Fprintln(os.Stderr, "cannot open", planted)
	switch mode {
	case "prints":
		fmt.Print(text)
	case "fails":
		fmt.Print(planted)
		return 3
	case "floods":
		for {
			if _, err := fmt.Println(planted); err != nil {
				return 0
			}
		}
	case "hangs":
		hang()
	case "leaves a child":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), keyCommandMode+"=hangs")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return 1
		}
		fmt.Println(planted)
		return 0
	case "hangs with a child":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), keyCommandMode+"=hangs")
		if err := child.Start(); err != nil {
			return 1
		}
		if err := os.WriteFile(text, fmt.Append(nil, child.Process.Pid), 0o600); err != nil {
			return 1
		}
		hang()
	case "environment":
		fmt.Printf("raff_%v_%v", os.Getenv("RAFF_API_KEY") == "", os.Getenv("OTHER"))
	}
	return 0
}

// hang waits until the process is killed, or for longer than any test.
func hang() { <-time.After(5 * time.Minute) }

// keyCommandEnvironment returns an environment whose command is this test binary in that mode.
func keyCommandEnvironment(t *testing.T, mode, text string) Environment {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := fakeEnvironment(t, map[string]string{keyCommandVariable: "'" + self + "'"})
	env.Environ = func() []string {
		return append(os.Environ(), keyCommandMode+"="+mode, keyCommandText+"="+text, "RAFF_API_KEY="+planted, "OTHER=yes")
	}
	return env
}

// withTimeout has the command of cfg end after limit.
func withTimeout(t *testing.T, env Environment, limit time.Duration) *Keys {
	t.Helper()
	cfg, err := load(nil, fakeEnvironment(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys.env, cfg.Keys.timeout = env, limit
	return cfg.Keys
}

func TestKeyCommand(t *testing.T) {
	for _, printed := range []string{planted, "\ufeff" + planted + "\r\n", "\n " + planted + " \n\n"} {
		cfg, err := load(nil, keyCommandEnvironment(t, "prints", printed))
		if want := "RAFF_API_KEY_COMMAND (" + filepath.Base(os.Args[0]) + ")"; err != nil || !hasKey(cfg, planted) || cfg.KeySource != want || cfg.Keys.Source() != want || cfg.Keys.Fixed() {
			t.Errorf("%q: got %v, %v, %s", printed, cfg.KeyProblem, err, cfg.KeySource)
		}
	}
	// The command does not get the key in RAFF_API_KEY, which is that of somebody else.
	if cfg, err := load(nil, keyCommandEnvironment(t, "environment", "")); err != nil || !hasKey(cfg, "raff_true_yes") {
		t.Errorf("got %v, %v", cfg.KeyProblem, err)
	}
	// A process that the command leaves behind is not waited for.
	start := time.Now()
	if cfg, err := load(nil, keyCommandEnvironment(t, "leaves a child", "")); err != nil || !hasKey(cfg, planted) || time.Since(start) > 20*time.Second {
		t.Errorf("got %v, %v", cfg.KeyProblem, err)
	}
}

func TestKeyCommandProblem(t *testing.T) {
	name := filepath.Base(os.Args[0])
	for _, tt := range []struct {
		mode string
		text string
		want string
	}{
		{"prints", "", "The command in RAFF_API_KEY_COMMAND, " + name + ", printed nothing. Have it print the key"},
		{"prints", " \n", "printed nothing."},
		{"prints", planted + "\n" + planted, "printed more than a key. Have it print only the key"},
		{"prints", "key: " + planted, "printed more than a key."},
		{"prints", "sk-" + planted, "What RAFF_API_KEY_COMMAND (" + name + ") printed does not contain a Raff API key"},
		{"prints", "raff_737e…", "contains a masked key"},
		{"floods", "", "printed more than a key."},
		{"fails", "", name + ", failed (exit status 3). Run it in a terminal to see why"},
	} {
		cfg, err := load(nil, keyCommandEnvironment(t, tt.mode, tt.text))
		if err != nil {
			t.Fatal(err)
		}
		checkKeyProblem(t, cfg, tt.want)
	}
	for line, want := range map[string]string{
		"no-such-program " + "hunter2":   "RAFF_API_KEY_COMMAND cannot be run: no-such-program: ",
		"'unclosed hunter2":              "RAFF_API_KEY_COMMAND cannot be run: a quote is not closed. Correct it",
		"''":                             "RAFF_API_KEY_COMMAND cannot be run: ",
		"OP_TOKEN=hunter2 op read":       "OP_TOKEN=… is not a command: to set a variable, start the command with env.",
		planted:                          "RAFF_API_KEY_COMMAND contains what looks like a key instead of a command that prints one. Put the key into RAFF_API_KEY",
		"raff_production":                "RAFF_API_KEY_COMMAND contains what looks like a key instead of a command",
		"echo " + planted:                "RAFF_API_KEY_COMMAND contains what looks like a key",
		"${RAFF_API_KEY_COMMAND}":        "RAFF_API_KEY_COMMAND contains an unexpanded placeholder instead of a command.",
		"$HOME/bin/hunter2":              "placeholder",
		"<your command>":                 "RAFF_API_KEY_COMMAND contains example text instead of a command. Replace it",
		"__encrypted__:hunter2":          "RAFF_API_KEY_COMMAND contains a command that Claude Desktop has encrypted",
		filepath.Join(t.TempDir(), "op"): "RAFF_API_KEY_COMMAND cannot be run: ",
	} {
		cfg, err := load(nil, fakeEnvironment(t, map[string]string{keyCommandVariable: line}))
		if err != nil {
			t.Fatal(err)
		}
		checkKeyProblem(t, cfg, want)
		if got := cfg.KeyProblem.Error(); strings.Contains(got, "hunter2") {
			t.Errorf("%s: got %q, which contains an argument", line, got)
		}
	}
}

// A command that does not exit is ended, and the next reading starts it again.
func TestKeyCommandTimeout(t *testing.T) {
	keys := withTimeout(t, keyCommandEnvironment(t, "hangs", ""), 50*time.Millisecond)
	for range 2 {
		_, err := keys.Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), "did not exit within 50ms and was ended. If it waits") {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	keys = withTimeout(t, keyCommandEnvironment(t, "hangs", ""), time.Minute)
	if _, err := keys.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the reading was cancelled", err)
	}
	keys.env = keyCommandEnvironment(t, "prints", planted)
	if key, err := keys.Read(t.Context()); err != nil || key.Secret.IsZero() {
		t.Errorf("got %v", err)
	}
}
