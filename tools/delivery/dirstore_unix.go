//go:build unix

package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkPrivate returns an error if other users own the directory or can access it.
func checkPrivate(path string, info fs.FileInfo) error {
	const choose = "choose a directory for secrets alone, which need not exist yet"
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user: %s", path, choose)
	}
	switch mode := info.Mode(); {
	case mode.Perm()&0o077 == 0:
		return nil
	case isSystemDir(path, mode):
		return fmt.Errorf("%s is a directory that other users need: %s", path, choose)
	default:
		return fmt.Errorf("%s is open to other users (mode %#o): chmod 700 it if it is for secrets alone, or %s", path, mode.Perm(), choose)
	}
}

// isSystemDir reports whether a directory is /, directly below it, or one where every user
// may create files, such as /var/tmp. Closing one of these to other users would break
// their programs.
func isSystemDir(path string, mode fs.FileMode) bool {
	return filepath.Dir(filepath.Clean(path)) == "/" || mode&fs.ModeSticky != 0
}

// syncDir makes the names in a directory durable. Some file systems do not support
// that and return an error, which is ignored.
func syncDir(root *os.Root, sync func(*os.File) error) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := sync(dir); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
