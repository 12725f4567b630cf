package handover

import (
	"cmp"
	"fmt"
	"strings"
)

// fileName returns the nth name to try for the file of a key: its name, its
// prefix, from the second on a number, and the extension.
//
// It is one that every file system takes and every shell leaves alone: ASCII
// letters, digits, hyphens and underscores, with a dot only before the
// extension; never a name that Windows reserves, since something always follows
// the key's name; and at most 120 bytes long. What differs from it only in case
// or in Unicode's forms is taken care of by trying the next name when the file
// system says that this one exists.
func fileName(k Key, n int, extension string) string {
	name := cmp.Or(safe(k.Name, 64), "key") + "-" + cmp.Or(safe(k.Prefix, 40), safe(k.ID, 40), "unknown")
	if n > 1 {
		name += fmt.Sprintf("-%d", n)
	}
	return name + extension
}

// safe returns the ASCII letters, digits and underscores of s, with one hyphen
// for whatever stands between them, cut to at most limit bytes.
func safe(s string, limit int) string {
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
