package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// The settings are checked together, and directories are resolved.
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
