//go:build linux || darwin

package confedit

import (
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// copyAttributes gives a file the extended attributes of another, which include access
// control lists on Linux. Those that the system manages itself are copied if it lets us.
func copyAttributes(file *os.File, from string) error {
	names, err := listAttributes(from)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("listxattr", err)
	}
	for _, name := range names {
		err := copyAttribute(file, from, name)
		if err == nil || strings.HasPrefix(name, "security.") || strings.HasPrefix(name, "com.apple.") {
			continue
		}
		return &Error{
			Problem: "its extended attribute " + printable.String(name) + " could not be kept",
			Fix:     fixByHand,
			cause:   err,
		}
	}
	return nil
}

func listAttributes(path string) ([]string, error) {
	size, err := unix.Llistxattr(path, nil)
	if err != nil || size == 0 {
		return nil, err
	}
	list := make([]byte, size)
	if size, err = unix.Llistxattr(path, list); err != nil {
		return nil, err
	}
	var names []string
	for name := range bytes.SplitSeq(list[:size], []byte{0}) {
		if len(name) > 0 {
			names = append(names, string(name))
		}
	}
	return names, nil
}

func copyAttribute(file *os.File, from, name string) error {
	size, err := unix.Lgetxattr(from, name, nil)
	if err != nil {
		return err
	}
	value := make([]byte, size)
	if size, err = unix.Lgetxattr(from, name, value); err != nil {
		return err
	}
	return unix.Fsetxattr(int(file.Fd()), name, value[:size], 0)
}
