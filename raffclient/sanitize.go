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
	return !hiddenKey.Match(body) && !bytes.Contains(bytes.ToLower(body), []byte(`"key_prefix"`))
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
	}, redactKeys(s)))
}

// sanitizeLines is sanitize for a text of several lines.
func sanitizeLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = sanitize(line)
	}
	return truncate(strings.Join(lines, "\n"), maxDescription, "…")
}

// hiddenKey matches what may be a whole key in another spelling: with characters in it
// that cannot be seen or that end a line, or with another form of its "_".
var hiddenKey = func() *regexp.Regexp {
	const gap = `[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*`
	return regexp.MustCompile(`(?i)r` + gap + `a` + gap + `f` + gap + `f` + gap + `(?:_|-|%5f|&#95;|&#x5f;|&lowbar;|\\u005f)(?:` + gap + `[0-9a-z_]){8}(?:` + gap + `[0-9a-z]){8,}`)
}()

var (
	notSpelled = regexp.MustCompile(`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+`)
	anyStart   = regexp.MustCompile(`(?i)^raff(?:_|-|%5f|&#95;|&#x5f;|&lowbar;|\\u005f)`)
)

// redactKeys leaves of a key only its public prefix.
func redactKeys(s string) string {
	return hiddenKey.ReplaceAllStringFunc(s, func(match string) string {
		plain := notSpelled.ReplaceAllString(match, "")
		start := anyStart.FindString(plain)
		plain = start[:len("raff")] + "_" + plain[len(start):]
		if !isKey(plain) {
			return match
		}
		return plain[:prefixLength] + "…" + redacted
	})
}

// RedactKeys leaves of anything in text that looks like a whole key only its public
// prefix.
func RedactKeys(text string) string { return redactKeys(text) }

// pieceLength is how many characters of a secret, next to each other, are hidden.
const pieceLength = 8

// hidePieces hides every piece of s, but not of its public prefix, in text: in upper
// or lower case, and whatever stands between its letters and digits.
func (s Secret) hidePieces(text string) string {
	if s.value == nil {
		return text
	}
	body := lettersAndDigits(strings.TrimPrefix(*s.value, "raff_"), nil)
	if len(body) < prefixLength-len("raff_")+pieceLength {
		return text
	}
	body = body[prefixLength-len("raff_"):]
	var at []int // of each letter and digit in text
	shown := lettersAndDigits(text, &at)
	var b strings.Builder
	done := 0
	for i := 0; i+pieceLength <= len(shown); i++ {
		if !strings.Contains(body, shown[i:i+pieceLength]) {
			continue
		}
		end := i + pieceLength
		for end < len(shown) && strings.Contains(body, shown[end-pieceLength+1:end+1]) {
			end++
		}
		b.WriteString(text[done:at[i]] + redacted)
		done, i = at[end-1]+1, end-1
	}
	return b.String() + text[done:]
}

// lettersAndDigits returns those of s that are ASCII, in lower case, and adds to at
// where each of them is.
func lettersAndDigits(s string, at *[]int) string {
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
		if at != nil {
			*at = append(*at, i)
		}
	}
	return b.String()
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
