package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const productionKeyFile = "https_api.rafftechnologies.com"

// checkStored checks which key is found for an API, and where.
func checkStored(t *testing.T, env Environment, api, key, source string) {
	t.Helper()
	got, where, err := readStoredKey(t.Context(), env, api)
	if err != nil || !reflect.DeepEqual(got, raffclient.NewSecret(key)) || where != source {
		t.Errorf("%q: got a key: %v, from %q, %v, want one: %v, from %q", api, !got.IsZero(), where, err, key != "", source)
	}
}

// Without a keychain, the key is in a file that only the user can read.
func TestStoredKeyInFile(t *testing.T) {
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	path := filepath.Join(home, ".raff", "keys", productionKeyFile)
	checkStored(t, env, "", "", "")
	for i, key := range []string{planted, "raff_other"} {
		got, err := StoreKey(t.Context(), env, "", raffclient.NewSecret(key), false)
		if err != nil || got.Where != path || got.Replaced != (i > 0) || got.NoKeychain == nil || got.Leftover != nil {
			t.Errorf("got %+v, %v", got, err)
		}
		checkStored(t, env, "", key, path)
	}
	if got, err := StoreKey(t.Context(), env, "", raffclient.NewSecret(planted), true); err != nil || got.NoKeychain != nil || got.Where != path {
		t.Errorf("on demand: got %+v, %v", got, err)
	}
	checkStored(t, env, raffclient.DefaultBaseURL, planted, path)
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("got %v, %v, want one file", files, err)
	}
	for _, path := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(path); err != nil || hasModes && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got %v, %v", path, info.Mode(), err)
		}
	}

	where, err := ForgetKey(t.Context(), env, "")
	if err != nil || !slices.Equal(where, []string{path}) {
		t.Errorf("got %q, %v", where, err)
	}
	checkStored(t, env, "", "", "")
	if where, err := ForgetKey(t.Context(), env, ""); err != nil || len(where) != 0 {
		t.Errorf("a second time: got %q, %v", where, err)
	}
}

// Each API has a key of its own, however its address is written.
func TestStoredKeyOfEachAPI(t *testing.T) {
	env := fakeEnvironment(t, nil)
	keys := map[string]string{
		"https://api.rafftechnologies.com": "raff_a", "https://sandbox": "raff_b", "sandbox": "raff_c", "http://127.0.0.1:8080": "raff_d",
		"http://127.0.0.1": "raff_e", "https://127.0.0.1": "raff_f", "https://a.example/b": "raff_g", "https://a.example/b_c": "raff_h", "https://a.example_b": "raff_i",
	}
	for api, key := range keys {
		if got, err := StoreKey(t.Context(), env, api, raffclient.NewSecret(key), false); err != nil || got.Replaced {
			t.Errorf("%s: got %+v, %v", api, got, err)
		}
	}
	for api, key := range keys {
		if got, source, err := readStoredKey(t.Context(), env, api); err != nil || !reflect.DeepEqual(got, raffclient.NewSecret(key)) {
			t.Errorf("%s: got another key, from %q, %v", api, source, err)
		}
	}
	for other, api := range map[string]string{
		"": "https://api.rafftechnologies.com", "https://API.rafftechnologies.com:443/": "https://api.rafftechnologies.com",
		"http://127.0.0.1:80": "http://127.0.0.1", "https://A.example/b/": "https://a.example/b",
	} {
		if got, _, err := readStoredKey(t.Context(), env, other); err != nil || !reflect.DeepEqual(got, raffclient.NewSecret(keys[api])) {
			t.Errorf("%q: got another key than for %s, %v", other, api, err)
		}
	}
}

