package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestLoadKey(t *testing.T) {
	for _, key := range []string{planted, " \t" + planted + "\r\n", "raff_x", "raff_!~", "raff_your", "raff_xxx", "raff_me", "raff_youra1b2", "raff_apikey1"} {
		cfg, err := load(nil, fakeEnvironment(t, map[string]string{"RAFF_API_KEY": key}))
		if err != nil || !hasKey(cfg, strings.TrimSpace(key)) {
			t.Errorf("%q: got %v, %v", key, cfg.KeyProblem, err)
		}
	}
}

func TestLoadKeyProblem(t *testing.T) {
	const example = "RAFF_API_KEY contains example text instead of a key. Replace it with a key from"
	for _, tt := range []struct{ key, want string }{
		{"", "No Raff API key is configured. Run `raff-mcp login` with a key"},
		{"  \n", "No Raff API key is configured"},
		{"raff_", "must start with raff_"},
		{"sk-" + planted, "must start with raff_"},
		{"Bearer " + planted, "must start with raff_"},
		{`"` + planted + `"`, "without quotes"},
		{"RAFF_" + planted[5:], "must start with raff_"},
		{planted + " " + planted, "RAFF_API_KEY does not contain a Raff API key"},
		{planted + "\n" + planted, "RAFF_API_KEY does not contain a Raff API key"},
		{planted + "\x7f", "letters, digits and punctuation"},
		{planted + "é", "letters, digits and punctuation"},
		{"raff_737e…", "RAFF_API_KEY contains a masked key"},
		{"raff_737e...", "RAFF_API_KEY contains a masked key"},
		{"*****", "RAFF_API_KEY contains a masked key"},
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
		{"<your key>", example},
		{"YOUR_API_KEY", example},
		{"your-raff-api-key", example},
		{"your-api-key-here", example},
		{"raff_your_key", example},
		{"raff_your_api_key_here", example},
		{"Your API key", example},
		{"paste-key", example},
		{"insert your key here", example},
		{"REPLACE_ME", example},
		{"changeme", example},
		{"api-key", example},
		{"xxx", example},
		{"raff_xxxxxxxx", example},
		{"raff_pub_xxxx", example},
		{"__encrypted__:djEwAAAA" + planted, "RAFF_API_KEY contains a key that Claude Desktop has encrypted (__encrypted__:…) and passed on without decrypting it. Put the key into a file"},
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

// checkKeyProblem checks that there is no key, and that the problem contains want.
func checkKeyProblem(t *testing.T, cfg loaded, want string) {
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
	missing := strings.TrimSuffix(syscall.ENOENT.Error(), ".") + ". Point it to a file" // in the system's words
	for _, tt := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none"), "RAFF_API_KEY_FILE cannot be used: " + filepath.Join(dir, "none") + ": " + missing},
		{"missing, with line break", filepath.Join(dir, "no\nne"), "no␊ne"},
		{"directory", dir, dir + ": not a regular file"},
		{"device", os.DevNull, "not a regular file"},
		{"empty", file(" \n"), ": empty."},
		{"too large", file("raff_" + strings.Repeat("x", maxKeyFileBytes)), ": larger than 64 KiB."},
		{"two lines", file(planted + "\n" + planted + "\n"), "(RAFF_API_KEY_FILE) does not contain a Raff API key"},
		{"shell file", file("export RAFF_API_KEY=" + planted), "must start with raff_"},
		{"masked", file("raff_737e…"), "masked"},
		{"placeholder inside", file("${RAFF_API_KEY}"), "Write the key itself into the file."},
		{"placeholder", "${HOME}/key", "RAFF_API_KEY_FILE contains an unexpanded placeholder instead of a path. The MCP client passed it on unexpanded"},
		{"placeholder in the middle", "/home/${env:USER}/key", "placeholder"},
		{"shell placeholder", "$HOME/key", "placeholder"},
		{"example", "<path>", "RAFF_API_KEY_FILE contains example text instead of a path. Replace it"},
		{"example inside", file("your-api-key-here"), "(RAFF_API_KEY_FILE) contains example text instead of a key. Replace it"},
		{"encrypted", "__encrypted__:" + planted, "RAFF_API_KEY_FILE contains a path that Claude Desktop has encrypted"},
		{"a key", planted, "contains what looks like a key"},
		{"an assignment", "RAFF_API_KEY=" + planted, "contains what looks like a key"},
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

// Windows ends its messages with a full stop, which must not be doubled.
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

// An invalid key is not replaced by a valid one from another source, which may belong to
// another account.
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

// Without a home directory, ~/ does not stand for the working directory.
func TestKeyFile(t *testing.T) {
	home := t.TempDir()
	for _, tt := range []struct{ value, home, want string }{
		{"", home, ""},
		{" /a/key ", home, "/a/key"},
		{"~/key", home, filepath.Join(home, "key")},
		{"~/key", "", ""},
		{"~/key", "relative", ""},
	} {
		env := Environment{
			Getenv: func(name string) string { return map[string]string{"RAFF_API_KEY_FILE": tt.value}[name] },
			Home:   func() (string, error) { return tt.home, nil },
		}
		if got := KeyFile(env); got != tt.want {
			t.Errorf("%q, home %q: got %q, want %q", tt.value, tt.home, got, tt.want)
		}
	}
}
