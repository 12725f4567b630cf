//go:build unix

package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkAccess returns an error if other users can access the file, or if it has other names.
// A name that stays with the old contents would keep the old secret.
func checkAccess(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("other users can access it (mode %#o): chmod 600 it", mode)
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return nil
	case int(s.Uid) != os.Geteuid() && os.Geteuid() != 0:
		return errors.New("it belongs to another user")
	case s.Nlink > 1:
		return errors.New("it has several names (hard links), of which the others would keep the old secret")
	}
	return nil
}

// checkDir returns an error if other users can replace files in the directory.
func checkDir(root *os.Root, path string) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	if mode := info.Mode(); mode.Perm()&0o002 != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("%s: every user can change this directory (mode %#o): chmod o-w it", path, mode.Perm())
	}
	return nil
}

// keepOwner gives the file the owner and group of the old one.
func keepOwner(file *os.File, old fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	is, ok1 := info.Sys().(*syscall.Stat_t)
	was, ok2 := old.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}
