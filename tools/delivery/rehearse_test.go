package delivery_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func TestRehearseInline(t *testing.T) {
	if got, err := new(delivery.Method).Rehearse(t.Context()); err != nil || got != (delivery.Rehearsal{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A rehearsal writes a file as a delivery does, and removes only that.
func TestRehearseFile(t *testing.T) {
	b := newBench(t, delivery.Config{Delivery: "file"})
	if _, err := b.deliver(t); err != nil {
		t.Fatal(err)
	}
	got, err := b.way.Rehearse(t.Context())
	if err != nil || filepath.Dir(got.Location) != b.dir || got.Left != "" || !strings.HasPrefix(got.Secret, "raff_rehearsal_") {
		t.Errorf("got %+v, %v", got, err)
	}
	if files, err := os.ReadDir(b.dir); err != nil || len(files) != 1 || strings.Contains(files[0].Name(), "rehears") {
		t.Errorf("got %v, %v, want only the secret that was delivered", files, err)
	}
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := b.way.Rehearse(t.Context()); err == nil || got.Location != "" {
		t.Errorf("with a file instead of the directory: got %+v", got)
	}
	if _, err := os.Stat(b.recovery); err == nil {
		t.Error("a made-up secret was saved in the recovery directory")
	}
}

// A rehearsal runs the command as a delivery does, and shows what it prints.
func TestRehearseCommand(t *testing.T) {
	for _, tt := range []struct {
		helper string
		output string // part of it
		fails  string // part of the error
	}{
		{"takes", "", ""},
		{"prints and takes", saying + " raff_rehearsal_", ""},
		{"prints", saying + " raff_rehearsal_", "failed (exit status 1)"},
		{"reads a little", "", "exited without reading the whole secret"},
		{"forks", "", ""}, // its child keeps standard error open
		{"prints 1 GB", "\x00\x00", "failed (exit status 3)"},
	} {
		t.Run(tt.helper, func(t *testing.T) {
			t.Parallel()
			b, dir := newCommandBench(t, tt.helper, delivery.Config{})
			got, err := b.way.Rehearse(t.Context())
			if (err != nil) != (tt.fails != "") || err != nil && (!strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "not shown")) {
				t.Errorf("got %v, want %q", err, tt.fails)
			}
			if !strings.Contains(got.Output, tt.output) || len(got.Output) > 64<<10 {
				t.Errorf("got %d bytes of output, want %q", len(got.Output), tt.output)
			}
			if (err == nil) != (got.Left != "") {
				t.Errorf("got %+v, want to be told what is left only if the command succeeded", got)
			}
			if text, readErr := os.ReadFile(filepath.Join(dir, "got")); readErr == nil && string(text) != got.Secret {
				t.Errorf("the command got %q, want %s", text, got.Secret)
			}
			if _, err := os.Stat(b.recovery); err == nil {
				t.Error("a made-up secret was saved in the recovery directory")
			}
		})
	}
}
