package clients

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// hidden stands for a value that is not shown.
const hidden = "…"

var (
	// secretName matches names of variables and flags that may have secret values.
	secretName = lazyregexp.New(`(?i)key|token|secret|passw|auth|cred|bearer|private|cert`)
	// reference matches a value that only refers to a variable.
	reference = lazyregexp.New(`^(\$\w+|\$\{[\w:]+\}|\{env:\w+\})$`)
	// flagName matches a flag, or the part of it before its value.
	flagName = lazyregexp.New(`^--?[\w-]+$`)
	// plainArg matches words, names, paths and the like.
	plainArg = lazyregexp.New(`^[\w./\\@,:~+-]*$`)
)

// shownFields are the fields of an entry whose texts are shown.
var shownFields = []string{"type", "command", "cwd"}

// redactEntry returns an entry for a person to read: the values of variables, and other
// texts that may be secret, are hidden.
func redactEntry(value any) any {
	fields, ok := value.(map[string]any)
	if !ok {
		return hidden
	}
	var object confedit.Object
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field := confedit.Field{Name: name, Value: hidden}
		switch value := fields[name].(type) {
		case map[string]any: // variables, headers
			field.Value = redactVariables(value)
		case []any:
			field.Value = redactList(value)
		case bool:
			field.Value = value
		case string:
			if slices.Contains(shownFields, name) {
				field.Value = value
			}
		}
		object = append(object, field)
	}
	return object
}

func redactVariables(variables map[string]any) (object confedit.Object) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := hidden
		if text, ok := variables[name].(string); ok && reference.MatchString(text) {
			value = text
		}
		object = append(object, confedit.Field{Name: name, Value: value})
	}
	return object
}

// redactList returns a list of arguments, or of names.
func redactList(values []any) []string {
	list, previous := []string{}, ""
	for _, value := range values {
		arg, ok := value.(string)
		if !ok {
			arg = hidden
		}
		list = append(list, redactArg(previous, arg))
		previous = arg
	}
	return list
}

// redactArg hides an argument, or the value of a flag, that may be secret: because of the
// name of the flag, or because it does not look like a word or a path.
func redactArg(previous, arg string) string {
	name, value, assigned := strings.Cut(arg, "=")
	switch {
	case assigned && flagName.MatchString(name):
		return name + "=" + redactArg(name, value)
	case strings.HasPrefix(previous, "-") && secretName.MatchString(previous) || !isPlain(arg):
		return hidden
	}
	return arg
}

// maxPlainWord is how long a word with digits may be that is not taken for a secret.
const maxPlainWord = 15

// isPlain reports whether an argument consists of words that look like no secret.
func isPlain(arg string) bool {
	if !plainArg.MatchString(arg) || strings.Contains(arg, "://") {
		return false
	}
	isSeparator := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, word := range strings.FieldsFunc(arg, isSeparator) {
		if len(word) > maxPlainWord && strings.ContainsAny(word, "0123456789") {
			return false
		}
	}
	return true
}

// Diff returns the difference that the plan makes as a unified diff. It hides every text
// that is not part of this entry, because it may be secret.
func (p *Plan) Diff() string {
	old := p.Path
	if !p.file.Exists {
		old = "/dev/null"
	}
	own := append(ownStrings(p.entry), ownStrings(redactEntry(p.existing))...)
	var out strings.Builder
	// The first line, "diff old new", is not part of the format.
	for line := range strings.Lines(string(diff.Diff(old, p.file.Text, p.Path, p.text))) {
		switch {
		case strings.HasPrefix(line, "diff "):
			continue
		case strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ ") || strings.HasPrefix(line, "@@"):
		default:
			line = line[:1] + redactLine(strings.TrimRight(line[1:], "\r\n"), own) + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// ownStrings returns the texts in an entry of this program.
func ownStrings(value any) (list []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []string:
		return value
	case confedit.Object:
		for _, field := range value {
			list = append(list, ownStrings(field.Value)...)
		}
	}
	return list
}

var (
	// quoted matches a text in quotes, and what makes it a name.
	quoted = lazyregexp.New(`("(?:[^"\\]|\\.)*"|'[^']*')(\s*[:=])?`)
	// plain matches a line of JSON or TOML in which an ellipsis stands for each text, and
	// that contains nothing else that a user wrote: no comment, no part of a longer text.
	plain = lazyregexp.New(`^(?:[\s{}\[\],:=…]|[\w.-]+\s*=|\b(?:true|false|null|[0-9.]+)\b)*$|^\s*\[+[\w.\-…]+\]+\s*$|^ No newline at end of file$`)
)

// redactLine hides the texts in quotes that are neither names nor in own. It hides the
// whole line if that would not be enough.
func redactLine(line string, own []string) string {
	if !plain.MatchString(quoted.Get().ReplaceAllString(line, "…$2")) {
		return hidden
	}
	return quoted.Get().ReplaceAllStringFunc(line, func(match string) string {
		text := strings.TrimRight(match, " \t:=")
		if text != match || slices.Contains(own, unescape(text)) {
			return match
		}
		return `"` + hidden + `"`
	})
}

// unescape returns the text that is in quotes in JSON or TOML.
func unescape(text string) (plain string) {
	if json.Unmarshal([]byte(text), &plain) != nil {
		return strings.Trim(text, "'")
	}
	return plain
}
