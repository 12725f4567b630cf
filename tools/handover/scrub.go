package handover

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// keyLike matches what looks like a Raff key; its prefix is public.
var keyLike = regexp.MustCompile(`(raff_[0-9A-Za-z_-]{8})[0-9A-Za-z_-]+`)

const (
	// fragment is the length from which on a piece of the secret is one.
	fragment = 8
	maxQuote = 300 // characters
)

// scrub makes a command's words fit to be quoted: one line, printable, the end of
// it if it is long, and nothing of the secret that is longer than a few characters,
// as it is or in hex or base64.
func scrub(text string, v value) string {
	for _, form := range forms(string(v)) {
		text = withoutPieces(text, form)
		if scattered(text, form) {
			return redacted
		}
	}
	text = keyLike.ReplaceAllString(text, "${1}…"+redacted)
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r)
	}), " ")
	if runes := []rune(text); len(runes) > maxQuote {
		text = "…" + string(runes[len(runes)-maxQuote:])
	}
	return text
}

// forms returns the ways in which a secret is commonly written. In base64 there
// are three, depending on what stands before it; their ends depend on what stands
// there too, and are too short to matter.
func forms(secret string) []string {
	list := []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for skip := range min(3, len(secret)) {
		list = append(list,
			base64.RawStdEncoding.EncodeToString([]byte(secret[skip:])),
			base64.RawURLEncoding.EncodeToString([]byte(secret[skip:])))
	}
	return list
}

// scattered reports whether secret stands in text with other characters in between,
// forwards or backwards, as in lines of a few characters each.
func scattered(text, secret string) bool {
	compact := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
	reversed := []byte(compact)
	slices.Reverse(reversed)
	const size = fragment + fragment/2
	for _, s := range []string{compact, string(reversed)} {
		for i := 0; i+size <= len(s); i++ {
			if strings.Contains(secret, s[i:i+size]) {
				return true
			}
		}
	}
	return false
}

// withoutPieces redacts every piece of secret in text.
func withoutPieces(text, secret string) string {
	if secret == "" {
		return text
	}
	size := min(fragment, len(secret))
	hidden := make([]bool, len(text))
	for i := 0; i+size <= len(text); i++ {
		if strings.Contains(secret, text[i:i+size]) {
			for j := range size {
				hidden[i+j] = true
			}
		}
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(redacted)
		}
	}
	return b.String()
}
