package handover_test

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

	"github.com/rafftechnologies/raff-mcp/tools/handover"
)

// A file is on the disk before it gets its name, and its name before the delivery
// has succeeded.
func TestSynced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	var steps []string
	path, err := handover.PutSyncing(dir, ci, secret, func(f *os.File) error {
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
	})
	if err != nil || readFile(t, path) != secret {
		t.Fatalf("got %s, %v", path, err)
	}
	want := []string{"file without a name", "directory with the name"}
	if runtime.GOOS == "windows" { // a directory cannot be synced there
		want = want[:1]
	}
	if !slices.Equal(steps, want) {
		t.Errorf("got %q, want %q", steps, want)
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
		_, err := handover.PutSyncing(dir, ci, secret, func(f *os.File) error {
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
	order := regexp.MustCompile(`(?s)fsync\([0-9]+<[^>]*/secrets/\.raff-mcp-[^>]*\.key\.part>.*linkat\(.*Production-CI-raff_17d70fcf\.key".*fsync\([0-9]+<[^>]*/secrets>\)`)
	if !order.MatchString(text) {
		t.Errorf("got %s", text)
	}
}
