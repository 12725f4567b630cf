package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	orderedmap "github.com/pb33f/ordered-map/v2"

	"github.com/rafftechnologies/raff-mcp/tools"
)

// The widths, in characters, to which text is wrapped.
const (
	textWidth   = 90
	columnWidth = 52
)

// describe prints, for a person, what a tool does, its arguments and an example.
func describe(w io.Writer, t tools.Tool) error {
	definition := t.Definition()
	var input struct {
		Properties *orderedmap.OrderedMap[string, argument]
		Required   []string
	}
	if err := json.Unmarshal(definition.RawInputSchema, &input); err != nil {
		return fmt.Errorf("%s: its input schema cannot be read: %w", t.Name, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (%s)\n\n", t.Name, t.Title, t.Effect)
	for _, line := range wrap(definition.Description, textWidth) {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintln(&b)
	if input.Properties == nil || input.Properties.Len() == 0 {
		fmt.Fprintln(&b, "It takes no arguments.")
	} else {
		printArguments(&b, input.Properties, input.Required)
	}
	fmt.Fprintf(&b, "\nExample, in the sandbox:\n  raff-mcp call --sandbox %s %s\n", t.Name, shellQuote(t.Example()))
	_, err := io.WriteString(w, b.String())
	return err
}

func printArguments(out io.Writer, arguments *orderedmap.OrderedMap[string, argument], required []string) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ARGUMENT\tTYPE\tDEFAULT\tDESCRIPTION")
	for pair := arguments.Oldest(); pair != nil; pair = pair.Next() {
		name, a := pair.Key, pair.Value
		types, lines := wrap(a.typeText(), columnWidth/2), wrap(a.Description, columnWidth)
		for i := range max(len(types), len(lines)) {
			first, second := "", ""
			if i == 0 {
				first, second = name, a.defaultText(required, name)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", first, at(types, i), second, at(lines, i))
		}
	}
	_ = w.Flush() // table accepts everything
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
}

// at returns element i of lines, or "" if there is none.
func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// wrap splits text into lines of at most width characters, if its words are not longer.
// There is at least one line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len([]rune(*last))+1+len([]rune(word)) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

// shellQuote quotes text for shells that know single quotes.
func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// An argument is a property of a tool's input schema, as far as it is shown.
type argument struct {
	Type        any // the name of a type, or a list of names
	Format      string
	Enum        []json.RawMessage
	Default     json.RawMessage
	Pattern     string
	Minimum     *json.Number
	Maximum     *json.Number
	MinLength   *json.Number
	MaxLength   *json.Number
	MinItems    *json.Number
	MaxItems    *json.Number
	Items       *argument
	Description string
}

// typeText returns the type and its constraints: "text, 1 to 128 characters".
func (a argument) typeText() string {
	parts := []string{a.typeName()}
	for _, limit := range []string{
		limits(a.Minimum, a.Maximum, ""),
		limits(a.MinLength, a.MaxLength, " characters"),
		limits(a.MinItems, a.MaxItems, " items"),
	} {
		if limit != "" {
			parts = append(parts, limit)
		}
	}
	if a.Pattern != "" {
		parts = append(parts, "matching "+a.Pattern)
	}
	return strings.Join(parts, ", ")
}

func (a argument) typeName() string {
	if len(a.Enum) > 0 {
		var values []string
		for _, v := range a.Enum {
			values = append(values, plain(v))
		}
		return strings.Join(values, " or ")
	}
	if names, ok := a.Type.([]any); ok {
		var types []string
		for _, name := range names {
			types = append(types, a.nameOf(name))
		}
		return strings.Join(types, " or ")
	}
	return a.nameOf(a.Type)
}

// nameOf returns what a person calls the type.
func (a argument) nameOf(name any) string {
	formats := map[string]string{"uuid": "UUID", "email": "e-mail address", "date-time": "date and time"}
	switch {
	case name == "string" && a.Format != "":
		return cmp.Or(formats[a.Format], a.Format)
	case name == "string":
		return "text"
	case name == "boolean":
		return "true or false"
	case name == "array" && a.Items != nil:
		return "list of " + a.Items.typeText()
	}
	return fmt.Sprint(name)
}

// limits returns the range of a number: "1 to 200". It omits that text is not empty,
// which is expected.
func limits(low, high *json.Number, unit string) string {
	switch {
	case low != nil && high != nil:
		return low.String() + " to " + high.String() + unit
	case high != nil:
		return "at most " + high.String() + unit
	case low == nil || unit == " characters" && low.String() == "1":
		return ""
	case unit == " items" && low.String() == "1":
		return "at least one"
	}
	return "at least " + low.String() + unit
}

func (a argument) defaultText(required []string, name string) string {
	if slices.Contains(required, name) {
		return "required"
	}
	if a.Default != nil {
		return plain(a.Default)
	}
	return "optional"
}

// plain returns a JSON value, text without its quotes.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
