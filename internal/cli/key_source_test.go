package cli

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// The tools are told where the key comes from, for what they say of a key that Raff
// does not accept.
func TestKeySource(t *testing.T) {
	file := writePrivate(t, filepath.Join(t.TempDir(), "key"), planted+"\n")
	for _, tt := range []struct {
		vars map[string]string
		want []string
	}{
		{map[string]string{"RAFF_API_KEY": planted}, []string{"RAFF_API_KEY"}},
		{map[string]string{"RAFF_API_KEY_FILE": file}, []string{"RAFF_API_KEY_FILE", file}},
		{nil, []string{"config.yaml", "profile"}},
	} {
		env := fakeEnvironment(t, tt.vars)
		home, _ := env.Home()
		writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "current-profile: a\nprofiles:\n  a:\n    api-key: "+planted+"\n")
		_, cfg, err := parse(nil, env)
		if err != nil || cfg.KeyProblem != nil {
			t.Fatalf("%v: got %v, %v", tt.vars, cfg.KeyProblem, err)
		}
		offer, err := offered(t.Context(), "", cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(offer.KeySource, want) {
				t.Errorf("%v: got %q, want it to name %s", tt.vars, offer.KeySource, want)
			}
		}
	}
}
