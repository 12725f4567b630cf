package raffclient

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// sameName reports whether two names are equal apart from case and white space, which
// the API may have changed.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// minTruncated is the length, in characters, from which a name may be a truncated
// one.
const minTruncated = 16

// similarNames reports whether the API may have turned the requested name into got:
// it may normalize Unicode, escape HTML, truncate, drop emoji and other characters, or
// make a slug.
func similarNames(requested, got string) bool {
	if sameName(requested, got) {
		return true
	}
	a, g := skeleton(html.UnescapeString(html.UnescapeString(requested))), skeleton(html.UnescapeString(html.UnescapeString(got)))
	if a == g {
		return true
	}
	// A name can be truncated before or after it is escaped.
	return utf8.RuneCountInString(got) >= minTruncated && (isPrefix(g, a) || isPrefix(skeleton(got), skeleton(html.EscapeString(requested))))
}

func isPrefix(prefix, s string) bool { return prefix != "" && strings.HasPrefix(s, prefix) }

// skeleton returns the letters and digits of a name, in lower case and without
// accents.
func skeleton(name string) string {
	return strings.Map(func(r rune) rune {
		if !isLetterOrDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(name))
}
