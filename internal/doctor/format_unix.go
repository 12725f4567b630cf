//go:build unix

package doctor

import (
	"errors"
	"syscall"
)

// isWrongFormat reports whether a file is executable for this user, but is no program for
// this system.
func isWrongFormat(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
