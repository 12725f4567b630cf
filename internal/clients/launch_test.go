package clients_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
)

// environ is part of the environment in which the clients were measured (see table.go).
var environ = []string{
	"DBUS_SESSION_BUS_ADDRESS=unix:path=/nope", "EMPTY=", "FOO=foo", "HOME=/home/jo", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
	"LOGNAME=jo", "MY_TOKEN=tok", "PATH=/usr/bin:/bin", "RAFF_API_KEY=planted", "RAFF_API_KEY_COMMAND=cmd",
	"RAFF_API_KEY_FILE=/k", "RAFF_API_URL=https://u.example", "RAFF_MCP_READ_ONLY=true", "RAFF_MCP_SECRETS=inline",
	"SHELL=/bin/bash", "TERM=xterm", "TMPDIR=/tmp", "TZ=UTC", "USER=jo",
}

// What a client passes on, with the texts that the real programs were given and what the
// server got. "-" in wantEnv means that the variable is not set.
func TestLaunch(t *testing.T) {
	words := []string{"${FOO}", "$FOO", "${UNSET}", "${UNSET:-dflt}", "${EMPTY:-d2}", "{env:FOO}", "${env:FOO}", "{env:UNSET}", "${env:UNSET}"}
	all := map[string]string{"RAFF_API_KEY": "planted", "RAFF_API_KEY_FILE": "/k", "RAFF_MCP_SECRETS": "inline", "MY_TOKEN": "tok", "TZ": "UTC"}
	least := map[string]string{"RAFF_API_KEY": "-", "RAFF_MCP_READ_ONLY": "-", "MY_TOKEN": "-", "TZ": "-", "LANG": "-", "DBUS_SESSION_BUS_ADDRESS": "-", "HOME": "/home/jo", "TERM": "xterm"}
	everything := []string{"RAFF_API_KEY", "RAFF_API_KEY_COMMAND", "RAFF_API_KEY_FILE", "RAFF_API_URL", "RAFF_MCP_READ_ONLY", "RAFF_MCP_SECRETS"}
	shell := []string{"foo", "$FOO", "${UNSET}", "dflt", "", "{env:FOO}", "${env:FOO}", "{env:UNSET}", "${env:UNSET}"}
	bare := []string{"foo", "foo", "${UNSET}", "dflt", "", "{env:FOO}", "${env:FOO}", "{env:UNSET}", "${env:UNSET}"}
	editor := []string{"${FOO}", "$FOO", "${UNSET}", "${UNSET:-dflt}", "${EMPTY:-d2}", "{env:FOO}", "foo", "{env:UNSET}", ""}
	for _, tt := range []struct {
		client   string
		wantArgs []string
		wantEnv  map[string]string
		withheld []string
		unset    string // what a variable whose value is the client's placeholder of an unset one is
	}{
		{"claude-code", shell, all, nil, "${UNSET}"},
		{"claude-desktop", words, least, everything, "${UNSET}"},
		{"cursor", editor, least, everything, ""},
		{"vscode", editor, all, nil, ""},
		{"codex", words, map[string]string{"RAFF_API_KEY": "-", "MY_TOKEN": "-", "TZ": "UTC", "LANG": "C.UTF-8", "DBUS_SESSION_BUS_ADDRESS": "-"}, everything, "${UNSET}"},
		{"gemini", bare, map[string]string{"RAFF_API_KEY": "-", "MY_TOKEN": "-", "RAFF_MCP_READ_ONLY": "true", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nope"}, []string{"RAFF_API_KEY", "RAFF_API_KEY_COMMAND", "RAFF_API_KEY_FILE", "RAFF_MCP_SECRETS"}, ""},
		{"copilot", bare, all, nil, "${UNSET}"},
		{"windsurf", editor, least, everything, ""},
		{"zed", words, all, nil, "${UNSET}"},
		{"opencode", []string{"${FOO}", "$FOO", "${UNSET}", "${UNSET:-dflt}", "${EMPTY:-d2}", "foo", "$foo", "", "$"}, all, nil, ""},
	} {
		t.Run(tt.client, func(t *testing.T) {
			unset := "${UNSET}"
			switch tt.client {
			case "cursor", "vscode", "windsurf":
				unset = "${env:UNSET}"
			case "opencode":
				unset = "{env:UNSET}"
			}
			e := clients.Entry{Scope: clients.User, Command: "/bin/raff-mcp", Args: words, Env: []clients.Variable{{Name: "OWN", Value: "own"}, {Name: "B", Value: unset}}}
			l, err := find(t, tt.client).Launch(newEnvironment(t, environ...), e)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(l.Args, tt.wantArgs) {
				t.Errorf("args: got %q, want %q", l.Args, tt.wantArgs)
			}
			want := maps.Clone(tt.wantEnv)
			maps.Copy(want, map[string]string{"PATH": "/usr/bin:/bin", "OWN": "own", "B": tt.unset})
			checkEnv(t, l.Env, want)
			if !slices.Equal(l.Withheld, tt.withheld) {
				t.Errorf("withheld: got %q, want %q", l.Withheld, tt.withheld)
			}
			if tt.client != "claude-desktop" && tt.client != "codex" && tt.client != "zed" && !slices.Contains(l.Unexpanded, unset) {
				t.Errorf("unexpanded: got %q, want %s in it", l.Unexpanded, unset)
			}
		})
	}
}

func checkEnv(t *testing.T, environ []string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if _, ok := got[name]; ok {
			t.Errorf("%s is set twice", name)
		}
		got[name] = value
	}
	for name, value := range want {
		g, ok := got[name]
		if !ok {
			g = "-"
		}
		if g != value {
			t.Errorf("%s: got %q, want %q", name, g, value)
		}
	}
}

// The entry names what the client withholds, and the server gets it.
func TestLaunchNamed(t *testing.T) {
	for _, name := range []string{"codex", "gemini", "cursor", "windsurf"} {
		env, c := newEnvironment(t, environ...), find(t, name)
		p, err := c.PlanSet(env, clients.Request{Name: "raff", Scope: clients.User, Server: clients.Server{Command: "/bin/raff-mcp"}, Variables: []string{"RAFF_API_KEY", "RAFF_API_URL"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Apply(); err != nil {
			t.Fatal(err)
		}
		entries, err := c.Entries(env, "raff")
		if err != nil || len(entries) != 1 || entries[0].Problem != nil {
			t.Fatalf("%s: got %+v, %v", name, entries, err)
		}
		l, err := c.Launch(env, entries[0])
		if err != nil {
			t.Fatal(err)
		}
		if l.Command != "/bin/raff-mcp" || len(l.Args) > 0 || len(l.Unexpanded) > 0 {
			t.Errorf("%s: got %+v", name, l)
		}
		checkEnv(t, l.Env, map[string]string{"RAFF_API_KEY": "planted", "RAFF_API_URL": "https://u.example", "MY_TOKEN": "-"})
		if slices.Contains(l.Withheld, "RAFF_API_KEY") || !slices.Contains(l.Withheld, "RAFF_API_KEY_FILE") {
			t.Errorf("%s: got withheld %q", name, l.Withheld)
		}
	}
}

// Peculiarities of single clients.
func TestLaunchDetails(t *testing.T) {
	env := newEnvironment(t, environ...)
	home, _ := env.Home()
	write(t, filepath.Join(env.Dir, ".env"), "# comment\nexport RAFF_API_KEY=\"from file\"\nB=2\n")
	own := clients.Entry{Scope: clients.User, Command: "~/raff-mcp", Args: []string{"~/x", "${workspaceFolder}", "${input:key}"}, EnvFile: "${workspaceFolder}/.env",
		Env: []clients.Variable{{Name: "PATH", Value: "/opt"}, {Name: "E", Value: "FOO"}}}

	l, err := find(t, "vscode").Launch(env, own)
	if err != nil {
		t.Fatal(err)
	}
	if l.Command != filepath.Join(home, "raff-mcp") || l.Args[0] != filepath.Join(home, "x") || l.Args[1] != env.Dir || l.Dir != home {
		t.Errorf("vscode: got %+v", l)
	}
	if !slices.Equal(l.Unexpanded, []string{"${input:key}"}) {
		t.Errorf("vscode: got unexpanded %q", l.Unexpanded)
	}
	checkEnv(t, l.Env, map[string]string{"PATH": "/usr/bin:/bin" + string(filepath.ListSeparator) + "/opt", "RAFF_API_KEY": "from file", "B": "2", "E": "FOO"})

	l, err = find(t, "copilot").Launch(env, clients.Entry{Command: "x", Dir: "sub", Env: own.Env})
	if err != nil {
		t.Fatal(err)
	}
	checkEnv(t, l.Env, map[string]string{"E": "foo", "PATH": "/opt"})
	if want := env.Dir + "/sub"; l.Dir != want {
		t.Errorf("copilot: got directory %s, want %s", l.Dir, want)
	}

	for _, path := range []string{"/nonexistent", os.DevNull} {
		own.EnvFile = path
		if _, err := find(t, "vscode").Launch(env, own); err == nil {
			t.Errorf("vscode with the envFile %s: got no error", path)
		}
	}
	if l, _ := find(t, "vscode").Launch(env, clients.Entry{Scope: clients.Project, Command: "x"}); l.Dir != env.Dir {
		t.Errorf("vscode in a project: got directory %s", l.Dir)
	}
}

// On Windows, names of variables are case-insensitive.
func TestLaunchOnWindows(t *testing.T) {
	env := newEnvironment(t, `Path=C:\bin`, "AppData=x", "raff_api_key=planted", "FOO=foo")
	env.GOOS = "windows"
	env.Home = func() (string, error) { return `C:\Users\jo`, nil }
	l, err := find(t, "codex").Launch(env, clients.Entry{Command: "x", PassOn: []string{"RAFF_API_KEY"}, Env: []clients.Variable{{Name: "PATH", Value: "y"}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"AppData=x", "Path=y", "raff_api_key=planted"}; !slices.Equal(l.Env, want) {
		t.Errorf("got %q, want %q", l.Env, want)
	}
}
