package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/config"
)

// planted is a key that must turn up in no text.
const planted = "raff_5ec2e7c0ffee0123456789abcdef5ec2"

// fakeEnvironment has these variables and a home directory without a profile.
func fakeEnvironment(t *testing.T, vars map[string]string) config.Environment {
	home := t.TempDir()
	return config.Environment{
		Getenv: func(name string) string { return vars[name] },
		Home:   func() (string, error) { return home, nil },
	}
}

// writePrivate makes a file that only its owner can read, with its directories.
func writePrivate(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParseCommand(t *testing.T) {
	for _, tt := range []struct {
		args    string
		command string
		rest    []string
		sandbox bool
		json    bool
	}{
		{args: ""},
		{args: "--sandbox", sandbox: true},
		{args: "--sandbox=false"},
		{args: "call t", command: "call", rest: []string{"t"}},
		{args: "call t -", command: "call", rest: []string{"t", "-"}},
		{args: "call t {} --sandbox", command: "call", rest: []string{"t", "{}"}, sandbox: true},
		{args: "--sandbox call t {}", command: "call", rest: []string{"t", "{}"}, sandbox: true},
		{args: "call --sandbox t {}", command: "call", rest: []string{"t", "{}"}, sandbox: true},
		{args: "call --log-level debug t", command: "call", rest: []string{"t"}},
		{args: "call -- t --sandbox", command: "call", rest: []string{"t", "--sandbox"}},
		{args: "tools", command: "tools"},
		{args: "tools --json", command: "tools", json: true},
		{args: "--json tools", command: "tools", json: true},
		{args: "version", command: "version"},
		{args: "--version", command: "version"},
		{args: "--version tools", command: "version"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got, cfg, err := parse(strings.Fields(tt.args), fakeEnvironment(t, nil))
			if err != nil {
				t.Fatal(err)
			}
			if got.name != tt.command || strings.Join(got.args, " ") != strings.Join(tt.rest, " ") ||
				cfg.Sandbox != tt.sandbox || got.json != tt.json || got.help {
				t.Errorf("got %+v, sandbox %v", got, cfg.Sandbox)
			}
		})
	}
}

func TestParseHelp(t *testing.T) {
	for _, args := range []string{"-h", "--help", "call -h", "nonsense -h", "--json -h", "--log-level loud -h"} {
		got, _, err := parse(strings.Fields(args), fakeEnvironment(t, nil))
		if err != nil || !got.help {
			t.Errorf("%s: got %+v, %v", args, got, err)
		}
	}
}

// Help and version work however wrong the configuration is.
func TestParseHelpAndVersionReadNothing(t *testing.T) {
	env := fakeEnvironment(t, map[string]string{"RAFF_API_URL": "nonsense", "RAFF_MCP_LOG_LEVEL": "loud"})
	home, _ := env.Home()
	writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "[")
	for _, arg := range []string{"-h", "version", "--version"} {
		if _, _, err := parse([]string{arg}, env); err != nil {
			t.Errorf("%s: %v", arg, err)
		}
	}
	if _, _, err := parse(nil, env); err == nil {
		t.Error("no error without help")
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string // part of the error
	}{
		{args: []string{"serve"}, want: "unknown command"},
		{args: []string{planted}, want: "unknown command"},
		{args: []string{"RAFF_API_KEY=" + planted}, want: "unknown command"},
		{args: []string{"", planted}, want: "unknown command"},
		{args: []string{"call"}, want: "call: want the name of a tool"},
		{args: []string{"call", "t", "{}", planted}, want: "call: want the name of a tool"},
		{args: []string{"tools", planted}, want: "tools: takes no arguments"},
		{args: []string{"version", planted}, want: "version: takes no arguments"},
		{args: []string{"--json"}, want: "--json: only for the command tools"},
		{args: []string{"call", "t", "--json"}, want: "--json: only for the command tools"},

		{args: []string{"--sandox"}, want: "--sandox: unknown flag"},
		{args: []string{"--" + planted}, want: "unknown flag"},
		{args: []string{"--" + planted + "=x"}, want: "unknown flag"},
		{args: []string{"--flag=" + planted}, want: "--flag: unknown flag"},
		{args: []string{"-" + planted}, want: "unknown flag"},
		{args: []string{"--=" + planted}, want: "malformed flag"},
		{args: []string{"---" + planted}, want: "malformed flag"},
		{args: []string{"--sandbox=" + planted}, want: "--sandbox: is on or off"},
		{args: []string{"--api-url"}, want: "--api-url: needs a value"},

		{args: []string{"--api-key", planted}, want: "use RAFF_API_KEY"},
		{args: []string{"--api-key=" + planted}, want: "use RAFF_API_KEY"},
		{args: []string{"--key", planted}, want: "use RAFF_API_KEY"},
		{args: []string{"--api_key=" + planted}, want: "use RAFF_API_KEY"},
		{args: []string{"--RAFF_API_KEY", planted}, want: "use RAFF_API_KEY"},
		{args: []string{"--token", planted}, want: "use RAFF_API_KEY"},
		{args: []string{"-k" + planted}, want: "use RAFF_API_KEY"},
	} {
		t.Run(fmt.Sprint(tt.args), func(t *testing.T) {
			_, _, err := parse(tt.args, fakeEnvironment(t, nil))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q: a key, or more than a line", err)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	got := usage()
	for _, s := range settings() {
		for _, name := range []string{s.Env, s.ProfileKey, s.Default, s.Usage} {
			if !strings.Contains(got, name) {
				t.Errorf("does not say %q", name)
			}
		}
		if s.Flag != "" && !strings.Contains(got, "--"+s.Flag) {
			t.Errorf("does not say --%s", s.Flag)
		}
	}
	for _, line := range strings.Split(got, "\n") {
		if len(line) > 120 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}
