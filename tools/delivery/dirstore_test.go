package delivery_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func TestFile(t *testing.T) {
	for _, tt := range []struct{ format, name, text string }{
		{"", "Production-CI-raff_17d70fcf.key", secret},
		{"raw", "Production-CI-raff_17d70fcf.key", secret},
		{"env", "Production-CI-raff_17d70fcf.env", "RAFF_API_KEY=" + secret + "\n"},
	} {
		b := newBench(t, delivery.Config{Delivery: "file", Format: tt.format})
		got, err := b.deliver(t)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(b.dir, tt.name); got.Delivery != "file" || got.Location != want {
			t.Errorf("got %+v, want %s", got, want)
		}
		if text := readFile(t, got.Location); text != tt.text {
			t.Errorf("%s: got %q", tt.format, text)
		}
		onlyOwner(t, got.Location)
		if all := files(t, b.home); len(all) != 1 {
			t.Errorf("got %q, want one file", all)
		}
	}
}

// What a shell would run stays text.
func TestEnvFileQuotes(t *testing.T) {
	b := newBench(t, delivery.Config{Delivery: "file", Format: "env"})
	got, err := b.way.Deliver(t.Context(), ci, raffclient.NewSecret("raff_$(touch x)'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if text := readFile(t, got.Location); text != "RAFF_API_KEY='raff_$(touch x)'\\''\n'\n" {
		t.Errorf("got %q", text)
	}
}

var safeName = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z_-]{0,110}\.key$`)

// Whatever the key is called, its file is inside the directory and has a name
// that every file system takes.
func TestFileNames(t *testing.T) {
	for _, tt := range []struct {
		key  delivery.Key
		want string
	}{
		{delivery.Key{Name: "../../x", Prefix: "raff_1"}, "x-raff_1"},
		{delivery.Key{Name: "/etc/passwd", Prefix: "raff_1"}, "etc-passwd-raff_1"},
		{delivery.Key{Name: `..\..\x:y`, Prefix: "raff_1"}, "x-y-raff_1"},
		{delivery.Key{Name: "CON", Prefix: "raff_1"}, "CON-raff_1"},
		{delivery.Key{Name: "CON.txt"}, "CON-txt-unknown"},
		{delivery.Key{Name: "COM¹", ID: "i"}, "COM-i"},
		{delivery.Key{Name: strings.Repeat("🔑", 128), Prefix: "raff_1"}, "key-raff_1"},
		{delivery.Key{Name: strings.Repeat("x", 128), Prefix: "raff_1"}, strings.Repeat("x", 64) + "-raff_1"},
		{delivery.Key{Name: ".hidden. ", Prefix: "raff_1"}, "hidden-raff_1"},
		{delivery.Key{Name: "-rf *", Prefix: "raff_1"}, "rf-raff_1"},
		{delivery.Key{Name: "a\x00b\nc\u202e", Prefix: "raff_1"}, "a-b-c-raff_1"},
		{delivery.Key{Name: "Cafe\u0301", Prefix: "raff_1"}, "Cafe-raff_1"},
		{delivery.Key{Name: "x", Prefix: "../../etc/" + strings.Repeat("y", 400)}, "x-etc-yyy"},
		{delivery.Key{}, "key-unknown"},
		{delivery.Key{Name: ".."}, "key-unknown"},
		{delivery.Key{Name: "\xff\xfe", Prefix: "\xff"}, "key-unknown"},
	} {
		b := newBench(t, delivery.Config{Delivery: "file"})
		got, err := b.way.Deliver(t.Context(), tt.key, raffclient.NewSecret(secret))
		if err != nil {
			t.Errorf("%q: %v", tt.key.Name, err)
			continue
		}
		if name := filepath.Base(got.Location); filepath.Dir(got.Location) != b.dir || name != tt.want+".key" || !safeName.MatchString(name) {
			t.Errorf("%q: got %s, want %s", tt.key.Name, got.Location, tt.want)
		}
		if all := files(t, b.home); len(all) != 1 || all[0] != got.Location {
			t.Errorf("%q: got %q", tt.key.Name, all)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("../../x", "raff_1", "i")
	dir := f.TempDir()
	way, err := delivery.New(f.Context(), delivery.Config{Delivery: "file", Dir: filepath.Join(dir, "secrets")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, prefix, id string) {
		got, err := way.Deliver(t.Context(), delivery.Key{ID: id, Name: name, Prefix: prefix}, raffclient.NewSecret(secret))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(got.Location) != filepath.Join(dir, "secrets") || !safeName.MatchString(filepath.Base(got.Location)) {
			t.Errorf("got %s", got.Location)
		}
		if err := os.Remove(got.Location); err != nil {
			t.Error(err)
		}
	})
}

// 20 keys of one name at once have 20 files, and none of those that were there is
// touched.
func TestFilesOfOneName(t *testing.T) {
	b := newBench(t, delivery.Config{Delivery: "file"})
	there := filepath.Join(b.dir, "Production-CI-raff_17d70fcf.key")
	if err := os.WriteFile(there, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(b.dir, "Production-CI-raff_17d70fcf-2.key")
	target := filepath.Join(b.home, "target")
	if err := os.Symlink(target, linked); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := b.way.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			want := secretOf(fmt.Sprint(i))
			got, err := b.way.Deliver(t.Context(), ci, raffclient.NewSecret(want))
			if err != nil || got.Delivery != "file" {
				t.Errorf("got %+v, %v", got, err)
				return
			}
			if text := readFile(t, got.Location); text != want {
				t.Errorf("%s: got %q", got.Location, text)
			}
		})
	}
	wg.Wait()
	if all := files(t, b.home); len(all) != 21 {
		t.Errorf("got %d files, want 21: %q", len(all), all)
	}
	if text := readFile(t, there); text != "older" {
		t.Errorf("the older file has become %q", text)
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("a symbolic link was followed")
	}
}

// Several processes that deliver to one directory at once have a file each.
func TestProcessesAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	const processes = 8
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), helperVariable+"=deliver once", "HANDOVER_TEST_DIR="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	all := files(t, dir)
	if len(all) != processes {
		t.Errorf("got %d files, want %d: %q", len(all), processes, all)
	}
	for _, path := range all {
		if text := readFile(t, path); text != secret || !strings.HasSuffix(path, ".key") {
			t.Errorf("%s contains %q", path, text)
		}
	}
}

func TestReadyLeavesNothing(t *testing.T) {
	b := newBench(t, delivery.Config{Delivery: "file"})
	if err := b.way.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if all := files(t, b.home); len(all) != 0 {
		t.Errorf("got %q", all)
	}
}

// Directories that secrets must not go to: nothing is made, and the error says
// what to do.
func TestDirectoryRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, path string) error
		want string
	}{
		{"readable by others", func(_ *testing.T, path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o750))
		}, "chmod 700"},
		{"writable by others", func(_ *testing.T, path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o702))
		}, "chmod 700"},
		{"symbolic link", func(t *testing.T, path string) error { return os.Symlink(t.TempDir(), path) }, "symbolic link"},
		{"symbolic link to nowhere", func(t *testing.T, path string) error { return os.Symlink("nowhere", path) }, "file exists"},
		{"file", func(_ *testing.T, path string) error { return os.WriteFile(path, nil, 0o600) }, "not a directory"},
		{"not ours", func(t *testing.T, path string) error {
			needRoot(t)
			return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 12345, 12345))
		}, "belongs to another user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets")
			if err := tt.make(t, path); err != nil {
				t.Fatal(err)
			}
			_, err := delivery.New(t.Context(), delivery.Config{Delivery: "file", Dir: path})
			if e, ok := errors.AsType[*delivery.NotReadyError](err); !ok || e.Delivery != "file" {
				t.Fatalf("got %v, want a NotReadyError", err)
			}
			contains(t, err.Error(), "--secrets=file: ", path, tt.want)

			// The same while the program runs, before a key is made and after.
			b := newBench(t, delivery.Config{Delivery: "file"})
			if err := os.Remove(b.dir); err != nil {
				t.Fatal(err)
			}
			if err := tt.make(t, b.dir); err != nil {
				t.Fatal(err)
			}
			if err := b.way.Ready(t.Context()); err == nil {
				t.Error("Ready: got no error")
			} else {
				contains(t, err.Error(), b.dir, tt.want)
			}
			b.recovers(t, tt.want)
		})
	}
}

// If nothing can be written anywhere, the secret is lost, and the error says why.
func TestLost(t *testing.T) {
	b := newBench(t, delivery.Config{Delivery: "file"})
	destroy(t, b.dir)
	destroy(t, b.recovery)
	_, err := b.deliver(t)
	if _, ok := errors.AsType[*delivery.LostError](err); !ok {
		t.Fatalf("got %v, want a LostError", err)
	}
	contains(t, err.Error(), b.dir, b.recovery)
	if got := holders(t, b.home); len(got) != 0 {
		t.Errorf("the secret is in %q", got)
	}
}

// Without a home directory there is nowhere to save a secret.
func TestNoRecovery(t *testing.T) {
	b := newBench(t, delivery.Config{Delivery: "file", Recovery: "relative"})
	destroy(t, b.dir)
	_, err := b.deliver(t)
	if _, ok := errors.AsType[*delivery.LostError](err); !ok {
		t.Errorf("got %v, want a LostError", err)
	}
}

// destroy makes sure that nothing can be put into the directory.
func destroy(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Dir(dir), 0o700), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
