package config

import (
	"path/filepath"
	"strings"
)

// expandHome replaces ~/ at the beginning of a path by home, the home directory. It reports
// false, and leaves the path as it is, if home is "".
func expandHome(path, home string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "~/")
	switch {
	case !ok:
		return path, true
	case home == "":
		return path, false
	}
	return filepath.Join(home, rest), true
}
