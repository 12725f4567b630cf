//go:build !linux

package handover

import (
	"errors"
	"os"
)

// addUnnamed always fails: only Linux has files without a name that can get one.
func addUnnamed(*os.Root, []byte, func(int) string) (string, error) {
	return "", errors.ErrUnsupported
}
