package cli

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// The tools know the source of the key, which they name if Raff rejects the key.
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
		p := &program{env: env, stderr: newSink(io.Discard)}
		cmd, err := parse(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.newSession(cmd)
		defer p.stderr.close()
		if err != nil {
			t.Fatalf("%v: %v", tt.vars, err)
		}
		if err := s.tools.Client.LoadKey(t.Context()); err != nil {
			t.Fatalf("%v: %v", tt.vars, err)
		}
		got := s.tools.KeySource()
		for _, want := range tt.want {
			if !strings.Contains(got.Name, want) || got.Fixed != (want == "RAFF_API_KEY") {
				t.Errorf("%v: got %+v, want it to name %s", tt.vars, got, want)
			}
		}
	}
}
