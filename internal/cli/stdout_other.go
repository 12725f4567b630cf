//go:build !unix

package cli

import "os"

// wasClosed reports whether f was closed when the program started, as far as that can be
// determined.
func wasClosed(f *os.File) bool {
	_, err := f.Stat()
	return err != nil
}
