package clients_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
)

// A client starts what was requested, whatever the client, and a second plan does nothing.
func TestPlanAndEntries(t *testing.T) {
	for _, c := range clients.All() {
		for _, scope := range c.Scopes {
			env := newEnvironment(t, environ...)
			r := clients.Request{Name: "raff", Scope: scope, Server: clients.Server{Command: "/opt/a b/raff-mcp", Args: []string{"--secrets=file", `--secrets-dir=/x "y"`}}, Variables: []string{"RAFF_API_KEY"}}
			p, err := c.PlanSet(env, r)
			if err != nil || p.Change != clients.Add {
				t.Fatalf("%s: got %+v, %v", c.Name, p, err)
			}
			if backup, err := p.Apply(); backup != "" || err != nil {
				t.Fatalf("%s: got backup %q, %v", c.Name, backup, err)
			}
			if text, _ := os.ReadFile(p.Path); string(text) != p.Entry() || strings.Contains(string(text), "planted") {
				t.Errorf("%s: got file\n%s\nwant\n%s", c.Name, text, p.Entry())
			}
			entries, err := c.Entries(env, "raff")
			if err != nil || len(entries) != 1 || entries[0].Problem != nil || entries[0].Scope != scope || entries[0].Path != p.Path {
				t.Fatalf("%s: got %+v, %v", c.Name, entries, err)
			}
			l, err := c.Launch(env, entries[0])
			if err != nil || l.Command != r.Server.Command || strings.Join(l.Args, "|") != strings.Join(r.Server.Args, "|") {
				t.Errorf("%s: got %+v, %v", c.Name, l, err)
			}
			if p, err := c.PlanSet(env, r); err != nil || p.Change != clients.Nothing {
				t.Errorf("%s again: got change %v, %v", c.Name, p.Change, err)
			}
			r.Server.Args = nil
			if p, err := c.PlanSet(env, r); err != nil || p.Change != clients.Conflict {
				t.Errorf("%s with other arguments: got change %v, %v", c.Name, p.Change, err)
			}
			if p, err := c.PlanRemove(env, scope, "other"); err != nil || p.Change != clients.Nothing {
				t.Errorf("%s: got change %v, %v", c.Name, p.Change, err)
			}
			if p, err = c.PlanRemove(env, scope, "raff"); err != nil || p.Change != clients.Remove {
				t.Fatalf("%s: got change %v, %v", c.Name, p.Change, err)
			}
			if _, err := p.Apply(); err != nil {
				t.Fatal(err)
			}
			if entries, _ := c.Entries(env, "raff"); len(entries) > 0 {
				t.Errorf("%s: got %+v after it was removed", c.Name, entries)
			}
		}
	}
}

// Entries that others wrote, and files that the client itself could not read.
func TestEntries(t *testing.T) {
	for _, tt := range []struct {
		client, path, text string
		problem            string // "" if there is none
		want               clients.Entry
	}{
		{"codex", ".codex/config.toml", "[mcp_servers.raff]\ncommand = 'x'\nenabled = false\nenv_vars = ['A', {name = 'B', source = 'local'}]\ncwd = '/c'\n", "",
			clients.Entry{Command: "x", PassOn: []string{"A", "B"}, Dir: "/c", Disabled: true}},
		{"opencode", ".config/opencode/opencode.json", `{"mcp":{"raff":{"command":["x","y"],"enabled":false,"environment":{"B":"2","A":"1"}}}}`, "",
			clients.Entry{Command: "x", Args: []string{"y"}, Env: []clients.Variable{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}, Disabled: true}},
		{"windsurf", ".codeium/windsurf/mcp_config.json", `{"mcpServers":{"raff":{"command":"x","disabled":true,"env":{"N":1,"T":true,"Z":null}}}}`, "",
			clients.Entry{Command: "x", Env: []clients.Variable{{Name: "N", Value: "1"}, {Name: "T", Value: "true"}}, Disabled: true}},
		{"gemini", ".gemini/settings.json", `{"mcpServers":{"raff":{"httpUrl":"https://x"}}}`, "a server at a URL", clients.Entry{}},
		{"cursor", ".cursor/mcp.json", `{"mcpServers":{"raff":{"url":"https://x"}}}`, "a server at a URL", clients.Entry{}},
		{"cursor", ".cursor/mcp.json", `{"mcpServers":{"raff":"x"}}`, "not an object", clients.Entry{}},
		{"cursor", ".cursor/mcp.json", `{"mcpServers":{"raff":{"command":"x","args":"y"}}}`, "args", clients.Entry{}},
		{"cursor", ".cursor/mcp.json", `{"mcpServers":{"raff":{"command":"x","env":{"A":{}}}}}`, "env", clients.Entry{}},
		{"cursor", ".cursor/mcp.json", `{"mcpServers":{"raff":{}}}`, "command", clients.Entry{}},
		{"cursor", ".cursor/mcp.json", `{"mcpServers":`, "not valid JSON", clients.Entry{}},
		{"claude-code", ".claude.json", "{} // comment", "contains comments", clients.Entry{}},
	} {
		env := newEnvironment(t)
		home, _ := env.Home()
		write(t, filepath.Join(home, tt.path), tt.text)
		entries, err := find(t, tt.client).Entries(env, "raff")
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: got %+v, %v", tt.text, entries, err)
			continue
		}
		got := entries[0]
		if tt.problem != "" {
			if got.Problem == nil || !strings.Contains(got.Problem.Error(), tt.problem) {
				t.Errorf("%s: got problem %v, want %s", tt.text, got.Problem, tt.problem)
			}
			if _, err := find(t, tt.client).Launch(env, got); err == nil {
				t.Errorf("%s: got a launch", tt.text)
			}
			continue
		}
		if got.Problem != nil || got.Command != tt.want.Command || strings.Join(got.Args, "|") != strings.Join(tt.want.Args, "|") ||
			strings.Join(got.PassOn, "|") != strings.Join(tt.want.PassOn, "|") || got.Dir != tt.want.Dir || got.Disabled != tt.want.Disabled || len(got.Env) != len(tt.want.Env) {
			t.Errorf("%s: got %+v, want %+v", tt.text, got, tt.want)
		}
		for i := range min(len(got.Env), len(tt.want.Env)) {
			if got.Env[i] != tt.want.Env[i] {
				t.Errorf("%s: got %v, want %v", tt.text, got.Env[i], tt.want.Env[i])
			}
		}
	}
}