// A file that somebody else may have written or read is not used.
func TestStoredKeyFileRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	for _, tt := range []struct {
		name      string
		change    func(path string) error
		want      string
		storesNow bool // login replaces the file
	}{
		{"others can read it", func(path string) error { return os.Chmod(path, 0o640) }, "Other users can read the key in", true},
		{"others can write there", func(path string) error { return os.Chmod(filepath.Dir(path), 0o770) }, "can be changed by other users, who could replace the key. Protect it: chmod go-w ", false},
		{"others can write above", func(path string) error { return os.Chmod(filepath.Dir(filepath.Dir(path)), 0o777) }, "can be changed by other users", false},
		{"a link", func(path string) error {
			return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
		}, "is not a regular file. Remove it", false},
		{"a link to a directory", func(path string) error {
			dir := filepath.Dir(path)
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		}, "is not a directory. Remove it", false},
		{"no key", func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }, "does not contain a Raff API key. Run raff-mcp login", true},
		{"nothing", func(path string) error { return os.WriteFile(path, nil, 0o600) }, "is empty. Remove it", false},
		{"of another user", func(path string) error { return os.Chown(path, 12345, -1) }, "belongs to another user", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := fakeEnvironment(t, nil)
			stored, err := StoreKey(t.Context(), env, "", raffclient.NewSecret(planted), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.change(stored.Where); errors.Is(err, os.ErrPermission) {
				t.Skip("only root may do that")
			} else if err != nil {
				t.Fatal(err)
			}
			key, _, err := readStoredKey(t.Context(), env, "")
			if err == nil || !key.IsZero() || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), planted) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := StoreKey(t.Context(), env, "", raffclient.NewSecret("raff_other"), false); (err == nil) != tt.storesNow {
				t.Errorf("storing again: got %v", err)
			}
		})
	}
}

// Storing fails without a trace if there is no place for the key.
func TestStoredKeyWithoutHome(t *testing.T) {
	env := fakeEnvironment(t, nil)
	env.Home = func() (string, error) { return "", errors.New("no home") }
	if _, err := StoreKey(t.Context(), env, "", raffclient.NewSecret(planted), false); err == nil || !strings.Contains(err.Error(), "there is no home directory") {
		t.Errorf("got %v", err)
	}
	checkStored(t, env, "", "", "")
	if where, err := ForgetKey(t.Context(), env, ""); err != nil || len(where) != 0 {
		t.Errorf("got %q, %v", where, err)
	}
}

func TestParseKey(t *testing.T) {
	if key, err := ParseKey(" "+planted+"\n", "The input"); err != nil || !reflect.DeepEqual(key, raffclient.NewSecret(planted)) {
		t.Errorf("got %v", err)
	}
	for text, want := range map[string]string{
		"":                "The input does not contain a Raff API key",
		"raff_737e…":      "The input contains a masked key",
		"your-api-key":    "The input contains example text",
		"${RAFF_API_KEY}": "The input contains an unexpanded placeholder instead of the key. Enter the key itself.",
		planted + " x":    "The input does not contain a Raff API key",
	} {
		if key, err := ParseKey(text, "The input"); err == nil || !key.IsZero() || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), planted) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// A program that was killed while it stored a key leaves a file with the key behind. The next
// login or logout removes it, but not one that is being written.
func TestAbandonedKeyFilesAreRemoved(t *testing.T) {
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	dir := filepath.Join(home, ".raff", "keys")
	old, recent := filepath.Join(dir, ".new-OLD"), filepath.Join(dir, ".new-RECENT")
	for name, do := range map[string]func() error{
		"login": func() error {
			_, err := StoreKey(t.Context(), env, "", raffclient.NewSecret(planted), true)
			return err
		},
		"logout": func() error { _, err := ForgetKey(t.Context(), env, ""); return err },
	} {
		for _, path := range []string{old, recent} {
			writePrivate(t, path, planted)
		}
		before := time.Now().Add(-2 * abandonedAfter)
		if err := os.Chtimes(old, before, before); err != nil {
			t.Fatal(err)
		}
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(old); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the abandoned file is still there (%v)", name, err)
		}
		if _, err := os.Lstat(recent); err != nil {
			t.Errorf("%s: the recent file: %v", name, err)
		}
	}
}
