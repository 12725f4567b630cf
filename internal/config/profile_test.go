package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// profileEnvironment returns an environment whose home directory contains text as the
// profile file, and the path of that file.
func profileEnvironment(t *testing.T, text string, vars map[string]string) (env Environment, path string) {
	t.Helper()
	env = fakeEnvironment(t, vars)
	home, _ := env.Home()
	return env, writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), text)
}

func TestProfile(t *testing.T) {
	for _, tt := range []struct {
		name, text             string
		apiURL, key, projectID string
	}{
		{"as configure writes it", `
current-profile: work
profiles:
  default:
    api-url: https://default.example
    api-key: raff_default
  work:
    api-url: https://work.example/
    api-key: ` + planted + `
    project-id: ` + someUUID + `
`, "https://work.example", planted, someUUID},
		{"underscored", `
current_profile: work
profiles:
  work: {api_url: https://work.example, api_key: ` + planted + `, project_id: ` + someUUID + `}
`, "https://work.example", planted, someUUID},
		{"default without current-profile", "profiles: {default: {api-key: " + planted + "}, a: {api-key: raff_a}}", "", planted, ""},
		{"unknown keys", "version: 3\nprofiles:\n  default:\n    account-id: [1]\n    api-key: " + planted + "\nextra: {}\n", "", planted, ""},
		{"white space", "profiles: {default: {api-key: ' " + planted + " ', api-url: ' '}}", "", planted, ""},
		{"merged", "base: &b\n  api-url: https://b.example\nprofiles:\n  default:\n    <<: *b\n    api-key: " + planted + "\n", "https://b.example", planted, ""},
		{"bad profile that is not current", "current-profile: a\nprofiles: {a: {api-key: " + planted + "}, b: {api-url: x}}", "", planted, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, _ := profileEnvironment(t, tt.text, nil)
			cfg, err := load(nil, env)
			if err != nil || !hasKey(cfg, tt.key) || cfg.APIURL != tt.apiURL || cfg.ProjectID != tt.projectID {
				t.Errorf("got %+v, %v", cfg, err)
			}
			if len(cfg.Warnings) > 0 {
				t.Errorf("warns %q", cfg.Warnings)
			}
		})
	}
}

// A file that was found but has no effect is named, with the reason: in the problem if
// there is no key, otherwise in a warning.
func TestProfileWithoutEffect(t *testing.T) {
	const nothing = "its current profile contains no api-key, api-url or project-id"
	for text, reason := range map[string]string{
		"":                                      "it is empty",
		" \n":                                   "it is empty",
		"# nothing\n":                           "it contains no profiles",
		"null":                                  "it contains no profiles",
		"{}":                                    "it contains no profiles",
		"profiles:\n":                           "it contains no profiles",
		"api-key: " + planted:                   "it contains no profiles",
		"profiles: {default: }":                 nothing,
		"profiles: {default: {api-key: ' '}}":   nothing,
		"profiles: {default: {apikey: x}}":      nothing,
		"current-profile: a\nprofiles: {a: {}}": nothing,
		"profiles: {other: {api-key: raff_x}}":  "it has no current-profile, and no profile named default",
		"profiles: {" + planted + ": {api-key: x}}": "it has no current-profile, and no profile named default",
	} {
		env, path := profileEnvironment(t, text, nil)
		cfg, err := load(nil, env)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		checkKeyProblem(t, cfg, "No Raff API key is configured, and "+path+" has no effect: "+reason+". Run `raff-mcp login` with a key")
		if len(cfg.Warnings) > 0 {
			t.Errorf("%q: it is said twice: %q", text, cfg.Warnings)
		}
		env, path = profileEnvironment(t, text, map[string]string{"RAFF_API_KEY": planted})
		cfg, err = load(nil, env)
		want := []string{path + " has no effect: " + reason + ". Run `raff configure`, which fills it in, or remove it."}
		if err != nil || !hasKey(cfg, planted) || !slices.Equal(cfg.Warnings, want) {
			t.Errorf("%q: got %q, %v, want %q", text, cfg.Warnings, err, want)
		}
	}
}

