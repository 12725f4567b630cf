package delivery

import (
	"cmp"
	"strings"
)

// fileName returns the name for the file of a key, without an extension: the key's
// name and its prefix.
//
// Every file system accepts it and every shell leaves it alone: ASCII letters,
// digits, hyphens and underscores; never a name that Windows reserves, since
// something always follows the key's name; and at most 105 bytes long.
func fileName(k Key) string {
	return cmp.Or(fileSafe(k.Name, 64), "key") + "-" + cmp.Or(fileSafe(k.Prefix, 40), fileSafe(k.ID, 40), "unknown")
}

// fileSafe returns the ASCII letters, digits and underscores of s, with one hyphen
// for whatever stands between them, cut to at most limit bytes.
func fileSafe(s string, limit int) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	name := b.String()
	return strings.TrimRight(name[:min(len(name), limit)], "-")
}
