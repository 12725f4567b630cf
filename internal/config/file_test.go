package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// settingsEnvironment returns an environment in which mcp.yaml contains text, and its path.
func settingsEnvironment(t *testing.T, text string, vars map[string]string) (Environment, string) {
	t.Helper()
	env := fakeEnvironment(t, vars)
	home, _ := env.Home()
	return env, writePrivate(t, filepath.Join(home, ".raff", "mcp.yaml"), text)
}

// loadSettings loads the configuration for the flags in args.
func loadSettings(args []string, env Environment) (Config, error) {
	flags := pflag.NewFlagSet("raff-mcp", pflag.ContinueOnError)
	AddFlags(flags, Settings(choices))
	if err := flags.Parse(args); err != nil {
		return Config{}, err
	}
	return Load(flags, env, choices)
}

// Each setting can be written in mcp.yaml by the name of its flag.
func TestSettingsFile(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		text string
		want Config
	}{
		{"", Config{}},
		{"# nothing\n", Config{}},
		{"null", Config{}},
		{"{}", Config{}},
		{"---\nread-only: true\n...\n", Config{ReadOnly: true}},
		{"\ufeffread-only: True", Config{ReadOnly: true}},
		{"read-only: 1", Config{ReadOnly: true}},
		{"read-only: 'false'", Config{}},
		{"sandbox: true", Config{Sandbox: true}},
		{"sandbox: false", Config{}},
		{"toolsets: [roles, api_keys]", Config{Toolsets: []string{"roles", "api_keys"}}},
		{"toolsets:\n- roles\n", Config{Toolsets: []string{"roles"}}},
		{"toolsets: roles, api_keys", Config{Toolsets: []string{"roles", "api_keys"}}},
		{"toolsets: &t [roles]\nconfirm: never", Config{Toolsets: []string{"roles"}, Confirm: "never"}},
		{"confirm: &c never\nread-only: true", Config{Confirm: "never", ReadOnly: true}},
		{"secrets: keyring\nlog-format: json", Config{Secrets: Secrets{Delivery: "keyring"}, LogFormat: "json"}},
		{"secrets: file\nsecrets-dir: " + dir, Config{Secrets: Secrets{Delivery: "file", Dir: dir}}},
		{"api-url: https://a.example/\nproject-id: " + someUUID, Config{APIURL: "https://a.example", ProjectID: someUUID}},
		{"secrets: command\nsecrets-command: |\n  sh -c 'cat >\"${RAFF_KEY_ID}\"'\n", Config{Secrets: Secrets{Delivery: "command", Command: `sh -c 'cat >"${RAFF_KEY_ID}"'`}}},
	} {
		env, _ := settingsEnvironment(t, tt.text, nil)
		got, err := loadSettings(nil, env)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		want, err := loadSettings(nil, fakeEnvironment(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		overwrite(&want, tt.want)
		if got, want := settingValues(got), settingValues(want); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", tt.text, got, want)
		}
	}
}

// settingValues returns the settings in c that have a flag.
func settingValues(c Config) []any {
	c.Secrets.Recovery = ""
	return []any{c.Sandbox, c.APIURL, c.ProjectID, c.Secrets, c.ReadOnly, c.Toolsets, c.Confirm, c.LogLevel, c.LogFormat}
}