func TestProfileWithoutKey(t *testing.T) {
	env, path := profileEnvironment(t, "profiles: {default: {api-url: 'https://a.example'}}", nil)
	cfg, err := load(nil, env)
	if err != nil || cfg.APIURL == "" || len(cfg.Warnings) > 0 {
		t.Errorf("got %+v, %v", cfg, err)
	}
	checkKeyProblem(t, cfg, "No Raff API key is configured, and the current profile in "+path+" contains no api-key. Run `raff-mcp login` with a key")
}

func TestProfileUnreadable(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("the file would be readable all the same")
	}
	for _, vars := range []map[string]string{nil, {"RAFF_API_KEY": planted}} {
		env, path := profileEnvironment(t, "profiles: {default: {api-key: raff_x}}", vars)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		cfg, err := load(nil, env)
		said := fmt.Sprint(cfg.KeyProblem, cfg.Warnings)
		if err != nil || strings.Count(said, path+" has no effect: this user may not read it") != 1 {
			t.Errorf("got %s, %v", said, err)
		}
	}
}

// Precedence applies to each value separately.
func TestProfilePrecedence(t *testing.T) {
	const text = "profiles: {default: {api-url: 'https://p.example', api-key: " + planted + ", project-id: " + someUUID + "}}"
	env, _ := profileEnvironment(t, text, map[string]string{"RAFF_API_URL": "https://v.example", "RAFF_PROJECT_ID": ""})
	cfg, err := load(nil, env)
	if err != nil || cfg.APIURL != "https://v.example" || cfg.ProjectID != someUUID || !hasKey(cfg, planted) {
		t.Errorf("got %+v, %v", cfg, err)
	}
	other := strings.Replace(someUUID, "0", "f", 1)
	env, _ = profileEnvironment(t, text, map[string]string{"RAFF_API_KEY": "raff_v"})
	cfg, err = load([]string{"--project-id", other}, env)
	if err != nil || cfg.APIURL != "https://p.example" || cfg.ProjectID != other || !hasKey(cfg, "raff_v") {
		t.Errorf("got %+v, %v", cfg, err)
	}
	env, _ = profileEnvironment(t, text, map[string]string{"RAFF_API_KEY_FILE": writePrivate(t, filepath.Join(t.TempDir(), "key"), "raff_f")})
	if cfg, err = load(nil, env); err != nil || !hasKey(cfg, "raff_f") {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

func TestProfileKeyProblem(t *testing.T) {
	for _, tt := range []struct{ key, want string }{
		{"raff_737e…", "api-key of the current profile contains a masked key"},
		{"raff_737e...", "masked"},
		{"'*****'", "masked"},
		{"sk-1", "must start with raff_"},
		{"12", "must start with raff_"},
		{"${RAFF_API_KEY}", "Put the key itself there"},
	} {
		env, path := profileEnvironment(t, "profiles:\n  default:\n    api-key: "+tt.key+"\n", nil)
		cfg, err := load(nil, env)
		if err != nil {
			t.Fatal(err)
		}
		checkKeyProblem(t, cfg, tt.want)
		checkKeyProblem(t, cfg, path)
	}
}

func TestProfileErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"profiles: [\n", "line 2: not valid YAML"},
		{"a: 1\nb: \"" + planted, "line 2: not valid YAML"},
		{"a: *" + planted, "not valid YAML"},
		{"\xff\xfe\x00", "not valid YAML"},
		{planted, "line 1: a value of the wrong type"},
		{"[" + planted + "]", "line 1: a value of the wrong type"},
		{"current-profile: [a]", "line 1: a value of the wrong type"},
		{"profiles: " + planted, "line 1: a value of the wrong type"},
		{"profiles:\n  default: " + planted, "line 2: a value of the wrong type"},
		{"profiles:\n  default:\n    api-key: [" + planted + "]", "line 3: a value of the wrong type"},
		{"profiles:\n  default:\n    api-url: {}", "line 3: a value of the wrong type"},
		{"profiles: {}\nprofiles: {}", "line 2: a value of the wrong type, or a name given twice"},
		{"current-profile: " + planted + "\nprofiles: {a: {}}", "current-profile names a profile that is not under profiles"},
		{"current-profile: a", "current-profile names a profile that is not under profiles"},
		{"profiles: {default: {api-url: 'http://a.example'}}", "api-url of the current profile: the API's address must begin with https://"},
		{"profiles: {default: {api-url: " + planted + "}}", "api-url of the current profile: the API's address"},
		{"profiles: {default: {project-id: " + planted + "}}", "project-id of the current profile: not a UUID"},
		{"# " + strings.Repeat("x", maxProfileBytes), "larger than 1024 KiB"},
	} {
		env, path := profileEnvironment(t, tt.text, nil)
		_, err := load(nil, env)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: got %v, want %q", tt.text, err, tt.want)
			continue
		}
		if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: got %q", tt.text, err)
		}
	}
}

