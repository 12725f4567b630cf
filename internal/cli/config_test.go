package cli

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

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// planted is a key that must turn up in no text.
const planted = "raff_5ec2e7c0ffee0123456789abcdef5ec2"

const someUUID = "0b7e5a52-6d3f-4c36-9d0a-1f2e3d4c5b6a"

// fakeEnvironment has these variables and a home directory without a profile.
func fakeEnvironment(t *testing.T, vars map[string]string) environment {
	home := t.TempDir()
	return environment{
		getenv: func(name string) string { return vars[name] },
		home:   func() (string, error) { return home, nil },
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

func hasKey(cfg config, key string) bool {
	return cfg.keyProblem == nil && reflect.DeepEqual(cfg.key, raffclient.NewSecret(key))
}

func TestParseDefaults(t *testing.T) {
	got, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": planted}))
	want := config{key: raffclient.NewSecret(planted), keySource: "RAFF_API_KEY", secrets: defaultSecrets, toolsets: tools.Toolsets, confirm: tools.ConfirmAuto, logFormat: "text"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, s := range settings {
		if s.dflt == "" || s.flag == "api-url" {
			continue
		}
		if err := s.set(&got, s.dflt); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("--%s: the default %q is not what holds without it: %v", s.flag, s.dflt, err)
		}
	}
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
			got, err := parse(strings.Fields(tt.args), fakeEnvironment(t, nil))
			if err != nil {
				t.Fatal(err)
			}
			if got.command != tt.command || strings.Join(got.args, " ") != strings.Join(tt.rest, " ") ||
				got.sandbox != tt.sandbox || got.json != tt.json || got.help {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestParseHelp(t *testing.T) {
	for _, args := range []string{"-h", "--help", "call -h", "nonsense -h", "--json -h", "--log-level loud -h"} {
		got, err := parse(strings.Fields(args), fakeEnvironment(t, nil))
		if err != nil || !got.help {
			t.Errorf("%s: got %+v, %v", args, got, err)
		}
	}
}

// Help and version work however wrong the configuration is.
func TestParseHelpAndVersionReadNothing(t *testing.T) {
	env := fakeEnvironment(t, map[string]string{"RAFF_API_URL": "nonsense", "RAFF_MCP_LOG_LEVEL": "loud"})
	home, _ := env.home()
	writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "[")
	for _, arg := range []string{"-h", "version", "--version"} {
		if _, err := parse([]string{arg}, env); err != nil {
			t.Errorf("%s: %v", arg, err)
		}
	}
	if _, err := parse(nil, env); err == nil {
		t.Error("no error without help")
	}
}

func TestParseSettings(t *testing.T) {
	type vars map[string]string
	for _, tt := range []struct {
		name  string
		args  string
		vars  vars
		field func(config) any
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
			cfg, err := parse(strings.Fields(tt.args), fakeEnvironment(t, tt.vars))
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
func TestParseSecrets(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args []string
		want secrets // with directories below the home directory
	}{
		{nil, defaultSecrets},
		{[]string{"--secrets=file"}, secrets{"file", "~/.raff/secrets", "raw", "", "~/.raff/recovered"}},
		{[]string{"--secrets=File", "--secrets-dir=~/keys", "--secrets-format=env"}, secrets{"file", "~/keys", "env", "", "~/.raff/recovered"}},
		{[]string{"--secrets=file", "--secrets-dir=" + dir}, secrets{"file", dir, "raw", "", "~/.raff/recovered"}},
		{[]string{"--secrets=keyring"}, secrets{"keyring", "~/.raff/secrets", "raw", "", "~/.raff/recovered"}},
		{[]string{"--secrets=command", `--secrets-command=sh -c 'x="$(cat)"; y "${RAFF_KEY_ID}"'`},
			secrets{"command", "~/.raff/secrets", "raw", `sh -c 'x="$(cat)"; y "${RAFF_KEY_ID}"'`, "~/.raff/recovered"}},
	} {
		env := fakeEnvironment(t, nil)
		home, _ := env.home()
		want := tt.want
		if want.delivery == "file" {
			want.dir = below(home, want.dir)
		}
		want.recovery = below(home, want.recovery)
		if got, err := parse(tt.args, env); err != nil || got.secrets != want {
			t.Errorf("%q: got %+v, %v, want %+v", tt.args, got.secrets, err, want)
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

func TestParseSecretsWithoutHome(t *testing.T) {
	env := fakeEnvironment(t, nil)
	env.home = func() (string, error) { return "", errors.New("no home") }
	if _, err := parse([]string{"--secrets=file"}, env); err == nil || !strings.Contains(err.Error(), "there is no home directory") {
		t.Errorf("got %v", err)
	}
	if got, err := parse([]string{"--secrets=file", "--secrets-dir=" + t.TempDir()}, env); err != nil || got.secrets.recovery != "" {
		t.Errorf("got %+v, %v", got.secrets, err)
	}
}

func apiURLOf(c config) any    { return c.apiURL }
func secretsOf(c config) any   { return c.secrets }
func projectIDOf(c config) any { return c.projectID }
func logLevelOf(c config) any  { return c.logLevel }
func logFormatOf(c config) any { return c.logFormat }

func TestParseErrors(t *testing.T) {
	type vars map[string]string
	for _, tt := range []struct {
		args []string
		vars vars
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
			_, err := parse(tt.args, fakeEnvironment(t, tt.vars))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q: a key, or more than a line", err)
			}
		})
	}
}

func TestParseKey(t *testing.T) {
	for _, key := range []string{planted, " \t" + planted + "\r\n", "raff_x", "raff_!~", "raff_your"} {
		cfg, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": key}))
		if err != nil || !hasKey(cfg, strings.TrimSpace(key)) {
			t.Errorf("%q: got %v, %v", key, cfg.keyProblem, err)
		}
	}
}

func TestParseKeyProblem(t *testing.T) {
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
			cfg, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": tt.key}))
			if err != nil {
				t.Fatal(err)
			}
			checkKeyProblem(t, cfg, tt.want)
		})
	}
}

// checkKeyProblem checks that there is no key, and the explanation.
func checkKeyProblem(t *testing.T, cfg config, want string) {
	t.Helper()
	if cfg.keyProblem == nil || !cfg.key.IsZero() {
		t.Fatalf("got a key, want %q", want)
	}
	got := cfg.keyProblem.Error()
	if !strings.Contains(got, want) || strings.Contains(got, planted) || strings.Contains(got, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if problem, ok := errors.AsType[*keyError](cfg.keyProblem); !ok || problem.what == "" || problem.remedy == "" {
		t.Errorf("got %q, want what happened and what to do", got)
	}
}

func TestParseKeyFile(t *testing.T) {
	env := fakeEnvironment(t, nil)
	home, _ := env.home()
	writePrivate(t, filepath.Join(home, "key"), "\ufeff"+planted+"\r\n")
	for _, path := range []string{"~/key", filepath.Join(home, "key"), " " + filepath.Join(home, "key")} {
		env.getenv = func(name string) string { return map[string]string{"RAFF_API_KEY_FILE": path}[name] }
		cfg, err := parse(nil, env)
		if err != nil || !hasKey(cfg, planted) || len(cfg.warnings) > 0 {
			t.Errorf("%s: got %v, %v, %q", path, cfg.keyProblem, err, cfg.warnings)
		}
	}
}

func TestParseKeyFileProblem(t *testing.T) {
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
		{"too large", file("raff_" + strings.Repeat("x", maxKeyFile)), ": larger than 64 KiB."},
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
			cfg, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": tt.path}))
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

func TestParseKeyFileUnreadable(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("the file would be readable all the same")
	}
	path := writePrivate(t, filepath.Join(t.TempDir(), "key"), planted)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	cfg, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": path}))
	if err != nil {
		t.Fatal(err)
	}
	checkKeyProblem(t, cfg, path+": permission denied")
}

func TestParseKeyFileWithoutHome(t *testing.T) {
	t.Chdir(t.TempDir())
	writePrivate(t, "key", planted)
	env := fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": "~/key"})
	env.home = func() (string, error) { return "", errors.New("no home") }
	cfg, err := parse(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	checkKeyProblem(t, cfg, "there is no home directory")
}

func TestParseKeyFileShared(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	path := writePrivate(t, filepath.Join(t.TempDir(), "key"), planted)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	cfg, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY_FILE": path}))
	if err != nil || !hasKey(cfg, planted) {
		t.Fatalf("got %v, %v", cfg.keyProblem, err)
	}
	if len(cfg.warnings) != 1 || !strings.Contains(cfg.warnings[0], "chmod 600 "+path) {
		t.Errorf("got %q", cfg.warnings)
	}
}

func TestParseKeyBeforeKeyFile(t *testing.T) {
	cfg, err := parse(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": planted, "RAFF_API_KEY_FILE": "/none"}))
	if err != nil || !hasKey(cfg, planted) {
		t.Fatalf("got %v, %v", cfg.keyProblem, err)
	}
	if len(cfg.warnings) != 1 || !strings.Contains(cfg.warnings[0], "RAFF_API_KEY_FILE is ignored") {
		t.Errorf("got %q", cfg.warnings)
	}
}

// A bad key is not made up for by a good one elsewhere, which may be another
// account's.
func TestParseBadKeyIsFinal(t *testing.T) {
	for _, vars := range []map[string]string{{"RAFF_API_KEY": "${RAFF_API_KEY}"}, {"RAFF_API_KEY_FILE": "/none"}} {
		env := fakeEnvironment(t, vars)
		home, _ := env.home()
		writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "profiles: {default: {api-key: "+planted+"}}")
		cfg, err := parse(nil, env)
		if err != nil {
			t.Fatal(err)
		}
		checkKeyProblem(t, cfg, "RAFF_API_KEY")
	}
}

// The sandbox takes no key and no profile, and minds neither's faults.
func TestParseSandbox(t *testing.T) {
	for _, key := range []string{planted, "nonsense", ""} {
		env := fakeEnvironment(t, map[string]string{"RAFF_API_KEY": key, "RAFF_API_KEY_FILE": "/none"})
		home, _ := env.home()
		writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "[")
		cfg, err := parse([]string{"--sandbox"}, env)
		if err != nil || !cfg.sandbox || !cfg.key.IsZero() || cfg.keyProblem != nil || len(cfg.warnings) > 0 {
			t.Errorf("%q: got %+v, %v", key, cfg, err)
		}
	}
}

func TestParseColor(t *testing.T) {
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
		env.stderrIsTerminal = tt.terminal
		cfg, err := parse(strings.Fields(tt.args), env)
		if err != nil || cfg.logColor != tt.want {
			t.Errorf("%+v: got %v, %v", tt, cfg.logColor, err)
		}
	}
}

func TestUsage(t *testing.T) {
	got := usage()
	for _, s := range settings {
		for _, name := range []string{s.env, s.fileKey, s.dflt, s.meaning} {
			if !strings.Contains(got, name) {
				t.Errorf("does not say %q", name)
			}
		}
		if s.flag != "" && !strings.Contains(got, "--"+s.flag) {
			t.Errorf("does not say --%s", s.flag)
		}
	}
	for _, line := range strings.Split(got, "\n") {
		if len(line) > 120 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}

// However a key gets into the wrong place, no message repeats it.
func TestParseNeverQuotesAKey(t *testing.T) {
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
	var cases []func(environment) (config, error)
	for _, text := range texts {
		cases = append(cases, func(env environment) (config, error) {
			home, _ := env.home()
			writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), text)
			return parse(nil, env)
		})
	}
	for _, name := range names {
		for _, format := range []string{"%s", "x%s", "%s…", "${%s}", "https://%s@a.example", "https://a.example?%s", "\n%s\n\x00", "<%s>"} {
			cases = append(cases, func(env environment) (config, error) {
				env.getenv = func(n string) string {
					if n == name {
						return fmt.Sprintf(format, planted)
					}
					return ""
				}
				return parse(nil, env)
			})
		}
	}
	for i, run := range cases {
		cfg, err := run(fakeEnvironment(t, nil))
		said := fmt.Sprint(err, cfg.keyProblem, cfg.warnings) + fmt.Sprintf("%+v", cfg)
		if strings.Contains(said, planted) {
			t.Errorf("case %d: got %s", i, said)
		}
	}
	if strings.Contains(usage(), "raff_5") {
		t.Error("usage quotes a key")
	}
}
