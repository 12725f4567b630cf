// Package suggest helps with misspelled names: [Nearest] finds the name that was probably
// meant, and [Quote] repeats the misspelled one if that is safe.
package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// Words of another length, in bytes, resemble nothing.
const minLength, maxLength = 3, 64

// Nearest returns the name that word is probably a misspelling of, or "" if it resembles
// none. It ignores case, hyphens and underscores. Words may be missing: list_keys is near
// list_api_keys.
func Nearest(word string, names []string) string {
	letters := simplify(word)
	if len(letters) < minLength || len(letters) > maxLength {
		return ""
	}
	nearest, limit := "", min(max(len(letters)/4, 1), 2)
	for _, name := range names {
		distance := edlib.OSADamerauLevenshteinDistance(letters, simplify(name))
		if distance < limit || distance == limit && nearest == "" {
			nearest, limit = name, distance
		}
	}
	if nearest != "" {
		return nearest
	}
	return shortestWithWords(split(word), names)
}

// shortestWithWords returns the shortest of the names that contain all words, of which
// there must be more than one.
func shortestWithWords(words, names []string) (shortest string) {
	if len(words) < 2 {
		return ""
	}
	for _, name := range names {
		have := split(name)
		lacks := func(word string) bool { return !slices.Contains(have, word) }
		if !slices.ContainsFunc(words, lacks) && (shortest == "" || len(name) < len(shortest)) {
			shortest = name
		}
	}
	return shortest
}

func split(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), isSeparator)
}

// simplify returns name in lower case without separators.
func simplify(name string) string { return strings.Join(split(name), "") }

func isSeparator(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ' ' }

// plainWords matches what no key looks like: short words without digits, except for one at
// the end of a word.
var plainWords = lazyregexp.New(`^[A-Za-z]{1,15}[0-9]?([-_.][A-Za-z]{1,15}[0-9]?){0,5}$`)

// Quote returns a space and word in quotes, to follow "unknown flag". It returns "" for
// what could be a key, or anything else that was not meant to be shown.
func Quote(word string) string {
	if !plainWords.MatchString(word) || strings.Contains(strings.ToLower(word), "raff_") {
		return ""
	}
	return fmt.Sprintf(" %q", word)
}
