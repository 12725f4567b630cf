package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
	"github.com/rafftechnologies/raff-mcp/internal/keychain/keychaintest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const fromKeychain = "the system keychain (raff-mcp login)"

// The key is in the keychain and nowhere else. Only somebody who has stored one there
// depends on the keychain.
func TestStoredKeyInKeychain(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	keychaintest.Unlocked(t)
	env := fakeEnvironment(t, nil)
	home, _ := env.Home()
	env.Keychain = keychain.New()
	key := raffclient.NewSecret(planted)
	store := func(inFile, replaced bool, where string) {
		t.Helper()
		got, err := StoreKey(t.Context(), env, "", key, inFile)
		if err != nil || got != (StoredKey{Where: where, Replaced: replaced}) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	path := filepath.Join(home, ".raff", "keys", productionKeyFile)
	checkStored(t, env, "", "", "")
	store(false, false, InKeychain)
	checkStored(t, env, "", planted, fromKeychain)
	checkStored(t, env, "https://other.example", "", "")
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "raff_") {
		t.Errorf("the file contains %q, %v", text, err)
	}
	if got, err := env.Keychain.Get(t.Context(), raffclient.DefaultBaseURL); err != nil || got != planted {
		t.Errorf("got %q, %v", got, err)
	}
	note, _ := os.Lstat(path)
	store(false, true, InKeychain)
	if again, err := os.Lstat(path); err != nil || !os.SameFile(note, again) {
		t.Errorf("the file was written again, although it already says where the key is; %v", err)
	}

	store(true, true, path) // and the keychain has it no longer
	checkStored(t, env, "", planted, path)
	if where, err := ForgetKey(t.Context(), env, ""); err != nil || !slices.Equal(where, []string{path}) {
		t.Errorf("got %q, %v", where, err)
	}

	store(false, false, InKeychain)
	if where, err := ForgetKey(t.Context(), env, ""); err != nil || !slices.Equal(where, []string{InKeychain}) {
		t.Errorf("got %q, %v", where, err)
	}
	checkStored(t, env, "", "", "")

	store(true, false, path)
	store(false, true, InKeychain) // and the file has it no longer
	withoutHome := env
	withoutHome.Home = func() (string, error) { return "", os.ErrNotExist }
	checkStored(t, withoutHome, "", planted, fromKeychain)
	if err := env.Keychain.Delete(t.Context(), raffclient.DefaultBaseURL); err != nil {
		t.Fatal(err)
	}
	checkStored(t, withoutHome, "", "", "")
	checkStoredError(t, env, "no longer contains the key")
	store(true, true, path) // and nothing is left in the keychain, from where somebody removed the key
	if where, err := ForgetKey(t.Context(), env, ""); err != nil || !slices.Equal(where, []string{path}) {
		t.Errorf("got %q, %v", where, err)
	}
	store(false, false, InKeychain)
	if err := env.Keychain.Delete(t.Context(), raffclient.DefaultBaseURL); err != nil {
		t.Fatal(err)
	}
	if where, err := ForgetKey(t.Context(), env, ""); err != nil || len(where) != 0 {
		t.Errorf("got %q, %v", where, err)
	}
	checkStored(t, env, "", "", "")
}

func checkStoredError(t *testing.T, env Environment, want string) {
	t.Helper()
	key, _, err := readStoredKey(t.Context(), env, "")
	if err == nil || !key.IsZero() || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// A keychain that is locked or not there is an error for whoever has a key in it, and the
// key stays there.
func TestStoredKeyLocked(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "keyring")
		return
	}
	keychaintest.Unlocked(t)
	env := fakeEnvironment(t, nil)
	env.Keychain = keychain.New()
	key := raffclient.NewSecret(planted)
	if _, err := StoreKey(t.Context(), env, "", key, false); err != nil {
		t.Fatal(err)
	}
	keychaintest.Lock(t)
	checkStoredError(t, env, "Unlock the keychain, or run raff-mcp login --no-keychain")
	if _, err := StoreKey(t.Context(), env, "", raffclient.NewSecret("raff_other"), false); err == nil || !strings.Contains(err.Error(), "Unlock the keychain and try again") {
		t.Errorf("StoreKey: got %v", err)
	}
	if where, err := ForgetKey(t.Context(), env, ""); err == nil || len(where) > 0 || !strings.Contains(err.Error(), "Unlock the keychain") {
		t.Errorf("ForgetKey: got %q, %v", where, err)
	}
	checkStored(t, env, "https://other.example", "", "") // who has none there does not notice

	gone := env
	gone.Keychain = nil
	checkStoredError(t, gone, "there is no keychain")
	if _, err := ForgetKey(t.Context(), gone, ""); err == nil || strings.Contains(err.Error(), "Unlock") || !strings.Contains(err.Error(), "not available here") {
		t.Errorf("ForgetKey without the keychain: got %v", err)
	}

	got, err := StoreKey(t.Context(), env, "", key, true)
	if err != nil || got.Leftover == nil || !got.Replaced {
		t.Errorf("in a file: got %+v, %v", got, err)
	}
	checkStored(t, env, "", planted, got.Where)
}
