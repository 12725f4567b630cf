package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/internal/suggest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// An unknownProfileError is the error of a profile that was selected and does not exist: the
// problem and its remedy, without the name of the setting that selected it.
type unknownProfileError struct{ what, remedy string }

func (e *unknownProfileError) Error() string { return e.what + ". " + e.remedy }

// missingProfile returns the error of the selected profile name if there is no file that
// could be read, for the given reason. It returns nil if no profile was selected.
func missingProfile(name, reason string) error {
	if name == "" {
		return nil
	}
	return &unknownProfileError{"the profile cannot be read, because " + reason, "Run `raff configure`, which creates profiles, or select none."}
}

// newUnknownProfileError returns the error of a name that is none of the profiles in the file
// at path. It does not repeat the name, which may be a key that was put in the wrong place.
func newUnknownProfileError(path, name string, profiles map[string]storedProfile) error {
	known := slices.Sorted(maps.Keys(profiles))
	e := &unknownProfileError{what: printable.String(path) + " has no profile of that name"}
	nearest := suggest.Nearest(name, known)
	switch {
	case len(known) == 0:
		e.what = printable.String(path) + " contains no profiles"
		e.remedy = "Run `raff configure`, which creates them, or select none."
	case nearest != "":
		e.remedy = fmt.Sprintf("Did you mean %s? %s", quoteProfile(nearest), listProfiles(known))
	default:
		e.remedy = listProfiles(known)
	}
	return e
}

// maxListed is how many profiles a message lists.
const maxListed = 10

func listProfiles(names []string) string {
	var quoted []string
	for _, name := range names[:min(len(names), maxListed)] {
		quoted = append(quoted, quoteProfile(name))
	}
	if more := len(names) - maxListed; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return "Its profiles are: " + strings.Join(quoted, ", ") + "."
}

// maxProfileName is how many characters of a profile's name are shown.
const maxProfileName = 40

// quoteProfile returns the name of a profile for a message. A name is text from a file: it
// may contain control characters, or a key.
func quoteProfile(name string) string {
	return `"` + printable.Shorten(raffclient.Sanitize(name), maxProfileName) + `"`
}
