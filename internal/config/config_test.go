package config

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// planted is a key that must not appear in any text.
const planted = "raff_5ec2e7c0ffee0123456789abcdef5ec2"

const someUUID = "0b7e5a52-6d3f-4c36-9d0a-1f2e3d4c5b6a"

var choices = Choices{Toolsets: []string{"api_keys", "roles"}, Confirm: []string{"auto", "always", "never"}}

// load loads the configuration for the flags in args.
func load(args []string, env Environment) (Config, error) { return loadWith(args, env, choices) }

func loadWith(args []string, env Environment, choices Choices) (Config, error) {
	flags := pflag.NewFlagSet("raff-mcp", pflag.ContinueOnError)
	AddFlags(flags, Settings(choices))
	if err := flags.Parse(args); err != nil {
		return Config{}, err
	}
	return Load(flags, env, choices)
}

// fakeEnvironment returns an environment with vars and a home directory without a profile.
func fakeEnvironment(t *testing.T, vars map[string]string) Environment {
	home := t.TempDir()
	return Environment{
		Getenv: func(name string) string { return vars[name] },
		Home:   func() (string, error) { return home, nil },
	}
}

// writePrivate creates a file that only its owner can read, and its directories.
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
		{"read-only variable", "", vars{"RAFF_MCP_READ_ONLY": "TRUE"}, readOnlyOf, true},
		{"read-only variable, as a number", "", vars{"RAFF_MCP_READ_ONLY": "1"}, readOnlyOf, true},
		{"not read-only, as a number", "", vars{"RAFF_MCP_READ_ONLY": "0"}, readOnlyOf, false},
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

func apiURLOf(c Config) any    { return c.APIURL }
func secretsOf(c Config) any   { return c.Secrets }
func projectIDOf(c Config) any { return c.ProjectID }
func logLevelOf(c Config) any  { return c.LogLevel }
func logFormatOf(c Config) any { return c.LogFormat }
func readOnlyOf(c Config) any  { return c.ReadOnly }

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
		{args: []string{"--api-url", "https://" + planted + "@a.example"}, want: "--api-url: the API's address must not contain a user name or password"},
		{args: []string{"--api-url", "https://a:" + planted + "@a.example"}, want: "--api-url: the API's address must not contain a user name or password"},
		{args: []string{"--api-url", "https://a.example?key=" + planted}, want: "--api-url: the API's address must"},
		{args: []string{"--api-url", "https://a.example?"}, want: "--api-url: the API's address must"},
		{args: []string{"--api-url", "https://a.example#" + planted}, want: "--api-url: the API's address must"},
		{args: []string{"--api-url", "https://a.example/api/v1/"}, want: "--api-url: the API's address must not end with /api/v1, which the program adds. Remove it."},
		{args: []string{"--api-url", "${user_config.url}"}, want: "--api-url: contains an unexpanded placeholder (${…}). Write"},
		{vars: vars{"RAFF_API_URL": planted}, want: "RAFF_API_URL: the API's address"},
		{vars: vars{"RAFF_API_URL": "${RAFF_API_URL}"}, want: "RAFF_API_URL: contains an unexpanded placeholder"},
		{vars: vars{"RAFF_API_URL": "https://${env:RAFF_HOST}"}, want: "RAFF_API_URL: contains an unexpanded placeholder"},

		{args: []string{"--project-id", planted}, want: "--project-id: not a UUID"},
		{args: []string{"--project-id", "{" + someUUID + "}"}, want: "--project-id: "},
		{args: []string{"--project-id", ""}, want: "--project-id: not a UUID"},
		{args: []string{"--project-id", someUUID + "0"}, want: "--project-id: not a UUID"},
		{vars: vars{"RAFF_PROJECT_ID": planted}, want: "RAFF_PROJECT_ID: not a UUID"},
		{vars: vars{"RAFF_PROJECT_ID": "<project>"}, want: "RAFF_PROJECT_ID: contains example text. Replace"},
		{vars: vars{"RAFF_PROJECT_ID": "__encrypted__:" + planted}, want: "RAFF_PROJECT_ID: contains a value that the MCP client has encrypted. Write"},
		{vars: vars{"RAFF_PROJECT_ID": "%RAFF_PROJECT_ID%"}, want: "RAFF_PROJECT_ID: contains an unexpanded placeholder"},

		{vars: vars{"RAFF_MCP_READ_ONLY": "yes " + planted}, want: "RAFF_MCP_READ_ONLY: must be true or false (1 and 0 are accepted)"},

		{args: []string{"--secrets", planted}, want: "--secrets: must be one of: inline"},
		{vars: vars{"RAFF_MCP_SECRETS": planted}, want: "RAFF_MCP_SECRETS: must be one of: inline"},
		{args: []string{"--secrets-dir=~/x"}, want: "--secrets-dir: has no effect without --secrets=file"},
		{vars: vars{"RAFF_MCP_SECRETS_FORMAT": "env"}, want: "--secrets-format: has no effect without --secrets=file"},
		{args: []string{"--secrets=file", "--secrets-command=gh"}, want: "--secrets-command: has no effect without --secrets=command"},
		{args: []string{"--secrets=command"}, want: "--secrets=command: needs --secrets-command"},
		{args: []string{"--secrets=file", "--secrets-dir=keys"}, want: "--secrets-dir: must be an absolute path"},
		{args: []string{"--secrets=file", "--secrets-dir=/x/" + planted}, want: "--secrets-dir: contains what looks like a key"},
		{args: []string{"--secrets=file", "--secrets-dir=${HOME}/x"}, want: "--secrets-dir: contains an unexpanded placeholder"},
		{args: []string{"--secrets=file", "--secrets-format", planted}, want: "--secrets-format: must be one of: raw, env"},
		{args: []string{"--secrets=command", "--secrets-command=store " + planted}, want: "--secrets-command: contains what looks like a key"},
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

