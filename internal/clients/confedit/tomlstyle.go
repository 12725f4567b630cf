package confedit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// tomlTable returns the text of a table with its header, without the last line ending.
func tomlTable(path []string, value Object, eol string) string {
	return "[" + tomlKey(path) + "]" + tomlBody(path, value, eol)
}

// tomlBody returns the text of a table behind its header: keys first, then tables, each
// with a line ending before it.
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
	if len(lines) == 0 {
		return ""
	}
	return eol + strings.Join(lines, eol)
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

// isBareKey reports whether a key needs no quotes.
func isBareKey(key string) bool {
	const bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool { return !strings.ContainsRune(bare, r) })
}

func tomlKey(path []string) string {
	var keys []string
	for _, key := range path {
		if !isBareKey(key) {
			key = tomlBasicString(key)
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, ".")
}

func tomlString(s string) string {
	// A path on Windows is easier to read without escapes.
	quotes := func(r rune) bool { return r == '\'' || !unicode.IsPrint(r) }
	if strings.Contains(s, `\`) && !strings.ContainsFunc(s, quotes) {
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
