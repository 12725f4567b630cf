package confedit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// tomlTable returns the text of a table with its header, without the last line ending.
func tomlTable(path []string, value Object, eol string) string {
	return "[" + tomlKey(path) + "]" + eol + tomlBody(path, value, eol)
}

// tomlBody returns the text of a table behind its header: keys first, then tables.
func tomlBody(path []string, value Object, eol string) string {
	var lines []string
	for _, f := range value {
		if _, ok := f.Value.(Object); !ok {
			lines = append(lines, tomlKey([]string{f.Name})+" = "+tomlInline(f.Value))
		}
	}
	for _, f := range value {
		if o, ok := f.Value.(Object); ok {
			if len(lines) > 0 {
				lines = append(lines, "")
			}
			lines = append(lines, tomlTable(append(path[:len(path):len(path)], f.Name), o, eol))
		}
	}
	return strings.Join(lines, eol)
}

// tomlInline returns the text of a value on one line.
func tomlInline(value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case string:
		return tomlString(v)
	case []string:
		var items []string
		for _, item := range v {
			items = append(items, tomlString(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case Object:
		var fields []string
		for _, f := range v {
			fields = append(fields, tomlKey([]string{f.Name})+" = "+tomlInline(f.Value))
		}
		if len(fields) > 0 {
			return "{ " + strings.Join(fields, ", ") + " }"
		}
	}
	return "{}" // the check of the result rejects other types
}

// bareKey matches a key that needs no quotes.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlKey(path []string) string {
	var keys []string
	for _, key := range path {
		if !bareKey.MatchString(key) {
			key = tomlBasicString(key)
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, ".")
}

// literalString matches a string that is better written without escapes: a path on
// Windows.
var literalString = regexp.MustCompile(`^[^\p{C}']*\\[^\p{C}']*$`)

func tomlString(s string) string {
	if literalString.MatchString(s) {
		return "'" + s + "'"
	}
	return tomlBasicString(s)
}

func tomlBasicString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r == '\x7f':
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
