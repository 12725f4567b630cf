package config

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// storedAs returns a stored key, or an error.
func storedAs(key string, err error) storedKey {
	return func(context.Context, Environment, string) (raffclient.Secret, string, error) {
		return raffclient.NewSecret(key), "the keychain", err
	}
}

// The first source that is set counts, and the ones behind it are not asked.
func TestKeyPrecedence(t *testing.T) {
	file := writePrivate(t, filepath.Join(t.TempDir(), "key"), "raff_file")
	unread := func(context.Context, Environment, string) (raffclient.Secret, string, error) {
		t.Error("the stored key was read")
		return raffclient.Secret{}, "", nil
	}
	command := keyCommandEnvironment(t, "prints", "raff_command").Getenv(keyCommandVariable)
	for _, tt := range []struct {
		vars    map[string]string
		stored  storedKey
		before  string // Source before the key is read
		want    string
		source  string
		ignored []string // variables
	}{
		{map[string]string{keyVariable: "raff_variable", keyFileVariable: file, keyCommandVariable: command}, unread,
			keyVariable, "raff_variable", keyVariable, []string{keyFileVariable, keyCommandVariable}},
		{map[string]string{keyFileVariable: file, keyCommandVariable: command}, unread,
			keyFileVariable, "raff_file", file + " (RAFF_API_KEY_FILE)", []string{keyCommandVariable}},
		{map[string]string{keyVariable: "raff_variable", keyCommandVariable: "/none"}, unread,
			keyVariable, "raff_variable", keyVariable, []string{keyCommandVariable}},
		{map[string]string{keyCommandVariable: command}, unread, keyCommandVariable, "raff_command", keyCommandVariable, nil},
		{nil, storedAs("raff_stored", nil), "raff-mcp login or the profile", "raff_stored", "the keychain", nil},
		{nil, nil, "raff-mcp login or the profile", "raff_profile", "api-key of the current profile", nil},
	} {
		env, _ := profileEnvironment(t, "profiles: {default: {api-key: raff_profile}}", tt.vars)
		env.Environ = keyCommandEnvironment(t, "prints", "raff_command").Environ
		cfg, err := loadWith(tt.stored, nil, env)
		if err != nil || !hasKey(cfg, tt.want) || !strings.Contains(cfg.KeySource, tt.source) || cfg.Keys.Source() != cfg.KeySource {
			t.Errorf("%v: got %v, %v from %s", tt.vars, cfg.KeyProblem, err, cfg.KeySource)
			continue
		}
		if got := cfg.Keys.Fixed(); got != (tt.want == "raff_variable") {
			t.Errorf("%v: Fixed is %t", tt.vars, got)
		}
		cfg.Keys.name = ""
		if got := cfg.Keys.Source(); got != tt.before {
			t.Errorf("%v: before the key is read, its source is %q, want %q", tt.vars, got, tt.before)
		}
		var ignored []string
		for _, w := range cfg.Warnings {
			name, _, _ := strings.Cut(w, " is ignored, because ")
			ignored = append(ignored, name)
		}
		if !slices.Equal(ignored, tt.ignored) {
			t.Errorf("%v: warns %q", tt.vars, cfg.Warnings)
		}
	}
}

// The key in the environment is the only one whose problem is known without reading.
func TestKeyProblemAtStart(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		problem     bool
	}{
		{keyVariable, "${RAFF_API_KEY}", true}, {keyVariable, planted, false}, {keyFileVariable, "/none", false}, {"", "", false},
	} {
		cfg, err := load(nil, fakeEnvironment(t, map[string]string{tt.name: tt.value}))
		if got := cfg.Keys.Problem(); err != nil || (got != nil) != tt.problem {
			t.Errorf("%s=%s: got %v", tt.name, tt.value, got)
		}
	}
}

// Load reads neither the key's file nor the stored key, and runs no command.
func TestLoadDoesNotReadTheKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	cfg, err := load(nil, fakeEnvironment(t, map[string]string{keyFileVariable: file}))
	if err != nil || cfg.KeyProblem == nil {
		t.Fatalf("got %v, %v", cfg.KeyProblem, err)
	}
	writePrivate(t, file, planted)
	key, err := cfg.Keys.Read(t.Context())
	if err != nil || !reflect.DeepEqual(key.Secret, raffclient.NewSecret(planted)) {
		t.Errorf("got %v", err)
	}
}

