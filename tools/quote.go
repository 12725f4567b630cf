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
	maxOwn     = 500 // an error of this machine, which may contain paths
)

// quoted returns text in quotes and on one line, cut to the length of a name;
// "unknown" if there is none.
func quoted(text string) string { return quoteAtMost(text, maxName) }

// quoteAtMost returns text in quotes and on one line, cut to at most that many
// characters as they are written.
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

// idText returns an ID as it is if it is a UUID, quoted if not.
func idText(id string) string {
	if raffclient.IsUUID(id) {
		return id
	}
	return quoteAtMost(id, maxShort)
}

// prefixText returns the prefix of a key as it is if it is one, quoted if not.
func prefixText(prefix string) string {
	if raffclient.IsKeyPrefix(prefix) {
		return prefix
	}
	return quoteAtMost(prefix, maxShort)
}

// timeText returns a time as it is if it is one, quoted if not.
func timeText(t raffclient.Timestamp) string {
	if _, ok := t.Time(); ok && len(t) <= maxShort {
		return string(t)
	}
	return quoteAtMost(string(t), maxShort)
}

// callText writes a call of a tool for a model to repeat: names and values in turn,
// as JSON. A value that is too long to be one is left for the model to look up.
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

// oneLine returns text of this machine, such as an error of the file system, on one line,
// without control characters and at most maxOwn characters long.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(raffclient.RedactKeys(text), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > maxOwn {
		text = string(runes[:maxOwn]) + "…"
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
