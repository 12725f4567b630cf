package raffclient

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// An API key consists of "raff_", 8 more public characters and a secret part. In the
// API's documentation, the secret part has 56 or 24 hexadecimal digits, but there are
// also keys like raff_pub_xxxx. What counts as a key therefore depends on which mistake
// is worse:
//
//   - ParseKey, for keys to be used, accepts anything that begins with "raff_" and can
//     be sent. It must not reject a valid key.
//   - RedactKeys, for prose, redacts everything that may be a key. If it redacts too
//     much, an error message is a little less clear.
//   - redactWholeKeys, for names, redacts only what is certainly a key. A resource may
//     be named "raff_production_backups". Its name must stay unchanged, because people
//     recognize it and callers send it to the API again.
//   - ContainsKey, for paths and commands, looks for the prefix of a real key.
//   - IsKeyPrefix accepts every prefix that RedactKeys leaves.

// KeyPrefixLength is the length, in characters, of the public prefix of a key.
const KeyPrefixLength = len("raff_") + 8

var (
	keyPrefix  = regexp.MustCompile(`^raff_[0-9A-Za-z_-]{8}$`)
	keyInProse = regexp.MustCompile(`(raff_[0-9A-Za-z_-]{8})[0-9A-Za-z_-]+`)
	keyInName  = regexp.MustCompile(`(?i)(raff_[0-9a-z_]{8})([0-9a-z]{8,})`) // isWholeKey decides
	hexPrefix  = regexp.MustCompile(`raff_[0-9a-f]{8}`)
)

// ParseKey returns text as a Secret if it can be an API key: it begins with "raff_",
// is longer, and is printable ASCII without spaces. The error does not contain text.
func ParseKey(text string) (Secret, error) {
	key := NewSecret(text)
	if err := key.checkKey(); err != nil {
		return Secret{}, err
	}
	return key, nil
}

// checkKey returns an error that says why s cannot be an API key, or nil if it can.
func (s Secret) checkKey() error {
	switch {
	case s.value == nil:
		return errors.New("no API key")
	case !strings.HasPrefix(*s.value, "raff_"):
		return errors.New(`the API key does not begin with "raff_"`)
	case *s.value == "raff_":
		return errors.New(`the API key ends after "raff_"`)
	case strings.ContainsFunc(*s.value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the API key contains characters that cannot be sent")
	}
	return nil
}

// IsKeyPrefix reports whether text has the form of a key's public prefix.
func IsKeyPrefix(text string) bool { return keyPrefix.MatchString(text) }

// ContainsKey reports whether text, such as a path or a command, contains the prefix
// of a key and so perhaps a whole one.
func ContainsKey(text string) bool { return hexPrefix.MatchString(text) }

// RedactKeys returns text with the secret part of everything that may be a key
// replaced by "…[redacted]".
func RedactKeys(text string) string {
	return keyInProse.ReplaceAllString(redactWholeKeys(text), "${1}…"+redacted)
}

// hiddenKey matches what may be a whole key in another spelling: with invisible
// characters or line breaks in it, or with its "_" escaped for a URL, HTML or JSON.
var hiddenKey = func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)r` + gap + `a` + gap + `f` + gap + `f` + gap + underscore +
		`(?:` + gap + `[0-9a-z_]){8}(?:` + gap + `[0-9a-z]){8,}`)
}()

// gap matches what may be hidden between two characters of a key.
const gap = `[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*`

const underscore = `(?:_|-|%5f|&#95;|&#x5f;|&lowbar;|\\u005f)`

var (
	invisible = regexp.MustCompile(`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+`)
	keyStart  = regexp.MustCompile(`(?i)^raff` + underscore)

	// A match of hiddenKey that ends in nextRaff, with nextUnderscore after it, contains the
	// beginning of another key, which is next to it or separated by characters like those of
	// a gap.
	nextRaff       = regexp.MustCompile(`(?i)r` + gap + `a` + gap + `f` + gap + `f` + gap + `$`)
	nextUnderscore = regexp.MustCompile(`(?i)^` + gap + underscore)
)

// redactWholeKeys is RedactKeys for names: it redacts only whole keys, in any spelling.
func redactWholeKeys(text string) string {
	var b strings.Builder
	for {
		at := hiddenKey.FindStringIndex(text)
		if at == nil {
			return b.String() + text
		}
		match, rest := text[at[0]:at[1]], text[at[1]:]
		if next := nextRaff.FindStringIndex(match); next != nil && nextUnderscore.MatchString(rest) {
			match, rest = match[:next[0]], text[at[0]+next[0]:]
		}
		b.WriteString(text[:at[0]])
		b.WriteString(redactWholeKey(match))
		text = rest
	}
}

// redactWholeKey returns a match of hiddenKey, redacted if it is a whole key.
func redactWholeKey(match string) string {
	key := invisible.ReplaceAllString(match, "")
	start := keyStart.FindString(key)
	key = start[:len("raff")] + "_" + key[len(start):]
	if !isWholeKey(key) {
		return match
	}
	return key[:KeyPrefixLength] + "…" + redacted
}

// isWholeKey reports whether text is a whole key rather than a name: its secret part is
// long, and contains a digit unless it is very long.
func isWholeKey(text string) bool {
	m := keyInName.FindStringSubmatch(text)
	return m != nil && len(m[2]) >= 12 && (len(m[2]) >= 30 || strings.ContainsAny(m[2], "0123456789"))
}

// publicPrefix returns what may be shown of text, a key's prefix as the API shows it:
// 13 characters from "raff_" on. It is "" if a longer text does not show where the
// prefix begins, because a wrong prefix would be taken for that of another key.
func publicPrefix(text string) string {
	starts := prefixStart.FindAllStringIndex(text, -1)
	switch {
	case len(starts) == 1:
		text = text[starts[0][0]:]
	case utf8.RuneCountInString(text) > KeyPrefixLength && !lettersAndDigits.MatchString(text):
		return ""
	}
	return truncate(text, KeyPrefixLength, "")
}

var (
	prefixStart      = regexp.MustCompile(`(?i)raff_`)
	lettersAndDigits = regexp.MustCompile(`^[0-9A-Za-z]+$`)
)

func isKeyByte(b byte) bool {
	return b == '_' || b == '-' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
