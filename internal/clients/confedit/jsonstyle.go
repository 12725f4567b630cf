package confedit

import (
	"strings"

	"github.com/tailscale/hujson"
)

// A jsonStyle is how new values are written: as the rest of the file is.
type jsonStyle struct {
	text    []byte
	eol     string
	unit    string // of indentation
	oneLine bool
	colon   string
	space   string // behind a comma, on one line
}

// newJSONStyle detects the style of a document. Without an example it is two spaces and a
// line feed.
func newJSONStyle(d jsonDocument) jsonStyle {
	return jsonStyle{text: d.text, eol: lineEnding(d.text), unit: d.indentUnit(), colon: ": ", space: " "}
}

// indentUnit returns by how much the document's first member on a line of its own is
// indented more than the object around it.
func (d jsonDocument) indentUnit() string {
	const standard = "  "
	if d.root == nil {
		return standard
	}
	for v := range d.root.All() {
		o, ok := v.Value.(*hujson.Object)
		if !ok || len(o.Members) == 0 || !startsLine(d.text, o.Members[0].Name.StartOffset) {
			continue
		}
		outer, inner := lineIndent(d.text, v.StartOffset), lineIndent(d.text, o.Members[0].Name.StartOffset)
		if unit, ok := strings.CutPrefix(inner, outer); ok && unit != "" {
			return unit
		}
	}
	return standard
}

// indent returns the indentation of an object's members.
func (s jsonStyle) indent(object *hujson.Value) string {
	for _, m := range object.Value.(*hujson.Object).Members {
		if startsLine(s.text, m.Name.StartOffset) {
			return lineIndent(s.text, m.Name.StartOffset)
		}
	}
	return lineIndent(s.text, object.StartOffset) + s.unit
}

// compact returns the style of values on one line, with spaces if the members of the
// object have them.
func (s jsonStyle) compact(members []hujson.ObjectMember) jsonStyle {
	s.oneLine = true
	if len(members[0].Value.BeforeExtra) == 0 {
		s.colon, s.space = ":", ""
	}
	if len(members) > 1 && len(members[1].Name.BeforeExtra) > 0 {
		s.space = " "
	}
	return s
}

// file returns a file that contains only this value.
func (s jsonStyle) file(value Object) []byte {
	return []byte(s.value(value, "") + s.eol)
}

// member returns the text of a member, whose first line is already indented.
func (s jsonStyle) member(f Field, indent string) string {
	return string(hujson.String(f.Name)) + s.colon + s.value(f.Value, indent)
}

// value returns the text of a value in a line with this indentation.
func (s jsonStyle) value(value any, indent string) string {
	switch v := value.(type) {
	case bool:
		return string(hujson.Bool(v))
	case string:
		return string(hujson.String(v))
	case []string:
		var items []string
		for _, item := range v {
			items = append(items, string(hujson.String(item)))
		}
		return "[" + strings.Join(items, ","+s.space) + "]"
	case Object:
		return s.object(v, indent)
	}
	return "null" // which the check of the result rejects
}

func (s jsonStyle) object(o Object, indent string) string {
	inner := s.eol + indent + s.unit
	outer := s.eol + indent
	separator := "," + inner
	switch {
	case len(o) == 0:
		return "{}"
	case s.oneLine:
		inner, outer, separator = "", "", ","+s.space
	}
	var members []string
	for _, f := range o {
		members = append(members, s.member(f, indent+s.unit))
	}
	return "{" + inner + strings.Join(members, separator) + outer + "}"
}
