package delivery

import (
	"cmp"
	"strings"
)

// fileName returns the name for the file of a key, without an extension: the key's
// name and its prefix.
//
// The name is valid on every file system and needs no quotes in a shell: it consists of
// at most 105 ASCII letters, digits, hyphens and underscores. It is not a name that
// Windows reserves, because a suffix always follows the key's name.
func fileName(k Key) string {
	return cmp.Or(fileSafe(k.Name, 64), "key") + "-" + cmp.Or(fileSafe(k.Prefix, 40), fileSafe(k.ID, 40), "unknown")
}

// fileSafe returns the ASCII letters, digits and underscores of s, with a hyphen for
// each sequence of other characters between them, cut to limit bytes.
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
