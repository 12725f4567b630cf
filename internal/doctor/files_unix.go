//go:build unix

package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkMode checks the owner and the mode of a file or a directory, of which the bits in
// forbidden must not be set. It follows links, since what they point to is what is read.
func checkMode(path string, forbidden fs.FileMode) (exists bool, problem *Check) {
	info, err := os.Stat(path)
	if err != nil {
		return false, nil // what a setting names and does not exist is reported elsewhere
	}
	name := clean(path)
	// In a container, root reads the files of the user outside.
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() && s.Uid != 0 && os.Geteuid() != 0 {
		return true, &Check{Name: "files", Text: name + " belongs to another user, who can read and change it", Fix: "Move it away and create it again as this user."}
	}
	if info.Mode().Perm()&forbidden == 0 {
		return true, nil
	}
	c := &Check{Name: "files", Text: fmt.Sprintf("other users can read %s (mode %#o)", name, info.Mode().Perm())}
	mode := "600"
	if info.IsDir() {
		mode = "700"
	}
	if forbidden&0o044 == 0 {
		c.Text = fmt.Sprintf("other users can change %s (mode %#o)", name, info.Mode().Perm())
		mode = "go-w"
	}
	c.Fix = fmt.Sprintf("Protect it: chmod %s %s", mode, quoted(name))
	return true, c
}
