//go:build unix

package activity

import (
	"io/fs"
	"os"
	"syscall"
)

// noFollow is the flag with which a symbolic link is not opened.
const noFollow = syscall.O_NOFOLLOW

// isOwn reports whether the file belongs to the user of this process.
func isOwn(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(s.Uid) == os.Geteuid()
}

// isRunning reports whether a process with that ID may be running.
func isRunning(p *os.Process) bool {
	err := p.Signal(syscall.Signal(0))
	return err == nil || err == syscall.EPERM
}