// If there was no key at first, every source is asked again. The one that then has a key is
// the only one from then on, because another one may have the key of another account.
func TestKeySourceIsKept(t *testing.T) {
	env, path := profileEnvironment(t, "profiles: {default: {project-id: "+someUUID+"}}", nil)
	var stored storedKey = noStoredKey
	cfg, err := loadWith(func(ctx context.Context, env Environment, api string) (raffclient.Secret, string, error) {
		if api != raffclient.DefaultBaseURL {
			t.Errorf("the key for %s was asked for", api)
		}
		return stored(ctx, env, api)
	}, nil, env)
	if err != nil || cfg.KeyProblem == nil {
		t.Fatalf("got %v, %v", cfg.KeyProblem, err)
	}
	read := func(want string) {
		t.Helper()
		key, err := cfg.Keys.Read(t.Context())
		if strings.HasPrefix(want, "raff_") != (err == nil) || err == nil && !reflect.DeepEqual(key.Secret, raffclient.NewSecret(want)) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v, want %s", key, err, want)
		}
	}
	read("No Raff API key is configured, and the current profile in " + path)
	writePrivate(t, path, "profiles: {default: {api-key: raff_one}}")
	read("raff_one")
	stored = storedAs("raff_stored", nil)
	writePrivate(t, path, "profiles: {default: {api-key: raff_two}}")
	read("raff_two")
	writePrivate(t, path, "profiles: {default: {}}")
	read("The profile that contained the server's key no longer contains one. Run `raff configure`")
	writePrivate(t, path, "profiles: {default: {api-key: raff_three}}")
	read("raff_three")

	cfg, err = loadWith(stored, nil, env)
	if err != nil || !hasKey(cfg, "raff_stored") {
		t.Fatalf("got %v, %v", cfg.KeyProblem, err)
	}
	cfg.Keys.readStored = noStoredKey
	read("The key that raff-mcp login had stored is no longer there. Run `raff-mcp login` again.")
	cfg.Keys.readStored = storedAs("raff_again", nil)
	read("raff_again")
}

// A stored key that cannot be read is final too.
func TestStoredKeyProblem(t *testing.T) {
	env, _ := profileEnvironment(t, "profiles: {default: {api-key: raff_profile}}", nil)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("the keychain is locked"), "The key stored by raff-mcp login cannot be read: the keychain is locked. Make it readable"},
		{&keyError{"The keychain is locked.", "Unlock it."}, "The keychain is locked. Unlock it."},
	} {
		cfg, err := loadWith(storedAs("", tt.err), nil, env)
		if err != nil {
			t.Fatal(err)
		}
		checkKeyProblem(t, cfg, tt.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg, err := load(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys.source, cfg.Keys.readStored = keySource{}, storedAs("", errors.New("interrupted"))
	if _, err := cfg.Keys.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A profile that has no effect is named when another source has the key.
func TestStoredKeyBesideProfileWithoutEffect(t *testing.T) {
	env, path := profileEnvironment(t, "", nil)
	cfg, err := loadWith(storedAs(planted, nil), nil, env)
	if err != nil || !hasKey(cfg, planted) || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], path+" has no effect: it is empty.") {
		t.Errorf("got %v, %v, %q", cfg.KeyProblem, err, cfg.Warnings)
	}
}

// The key of a profile is read again in the same profile, and goes only to the API that was
// configured when the server started.
func TestProfileChanges(t *testing.T) {
	const start = "current-profile: work\nprofiles:\n  home: {api-key: raff_home, api-url: 'https://home.example'}\n  work: {api-key: raff_work, api-url: 'https://work.example'}\n"
	for _, tt := range []struct {
		name, text string
		args       []string
		vars       map[string]string
		want       string // a key, or part of the error
	}{
		{"another key", strings.Replace(start, "raff_work", "raff_new", 1), nil, nil, "raff_new"},
		{"another current profile", strings.Replace(start, "current-profile: work", "current-profile: home", 1), nil, nil, "raff_work"},
		{"another API", strings.Replace(start, "work.example", "evil.example", 1), nil, nil, "now contains the address of another API than when the server started, and its key is not sent to the old one. Restart the server."},
		{"another API that is not used", strings.Replace(start, "work.example", "other.example", 1), []string{"--api-url=https://a.example"}, nil, "raff_work"},
		{"another API that a variable overrides", strings.Replace(start, "work.example", "other.example", 1), nil, map[string]string{"RAFF_API_URL": "https://a.example"}, "raff_work"},
		{"the same API", strings.Replace(start, "work.example", "work.example/", 1), nil, nil, "raff_work"},
		{"gone", "profiles: {home: {api-key: raff_home}}", nil, nil, "has no profile of that name"},
		{"broken", "profiles: [" + planted, nil, nil, "The server's key cannot be read from the profile"},
		{"bad key", strings.Replace(start, "raff_work", "sk-x", 1), nil, nil, "must start with raff_"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, path := profileEnvironment(t, start, tt.vars)
			cfg, err := load(tt.args, env)
			if err != nil || !hasKey(cfg, "raff_work") {
				t.Fatalf("got %v, %v", cfg.KeyProblem, err)
			}
			writePrivate(t, path, tt.text)
			key, err := cfg.Keys.Read(t.Context())
			if strings.HasPrefix(tt.want, "raff_") {
				if err != nil || !reflect.DeepEqual(key.Secret, raffclient.NewSecret(tt.want)) {
					t.Errorf("got %v, %v", key, err)
				}
				return
			}
			checkKeyProblem(t, loaded{Key: key.Secret, KeyProblem: err}, tt.want)
		})
	}
}

