package clients_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
)

// newEnvironment returns an environment with an empty home directory and these variables.
func newEnvironment(t *testing.T, variables ...string) clients.Environment {
	t.Helper()
	home := t.TempDir()
	return clients.Environment{
		Environ:  func() []string { return variables },
		Home:     func() (string, error) { return home, nil },
		LookPath: func(string) (string, error) { return "", errors.New("not found") },
		GOOS:     "linux",
		Dir:      t.TempDir(),
	}
}

func find(t *testing.T, name string) *clients.Client {
	t.Helper()
	c, ok := clients.Find(name)
	if !ok {
		t.Fatalf("no client %s", name)
	}
	return c
}

// Where each client keeps its file on each system.
func TestPaths(t *testing.T) {
	for _, tt := range []struct{ client, linux, darwin, windows, project string }{
		{"claude-code", "~/.claude.json", "~/.claude.json", `~\.claude.json`, "./.mcp.json"},
		{"claude-desktop", "~/.config/Claude/claude_desktop_config.json", "~/Library/Application Support/Claude/claude_desktop_config.json", `~\AppData\Roaming\Claude\claude_desktop_config.json`, ""},
		{"cursor", "~/.cursor/mcp.json", "~/.cursor/mcp.json", `~\.cursor\mcp.json`, "./.cursor/mcp.json"},
		{"vscode", "~/.config/Code/User/mcp.json", "~/Library/Application Support/Code/User/mcp.json", `~\AppData\Roaming\Code\User\mcp.json`, "./.vscode/mcp.json"},
		{"codex", "~/.codex/config.toml", "~/.codex/config.toml", `~\.codex\config.toml`, "./.codex/config.toml"},
		{"gemini", "~/.gemini/settings.json", "~/.gemini/settings.json", `~\.gemini\settings.json`, "./.gemini/settings.json"},
		{"copilot", "~/.copilot/mcp-config.json", "~/.copilot/mcp-config.json", `~\.copilot\mcp-config.json`, "./.mcp.json"},
		{"windsurf", "~/.codeium/windsurf/mcp_config.json", "~/.codeium/windsurf/mcp_config.json", `~\.codeium\windsurf\mcp_config.json`, ""},
		{"zed", "~/.config/zed/settings.json", "~/.config/zed/settings.json", `~\AppData\Roaming\Zed\settings.json`, "./.zed/settings.json"},
		{"opencode", "~/.config/opencode/opencode.json", "~/.config/opencode/opencode.json", `~\.config\opencode\opencode.json`, "./opencode.json"},
	} {
		c := find(t, tt.client)
		if got, want := c.HasScope(clients.Project), tt.project != ""; got != want {
			t.Errorf("%s: got scope project %t, want %t", tt.client, got, want)
		}
		for goos, want := range map[string]string{"linux": tt.linux, "darwin": tt.darwin, "windows": tt.windows} {
			home, dir := "/home/jo", "/work"
			if goos == "windows" {
				home, dir = `C:\Users\jo`, `C:\work`
			}
			env := clients.Environment{
				Environ: func() []string { return nil },
				Home:    func() (string, error) { return home, nil },
				GOOS:    goos, Dir: dir,
			}
			if got := planned(t, c, env, clients.User); got != strings.Replace(want, "~", home, 1) {
				t.Errorf("%s on %s: got %s, want %s", tt.client, goos, got, want)
			}
			if goos == "linux" && tt.project != "" {
				if got := planned(t, c, env, clients.Project); got != strings.Replace(tt.project, ".", dir, 1) {
					t.Errorf("%s in a project: got %s, want %s", tt.client, got, tt.project)
				}
			}
		}
	}
}