// A variable that is no setting may be a misspelled one: the program does not start.
func TestUnknownVariable(t *testing.T) {
	for variable, want := range map[string]string{
		"RAFF_MCP_READONLY=true":         "RAFF_MCP_READONLY: unknown variable. Did you mean RAFF_MCP_READ_ONLY?",
		"RAFF_MCP_SECRET=" + planted:     "RAFF_MCP_SECRET: unknown variable. Did you mean RAFF_MCP_SECRETS?",
		"RAFF_MCP_API_KEY=" + planted:    "RAFF_MCP_API_KEY: unknown variable. Unset it; raff-mcp -h lists the variables.",
		"RAFF_MCP_" + planted + "=x":     "an unknown variable is set that begins with RAFF_MCP_. Unset it; raff-mcp -h lists the variables.",
		"RAFF_MCP_=x":                    "an unknown variable is set that begins with RAFF_MCP_. Unset it; raff-mcp -h lists the variables.",
		"RAFF_MCP_READ_ONLY=true":        "",
		"RAFF_MCP_READONLY= ":            "", // clients pass on variables that have no value
		"RAFF_MCPX=1":                    "",
		"RAFF_SOMETHING_ELSE=" + planted: "",
		"=C:=C:\\":                       "", // Windows has such variables
		"":                               "",
	} {
		for _, args := range [][]string{nil, {"--sandbox"}} {
			env := fakeEnvironment(t, nil)
			env.Environ = func() []string { return []string{"PATH=/bin", variable} }
			_, err := load(args, env)
			if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
				t.Errorf("%s: got %s, want %s", variable, got, want)
			}
		}
	}
	// Elsewhere than on Windows, the case of a name counts.
	env := fakeEnvironment(t, nil)
	env.Environ = func() []string { return []string{"raff_mcp_read_only=1"} }
	_, err := load(nil, env)
	if want := "raff_mcp_read_only: unknown variable. Did you mean RAFF_MCP_READ_ONLY?"; runtime.GOOS != "windows" && fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// For messages, the configuration says where each setting was found.
func TestSources(t *testing.T) {
	cfg, err := load([]string{"--read-only"}, fakeEnvironment(t, map[string]string{"RAFF_MCP_TOOLSETS": "roles", "RAFF_MCP_READ_ONLY": "false"}))
	if want := map[string]string{"read-only": "--read-only", "toolsets": "RAFF_MCP_TOOLSETS"}; err != nil || !maps.Equal(cfg.Sources, want) {
		t.Errorf("got %v, %v, want %v", cfg.Sources, err, want)
	}
}

// The sandbox ignores the key and the profile, even if they are invalid.
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

// No message repeats a key that is in the wrong place.
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
		output := fmt.Sprint(err, cfg.KeyProblem, cfg.Warnings) + fmt.Sprintf("%+v", cfg)
		if strings.Contains(output, planted) {
			t.Errorf("case %d: got %s", i, output)
		}
	}
}
