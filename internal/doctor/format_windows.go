package doctor

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isWrongFormat reports whether a file has the name of a program, but is no program for
// this system.
func isWrongFormat(err error) bool {
	return errors.Is(err, windows.ERROR_BAD_EXE_FORMAT) || errors.Is(err, windows.ERROR_EXE_MACHINE_TYPE_MISMATCH)
}
