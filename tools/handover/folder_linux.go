package handover

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// addUnnamed writes a file that has no name until it is complete: if the program
// is killed before, the kernel takes it away.
func addUnnamed(root *os.Root, data []byte, name func(n int) string) (string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return "", err
	}
	defer dir.Close()
	file, err := root.OpenFile(".", os.O_WRONLY|unix.O_TMPFILE, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := write(file, data); err != nil {
		return "", err
	}
	itself := fmt.Sprintf("/proc/self/fd/%d", file.Fd())
	return link(root, name, func(name string) error {
		return unix.Linkat(unix.AT_FDCWD, itself, int(dir.Fd()), name, unix.AT_SYMLINK_FOLLOW)
	})
}
