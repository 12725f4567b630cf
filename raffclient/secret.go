package raffclient

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode"
)

const redacted = "[redacted]"

// Secret is a credential. When it is formatted with fmt, logged with slog or encoded
// as JSON or text, alone or inside another value, the result is "[redacted]". Only
// Reveal returns the value. The zero Secret is empty.
type Secret struct {
	// fmt formats unexported fields without calling their methods. It prints a
	// pointer as an address.
	value *string
}

// NewSecret returns a Secret with that value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&value}
}

// Reveal returns the value, or "" if s is empty. Call it only where the credential
// is meant to leave the program; .ci/run lists the callers.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether s is empty.
func (s Secret) IsZero() bool { return s.value == nil }

// Format implements fmt.Formatter. It writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer. It returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too. It returns
// "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText implements encoding.TextUnmarshaler, which JSON uses too. It sets
// the value to text; "[redacted]" makes s empty.
func (s *Secret) UnmarshalText(text []byte) error {
	if *s = NewSecret(string(text)); string(text) == redacted {
		*s = Secret{}
	}
	return nil
}

// equal reports whether s and t have the same value. An empty Secret equals none.
func (s Secret) equal(t Secret) bool {
	return s.value != nil && t.value != nil && subtle.ConstantTimeCompare([]byte(*s.value), []byte(*t.value)) == 1
}

// Fingerprint returns text by which a person can recognize a key without seeing it: its public
// prefix and the first 8 hexadecimal digits of its SHA-256, as in "raff_17d70fcf-3fa2c19b". It
// is "" if s is so short that the prefix would be most of it.
func (s Secret) Fingerprint() string {
	if s.value == nil || len(*s.value) < 2*KeyPrefixLength {
		return ""
	}
	sum := sha256.Sum256([]byte(*s.value))
	return s.prefix() + "-" + hex.EncodeToString(sum[:4])
}

// prefix returns the public prefix of a key. If s is shorter, that is all of it.
func (s Secret) prefix() string {
	if s.value == nil {
		return ""
	}
	return truncate(*s.value, KeyPrefixLength, "")
}

// PublicPrefix returns the public prefix of a key, by which the API shows it. It is "" if
// the key is so short that the prefix would be most of it.
func (s Secret) PublicPrefix() string {
	if s.value == nil || len(*s.value) < 2*KeyPrefixLength {
		return ""
	}
	return s.prefix()
}

// redactWhole returns body with s replaced by "[redacted]". A longer key that begins with s
// is left as it is.
func (s Secret) redactWhole(body []byte) []byte {
	if s.value == nil {
		return body
	}
	var out []byte
	for {
		i := bytes.Index(body, []byte(*s.value))
		if i < 0 {
			break
		}
		end := i + len(*s.value)
		out = append(out, body[:i]...)
		if end < len(body) && isKeyByte(body[end]) {
			out = append(out, body[i:end]...)
		} else {
			out = append(out, redacted...)
		}
		body = body[end:]
	}
	return append(out, body...)
}

// minPiece is the minimum length, in characters, of the pieces of a secret that Redact
// redacts.
const minPiece = 8

// Redact returns text with s replaced by "[redacted]", and with every piece of at least 8
// characters of s, in upper or lower case. It also finds pieces that are divided by
// characters other than letters and digits. The public prefix of a key is left as it is,
// unless s is too short to consist of much more.
func (s Secret) Redact(text string) string {
	if s.value == nil {
		return text
	}
	runes := []rune(text)
	hidden := make([]bool, len(runes))
	s.hidePieces(hidden, runes, func(rune) bool { return true })
	s.hidePieces(hidden, runes, isLetterOrDigit)
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

// hidePieces sets hidden for the runes that belong to pieces of s. It compares only
// characters for which relevant returns true.
func (s Secret) hidePieces(hidden []bool, runes []rune, relevant func(rune) bool) {
	secret, _ := fold([]rune(*s.value), relevant)
	prefix, _ := fold([]rune(s.prefix()), relevant)
	size, public := min(minPiece, len(secret)), len(prefix)
	if size == 0 {
		return
	}
	if len(secret) < public+minPiece {
		public = 0
	}
	pieces := map[string]int{} // how many characters at the beginning of a piece are public
	for i := max(0, public-size+1); i+size <= len(secret); i++ {
		pieces[string(secret[i:i+size])] = max(0, public-i)
	}
	shown, positions := fold(runes, relevant)
	for i := 0; i+size <= len(shown); i++ {
		if skip, found := pieces[string(shown[i:i+size])]; found {
			for j := positions[i+skip]; j <= positions[i+size-1]; j++ {
				hidden[j] = true
			}
		}
	}
}

// fold returns the relevant runes in lower case, and the position of each.
func fold(runes []rune, relevant func(rune) bool) (folded []rune, positions []int) {
	for i, r := range runes {
		if relevant(r) {
			folded = append(folded, unicode.ToLower(r))
			positions = append(positions, i)
		}
	}
	return folded, positions
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
