package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// planted is a key that must turn up in no text.
const planted = "raff_5ec2e7c0ffee0123456789abcdef5ec2"

const someUUID = "0b7e5a52-6d3f-4c36-9d0a-1f2e3d4c5b6a"

var choices = Choices{Toolsets: []string{"api_keys", "roles"}, Confirm: []string{"auto", "always", "never"}}

// load loads the configuration for these flags.
func load(args []string, env Environment) (Config, error) {
	flags := pflag.NewFlagSet("raff-mcp", pflag.ContinueOnError)
	AddFlags(flags, Settings(choices))
	if err := flags.Parse(args); err != nil {
		return Config{}, err
	}
	return Load(flags, env, choices)
}

// fakeEnvironment has these variables and a home directory without a profile.
func fakeEnvironment(t *testing.T, vars map[string]string) Environment {
	home := t.TempDir()
	return Environment{
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

func hasKey(cfg Config, key string) bool {
	return cfg.KeyProblem == nil && reflect.DeepEqual(cfg.Key, raffclient.NewSecret(key))
}

func TestLoadDefaults(t *testing.T) {
	got, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": planted}))
	want := Config{Key: raffclient.NewSecret(planted), KeySource: "RAFF_API_KEY", Secrets: defaultSecrets, Toolsets: choices.Toolsets, Confirm: choices.Confirm[0], LogFormat: "text"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, s := range Settings(choices) {
		if s.Default == "" || s.Flag == "api-url" {
			continue
		}
		if err := s.set(&got, s.Default); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("--%s: the default %q is not what holds without it: %v", s.Flag, s.Default, err)
		}
	}
}

func TestLoadSettings(t *testing.T) {
	type vars map[string]string
	for _, tt := range []struct {
		name  string
		args  string
		vars  vars
		field func(Config) any
		want  any
	}{
		{"flag", "--api-url https://a.example", nil, apiURLOf, "https://a.example"},
		{"variable", "", vars{"RAFF_API_URL": "https://b.example"}, apiURLOf, "https://b.example"},
		{"flag before variable", "--api-url https://a.example", vars{"RAFF_API_URL": "https://b.example"}, apiURLOf, "https://a.example"},
		{"bad variable behind a flag", "--api-url https://a.example", vars{"RAFF_API_URL": "x"}, apiURLOf, "https://a.example"},
		{"empty variable", "", vars{"RAFF_API_URL": "", "RAFF_PROJECT_ID": " ", "RAFF_MCP_SECRETS": "", "RAFF_MCP_LOG_LEVEL": "", "RAFF_MCP_LOG_FORMAT": ""}, apiURLOf, ""},
		{"white space", "", vars{"RAFF_API_URL": " https://b.example\n"}, apiURLOf, "https://b.example"},
		{"slash", "--api-url https://a.example/", nil, apiURLOf, "https://a.example"},
		{"base path", "--api-url https://a.example:8443/raff/", nil, apiURLOf, "https://a.example:8443/raff"},
		{"localhost", "--api-url http://localhost:8080", nil, apiURLOf, "http://localhost:8080"},
		{"127.0.0.0/8", "--api-url http://127.8.9.10:1", nil, apiURLOf, "http://127.8.9.10:1"},
		{"::1", "--api-url http://[::1]:1", nil, apiURLOf, "http://[::1]:1"},
		{"project", "--project-id " + someUUID, nil, projectIDOf, someUUID},
		{"project variable", "", vars{"RAFF_PROJECT_ID": strings.ToUpper(someUUID)}, projectIDOf, strings.ToUpper(someUUID)},
		{"secrets", "--secrets inline", nil, secretsOf, defaultSecrets},
		{"secrets variable", "", vars{"RAFF_MCP_SECRETS": "inline"}, secretsOf, defaultSecrets},
		{"debug", "--log-level debug", nil, logLevelOf, slog.LevelDebug},
		{"warn", "--log-level=warn", nil, logLevelOf, slog.LevelWarn},
		{"error", "", vars{"RAFF_MCP_LOG_LEVEL": "ERROR"}, logLevelOf, slog.LevelError},
		{"level flag before variable", "--log-level info", vars{"RAFF_MCP_LOG_LEVEL": "error"}, logLevelOf, slog.LevelInfo},
		{"format", "--log-format json", nil, logFormatOf, "json"},
		{"format variable", "", vars{"RAFF_MCP_LOG_FORMAT": "json"}, logFormatOf, "json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := load(strings.Fields(tt.args), fakeEnvironment(t, tt.vars))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.field(cfg); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Where secrets go: the settings together, and the directories that they mean.
func TestLoadSecrets(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args []string
		want Secrets // with directories below the home directory
	}{
		{nil, defaultSecrets},
		{[]string{"--secrets=file"}, Secrets{"file", "~/.raff/secrets", "raw", "", "~/.raff/recovered"}},
		{[]string{"--secrets=File", "--secrets-dir=~/keys", "--secrets-format=env"}, Secrets{"file", "~/keys", "env", "", "~/.raff/recovered"}},
		{[]string{"--secrets=file", "--secrets-dir=" + dir}, Secrets{"file", dir, "raw", "", "~/.raff/recovered"}},
		{[]string{"--secrets=keyring"}, Secrets{"keyring", "~/.raff/secrets", "raw", "", "~/.raff/recovered"}},
		{[]string{"--secrets=command", `--secrets-command=sh -c 'x="$(cat)"; y "${RAFF_KEY_ID}"'`},
			Secrets{"command", "~/.raff/secrets", "raw", `sh -c 'x="$(cat)"; y "${RAFF_KEY_ID}"'`, "~/.raff/recovered"}},
	} {
		env := fakeEnvironment(t, nil)
		home, _ := env.Home()
		want := tt.want
		if want.Delivery == "file" {
			want.Dir = below(home, want.Dir)
		}
		want.Recovery = below(home, want.Recovery)
		if got, err := load(tt.args, env); err != nil || got.Secrets != want {
			t.Errorf("%q: got %+v, %v, want %+v", tt.args, got.Secrets, err, want)
		}
	}
}

// below replaces a ~/ at the beginning of a path.
func below(home, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}

func TestLoadSecretsWithoutHome(t *testing.T) {
	env := fakeEnvironment(t, nil)
	env.Home = func() (string, error) { return "", errors.New("no home") }
	if _, err := load([]string{"--secrets=file"}, env); err == nil || !strings.Contains(err.Error(), "there is no home directory") {
		t.Errorf("got %v", err)
	}
	if got, err := load([]string{"--secrets=file", "--secrets-dir=" + t.TempDir()}, env); err != nil || got.Secrets.Recovery != "" {
		t.Errorf("got %+v, %v", got.Secrets, err)
	}
}

func apiURLOf(c Config) any    { return c.APIURL }
func secretsOf(c Config) any   { return c.Secrets }
func projectIDOf(c Config) any { return c.ProjectID }
func logLevelOf(c Config) any  { return c.LogLevel }
func logFormatOf(c Config) any { return c.LogFormat }

func TestLoadErrors(t *testing.T) {
	type vars map[string]string
	for _, tt := range []struct {
		args []string
		vars vars
		want string // part of the error
	}{
		{args: []string{"--api-url", ""}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", planted}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", "api.example"}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", "https://"}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", "https:" + planted}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", "https://a.example:" + planted}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", "https://a.example/%zz" + planted}, want: "--api-url: the API's address"},
		{args: []string{"--api-url", "ftp://a.example/" + planted}, want: "--api-url: the API's address must begin with https://"},
		{args: []string{"--api-url", "http://a.example/" + planted}, want: "over http:// the key would travel unencrypted"},
		{args: []string{"--api-url", "http://localhost.example"}, want: "over http:// the key would travel unencrypted"},
		{args: []string{"--api-url", "http://127.0.0.1.example"}, want: "over http:// the key would travel unencrypted"},
		{args: []string{"--api-url", "http://0.0.0.0"}, want: "over http:// the key would travel unencrypted"},
		{args: []string{"--api-url", "https://" + planted + "@a.example"}, want: "--api-url: the API's address must not hold a user name or password"},
		{args: []string{"--api-url", "https://a:" + planted + "@a.example"}, want: "--api-url: the API's address must not hold a user name or password"},
		{args: []string{"--api-url", "https://a.example?key=" + planted}, want: "--api-url: the API's address must"},
		{args: []string{"--api-url", "https://a.example?"}, want: "--api-url: the API's address must"},
		{args: []string{"--api-url", "https://a.example#" + planted}, want: "--api-url: the API's address must"},
		{args: []string{"--api-url", "https://a.example/api/v1/"}, want: "--api-url: leave out /api/v1"},
		{args: []string{"--api-url", "${user_config.url}"}, want: "--api-url: holds a placeholder"},
		{vars: vars{"RAFF_API_URL": planted}, want: "RAFF_API_URL: the API's address"},
		{vars: vars{"RAFF_API_URL": "${RAFF_API_URL}"}, want: "RAFF_API_URL: holds a placeholder"},
		{vars: vars{"RAFF_API_URL": "https://${env:RAFF_HOST}"}, want: "RAFF_API_URL: holds a placeholder"},

		{args: []string{"--project-id", planted}, want: "--project-id: not a UUID"},
		{args: []string{"--project-id", "{" + someUUID + "}"}, want: "--project-id: "},
		{args: []string{"--project-id", ""}, want: "--project-id: not a UUID"},
		{args: []string{"--project-id", someUUID + "0"}, want: "--project-id: not a UUID"},
		{vars: vars{"RAFF_PROJECT_ID": planted}, want: "RAFF_PROJECT_ID: not a UUID"},
		{vars: vars{"RAFF_PROJECT_ID": "%RAFF_PROJECT_ID%"}, want: "RAFF_PROJECT_ID: holds a placeholder"},

		{args: []string{"--secrets", planted}, want: "--secrets: must be one of: inline"},
		{vars: vars{"RAFF_MCP_SECRETS": planted}, want: "RAFF_MCP_SECRETS: must be one of: inline"},
		{args: []string{"--secrets-dir=~/x"}, want: "--secrets-dir: has no effect without --secrets=file"},
		{vars: vars{"RAFF_MCP_SECRETS_FORMAT": "env"}, want: "--secrets-format: has no effect without --secrets=file"},
		{args: []string{"--secrets=file", "--secrets-command=gh"}, want: "--secrets-command: has no effect without --secrets=command"},
		{args: []string{"--secrets=command"}, want: "--secrets=command: needs --secrets-command"},
		{args: []string{"--secrets=file", "--secrets-dir=keys"}, want: "--secrets-dir: must be an absolute path"},
		{args: []string{"--secrets=file", "--secrets-dir=/x/" + planted}, want: "--secrets-dir: holds what looks like a key"},
		{args: []string{"--secrets=file", "--secrets-dir=${HOME}/x"}, want: "--secrets-dir: holds a placeholder"},
		{args: []string{"--secrets=file", "--secrets-format", planted}, want: "--secrets-format: must be one of: raw, env"},
		{args: []string{"--secrets=command", "--secrets-command=store " + planted}, want: "--secrets-command: holds what looks like a key"},
		{args: []string{"--log-level", planted}, want: "--log-level: must be one of: debug, info, warn, error"},
		{args: []string{"--log-level", "info+1"}, want: "--log-level: must be one of"},
		{vars: vars{"RAFF_MCP_LOG_LEVEL": planted}, want: "RAFF_MCP_LOG_LEVEL: must be one of"},
		{args: []string{"--log-format", planted}, want: "--log-format: must be one of: text, json"},
		{vars: vars{"RAFF_MCP_LOG_FORMAT": planted}, want: "RAFF_MCP_LOG_FORMAT: must be one of"},
		{args: []string{"--sandbox", "--log-format", "xml"}, want: "--log-format: must be one of"},
	} {
		t.Run(fmt.Sprint(tt.args, tt.vars), func(t *testing.T) {
			_, err := load(tt.args, fakeEnvironment(t, tt.vars))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q: a key, or more than a line", err)
			}
		})
	}
}

func TestLoadKey(t *testing.T) {
	for _, key := range []string{planted, " \t" + planted + "\r\n", "raff_x", "raff_!~", "raff_your"} {
		cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": key}))
		if err != nil || !hasKey(cfg, strings.TrimSpace(key)) {
			t.Errorf("%q: got %v, %v", key, cfg.KeyProblem, err)
		}
	}
}

func TestLoadKeyProblem(t *testing.T) {
	for _, tt := range []struct{ key, want string }{
		{"", "No Raff API key is configured. Set RAFF_API_KEY"},
		{"  \n", "No Raff API key is configured"},
		{"raff_", "must start with raff_"},
		{"sk-" + planted, "must start with raff_"},
		{"Bearer " + planted, "must start with raff_"},
		{`"` + planted + `"`, "without quotes"},
		{"RAFF_" + planted[5:], "must start with raff_"},
		{planted + " " + planted, "RAFF_API_KEY does not hold a Raff API key"},
		{planted + "\n" + planted, "RAFF_API_KEY does not hold a Raff API key"},
		{planted + "\x7f", "visible ASCII"},
		{planted + "é", "visible ASCII"},
		{"raff_737e…", "RAFF_API_KEY holds a masked key"},
		{"raff_737e...", "RAFF_API_KEY holds a masked key"},
		{"*****", "RAFF_API_KEY holds a masked key"},
		{"${RAFF_API_KEY}", "The MCP client passed it on unexpanded: set the variable where the client runs"},
		{"$RAFF_API_KEY", "placeholder"},
		{"$env:RAFF_API_KEY", "placeholder"},
		{"$(pass raff)", "placeholder"},
		{"${env:RAFF_API_KEY}", "placeholder"},
		{"${input:raff_key}", "placeholder"},
		{"{env:RAFF_API_KEY}", "placeholder"},
		{"{{RAFF_API_KEY}}", "placeholder"},
		{"raff_${KEY}", "placeholder"},
		{"%RAFF_API_KEY%", "placeholder"},
		{"<your key>", "placeholder"},
		{"YOUR_API_KEY", "placeholder"},
		{"your-raff-api-key", "placeholder"},
	} {
		t.Run(tt.key, func(t *testing.T) {
			cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": tt.key}))
			if err != nil {
				t.Fatal(err)
			}
			checkKeyProblem(t, cfg, tt.want)
		})
	}
}

// checkKeyProblem checks that there is no key, and the explanation.
func checkKeyProblem(t *testing.T, cfg Config, want string) {
	t.Helper()
	if cfg.KeyProblem == nil || !cfg.Key.IsZero() {
		t.Fatalf("got a key, want %q", want)
	}
	got := cfg.KeyProblem.Error()
	if !strings.Contains(got, want) || strings.Contains(got, planted) || strings.Contains(got, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if problem, ok := errors.AsType[*keyError](cfg.KeyProblem); !ok || problem.what == "" || problem.remedy == "" {
		t.Errorf("got %q, want what happened and what to do", got)
	}
}

func TestLoadKeyFile(t *testing.T) {
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	writePrivate(t, filepath.Join(home, "key"), "\ufeff"+planted+"\r\n")
	for _, path := range []string{"~/key", filepath.Join(home, "key"), " " + filepath.Join(home, "key")} {
		env.Getenv = func(name string) string { return map[string]string{"RAFF_API_KEY_FILE": path}[name] }
		cfg, err := load(nil, env)
		if err != nil || !hasKey(cfg, planted) || len(cfg.Warnings) > 0 {
			t.Errorf("%s: got %v, %v, %q", path, cfg.KeyProblem, err, cfg.Warnings)
		}
	}
}

func TestLoadKeyFileProblem(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		f, err := os.CreateTemp(dir, "key")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return writePrivate(t, f.Name(), text)
	}
	missing := strings.TrimSuffix(syscall.ENOENT.Error(), ".") + ". Let it name a file" // in the system's words
	for _, tt := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none"), "RAFF_API_KEY_FILE cannot be used: " + filepath.Join(dir, "none") + ": " + missing},
		{"missing, with line break", filepath.Join(dir, "no\nne"), "no␊ne"},
		{"directory", dir, dir + ": not a regular file"},
		{"device", os.DevNull, "not a regular file"},
		{"empty", file(" \n"), ": empty."},
		{"too large", file("raff_" + strings.Repeat("x", maxKeyFileBytes)), ": larger than 64 KiB."},
		{"two lines", file(planted + "\n" + planted + "\n"), "(RAFF_API_KEY_FILE) does not hold a Raff API key"},
		{"shell file", file("export RAFF_API_KEY=" + planted), "must start with raff_"},
		{"masked", file("raff_737e…"), "masked"},
		{"placeholder inside", file("${RAFF_API_KEY}"), "Write the key itself into the file."},
		{"placeholder", "${HOME}/key", "RAFF_API_KEY_FILE holds a placeholder in place of a path. The MCP client passed it on unexpanded"},
		{"placeholder in the middle", "/home/${env:USER}/key", "placeholder"},
		{"shell placeholder", "$HOME/key", "placeholder"},
		{"a key", planted, "holds what looks like a key"},
		{"an assignment", "RAFF_API_KEY=" + planted, "holds what looks like a key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": tt.path}))
			if err != nil {
				t.Fatal(err)
			}
			checkKeyProblem(t, cfg, tt.want)
		})
	}
}

