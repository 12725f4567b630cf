//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// hasModes is whether the mode of a file says who can access it.
const hasModes = true

// isForeign reports whether a file belongs to somebody other than the user and root.
func isForeign(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Uid != 0 && int(s.Uid) != os.Geteuid()
}
