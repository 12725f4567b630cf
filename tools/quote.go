package tools

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Strings from the API are untrusted: a name may contain instructions for the model,
// control characters or 100 kB of text. In prose they are always quoted, or validated,
// with the functions below.

// Limits in characters, on the quoted text.
const (
	maxName    = 130 // a name has at most 128 characters
	maxMessage = 200
	maxShort   = 40  // an invalid ID, time or prefix
	maxLocal   = 500 // a local error, which may contain paths
)

// quoted returns text in quotes and on one line, truncated to the length of a name, or
// "unknown" if text is empty.
func quoted(text string) string { return quoteAtMost(text, maxName) }

// quoteAtMost is like quoted, but truncates text to most characters, counted after
// escaping.
func quoteAtMost(text string, most int) string {
	if text == "" {
		return "unknown"
	}
	var b strings.Builder
	for _, r := range raffclient.RedactKeys(text) {
		escaped := strconv.Quote(string(r))
		escaped = escaped[1 : len(escaped)-1]
		if most -= utf8.RuneCountInString(escaped); most < 0 {
			b.WriteString("…")
			break
		}
		b.WriteString(escaped)
	}
	return `"` + b.String() + `"`
}

// labeled returns noun with its quoted name, if it has one.
func labeled(noun, name string) string {
	if name == "" {
		return noun
	}
	return noun + " " + quoted(name)
}

// idText returns id unchanged if it is a UUID, or else quoted.
func idText(id string) string {
	if raffclient.IsUUID(id) {
		return id
	}
	return quoteAtMost(id, maxShort)
}

// prefixText returns prefix unchanged if it is the prefix of a key, or else quoted.
func prefixText(prefix string) string {
	if raffclient.IsKeyPrefix(prefix) {
		return prefix
	}
	return quoteAtMost(prefix, maxShort)
}

// timeText returns t unchanged if it is a time, or else quoted.
func timeText(t raffclient.Timestamp) string {
	if _, ok := t.Time(); ok && len(t) <= maxShort {
		return string(t)
	}
	return quoteAtMost(string(t), maxShort)
}

// callText returns a tool call for a model to copy. pairs are alternating names and values
// of its arguments. A value that is too long is omitted; the model must look it up.
func callText(tool string, pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		value := pairs[i+1]
		if utf8.RuneCountInString(value) > 300 {
			value = "…"
		}
		text, _ := json.Marshal(value) // a string always has a JSON form
		fmt.Fprintf(&b, ",%q:%s", pairs[i], escapeInvisible(text))
	}
	return tool + " {" + strings.TrimPrefix(b.String(), ",") + "}"
}

// escapeInvisible escapes invisible characters in JSON, such as those that control a terminal
// or the direction of text. The value stays the same.
func escapeInvisible(text []byte) []byte {
	visible := func(r rune) bool { return r == utf8.RuneError || unicode.IsPrint(r) }
	if strings.IndexFunc(string(text), func(r rune) bool { return !visible(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case visible(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String())
}

// oneLine returns local text, such as an error of the file system, on one line, without
// control characters and with at most maxLocal characters.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(raffclient.RedactKeys(text), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > maxLocal {
		text = string(runes[:maxLocal]) + "…"
	}
	return text
}

// capitalized returns clause with an upper-case first letter.
func capitalized(clause string) string {
	if clause == "" {
		return ""
	}
	return strings.ToUpper(clause[:1]) + clause[1:]
}
