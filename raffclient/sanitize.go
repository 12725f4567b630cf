package raffclient

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxText is how many characters of a string from the API are kept. Names
	// have at most 128, and e-mail addresses 254.
	maxText = 300
	// maxDescription is how many characters of a description are kept.
	maxDescription = 4000
)

// wholeKey matches what may be a key that is complete enough to be used. The first
// group is the public prefix; isKey decides.
var wholeKey = regexp.MustCompile(`(?i)(raff_[0-9a-z_]{8})([0-9a-z]{8,})`)

// isKey tells a key from a name such as "raff_production_backups": it is long, and
// but for very long ones, there are digits in it. The documentation shows keys of 64
// and of 32 hexadecimal digits.
func isKey(text string) bool {
	m := wholeKey.FindStringSubmatch(text)
	return m != nil && len(m[2]) >= 12 && (len(m[2]) >= 30 || strings.ContainsAny(m[2], "0123456789"))
}

// sanitizeJSON makes the strings of a response safe to show to people and models,
// wherever they end up: names are what other people chose, and nobody vouches for
// them. Text that is not JSON stays as it is; it is never shown.
func sanitizeJSON(body []byte) []byte {
	if isHarmless(body) {
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

// isHarmless reports whether sanitizing body would change nothing, as far as that
// can be seen quickly.
func isHarmless(body []byte) bool {
	length := 0 // since the last quotation mark
	for _, b := range body {
		switch {
		case b == '"':
			length = 0
			continue
		case b == '\\', b > '~':
			return false
		}
		if length++; length > maxText {
			return false
		}
	}
	return !wholeKey.Match(body) && !bytes.Contains(bytes.ToLower(body), []byte(`"key_prefix"`))
}

// sanitizeValue sanitizes the strings in v, which is the value of the member name.
// A secret is exempt: it is shown to nobody.
func sanitizeValue(name string, v any) any {
	switch v := v.(type) {
	case string:
		// encoding/json matches names as EqualFold does.
		switch {
		case strings.EqualFold(name, "secret"):
			return v
		case strings.EqualFold(name, "key_prefix"):
			return publicPrefix(sanitize(v))
		case strings.EqualFold(name, "description"):
			return sanitizeLines(v)
		}
		return truncate(sanitize(v), maxText, "…")
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

var (
	prefixStart = regexp.MustCompile(`(?i)raff_`)
	bareKey     = regexp.MustCompile(`^[0-9A-Za-z]+$`)
)

// publicPrefix returns what may be shown of the prefix of a key: 13 characters, from
// "raff_" on, whatever the API puts in front. It is "" if a longer text does not say
// where the prefix begins, so that the key is not taken for another than it is.
func publicPrefix(s string) string {
	starts := prefixStart.FindAllStringIndex(s, -1)
	switch {
	case len(starts) == 1:
		s = s[starts[0][0]:]
	case utf8.RuneCountInString(s) > prefixLength && !bareKey.MatchString(s):
		return ""
	}
	return truncate(s, prefixLength, "")
}

// sanitize returns s as one line of printable characters, without anything that
// looks like a whole key. Bidirectional and zero-width characters are left out;
// white space and control characters become spaces.
func sanitize(s string) string {
	return redactKeys(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s))
}

// sanitizeLines is sanitize for a text of several lines.
func sanitizeLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = sanitize(line)
	}
	return truncate(strings.Join(lines, "\n"), maxDescription, "…")
}

// redactKeys leaves of a key only its public prefix.
func redactKeys(s string) string {
	return wholeKey.ReplaceAllStringFunc(s, func(match string) string {
		if !isKey(match) {
			return match
		}
		return match[:prefixLength] + "…" + redacted
	})
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

// Sanitize makes text that came from elsewhere fit to be logged or quoted: on one
// line, not too long, and without the client's own key or anything like one.
func (c *Client) Sanitize(text string) string { return c.clean(text) }
