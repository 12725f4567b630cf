package confedit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A full file system leaves the old file and nothing else.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "mcp.json")
	old := strings.Repeat("x", 20<<10)
	writeText(t, path, old)
	for _, size := range []int{30 << 10, 1 << 20} { // with the backup, and without
		_, err := mustRead(t, path).Write(make([]byte, size))
		checkRefused(t, path, err, "no space left on device")
		if got := readText(t, path); got != old || len(names(t, dir)) != 1 {
			t.Errorf("got %d bytes, %q", len(got), names(t, dir))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 44<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := mustRead(t, path).Write([]byte("{}"))
	checkRefused(t, path, err, "no space left on device")
}