// overwrite sets the fields of c that are set in values.
func overwrite(c *Config, values Config) {
	to, from := reflect.ValueOf(c).Elem(), reflect.ValueOf(values)
	for i := range to.NumField() {
		if to.Type().Field(i).Name == "Secrets" {
			overwriteSecrets(&c.Secrets, values.Secrets)
		} else if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
}

func overwriteSecrets(s *Secrets, values Secrets) {
	to, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(values)
	for i := range to.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// A flag wins over a variable, that over mcp.yaml, and that over the vendor's profile.
func TestSettingsFilePrecedence(t *testing.T) {
	const text = "api-url: https://file.example\nread-only: true\nsandbox: true\nconfirm: never"
	vars := map[string]string{"RAFF_API_KEY": planted}
	env, path := settingsEnvironment(t, text, vars)
	home, _ := env.Home()
	writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "profiles: {default: {api-url: 'https://profile.example'}}")
	for _, tt := range []struct {
		args     []string
		variable string
		apiURL   string
		source   string
	}{
		{[]string{"--sandbox=false"}, "", "https://file.example", path + ": api-url"},
		{[]string{"--sandbox=false"}, "https://variable.example", "https://variable.example", "RAFF_API_URL"},
		{[]string{"--sandbox=false", "--api-url=https://flag.example"}, "https://variable.example", "https://flag.example", "--api-url"},
	} {
		vars["RAFF_API_URL"] = tt.variable
		cfg, err := loadSettings(tt.args, env)
		if err != nil || cfg.Sandbox || cfg.APIURL != tt.apiURL || cfg.Sources["api-url"] != tt.source || !cfg.ReadOnly {
			t.Errorf("%q: got %+v, %v", tt.args, cfg, err)
		}
	}
	if cfg, err := loadSettings([]string{"--read-only=false"}, env); err != nil || cfg.ReadOnly || !cfg.Sandbox || cfg.Sources["sandbox"] != path+": sandbox" {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

// What is wrong in mcp.yaml is located, without a word of its values.
func TestSettingsFileErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"secrets: nowhere", "secrets: must be one of: inline, file, keyring, command"},
		{"secrets-dir: ~/x", "--secrets-dir: has no effect without --secrets=file"},
		{"read-only: yes", "read-only: must be true or false (1 and 0 are accepted)"},
		{"sandbox: maybe", "sandbox: must be true or false"},
		{"project-id: " + planted, "project-id: not a UUID"},
		{"secrets: command\nsecrets-command: run " + planted, "secrets-command: contains what looks like a key"},
		{"toolsets: ${TOOLSETS}", "toolsets: contains an unexpanded placeholder"},
		{"toolsets: [roles, nonsense]", "toolsets: must be one of: api_keys, roles"},
		{"toolsets: []", "line 1: toolsets: no value. Give it one, or remove the line."},
		{"toolsets: [roles, ~]", "line 1: toolsets: no value"},
		{"toolsets: [[roles]]", "line 1: toolsets: a value of the wrong type"},
		{"toolsets: {roles: true}", "line 1: toolsets: a value of the wrong type"},
		{"\nread-only:\n", "line 2: read-only: no value"},
		{"read-only: ' '", "line 1: read-only: no value"},
		{"confirm:\n- never\n", "line 2: confirm: a list. It takes one value."},
		{"read-only: !!binary dHJ1ZQ==", "line 1: read-only: a value of the wrong type"},
		{"read-only: !x true", "line 1: read-only: a value of the wrong type"},
		{"confirm: never\nread_only: true", `line 2: unknown setting "read_only". Did you mean read-only?`},
		{"secrts: file", `line 1: unknown setting "secrts". Did you mean secrets?`},
		{"Read-Only: true", `line 1: unknown setting "Read-Only". Did you mean read-only?`},
		{"nonsense: 1", `line 1: unknown setting "nonsense". Remove it; the names are those of the flags that raff-mcp -h lists.`},
		{planted + ": 1", "line 1: unknown setting. Remove it"},
		{"<<: {read-only: true}", "line 1: unknown setting. Remove it"},
		{"[a]: 1", "line 1: the name of a setting must be text"},
		{"read-only: true\nconfirm: never\nread-only: false", `line 3: the setting "read-only" is given twice. Remove one of the lines.`},
		{"nonsense-" + planted + ": 1", "line 1: unknown setting. Remove it"},
		{"api-key: " + planted, "line 1: the API key does not belong in this file. Remove it, and run raff-mcp login"},
		{"api_key: x", "line 1: the API key does not belong"},
		{"RAFF_API_KEY: x", "line 1: the API key does not belong"},
		{"whatever: " + planted, "line 1: the API key does not belong"},
		{"token: 1", "line 1: the API key does not belong"},
		{planted, "line 1: not a map of settings"},
		{"- read-only", "line 1: not a map of settings"},
		{"read-only: true\n---\nsandbox: true", "contains more than one YAML document"},
		{"toolsets: [\n", "line 2: not valid YAML"},
		{"a: 1\nb: \"" + planted, "line 2: not valid YAML"},
		{"a: *" + planted, "not valid YAML"},
		{"\xff\xfe\x00", ""},
		{"# " + strings.Repeat("x", maxSettingsBytes), "larger than 1024 KiB"},
	} {
		env, path := settingsEnvironment(t, tt.text, map[string]string{"RAFF_API_KEY": "raff_other"})
		_, err := loadSettings(nil, env)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.HasPrefix(tt.want, "line") && !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%.60q: got %v, want %s: %q", tt.text, err, path, tt.want)
			continue
		}
		if strings.Contains(err.Error(), planted[:14]) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: got %q", tt.text, err)
		}
	}
}

