// Package confedit edits one entry of another program's configuration file and leaves
// every other byte as it is: comments, order, trailing commas, indentation, line endings,
// a byte order mark.
//
// A [Syntax] edits text. A [File] reads it and replaces it atomically, with a backup, and
// only if nobody changed it meanwhile:
//
//	f, err := confedit.ReadFile(path)
//	…
//	text, err := confedit.JSONC().Set(f.Text, []string{"servers"}, "raff", entry)
//	if err != nil {
//		return f.Fault(err)
//	}
//	backup, err := f.Write(text)
package confedit

import (
	"fmt"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// A Syntax reads and edits the text of a configuration file. The section is the path of
// the object or table that contains the entry.
//
// A result is checked before it is returned: it parses, it contains the entry as
// requested, and everything else in it is unchanged. All errors are of type [*Error]. None
// of them quotes a value of the file, because it may be a secret.
type Syntax interface {
	// Entry returns the value of an entry and reports whether it exists. The types are
	// map[string]any, []any, string, bool and nil, json.Number for a number in JSON, and
	// those of go-toml for numbers and times in TOML.
	Entry(text []byte, section []string, name string) (value any, ok bool, err error)

	// Set returns text in which the entry has this value, or text itself if it has it
	// already, whatever the order of the fields. A missing section is created. An empty
	// text becomes a file that contains only the entry.
	Set(text []byte, section []string, name string, value Object) ([]byte, error)

	// Remove returns text without the entry, or text itself if there is none. What Set
	// added, Remove takes away.
	//
	// In JSON, a section that becomes empty goes too if it is the last of several members,
	// where Set creates one. Any other remains as {}.
	Remove(text []byte, section []string, name string) ([]byte, error)

	// Format returns a file that contains only the entry, to print it.
	Format(section []string, name string, value Object) []byte
}

// An Object is the value of an entry: a list of fields in the order in which they are
// written.
type Object []Field

// A Field is a member of an [Object]. Its value is a string, a bool, a []string or an
// Object.
type Field struct {
	Name  string
	Value any
}

// JSON returns the syntax of files that must not contain comments or trailing commas.
func JSON() Syntax { return jsonSyntax{} }

// JSONC returns the syntax of JSON files in which comments and trailing commas are allowed.
func JSONC() Syntax { return jsonSyntax{comments: true} }

// TOML returns the syntax of TOML files.
func TOML() Syntax { return tomlSyntax{} }

// An Error says why a text was not read or edited, and what to do.
type Error struct {
	Line, Column int    // where, counted from 1; 0 if unknown
	Problem, Fix string // sentences without a full stop

	cause error
}

// Unwrap returns the error of the operating system, if there is one.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf(" (line %d, column %d)", e.Line, e.Column)
	}
	return e.Problem + where + ". " + e.Fix + "."
}

const (
	fixSyntax = "Correct it there, and try again"
	fixByHand = "Make the change by hand"
)

// errInconsistent is returned instead of a result that changes more than it should.
var errInconsistent = &Error{Problem: "a trial edit changed more than the entry, or did not result in a valid file", Fix: fixByHand}

// at returns e with the position of an offset in text.
func (e *Error) at(text []byte, offset int) *Error {
	before := string(text[:min(max(offset, 0), len(text))])
	e.Line = 1 + strings.Count(before, "\n")
	e.Column = len(before) - strings.LastIndexByte(before, '\n')
	return e
}

// quotePath names a section or an entry for a person.
func quotePath(path ...string) string {
	return `"` + printable.String(strings.Join(path, ".")) + `"`
}

// bom is the byte order mark that some editors on Windows put first in a file.
const bom = "\ufeff"

// splitBOM separates the byte order mark, if there is one, from the text.
func splitBOM(text []byte) (mark, rest []byte) {
	if n := len(bom); len(text) >= n && string(text[:n]) == bom {
		return text[:n:n], text[n:]
	}
	return nil, text
}
