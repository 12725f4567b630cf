package delivery_test

import (
	"context"
	"errors"
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

// A rehearsal, a check and a probe leave a file that a delivery would change as it was.
func TestRehearseLeavesFile(t *testing.T) {
	for _, kind := range []string{"env-file", "one-file"} {
		t.Run(kind, func(t *testing.T) {
			cfg := envFile(t)
			cfg.Delivery = kind
			if kind == "one-file" {
				cfg.Variable = ""
			}
			const old = "RAFF_API_KEY=raff_aaaaaaaabbbbbbbbcccccccc\n"
			b := newTarget(t, cfg, old)
			if err := errors.Join(b.way.Check(t.Context()), b.way.Ready(t.Context())); err != nil {
				t.Error(err)
			}
			got, err := b.way.Rehearse(t.Context())
			if err != nil || !strings.HasSuffix(got.Location, cfg.Path) || got.Left != "" || !strings.Contains(got.Skipped, "left as it was") {
				t.Errorf("got %+v, %v", got, err)
			}
			if readFile(t, cfg.Path) != old {
				t.Errorf("the file is now %q", readFile(t, cfg.Path))
			}
			onlyFile(t, cfg.Path)
		})
	}
}

// A check finds what a delivery would fail on, and does not create anything.
func TestCheckFixedFile(t *testing.T) {
	cfg := envFile(t)
	b := newBench(t, cfg)
	for name, f := range map[string]func(context.Context) error{
		"check":     b.way.Check,
		"ready":     b.way.Ready,
		"rehearsal": func(ctx context.Context) error { _, err := b.way.Rehearse(ctx); return err },
	} {
		if err := f(t.Context()); err == nil || !strings.Contains(err.Error(), cfg.Path) {
			t.Errorf("%s in a directory that does not exist: got %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Dir(cfg.Path)); err == nil {
		t.Error("the directory was created")
	}
	b = newTarget(t, cfg, "A='\nRAFF_API_KEY=x'\n")
	if err := b.way.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a file that cannot be changed: got %v", err)
	}
	onlyFile(t, cfg.Path)
}

// A destination that cannot work says so when it is used, and not before: others may work.
func TestBrokenDestination(t *testing.T) {
	way, err := delivery.New(t.Context(), delivery.Config{Delivery: "command", Destination: "ci", Command: "no-such-command-anywhere x"})
	if err != nil {
		t.Fatal(err)
	}
	_, rehearsed := way.Rehearse(t.Context())
	for name, err := range map[string]error{"check": way.Check(t.Context()), "ready": way.Ready(t.Context()), "rehearsal": rehearsed} {
		if err == nil || !strings.Contains(err.Error(), "no-such-command-anywhere") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