// Claude Code has a third scope, which wins.
func TestLocalScope(t *testing.T) {
	env := newEnvironment(t)
	home, _ := env.Home()
	write(t, filepath.Join(home, ".claude.json"), `{"mcpServers":{"raff":{"command":"user"}},"projects":{"`+env.Dir+`":{"mcpServers":{"raff":{"command":"local"}}}}}`)
	write(t, filepath.Join(env.Dir, ".mcp.json"), `{"mcpServers":{"raff":{"command":"project"}}}`)
	entries, err := find(t, "claude-code").Entries(env, "raff")
	if err != nil || len(entries) != 3 || entries[0].Command != "local" || entries[1].Command != "project" || entries[2].Command != "user" {
		t.Fatalf("got %+v, %v", entries, err)
	}
	p, err := find(t, "claude-code").PlanRemove(env, clients.User, "raff")
	if err != nil || len(p.Preferred) != 2 {
		t.Fatalf("got %+v, %v", p, err)
	}
}

// A diff and an existing entry show nothing that may be secret, whatever the file looks like.
func TestNothingSecretIsShown(t *testing.T) {
	for _, tt := range []struct{ client, path, text string }{
		{"cursor", ".cursor/mcp.json", `{"mcpServers":{"raff":{"command":"x","args":["--api-key=hunter2","--token","hunter2","-H","X-Key=hunter2"],"env":{"A":"hunter2"},"headers":{"h":"hunter2"},"apiKey":"hunter2"}}}`},
		{"cursor", ".cursor/mcp.json", "{\n// hunter2\n\"mcpServers\": {\n/* hunter2\n hunter2 */\n\"other\": {\"env\": {\"K\": \"hunter2\"}}, // hunter2\n},\n}\n"},
		{"codex", ".codex/config.toml", "a = '''\nhunter2\nx = hunter2\n'''\nb = 'hunter2' # hunter2\n"},
		{"codex", ".codex/config.toml", "a = \"\"\"\n\"hunter2\" = hunter2\n\"\"\"\nb = [\n 'hunter2',\n \"hunter2\", # hunter2\n]\n"},
		{"codex", ".codex/config.toml", "[mcp_servers.raff]\ncommand = 'x'\nbearer_token = 'hunter2'\n[mcp_servers.raff.env]\nA = 'hunter2'\n"},
	} {
		env := newEnvironment(t)
		home, _ := env.Home()
		write(t, filepath.Join(home, tt.path), tt.text)
		p, err := find(t, tt.client).PlanSet(env, clients.Request{Name: "raff", Scope: clients.User, Server: clients.Server{Command: "/bin/raff-mcp"}, Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := p.Diff(); strings.Contains(diff, "hunter2") || !strings.Contains(diff, "/bin/raff-mcp") {
			t.Errorf("%s\ngot\n%s", tt.text, diff)
		}
		if p.Change == clients.Replace && (strings.Contains(p.Existing(), "hunter2") || !strings.Contains(p.Existing(), `"x"`)) {
			t.Errorf("%s\ngot\n%s", tt.text, p.Existing())
		}
	}
}
