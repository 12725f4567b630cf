package doctor

import (
	"debug/buildinfo"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

const (
	fixBinary = "Update it, or run `raff-mcp setup --replace`, which points the entry to this program."
	fixOwn    = "Update this program, or run doctor with that one."
)

// checkBinary compares the server with this program. It returns false if the server is
// not raff-mcp at all, and must not be asked anything else.
func (x *run) checkBinary(name, version string) bool {
	c := x.config
	if name != serverName {
		x.result.fail("binary", fmt.Sprintf("the server is not raff-mcp, but calls itself %q", clean(name)), fixPath)
		return false
	}
	same := isSameFile(x.path, c.Executable)
	revision := revisionOf(x.path)
	switch {
	case version != c.Version:
		which, fix := compareVersions(version, c.Version), fixBinary
		if which == "newer" {
			fix = fixOwn
		}
		x.result.fail("binary", fmt.Sprintf("%s is %s: version %s, and this program is %s", clean(x.path), which, clean(version), c.Version), fix)
		return true
	case same:
		x.result.pass("binary", "this program, version %s", c.Version)
	case revision != "" && c.Revision != "" && revision != c.Revision:
		x.result.fail("binary", fmt.Sprintf("%s has this version, %s, but was built from another commit: %s, and this program from %s",
			clean(x.path), c.Version, shortRevision(revision), shortRevision(c.Revision)), fixBinary)
	default:
		x.result.pass("binary", "version %s, like this program", c.Version)
	}
	x.said.isThisVersion = true
	return true
}

// revisionOf returns the commit that the program at path was built from, or "" if it is
// not a Go program or does not contain it.
func revisionOf(path string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

func shortRevision(revision string) string { return clean(revision[:min(12, len(revision))]) }

// compareVersions says what a is in comparison with b.
func compareVersions(a, b string) string {
	a, b = "v"+strings.TrimPrefix(a, "v"), "v"+strings.TrimPrefix(b, "v")
	if !semver.IsValid(a) || !semver.IsValid(b) {
		return "another one"
	}
	switch semver.Compare(a, b) {
	case -1:
		return "older"
	case +1:
		return "newer"
	}
	return "another one" // from another commit, for instance
}
