package raffclient

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
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
