package raffclient

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
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

// prefix returns the public prefix of a key. If s is shorter, that is all of it.
func (s Secret) prefix() string {
	if s.value == nil {
		return ""
	}
	return truncate(*s.value, KeyPrefixLength, "")
}

// redact replaces s in body. A longer key that begins like s is left as it is.
func (s Secret) redact(body []byte) []byte {
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

// minPiece is how many consecutive characters of a secret are redacted.
const minPiece = 8

// redactPieces redacts every piece of s in text, except of its public prefix: in
// upper or lower case, and whatever separates its letters and digits.
func (s Secret) redactPieces(text string) string {
	if s.value == nil || len(text) < minPiece {
		return text
	}
	body, _ := alphanumeric(strings.TrimPrefix(*s.value, "raff_"))
	public := KeyPrefixLength - len("raff_")
	if len(body) < public+minPiece {
		return text
	}
	body = body[public:]
	shown, positions := alphanumeric(text)
	var b strings.Builder
	done := 0
	for i := 0; i+minPiece <= len(shown); i++ {
		if !strings.Contains(body, shown[i:i+minPiece]) {
			continue
		}
		end := i + minPiece
		for end < len(shown) && strings.Contains(body, shown[end-minPiece+1:end+1]) {
			end++
		}
		b.WriteString(text[done:positions[i]] + redacted)
		done, i = positions[end-1]+1, end-1
	}
	return b.String() + text[done:]
}

// alphanumeric returns the ASCII letters and digits of s in lower case, and the
// position of each in s.
func alphanumeric(s string) (text string, positions []int) {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z':
		default:
			continue
		}
		b.WriteByte(c)
		positions = append(positions, i)
	}
	return b.String(), positions
}
