package raffclient

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// Secret holds a credential. However it is printed, logged or encoded, alone
// or inside another value, what comes out is "[redacted]"; Reveal is the one
// way to the value. The zero Secret is empty.
//
// The value is held behind a pointer because fmt prints unexported fields
// without calling their methods: of a pointer it prints the address.
type Secret struct{ value *string }

// NewSecret returns a Secret that holds value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&value}
}

// Reveal returns the value. It is called only where the credential leaves the
// program on purpose; .ci/run lists the callers.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether the secret holds no value.
func (s Secret) Empty() bool { return s.value == nil }

// equal reports whether s and t hold the same value.
func (s Secret) equal(t Secret) bool {
	return s.value != nil && t.value != nil && subtle.ConstantTimeCompare([]byte(*s.value), []byte(*t.value)) == 1
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns the JSON string "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// UnmarshalText takes the value. "[redacted]" is none.
func (s *Secret) UnmarshalText(text []byte) error {
	if *s = NewSecret(string(text)); string(text) == redacted {
		*s = Secret{}
	}
	return nil
}

// keyLike matches what looks like a Raff key. The first 13 characters are its
// public prefix.
var keyLike = regexp.MustCompile(`(raff_[0-9A-Za-z_-]{8})[0-9A-Za-z_-]+`)

// scrub makes foreign text fit to be quoted: one line, printable, at most
// maxText characters, without s and without anything like a key.
func (s Secret) scrub(text string) string {
	text = strings.Join(strings.Fields(sanitize(text)), " ")
	if s.value != nil {
		text = s.hidePieces(strings.ReplaceAll(text, *s.value, redacted))
	}
	return truncate(keyLike.ReplaceAllString(text, "${1}…"+redacted), maxText, "…")
}

// cutOut replaces s wherever it stands in what the API sent, where it has no
// business to be. What only begins like it is another key, and stays.
func (s Secret) cutOut(body []byte) []byte {
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

func isKeyByte(b byte) bool {
	return b == '_' || b == '-' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// escape matches an escape sequence of JSON.
var escape = regexp.MustCompile(`\\(?:u00[2-7][0-9A-Fa-f]|.)`)

// unescape writes printable ASCII in JSON as it is, so that a key can be found
// however it was written.
func unescape(body []byte) []byte {
	return escape.ReplaceAllFunc(body, func(sequence []byte) []byte {
		var s string
		if json.Unmarshal([]byte(`"`+string(sequence)+`"`), &s) != nil || s == `"` || s == `\` || s < " " || s > "~" {
			return sequence
		}
		return []byte(s)
	})
}

// checkKey reports why a key cannot be sent. The documents disagree on the
// rest of a key's form, so nothing more is asked of it.
func checkKey(key Secret) error {
	switch {
	case key.Empty():
		return errors.New("no API key")
	case !strings.HasPrefix(*key.value, "raff_"):
		return errors.New(`the API key does not begin with "raff_"`)
	}
	for _, b := range []byte(*key.value) {
		if b <= ' ' || b > '~' {
			return errors.New("the API key holds characters that cannot be sent")
		}
	}
	return nil
}
