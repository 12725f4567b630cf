package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// readPrivate reads a file of at most limit bytes that only its owner should be able
// to read, and reports whether others may read it too. Its errors name the path.
func readPrivate(path string, limit int64) (text []byte, shared bool, err error) {
	// Stat comes before Open, which would block on a named pipe.
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, pathError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%s: not a regular file", printable.String(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false, pathError(path, err)
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, false, pathError(path, err)
	}
	if int64(len(text)) > limit {
		return nil, false, fmt.Errorf("%s: larger than %d KiB", printable.String(path), limit>>10)
	}
	return text, runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0, nil
}

func pathError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", printable.String(path), err)
}

func sharedWarning(path string) string {
	return fmt.Sprintf("other users can read %s. Protect it: chmod 600 %[1]s", printable.String(path))
}