// Variables with which users move the files. A relative path does not count.
func TestPathVariables(t *testing.T) {
	for _, tt := range []struct{ client, variable, want string }{
		{"claude-code", "CLAUDE_CONFIG_DIR=/x", "/x/.claude.json"},
		{"codex", "CODEX_HOME=/x", "/x/config.toml"},
		{"gemini", "GEMINI_CLI_HOME=/x", "/x/.gemini/settings.json"},
		{"copilot", "COPILOT_HOME=/x", "/x/mcp-config.json"},
		{"vscode", "XDG_CONFIG_HOME=/x", "/x/Code/User/mcp.json"},
		{"zed", "XDG_CONFIG_HOME=/x", "/x/zed/settings.json"},
		{"opencode", "XDG_CONFIG_HOME=/x", "/x/opencode/opencode.json"},
	} {
		env := newEnvironment(t, tt.variable)
		if got := planned(t, find(t, tt.client), env, clients.User); got != tt.want {
			t.Errorf("%s with %s: got %s, want %s", tt.client, tt.variable, got, tt.want)
		}
		home, _ := env.Home()
		relative := newEnvironment(t, strings.Replace(tt.variable, "/", "", 1))
		relative.Home = env.Home
		if got := planned(t, find(t, tt.client), relative, clients.User); !strings.HasPrefix(got, home) {
			t.Errorf("%s with a relative path: got %s", tt.client, got)
		}
	}
	env := newEnvironment(t)
	env.Home = func() (string, error) { return "", errors.New("HOME is not defined") }
	if _, err := find(t, "codex").PlanSet(env, clients.Request{Name: "raff", Scope: clients.User}); err == nil {
		t.Error("without a home directory: got no error")
	}
}

func planned(t *testing.T, c *clients.Client, env clients.Environment, scope clients.Scope) string {
	t.Helper()
	p, err := c.PlanSet(env, clients.Request{Name: "raff", Scope: scope, Server: clients.Server{Command: "/bin/raff-mcp"}})
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return p.Path
}

// Of several files that a client reads, the one with the entry is changed, or else one
// that exists.
func TestFileChoice(t *testing.T) {
	for _, tt := range []struct {
		client string
		files  map[string]string
		want   string
	}{
		{"opencode", map[string]string{".config/opencode/opencode.jsonc": "{}"}, ".config/opencode/opencode.jsonc"},
		{"opencode", map[string]string{".config/opencode/opencode.jsonc": "{}", ".config/opencode/opencode.json": `{"mcp":{"raff":{}}}`}, ".config/opencode/opencode.json"},
		{"opencode", map[string]string{".config/opencode/config.json": "{}"}, ".config/opencode/opencode.json"},
		{"windsurf", map[string]string{".codeium/mcp_config.json": "{}"}, ".codeium/mcp_config.json"},
		{"windsurf", map[string]string{".codeium/mcp_config.json": "{}", ".codeium/windsurf/mcp_config.json": "{}"}, ".codeium/windsurf/mcp_config.json"},
	} {
		env := newEnvironment(t)
		home, _ := env.Home()
		for name, text := range tt.files {
			write(t, filepath.Join(home, name), text)
		}
		if got := planned(t, find(t, tt.client), env, clients.User); got != filepath.Join(home, tt.want) {
			t.Errorf("%s with %v: got %s, want %s", tt.client, tt.files, got, tt.want)
		}
	}
}

func TestInstalled(t *testing.T) {
	env := newEnvironment(t)
	for _, c := range clients.All() {
		if ok, how := c.Installed(env); ok {
			t.Errorf("%s: got installed because of %s", c.Name, how)
		}
	}
	env.LookPath = func(file string) (string, error) {
		if file == "gemini" {
			return "/usr/bin/gemini", nil
		}
		return "", errors.New("not found")
	}
	home, _ := env.Home()
	write(t, filepath.Join(home, ".config", "zed", "settings.json"), "{}")
	var got []string
	for _, c := range clients.All() {
		if ok, how := c.Installed(env); ok {
			got = append(got, c.Name+" "+how)
		}
	}
	if want := []string{"gemini /usr/bin/gemini", "zed " + filepath.Join(home, ".config/zed")}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// On Windows, Claude Desktop is a package whose files the system keeps elsewhere. The paths
// have backslashes on every system, so that on Unix they are names of directories here.
func TestPackagedClaudeDesktop(t *testing.T) {
	local := t.TempDir()
	env := newEnvironment(t, "LOCALAPPDATA="+local)
	env.GOOS = "windows"
	packages := local + `\Packages`
	roaming := packages + `\Claude_pzs8sxrjxfjjc\LocalCache\Roaming`
	for _, dir := range []string{filepath.Join(packages, "Claude_pzs8sxrjxfjjc"), filepath.Join(packages, "Other_1"), roaming} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := planned(t, find(t, "claude-desktop"), env, clients.User), roaming+`\Claude\claude_desktop_config.json`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