func TestProfileIsADirectory(t *testing.T) {
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	if err := os.MkdirAll(filepath.Join(home, ".raff", "config.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := load(nil, env); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestProfileShared(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o660, 0o604} {
		env, path := profileEnvironment(t, "profiles: {default: {api-key: "+planted+"}}", nil)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		cfg, err := load(nil, env)
		if err != nil || !hasKey(cfg, planted) {
			t.Errorf("%v: got %v, %v", mode, cfg.KeyProblem, err)
		}
		if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "chmod 600 "+path) {
			t.Errorf("%v: got %q", mode, cfg.Warnings)
		}
	}
}

// A profile file in the working directory is never read.
func TestProfileWithoutHome(t *testing.T) {
	t.Chdir(t.TempDir())
	writePrivate(t, filepath.Join(".raff", "config.yaml"), "profiles: {default: {api-url: 'https://evil.example'}}")
	for _, home := range []string{"", ".", "~"} {
		env := fakeEnvironment(t, map[string]string{"RAFF_API_KEY": planted})
		env.Home = func() (string, error) {
			if home == "" {
				return "", errors.New("HOME is not defined")
			}
			return home, nil
		}
		cfg, err := load(nil, env)
		if err != nil || cfg.APIURL != "" || !hasKey(cfg, planted) {
			t.Errorf("home %q: got %+v, %v", home, cfg, err)
		}
	}
}

func FuzzProfile(f *testing.F) {
	for _, text := range []string{
		"current-profile: work\nprofiles:\n  work:\n    api-url: https://a.example\n    api-key: %s\n    project-id: " + someUUID + "\n",
		"profiles: {default: {api_key: %s, api_url: 'https://%[1]s@a.example'}}",
		"profiles: {default: %s}", "current-profile: %s", "a: \"%s", "a: *%s", "a: &%s [1]", "a: !!binary %s", "? %s\n: %[1]s\n? %[1]s\n",
		"base: &b {api-key: %s}\nprofiles:\n  default:\n    <<: [*b, *b]\n", "\ufeff%s: [", "%%TAG ! %s\n---\n- a", "--- %s\n--- %[1]s\n", "",
	} {
		f.Add([]byte(fmt.Sprintf(strings.Replace(text, "%s", "%[1]s", 1), planted)))
	}
	home := f.TempDir()
	path := filepath.Join(home, ".raff", "config.yaml")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		f.Fatal(err)
	}
	env := Environment{Getenv: func(string) string { return "" }, Home: func() (string, error) { return home, nil }}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := load(nil, env)
		messages := fmt.Sprint(err, cfg.KeyProblem, cfg.Warnings)
		if strings.Contains(messages, planted) || strings.Contains(messages, "\n") {
			t.Errorf("got %q", messages)
		}
		if err == nil && cfg.Key.IsZero() == (cfg.KeyProblem == nil) {
			t.Errorf("key %v, problem %v", cfg.Key, cfg.KeyProblem)
		}
	})
}
