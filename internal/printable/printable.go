// Package printable makes untrusted text safe to show on one line of a terminal or
// a log.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// String returns s on one line that a terminal does not interpret: it replaces
// control characters with their pictures (␊, ␛), and everything else that cannot be
// printed with a question mark.
func String(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return '␀' + r
		case r == '\x7f':
			return '␡'
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		default:
			return r
		}
	}, s)
	// With color, tint turns these four characters into an escape character.
	return strings.ReplaceAll(s, `\x1b`, "␛")
}

// Shorten returns s, or its beginning and an ellipsis if it has more than limit characters. The
// result has at most limit.
func Shorten(s string, limit int) string {
	end, n := 0, 0 // end is where the ellipsis begins
	for i := range s {
		if n == limit-1 {
			end = i
		}
		if n++; n > limit {
			return s[:end] + "…"
		}
	}
	return s
}
