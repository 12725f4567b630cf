//go:build unix

package confedit

import (
	"io/fs"
	"os"
	"syscall"
)

// linkCount returns the number of names of a file.
func linkCount(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

// copyOwner gives a file the owner and the group of another.
func copyOwner(file *os.File, from fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	want, ok := from.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if have, ok := info.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	if err := file.Chown(int(want.Uid), int(want.Gid)); err != nil {
		return &Error{Problem: "its owner or group could not be kept", Fix: "Run the command as the file's owner", cause: err}
	}
	return nil
}

// syncDir makes the names in a directory durable, if the file system can do that.
func syncDir(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}
