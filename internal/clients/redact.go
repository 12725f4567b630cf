package clients

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// hidden stands for a value that is not shown.
const hidden = "…"

var (
	// secretName matches names of variables and flags that may have secret values.
	secretName = regexp.MustCompile(`(?i)key|token|secret|passw|auth|cred|bearer|private|cert`)
	// reference matches a value that only refers to a variable.
	reference = regexp.MustCompile(`^(\$\w+|\$\{[\w:]+\}|\{env:\w+\})$`)
	// keyText matches what may be a key.
	keyText = regexp.MustCompile(`raff_\w+`)
)

// redactEntry returns an entry for a person to read: variables and other values that may be
// secret are hidden.
func redactEntry(value any) any {
	fields, ok := value.(map[string]any)
	if !ok {
		return redactValue(value)
	}
	var object confedit.Object
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field := confedit.Field{Name: name, Value: redactEntry(fields[name])}
		switch inner := fields[name].(type) {
		case map[string]any: // variables, headers
			field.Value = redactVariables(inner)
		case string:
			if secretName.MatchString(name) {
				field.Value = hidden
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

func redactValue(value any) any {
	switch value := value.(type) {
	case bool:
		return value
	case string:
		return redactArg("", value)
	case []any:
		list, previous := []string{}, ""
		for _, element := range value {
			text := fmt.Sprint(element)
			list = append(list, redactArg(previous, text))
			previous = text
		}
		return list
	default:
		return fmt.Sprint(value)
	}
}

// redactArg hides the value of a flag whose name sounds secret, and keys.
func redactArg(previous, arg string) string {
	name, _, assigned := strings.Cut(arg, "=")
	switch {
	case assigned && secretName.MatchString(name):
		return name + "=" + hidden
	case strings.HasPrefix(previous, "-") && !strings.Contains(previous, "=") && secretName.MatchString(previous):
		return hidden
	}
	return keyText.ReplaceAllString(arg, hidden)
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
	quoted = regexp.MustCompile(`("(?:[^"\\]|\\.)*"|'[^']*')(\s*[:=])?`)
	// plain matches a line of JSON or TOML in which an ellipsis stands for each text, and
	// that contains nothing else that a user wrote: no comment, no part of a longer text.
	plain = regexp.MustCompile(`^(?:[\s{}\[\],:=…]|[\w.-]+\s*=|\b(?:true|false|null|[0-9.]+)\b)*$|^\s*\[+[\w.\-…]+\]+\s*$|^ No newline at end of file$`)
)

// redactLine hides the texts in quotes that are neither names nor in own. It hides the
// whole line if that would not be enough.
func redactLine(line string, own []string) string {
	if !plain.MatchString(quoted.ReplaceAllString(line, "…$2")) {
		return hidden
	}
	return quoted.ReplaceAllStringFunc(line, func(match string) string {
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
