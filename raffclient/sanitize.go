package raffclient

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text from the API was written by other people and may contain anything. It is
// sanitized where it enters the program: sanitizeJSON sanitizes the names and
// descriptions in a response, and Sanitize what an error or a log record quotes.

const (
	// maxText is how many characters of a text are kept. Names have at most 128, and
	// e-mail addresses 254.
	maxText = 300
	// maxDescription is how many characters of a description are kept.
	maxDescription = 4000
)

// Sanitize returns external text in a form that is safe to log or quote: on one
// line, without invisible characters, at most 300 characters long, and with
// everything that may be an API key redacted.
func Sanitize(text string) string { return sanitizeMessage(text) }

// Sanitize is like the function Sanitize, and redacts the client's own key, and every one
// that it had before, even if it does not look like one.
func (c *Client) Sanitize(text string) string { return sanitizeMessage(text, c.key.all()...) }

func sanitizeMessage(text string, own ...Secret) string {
	text = strings.Join(strings.Fields(sanitizeName(text)), " ")
	for _, key := range own {
		text = key.Redact(text)
	}
	return truncate(RedactKeys(text), maxText, "…")
}

// sanitizeName returns a name on one line, without invisible characters and with
// whole keys redacted. White space and control characters become spaces;
// bidirectional controls, zero-width characters and invalid UTF-8 are removed.
func sanitizeName(s string) string {
	return redactWholeKeys(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, redactWholeKeys(s))) // first, too: hiddenKey also finds keys that contain invisible characters
}

// sanitizeDescription is sanitizeName for a text of several lines.
func sanitizeDescription(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = sanitizeName(line)
	}
	return truncate(strings.Join(lines, "\n"), maxDescription, "…")
}

// sanitizeJSON returns body with every string sanitized except the value of "secret",
// which is never shown. It returns body unchanged if it is not JSON; such a body is
// never shown either.
func sanitizeJSON(body []byte) []byte {
	if !needsSanitizing(body) {
		return body
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return body
	}
	text, err := json.Marshal(sanitizeValue("", v))
	if err != nil {
		return body
	}
	return text
}

// needsSanitizing reports whether sanitizing may change body. It is a fast check that
// may return true for a body that does not need it.
func needsSanitizing(body []byte) bool {
	length := 0 // since the last quotation mark
	for _, b := range body {
		switch {
		case b == '"':
			length = 0
			continue
		case b == '\\', b > '~':
			return true
		}
		if length++; length > maxText {
			return true
		}
	}
	// Nothing is escaped, so a string ends at the next quotation mark.
	lower := bytes.ToLower(body)
	for rest := lower; ; {
		_, after, found := bytes.Cut(rest, []byte("raff"))
		if !found {
			break
		}
		if end := bytes.IndexByte(after, '"'); end < 0 || end > KeyPrefixLength-len("raff") {
			return true // longer than a prefix
		}
		rest = after
	}
	for rest := lower; ; {
		_, after, found := bytes.Cut(rest, []byte(`"key_prefix"`))
		if !found {
			return false
		}
		value, ok := bytes.CutPrefix(bytes.TrimLeft(after, " :"), []byte(`"`))
		if !ok || !bytes.HasPrefix(value, []byte("raff_")) {
			return true
		}
		rest = after
	}
}

// sanitizeValue sanitizes the strings in v, the value of a member with that name.
func sanitizeValue(name string, v any) any {
	switch v := v.(type) {
	case string:
		// encoding/json matches names as EqualFold does.
		switch {
		case strings.EqualFold(name, "secret"):
			return v
		case strings.EqualFold(name, "key_prefix"):
			return publicPrefix(sanitizeName(v))
		case strings.EqualFold(name, "description"):
			return sanitizeDescription(v)
		}
		return truncate(sanitizeName(v), maxText, "…")
	case map[string]any:
		for member, value := range v {
			v[member] = sanitizeValue(member, value)
		}
	case []any:
		for i, value := range v {
			v[i] = sanitizeValue(name, value)
		}
	}
	return v
}

// truncate returns the first n characters of s, followed by mark if there are more.
func truncate(s string, n int, mark string) string {
	for i := range s {
		if n == 0 {
			return s[:i] + mark
		}
		n--
	}
	return s
}

// escape matches an escape sequence of JSON.
var escape = regexp.MustCompile(`\\(?:u00[2-7][0-9A-Fa-f]|.)`)

// unescape returns JSON in which printable ASCII is not escaped, so that a key is
// found however it was written.
func unescape(body []byte) []byte {
	return escape.ReplaceAllFunc(body, func(sequence []byte) []byte {
		var s string
		if json.Unmarshal([]byte(`"`+string(sequence)+`"`), &s) != nil || s == `"` || s == `\` || s < " " || s > "~" {
			return sequence
		}
		return []byte(s)
	})
}