// Windows ends its messages with a full stop. There is one, not two.
func TestKeyFileErrorPunctuation(t *testing.T) {
	for _, text := range []string{"No such file", "No such file."} {
		if got := keyFileError("key", errors.New(text)).what; got != "RAFF_API_KEY_FILE cannot be used: No such file." {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

func TestLoadKeyFileUnreadable(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("the file would be readable all the same")
	}
	path := writePrivate(t, filepath.Join(t.TempDir(), "key"), planted)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": path}))
	if err != nil {
		t.Fatal(err)
	}
	checkKeyProblem(t, cfg, path+": permission denied")
}

func TestLoadKeyFileWithoutHome(t *testing.T) {
	t.Chdir(t.TempDir())
	writePrivate(t, "key", planted)
	env := fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": "~/key"})
	env.Home = func() (string, error) { return "", errors.New("no home") }
	cfg, err := load(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	checkKeyProblem(t, cfg, "there is no home directory")
}

func TestLoadKeyFileShared(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	path := writePrivate(t, filepath.Join(t.TempDir(), "key"), planted)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": path}))
	if err != nil || !hasKey(cfg, planted) {
		t.Fatalf("got %v, %v", cfg.KeyProblem, err)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "chmod 600 "+path) {
		t.Errorf("got %q", cfg.Warnings)
	}
}

func TestLoadKeyBeforeKeyFile(t *testing.T) {
	cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": planted, "RAFF_API_KEY_FILE": "/none"}))
	if err != nil || !hasKey(cfg, planted) {
		t.Fatalf("got %v, %v", cfg.KeyProblem, err)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "RAFF_API_KEY_FILE is ignored") {
		t.Errorf("got %q", cfg.Warnings)
	}
}

// A bad key is not made up for by a good one elsewhere, which may be another
// account's.
func TestLoadBadKeyIsFinal(t *testing.T) {
	for _, vars := range []map[string]string{{"RAFF_API_KEY": "${RAFF_API_KEY}"}, {"RAFF_API_KEY_FILE": "/none"}} {
		env := fakeEnvironment(t, vars)
		home, _ := env.Home()
		writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "profiles: {default: {api-key: "+planted+"}}")
		cfg, err := load(nil, env)
		if err != nil {
			t.Fatal(err)
		}
		checkKeyProblem(t, cfg, "RAFF_API_KEY")
	}
}

// The sandbox takes no key and no profile, and minds neither's faults.
func TestLoadSandbox(t *testing.T) {
	for _, key := range []string{planted, "nonsense", ""} {
		env := fakeEnvironment(t, map[string]string{"RAFF_API_KEY": key, "RAFF_API_KEY_FILE": "/none"})
		home, _ := env.Home()
		writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "[")
		cfg, err := load([]string{"--sandbox"}, env)
		if err != nil || !cfg.Sandbox || !cfg.Key.IsZero() || cfg.KeyProblem != nil || len(cfg.Warnings) > 0 {
			t.Errorf("%q: got %+v, %v", key, cfg, err)
		}
	}
}

func TestLoadColor(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		args     string
		vars     map[string]string
		want     bool
	}{
		{terminal: true, want: true},
		{terminal: false, want: false},
		{terminal: true, args: "--log-format json", want: false},
		{terminal: true, vars: map[string]string{"NO_COLOR": "0"}, want: false},
		{terminal: true, vars: map[string]string{"NO_COLOR": " "}, want: false},
		{terminal: true, vars: map[string]string{"NO_COLOR": ""}, want: true},
		{terminal: true, vars: map[string]string{"TERM": "dumb"}, want: false},
		{terminal: true, vars: map[string]string{"TERM": "xterm"}, want: true},
	} {
		env := fakeEnvironment(t, tt.vars)
		env.StderrIsTerminal = tt.terminal
		cfg, err := load(strings.Fields(tt.args), env)
		if err != nil || cfg.LogColor != tt.want {
			t.Errorf("%+v: got %v, %v", tt, cfg.LogColor, err)
		}
	}
}

