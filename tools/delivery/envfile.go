package delivery

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// An assignment is a line of an env file that sets a variable, or several lines if its
// value is quoted and contains line breaks.
type assignment struct {
	name       string
	start, end int  // of the value, with its quotes and without a comment
	quote      byte // that surrounds the value; 0 if none does
	next       int  // where the next line starts
}

// variableName matches the names of variables.
var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// assigned matches the beginning of an assignment. Names may contain more characters here
// than variableName permits, as the readers of env files accept them.
var assigned = lazyregexp.New(`^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*`)

var byteOrderMark = []byte("\ufeff")

// setVariable returns the text of an env file with the variable set to v. It replaces the
// value wherever the variable is set, so that an old secret does not remain, or else adds a
// line. Every other byte stays as it is.
func setVariable(text []byte, name string, v value) ([]byte, error) {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("it is not a text file")
	}
	var out []byte
	done, found := 0, false
	for pos := len(text) - len(bytes.TrimPrefix(text, byteOrderMark)); pos < len(text); {
		a, ok := parseAssignment(text, pos)
		if !ok {
			pos = nextLine(text, pos)
			continue
		}
		if problem := a.ambiguity(text, name); problem != "" {
			return nil, fmt.Errorf("line %d %s", 1+bytes.Count(text[:a.start], []byte("\n")), problem)
		}
		if a.name == name {
			out = append(append(out, text[done:a.start]...), a.quoted(v)...)
			if a.end < len(text) && text[a.end] == '#' {
				out = append(out, ' ') // or the comment would belong to the value
			}
			done, found = a.end, true
		}
		pos = a.next
	}
	out = append(out, text[done:]...)
	if !found {
		out = appendLine(out, name+"="+shellQuoted(string(v)))
	}
	return out, nil
}

// ambiguity says why it is not certain what the assignment does with the variable, or
// returns "". An old secret could remain, or another variable be lost.
func (a assignment) ambiguity(text []byte, name string) string {
	value := text[a.start:a.end]
	if a.name != name && setsWithin(value, name) {
		return fmt.Sprintf("begins a quoted value that contains a line %s=…: close the quotation mark, or rename one of them", name)
	}
	if a.quote != 0 {
		value = value[quotedLength(value):]
	}
	if a.name == name && bytes.HasSuffix(value, []byte(`\`)) {
		return fmt.Sprintf("continues on the next line: write the value of %s on one line", name)
	}
	for _, word := range bytes.Fields(value) {
		other, _, ok := bytes.Cut(word, []byte("="))
		if ok && (string(other) == name || a.name == name && variableName.MatchString(string(other)) && &word[0] != &value[0]) {
			return fmt.Sprintf("sets several variables: give %s a line of its own", name)
		}
	}
	return ""
}

// parseAssignment parses the assignment at the beginning of the line at pos.
func parseAssignment(text []byte, pos int) (assignment, bool) {
	m := assigned.Get().FindSubmatchIndex(text[pos:])
	if m == nil || bytes.ContainsAny(text[pos:pos+m[1]], "\r\n") {
		return assignment{}, false
	}
	a := assignment{name: string(text[pos+m[2] : pos+m[3]]), start: pos + m[1]}
	rest := text[a.start:]
	if len(rest) > 0 && strings.IndexByte("\"'`", rest[0]) >= 0 {
		if n := quotedLength(rest); n > 0 {
			a.quote = rest[0]
			a.end = a.start + n + plainLength(text, a.start+n) // in a shell, "a"b is one value
			a.next = nextLine(text, a.end)
			return a, true
		}
	}
	a.end = a.start + plainLength(text, a.start)
	a.next = nextLine(text, a.end)
	return a, true
}

// quotedLength returns the length of the quoted value at the beginning of text, with its
// quotes, or 0 if no quote ends it.
func quotedLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] == '"':
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return 0
}

// plainLength returns the length of the value at pos, which ends with the line or before a
// comment. As in a shell, a comment follows white space.
func plainLength(text []byte, pos int) int {
	end := nextLine(text, pos)
	for i := pos; i < end; i++ {
		if text[i] == '#' && i > 0 && (text[i-1] == ' ' || text[i-1] == '\t') {
			end = i
		}
	}
	return len(bytes.TrimRight(text[pos:end], " \t\r\n"))
}

// nextLine returns the position after the line that contains pos.
func nextLine(text []byte, pos int) int {
	if i := bytes.IndexByte(text[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(text)
}

// setsWithin reports whether a line of a value looks as if it set the variable.
func setsWithin(text []byte, name string) bool {
	for pos := nextLine(text, 0); pos < len(text); pos = nextLine(text, pos) {
		if m := assigned.Get().FindSubmatch(text[pos:]); m != nil && string(m[1]) == name {
			return true
		}
	}
	return false
}

// quoted returns v with the quotes that the old value had. Backquotes are not kept: a shell
// that reads the file would run the secret as a command, and print it in an error.
func (a assignment) quoted(v value) string {
	if a.quote != 0 && a.quote != '`' && unquoted.MatchString(string(v)) {
		return string(a.quote) + string(v) + string(a.quote)
	}
	return shellQuoted(string(v))
}

// appendLine appends a line to text, which may be empty. The line ends as the other lines do;
// if the last one has no line break, the new one has none either.
func appendLine(text []byte, line string) []byte {
	lineBreak := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		lineBreak = "\r\n"
	}
	body := bytes.TrimPrefix(text, byteOrderMark)
	if len(body) > 0 && body[len(body)-1] != '\n' {
		return append(text, lineBreak+line...)
	}
	return append(text, line+lineBreak...)
}

// variableValues returns the values that the text sets the variable to, without quotes.
func variableValues(text []byte, name string) (values []string) {
	for pos := len(text) - len(bytes.TrimPrefix(text, byteOrderMark)); pos < len(text); {
		a, ok := parseAssignment(text, pos)
		if !ok {
			pos = nextLine(text, pos)
			continue
		}
		if a.name == name {
			values = append(values, strings.Trim(string(text[a.start:a.end]), "\"'`"))
		}
		pos = a.next
	}
	return values
}
