package delivery_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// A file is on the disk before it gets its name, and its name before the delivery
// has succeeded; also if a later start finishes what was cut off.
func TestSynced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	want := []string{"file without a name", "directory with the name"}
	if runtime.GOOS == "windows" { // a directory cannot be synced there
		want = want[:1]
	}
	var steps []string
	sync := func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			t.Error(err)
		}
		named := slices.ContainsFunc(files(t, dir), func(path string) bool { return strings.HasSuffix(path, ".key") })
		switch {
		case info.IsDir() && named:
			steps = append(steps, "directory with the name")
		case !info.IsDir() && !named && info.Size() == int64(len(secret)):
			steps = append(steps, "file without a name")
		default:
			t.Errorf("synced %s of %d bytes; the file has its name: %v", f.Name(), info.Size(), named)
		}
		return f.Sync()
	}
	path, err := delivery.PutSyncing(dir, ci, secret, sync)
	if err != nil || readFile(t, path) != secret || !slices.Equal(steps, want) {
		t.Errorf("got %s, %v, %q, want %q", path, err, steps, want)
	}

	steps = nil
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	age(t, leave(t, dir), time.Hour)
	delivery.SweepSyncing(dir, sync)
	if text := readFile(t, path); text != secret || !slices.Equal(steps, want) {
		t.Errorf("got %q, %q, want %q", text, steps, want)
	}
}

// A file that cannot be finished stays for a later start.
func TestSweepFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	age(t, leave(t, dir), time.Hour)
	delivery.SweepSyncing(dir, func(*os.File) error { return errors.New("the disk is broken") })
	left := files(t, dir)
	if len(left) != 1 || !strings.HasSuffix(left[0], ".part") || readFile(t, left[0]) != secret {
		t.Fatalf("got %q", left)
	}
	age(t, left[0], time.Hour)
	delivery.SweepSyncing(dir, (*os.File).Sync)
	if got := files(t, dir); len(got) != 1 || filepath.Base(got[0]) != "Production-CI-raff_17d70fcf.key" || readFile(t, got[0]) != secret {
		t.Errorf("got %q", got)
	}
}

// A secret that may not be on the disk is not reported as delivered.
func TestSyncFails(t *testing.T) {
	broken := errors.New("the disk is broken")
	for _, of := range []string{"file", "directory"} {
		if of == "directory" && runtime.GOOS == "windows" {
			continue // it cannot be synced there
		}
		dir := filepath.Join(t.TempDir(), "secrets")
		_, err := delivery.PutSyncing(dir, ci, secret, func(f *os.File) error {
			if info, err := f.Stat(); err != nil || info.IsDir() == (of == "directory") {
				return broken
			}
			return f.Sync()
		})
		if !errors.Is(err, broken) {
			t.Errorf("%s: got %v", of, err)
		}
		if got := files(t, dir); len(got) != 0 {
			t.Errorf("%s: got %q", of, got)
		}
	}
}

// The same as seen by the kernel.
func TestSyncedByTheProgram(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed, so the system calls were not compared")
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	cmd := exec.Command("strace", "-f", "-y", "-s", "0", "-e", "trace=fsync,linkat", "-o", trace, os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"=deliver once", "HANDOVER_TEST_DIR="+filepath.Join(dir, "secrets"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("strace cannot trace here: %v: %s", err, out)
	}
	text := readFile(t, trace)
	order := regexp.MustCompile(`(?s)fsync\([0-9]+<[^>]*/secrets/\.raff-mcp-[^>]*\.key\.part>.*linkat\(.*Production-CI-raff_17d70fcf\.key".*fsync\([0-9]+<[^>]*/secrets>`)
	if !order.MatchString(text) {
		t.Errorf("got %s", text)
	}
}
