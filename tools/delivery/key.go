package delivery

import (
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Key is what may be disclosed about the key that a secret belongs to. Any field may be
// empty.
type Key struct{ ID, Name, Prefix string }

// LogValue returns the key as attributes.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", k.ID), slog.String("name", k.Name), slog.String("prefix", k.Prefix))
}

const (
	// prefixLength is how many characters of a secret are public.
	prefixLength = raffclient.KeyPrefixLength
	// pieceLength is the minimum length of a piece of the rest that is redacted.
	pieceLength = 8
	// maxText is the maximum length of an ID or a name. The API permits as much for
	// a name.
	maxText = 128
)

// sanitized returns the key for use in file names, environments, keychains and logs.
// Each field is one line of printable text of limited length, without any part of the
// secret but its public prefix, even if the API sends something else.
func (k Key) sanitized(v value) Key {
	secret := []rune(printable(string(v)))
	return Key{
		ID:     withoutSecret(shorten(printable(k.ID), maxText), secret),
		Name:   withoutSecret(shorten(printable(k.Name), maxText), secret),
		Prefix: withoutSecret(firstRunes(printable(k.Prefix), prefixLength), secret),
	}
}

// printable replaces unprintable characters with a space: control, bidirectional and
// zero-width characters.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
}

// shorten returns s, or its beginning and an ellipsis if it is too long.
func shorten(s string, limit int) string {
	if first := firstRunes(s, limit); first != s {
		return firstRunes(s, limit-1) + "…"
	}
	return s
}

// firstRunes returns the first n characters of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// withoutSecret redacts every piece of secret in text that has at least pieceLength
// characters, regardless of case. The public prefix stays, unless the secret is too
// short to consist of much more.
func withoutSecret(text string, secret []rune) string {
	if len(secret) == 0 {
		return text
	}
	size, public := min(pieceLength, len(secret)), 0
	if len(secret) >= prefixLength+pieceLength {
		public = prefixLength - size + 1 // pieces that begin before are in the prefix
	}
	pieces := map[string]bool{}
	for i := public; i+size <= len(secret); i++ {
		pieces[fold(secret[i:i+size])] = true
	}
	runes := []rune(text)
	hidden := make([]bool, len(runes))
	for i := 0; i+size <= len(runes); i++ {
		if pieces[fold(runes[i:i+size])] {
			for j := range size {
				hidden[i+j] = true
			}
		}
	}
	if !slices.Contains(hidden, true) {
		return text
	}
	var b strings.Builder
	for i, r := range runes {
		switch {
		case !hidden[i]:
			b.WriteRune(r)
		case i == 0 || !hidden[i-1]:
			b.WriteString(redacted)
		}
	}
	return b.String()
}

func fold(runes []rune) string { return strings.ToLower(string(runes)) }