// However a key gets into the wrong place, no message repeats it.
func TestLoadNeverQuotesAKey(t *testing.T) {
	profile := func(format string) string { return fmt.Sprintf(format, planted) }
	texts := []string{
		profile("%s"), profile("[%s"), profile("a: \"%s"), profile("a: *%s"), profile("a: %s: b"), profile("\t%s"),
		profile("current-profile: %s"), profile("current-profile: [%s]"), profile("profiles: %s"),
		profile("profiles: {default: %s}"), profile("profiles: {default: {api-key: [%s]}}"),
		profile("profiles: {default: {api-key: {%s: 1}}}"), profile("profiles: {default: {api-key: 'Bearer %s'}}"),
		profile("profiles: {default: {api-url: %s}}"), profile("profiles: {default: {api-url: 'https://%s@x'}}"),
		profile("profiles: {default: {project-id: %s}}"), profile("{%[1]s: 1, %[1]s: 2}"), profile("a: !!binary %s"),
		profile("profiles: {default: {api-url: !!int %s}}"), profile("profiles: {default: {api-key: !%s x}}"),
		profile("current-profile: %[1]s\nprofiles: {%[1]s: {api-url: %[1]s}}"), profile("%%YAML %s\n---\na: 1"),
	}
	names := []string{"RAFF_API_KEY", "RAFF_API_KEY_FILE", "RAFF_API_URL", "RAFF_PROJECT_ID", "RAFF_MCP_SECRETS", "RAFF_MCP_LOG_LEVEL", "RAFF_MCP_LOG_FORMAT"}
	var cases []func(Environment) (Config, error)
	for _, text := range texts {
		cases = append(cases, func(env Environment) (Config, error) {
			home, _ := env.Home()
			writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), text)
			return load(nil, env)
		})
	}
	for _, name := range names {
		for _, format := range []string{"%s", "x%s", "%s…", "${%s}", "https://%s@a.example", "https://a.example?%s", "\n%s\n\x00", "<%s>"} {
			cases = append(cases, func(env Environment) (Config, error) {
				env.Getenv = func(n string) string {
					if n == name {
						return fmt.Sprintf(format, planted)
					}
					return ""
				}
				return load(nil, env)
			})
		}
	}
	for i, run := range cases {
		cfg, err := run(fakeEnvironment(t, nil))
		said := fmt.Sprint(err, cfg.KeyProblem, cfg.Warnings) + fmt.Sprintf("%+v", cfg)
		if strings.Contains(said, planted) {
			t.Errorf("case %d: got %s", i, said)
		}
	}
}