// A profile file that appears later must not be for another API.
func TestProfileAppears(t *testing.T) {
	for url, ok := range map[string]bool{"": true, raffclient.DefaultBaseURL: true, "https://evil.example": false} {
		env := fakeEnvironment(t, nil)
		cfg, err := load(nil, env)
		if err != nil || cfg.KeyProblem == nil {
			t.Fatalf("got %v, %v", cfg.KeyProblem, err)
		}
		home, _ := env.Home()
		writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), fmt.Sprintf("profiles: {default: {api-key: %s, api-url: '%s'}}", planted, url))
		if _, err := cfg.Keys.Read(t.Context()); (err == nil) != ok {
			t.Errorf("%q: got %v", url, err)
		}
	}
}

// A reading that is cancelled does not determine the source.
func TestCancelledReadingOfKeys(t *testing.T) {
	cfg, err := load(nil, fakeEnvironment(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Keys.readStored = func(ctx context.Context, env Environment, api string) (raffclient.Secret, string, error) {
		cancel()
		return storedAs(planted, nil)(ctx, env, api)
	}
	if key, err := cfg.Keys.Read(ctx); !errors.Is(err, context.Canceled) || !key.Secret.IsZero() || cfg.Keys.settled().read != nil {
		t.Errorf("got %v, %v", key, err)
	}
}

// Keys may be read concurrently.
func TestKeysConcurrently(t *testing.T) {
	cfg, err := load(nil, fakeEnvironment(t, map[string]string{keyVariable: planted}))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := cfg.Keys.Read(t.Context()); err != nil || cfg.Keys.Source() != keyVariable {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
}

// A profile can be selected, and selects the other settings too.
func TestSelectProfile(t *testing.T) {
	const text = "current-profile: work\nprofiles:\n  home: {api-key: raff_home, api-url: 'https://home.example', project-id: " + someUUID + "}\n  work: {api-key: raff_work}\n"
	for _, tt := range []struct {
		args []string
		vars map[string]string
		want string
	}{
		{nil, nil, "raff_work"},
		{[]string{"--profile", "home"}, nil, "raff_home"},
		{nil, map[string]string{"RAFF_MCP_PROFILE": "home"}, "raff_home"},
		{[]string{"--profile=work"}, map[string]string{"RAFF_MCP_PROFILE": "home"}, "raff_work"},
	} {
		env, path := profileEnvironment(t, text, tt.vars)
		cfg, err := load(tt.args, env)
		if err != nil || !hasKey(cfg, tt.want) || (cfg.APIURL == "https://home.example" && cfg.ProjectID == someUUID) != (tt.want == "raff_home") {
			t.Errorf("%q %v: got %+v, %v", tt.args, tt.vars, cfg, err)
		}
		if tt.want == "raff_home" && cfg.KeySource != path+`: api-key of the profile "home"` {
			t.Errorf("got %q", cfg.KeySource)
		}
	}
	env, path := profileEnvironment(t, "profiles: {work: {api-url: 'https://a.example'}}", nil)
	cfg, err := load([]string{"--profile=work"}, env)
	if err != nil {
		t.Fatal(err)
	}
	checkKeyProblem(t, cfg, `No Raff API key is configured, and the profile "work" in `+path+" contains no api-key.")
}

// A profile that does not exist is an error that names those that do.
func TestUnknownProfile(t *testing.T) {
	const profiles = "profiles: {default: {api-key: raff_x}, production: {}, \"a\\e[31m\\nb\": {}, " + planted + ": {}}"
	many := "profiles: {"
	for i := range 12 {
		many += fmt.Sprintf("p%02d: {}, ", i)
	}
	many += "}"
	for _, tt := range []struct{ text, profile, want string }{
		{profiles, "producton", `config.yaml has no profile of that name. Did you mean "production"? Its profiles are: "a [31m b", "default", "production", "raff_5ec2e7c0…[redacted]".`},
		{profiles, planted, "config.yaml has no profile of that name. Did you mean"},
		{profiles, "nothing", `has no profile of that name. Its profiles are: "a [31m b", "default", `},
		{many, "nothing", `"p09", and 2 more.`},
		{"profiles: {}", "x", "config.yaml contains no profiles. Run `raff configure`"},
		{"", "x", "contains no profiles"},
		{"profiles: {x: {}}", "", "must be the name of a profile"},
		{"profiles: {x: {}}", "${PROFILE}", "placeholder"},
	} {
		if tt.profile == planted {
			tt.profile = planted + "x"
		}
		env, _ := profileEnvironment(t, tt.text, nil)
		_, err := load([]string{"--profile", tt.profile}, env)
		got := fmt.Sprint(err)
		if !strings.HasPrefix(got, "--profile: ") || !strings.Contains(got, tt.want) || strings.ContainsAny(got, "\n\x1b") || strings.Contains(got, planted) {
			t.Errorf("%s: got %q, want %q", tt.profile, got, tt.want)
		}
	}
	env := fakeEnvironment(t, map[string]string{"RAFF_MCP_PROFILE": "work"})
	if _, err := load(nil, env); err == nil || !strings.HasPrefix(err.Error(), "RAFF_MCP_PROFILE: the profile cannot be read, because there is no file ") {
		t.Errorf("got %v", err)
	}
	env.Home = func() (string, error) { return "", errors.New("none") }
	if _, err := load(nil, env); err == nil || !strings.Contains(err.Error(), "because there is no home directory. Run") {
		t.Errorf("got %v", err)
	}
	if cfg, err := load([]string{"--sandbox"}, env); err != nil || !cfg.Sandbox {
		t.Errorf("the sandbox needs a profile: %v", err)
	}
}

// A misspelled variable for the key is named if none is set that counts.
func TestMisspelledKeyVariable(t *testing.T) {
	const rest = " has no effect: the variables for the key are RAFF_API_KEY, RAFF_API_KEY_FILE, RAFF_API_KEY_COMMAND. Correct its name."
	for variables, want := range map[string]string{
		"RAFF_API_KEY_CMD=op":                         "RAFF_API_KEY_CMD" + rest,
		"RAFF_APIKEY=" + planted:                      "RAFF_APIKEY" + rest,
		"RAFF_API_KEYS=" + planted:                    "RAFF_API_KEYS" + rest,
		"raff_api_key_path=/x":                        "raff_api_key_path" + rest,
		"RAFF_API_KEY_" + planted + "=x":              "a variable that begins with RAFF_" + rest,
		"RAFF_API_KEY_CMD= ":                          "",
		"RAFF_API_URL=https://a.example":              "",
		"RAFF_API_KEY_PROD=x RAFF_API_KEY=" + planted: "",
		"RAFF_KEY_ID=x":                               "",
	} {
		env := fakeEnvironment(t, nil)
		env.Environ = func() []string { return strings.Split(variables, " ") }
		cfg, err := load(nil, env)
		if got := strings.Join(cfg.Warnings, " "); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", variables, got, err, want)
		}
	}
}
