package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// withSettings returns an environment whose home directory contains this mcp.yaml.
func withSettings(t *testing.T, text string) (env Environment, home string) {
	t.Helper()
	env = fakeEnvironment(t, nil)
	home, err := env.Home()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, ".raff"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".raff", "mcp.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return env, home
}

func TestDestinations(t *testing.T) {
	env, home := withSettings(t, `
destinations:
  site-ci: {command: gh secret set RAFF_API_KEY --repo acme/site, description: "  the site's
    pipeline  "}
  local:
    env-file: ~/site/.env
    variable: RAFF_API_KEY
  local.test: {env-file: ~/site/.env, variable: RAFF_TEST_KEY}
  file_1: {file: ~/site/key}
  laptop: {keyring: true}
  shell: {command: "sh -c 'cat >${RAFF_KEY_NAME}'"}
`)
	got, err := load(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	want := []Destination{
		{Name: "site-ci", Kind: "command", Command: "gh secret set RAFF_API_KEY --repo acme/site", Description: "the site's pipeline"},
		{Name: "local", Kind: "env-file", Path: filepath.Join(home, "site", ".env"), Variable: "RAFF_API_KEY"},
		{Name: "local.test", Kind: "env-file", Path: filepath.Join(home, "site", ".env"), Variable: "RAFF_TEST_KEY"},
		{Name: "file_1", Kind: "file", Path: filepath.Join(home, "site", "key")},
		{Name: "laptop", Kind: "keyring"},
		{Name: "shell", Kind: "command", Command: "sh -c 'cat >${RAFF_KEY_NAME}'"},
	}
	for i := range want {
		want[i].Locks = filepath.Join(home, ".raff", "locks")
	}
	for i := range got.Destinations {
		got.Destinations[i].line = 0
	}
	if !slices.Equal(got.Destinations, want) {
		t.Errorf("got  %+v\nwant %+v", got.Destinations, want)
	}
	if got.Secrets.Delivery != "inline" || got.Secrets.Recovery != filepath.Join(home, ".raff", "recovered") {
		t.Errorf("got %+v, want a recovery directory although the default is inline", got.Secrets)
	}
	if got, err := load([]string{"--secrets=destination"}, env); err != nil || got.Secrets.Delivery != "destination" {
		t.Errorf("got %+v, %v", got.Secrets, err)
	}
}

func TestNoDestination(t *testing.T) {
	for _, text := range []string{"", "secrets: destination"} {
		env, _ := withSettings(t, text)
		if _, err := load([]string{"--secrets=destination"}, env); err == nil || !strings.Contains(err.Error(), "no destination is configured. Add destinations:") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestDestinationsRefused(t *testing.T) {
	const key = "raff_0123456789abcdef0123456789abcdef"
	many := "destinations:\n"
	for i := range 51 {
		many += fmt.Sprintf("  d%d: {keyring: true}\n", i)
	}
	for _, tt := range []struct{ text, want string }{
		{"destination:\n  a: {keyring: true}", `line 1: unknown setting "destination". Did you mean destinations?`},
		{"destinations:", "line 1: destinations: not a map of names."},
		{"destinations: {}", "line 1: destinations: not a map of names."},
		{"destinations: [a]", "line 1: destinations: not a map of names."},
		{"destinations:\n  A: {keyring: true}", "line 2: destinations: an invalid name."},
		{"destinations:\n  " + key + ": {keyring: true}", "line 2: destinations: an invalid name."},
		{"destinations:\n  " + strings.Repeat("a", 65) + ": {keyring: true}", "line 2: destinations: an invalid name."},
		{"destinations:\n  [a]: {keyring: true}", "line 2: destinations: an invalid name."},
		{"destinations:\n  a: {keyring: true}\n  a: {keyring: true}", "line 3: destination a: a name that is also in a line before."},
		{"destinations:\n  a: gh secret set", "line 2: destination a: not a map."},
		{"destinations:\n  a:", "line 2: destination a: not a map."},
		{"destinations:\n  a: {}", "line 2: destination a: does not say where it is. Add one of command, env-file, file, keyring."},
		{"destinations:\n  a: {description: x}", "line 2: destination a: does not say where it is."},
		{"destinations:\n  a: {keyring: true, file: ~/x}", "line 2: destination a: has file and keyring. Remove all but one."},
		{"destinations:\n  a:\n    envfile: ~/x\n", `line 3: destination a: unknown property "envfile". Did you mean env-file?`},
		{"destinations:\n  a:\n    colour: ~/x\n", `line 3: destination a: unknown property "colour". The properties are command,`},
		{"destinations:\n  a:\n    " + key + ": x\n", "line 3: destination a: unknown property. The properties are"},
		{"destinations:\n  a:\n    file: ~/x\n    file: ~/y", "line 4: destination a: file: given twice."},
		{"destinations:\n  a: {keyring: false}", "line 2: destination a: keyring: must be true."},
		{"destinations:\n  a: {keyring: 'true'}", "line 2: destination a: keyring: must be true."},
		{"destinations:\n  a: {file: 5}", "line 2: destination a: file: a value of the wrong type."},
		{"destinations:\n  a: {command: [gh, secret]}", "line 2: destination a: command: a value of the wrong type."},
		{"destinations:\n  a: {command: ''}", "line 2: destination a: command: no value."},
		{"destinations:\n  a: {command: }", "line 2: destination a: command: no value."},
		{"destinations:\n  a: {command: gh " + key + "}", "line 2: destination a: command: contains what looks like a key."},
		{"destinations:\n  a: {file: ~/" + key + "}", "line 2: destination a: file: contains what looks like a key."},
		{"destinations:\n  a: {keyring: true, description: " + key + "}", "line 2: destination a: description: contains what looks like a key."},
		{"destinations:\n  a: {command: \"gh secret set ${NAME}\"}", "line 2: destination a: command: contains an unexpanded placeholder (${…}), and no shell runs the command."},
		{"destinations:\n  a: {command: \"gh 'secret set\"}", "line 2: destination a: command: a quote is not closed"},
		{"destinations:\n  a: {command: \"" + strings.Repeat("x", 5000) + "\"}", "line 2: destination a: command: longer than 4096 bytes."},
		{"destinations:\n  a: {file: \"${HOME}/key\"}", "line 2: destination a: file: contains an unexpanded placeholder"},
		{"destinations:\n  a: {file: key}", "line 2: destination a: file: must be an absolute path or begin with ~/"},
		{"destinations:\n  a: {file: ~/}", "line 2: destination a: file: names a directory."},
		{"destinations:\n  a: {file: ~/x/}", "line 2: destination a: file: names a directory."},
		{"destinations:\n  a: {file: \"~/x\\ny\"}", "line 2: destination a: file: contains characters that cannot be printed."},
		{"destinations:\n  a: {file: ~/.raff/mcp.yaml}", "line 2: destination a: would change the configuration of raff-mcp."},
		{"destinations:\n  a: {env-file: ~/.raff/../.raff/config.yaml, variable: A}", "line 2: destination a: would change the configuration of raff-mcp."},
		{"destinations:\n  a: {env-file: ~/x}", "line 2: destination a: env-file needs a variable."},
		{"destinations:\n  a: {file: ~/x, variable: A}", "line 2: destination a: variable has no effect without env-file."},
		{"destinations:\n  a: {env-file: ~/x, variable: A-B}", "line 2: destination a: variable: not the name of a variable."},
		{"destinations:\n  a: {keyring: true, description: " + strings.Repeat("x", 201) + "}", "line 2: destination a: description: longer than 200 characters."},
		{"destinations:\n  a: {env-file: ~/x, variable: A}\n  b: {env-file: ~/y/../x, variable: A}", "line 3: destination b: is the same place as destination a (line 2)."},
		{"destinations:\n  a: {env-file: ~/x, variable: A}\n  b: {file: ~/x}", "line 3: destination b: is the same place as destination a (line 2)."},
		{many, "destinations: more than 50."},
	} {
		env, home := withSettings(t, tt.text)
		_, err := load(nil, env)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), filepath.Join(home, ".raff", "mcp.yaml")+": ") {
			t.Errorf("%.80q:\ngot  %v\nwant %s", tt.text, err, tt.want)
			continue
		}
		if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "0123456789abcdef") || len(text) > 400 {
			t.Errorf("%.80q: the error is not one line, or contains a key: %s", tt.text, text)
		}
	}
}

// On Windows, a path in another case is the same file.
func TestSamePath(t *testing.T) {
	if got, want := samePath("/x/Y", "/x/y"), runtime.GOOS == "windows"; got != want {
		t.Errorf("got %t, want %t", got, want)
	}
}