// A settings file that other users can change could send them secrets.
func TestSettingsFileOfOthers(t *testing.T) {
	if !hasModes {
		t.Skip("no such modes")
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666} {
		env, path := settingsEnvironment(t, "read-only: true", nil)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, env, path, "chmod go-w "+path)
		dir := filepath.Dir(path)
		if err := os.Chmod(path, 0o644); err != nil { // others may read it
			t.Fatal(err)
		}
		if cfg, err := loadSettings(nil, env); err != nil || !cfg.ReadOnly {
			t.Errorf("mode 0644: got %+v, %v", cfg, err)
		}
		if err := os.Chmod(dir, 0o100|mode); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, env, dir, "chmod go-w "+dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(path, 12345, -1); err != nil {
				t.Fatal(err)
			}
			checkRefused(t, env, path, "belongs to another user")
		}
	}
}

func checkRefused(t *testing.T, env Environment, path, want string) {
	t.Helper()
	_, err := loadSettings(nil, env)
	if err == nil || !strings.Contains(err.Error(), path+" ") || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s and %q", err, path, want)
	}
}

// Of a symbolic link, what counts is its target and the directory of that.
func TestSettingsFileLinked(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	target := writePrivate(t, filepath.Join(t.TempDir(), "dotfiles", "mcp.yaml"), "read-only: true")
	link := filepath.Join(home, ".raff", "mcp.yaml")
	if err := os.Mkdir(filepath.Dir(link), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if cfg, err := loadSettings(nil, env); err != nil || !cfg.ReadOnly {
		t.Errorf("got %+v, %v", cfg, err)
	}
	real, err := filepath.EvalSymlinks(target)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{real, filepath.Dir(real)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, info.Mode().Perm()|0o020); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, env, path, "chmod go-w "+path)
		if err := os.Chmod(path, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	// Settings that are missing because the target is missing are an error.
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSettings(nil, env); err == nil || !strings.HasPrefix(err.Error(), link+": ") {
		t.Errorf("got %v", err)
	}
}

func TestSettingsFileUnreadable(t *testing.T) {
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	path := filepath.Join(home, ".raff", "mcp.yaml")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSettings(nil, env); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: got %v", err)
	}
	if os.Geteuid() == 0 || !hasModes {
		return // everything is readable
	}
	env, path = settingsEnvironment(t, "read-only: true", nil)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSettings(nil, env); err == nil || !strings.HasPrefix(err.Error(), path+": permission denied") {
		t.Errorf("got %v", err)
	}
}

// Any text is accepted or answered with one line that contains none of its values.
func FuzzSettingsFile(f *testing.F) {
	for _, text := range []string{
		"read-only: true\ntoolsets: [roles]\nproject-id: %s", "%s: %[1]s", "api-key: %s", "a: &a [*a]", "toolsets: &a [*a]", "secrets: *%s", "? [%s]\n: 1",
		"<<: *%s", "toolsets: !!%s x", "confirm: |\n  %s\n %[1]s", "--- %s\n--- %[1]s", "%%TAG ! %s\n---\n- a", "log-level: %s", "\ufeffconfirm: never", "",
	} {
		f.Add([]byte(fmt.Sprintf(strings.Replace(text, "%s", "%[1]s", 1), planted)))
	}
	home := f.TempDir()
	path := filepath.Join(home, ".raff", "mcp.yaml")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		f.Fatal(err)
	}
	env := Environment{Getenv: func(string) string { return "" }, Home: func() (string, error) { return home, nil }}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := loadSettings(nil, env)
		messages := fmt.Sprint(err, cfg.Warnings)
		if strings.Contains(messages, planted) || strings.Contains(messages, "\n") {
			t.Errorf("got %q", messages)
		}
	})
}
