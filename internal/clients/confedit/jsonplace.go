package confedit

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// A jsonPlace is where a path leads in a document.
type jsonPlace struct {
	members []jsonMember  // along the path, as far as they exist
	missing []string      // the rest of the path
	value   *hujson.Value // of the last member, or the root
}

// A jsonMember is a member of an object.
type jsonMember struct {
	object *hujson.Value // the object
	fields []hujson.ObjectMember
	index  int
}

func (m jsonMember) sole() bool { return len(m.fields) == 1 }
func (m jsonMember) last() bool { return m.index == len(m.fields)-1 }

// trailingComma reports whether a comma follows the last member.
func trailingComma(o *hujson.Object) bool {
	return len(o.Members) > 0 && o.Members[len(o.Members)-1].Value.AfterExtra != nil
}

// find follows a path of names. It returns an error if a name on the path is duplicated,
// of which programs read one or the other, or if what contains the next name is not an
// object. A null counts as an object that is missing.
func (d jsonDocument) find(path []string) (jsonPlace, error) {
	at := jsonPlace{value: d.root, missing: path}
	for i, name := range path {
		if at.value == nil || at.value.Value.Kind() == 'n' {
			return at, nil
		}
		o, ok := at.value.Value.(*hujson.Object)
		if !ok {
			return at, (&Error{Problem: quotePath(path[:i]...) + " is not an object", Fix: fixSyntax}).at(d.text, at.value.StartOffset)
		}
		named := func(m hujson.ObjectMember) bool { return memberName(m) == name }
		index := slices.IndexFunc(o.Members, named)
		if index < 0 {
			return at, nil
		}
		if n := slices.IndexFunc(o.Members[index+1:], named); n >= 0 {
			again := o.Members[index+1+n].Name.StartOffset
			return at, (&Error{Problem: quotePath(path[:i+1]...) + " occurs twice", Fix: "Remove one of them, and try again"}).at(d.text, again)
		}
		at.members = append(at.members, jsonMember{at.value, o.Members, index})
		at.value, at.missing = &o.Members[index].Value, path[i+1:]
	}
	return at, nil
}

// toRemove returns the member to remove, which is the entry or, if it was alone, an object
// around it that Set may have created.
func (at jsonPlace) toRemove() jsonMember {
	entry := len(at.members) - 1
	for i := entry; i > 0 && at.members[i].sole() && !hasComments(at.members[i].object); i-- {
		outer := at.members[i-1]
		if outer.last() && !outer.sole() {
			return outer
		}
		if !outer.sole() {
			break
		}
	}
	return at.members[entry]
}

// hasComments reports whether there are comments in an object of one member, outside of
// that member's value.
func hasComments(object *hujson.Value) bool {
	o := object.Value.(*hujson.Object)
	m := o.Members[0]
	for _, extra := range []hujson.Extra{m.Name.BeforeExtra, m.Name.AfterExtra, m.Value.BeforeExtra, m.Value.AfterExtra, o.AfterExtra} {
		if !extra.IsStandard() {
			return true
		}
	}
	return false
}

// set returns the edit that gives a place this value.
func (d jsonDocument) set(at jsonPlace, value Object) []splice {
	style := newJSONStyle(d)
	if d.root == nil {
		end := len(d.text)
		start := ""
		if end > 0 && d.text[end-1] != '\n' {
			start = style.eol
		}
		return []splice{{end, end, start + string(style.file(wrap(at.missing, value)))}}
	}
	if len(at.missing) > 0 && at.value.Value.Kind() == '{' {
		return d.insert(at.value, style, wrap(at.missing, value)[0])
	}
	if len(at.missing) > 0 { // null
		value = wrap(at.missing, value)
	}
	within := at.members[len(at.members)-1]
	if name := within.fields[within.index].Name; !startsLine(d.text, name.StartOffset) {
		style = style.compact(within.fields)
	}
	text := style.value(value, lineIndent(d.text, at.value.StartOffset))
	return []splice{{at.value.StartOffset, at.value.EndOffset, text}}
}

// insert returns the edit that adds a member behind the others of an object.
func (d jsonDocument) insert(object *hujson.Value, style jsonStyle, f Field) []splice {
	o := object.Value.(*hujson.Object)
	closing := object.EndOffset - 1
	inside := d.text[object.StartOffset+1 : closing]
	end := object.StartOffset + 1 + len(bytes.TrimRight(inside, " \t\r\n")) // of what is there
	empty, comma := len(o.Members) == 0, trailingComma(o)

	var splices []splice
	if !empty && !comma {
		last := o.Members[len(o.Members)-1].Value.EndOffset
		splices = append(splices, splice{last, last, ","})
	}
	var text string
	if oneLine := !bytes.ContainsRune(inside, '\n'); oneLine && !empty {
		style = style.compact(o.Members)
		text = style.space + style.member(f, "")
	} else {
		text = style.eol + style.indent(object) + style.member(f, style.indent(object))
	}
	if comma {
		text += ","
	}
	if empty && !bytes.ContainsRune(d.text[end:closing], '\n') {
		text += style.eol + lineIndent(d.text, object.StartOffset)
	}
	return append(splices, splice{end, end, text})
}

// remove returns the edit that removes a member, its lines and its comma.
func (d jsonDocument) remove(m jsonMember) []splice {
	o := m.object.Value.(*hujson.Object)
	field := m.fields[m.index]
	start, end := field.Name.StartOffset, field.Value.EndOffset
	comma := !m.last() || trailingComma(o)
	if comma {
		end += len(field.Value.AfterExtra) + len(",")
	}
	var splices []splice
	if !comma && m.index > 0 {
		previous := m.fields[m.index-1].Value
		at := previous.EndOffset + len(previous.AfterExtra)
		splices = append(splices, splice{start: at, end: at + len(",")})
	}
	start, end = d.removedLines(m, start, end)
	if m.sole() {
		end = d.removedClosing(m.object, start, end)
	}
	// The comma may directly precede the white space before the member.
	return append(splices, splice{start: start, end: end})
}

// removedLines extends the range of a member and its comma to the white space and the
// comments that go with it.
func (d jsonDocument) removedLines(m jsonMember, start, end int) (int, int) {
	blank := func(offset int) int {
		return offset + len(d.text[offset:]) - len(bytes.TrimLeft(d.text[offset:], " \t"))
	}
	ownLine := startsLine(d.text, start)
	if rest := d.commentsEnd(end); ownLine && rest == lineEnd(d.text, rest) {
		return beforeLineEnding(d.text, lineStart(d.text, start)), rest
	}
	next := blank(end)
	commented := !m.fields[m.index].Name.BeforeExtra.IsStandard()
	switch closes := next == m.object.EndOffset-1; {
	case ownLine && closes && !commented:
		return beforeLineEnding(d.text, lineStart(d.text, start)), end
	case ownLine && !closes:
		return start, next
	case ownLine:
		return start, end
	}
	trimmed := len(bytes.TrimRight(d.text[:start], " \t"))
	if trimmed == start && !closesOrEnds(d.text, next) {
		return start, next
	}
	return trimmed, end
}

func closesOrEnds(text []byte, offset int) bool {
	return offset == len(text) || strings.ContainsRune("}\r\n", rune(text[offset]))
}

// commentsEnd returns the offset behind the white space and the comments that follow an
// offset on its line and end there.
func (d jsonDocument) commentsEnd(offset int) int {
	eol := lineEnd(d.text, offset)
	for {
		rest := bytes.TrimLeft(d.text[offset:eol], " \t")
		offset = eol - len(rest)
		if bytes.HasPrefix(rest, []byte("//")) {
			return eol
		}
		n := bytes.Index(rest, []byte("*/"))
		if !bytes.HasPrefix(rest, []byte("/*")) || n < len("/*") {
			return offset
		}
		offset += n + len("*/")
	}
}

// removedClosing extends the range of an object's only member to the line ending and the
// indentation before the closing brace, if the object was on one line without the member.
func (d jsonDocument) removedClosing(object *hujson.Value, start, end int) int {
	if bytes.ContainsRune(d.text[object.StartOffset:start], '\n') {
		return end
	}
	next := skipLineEnding(d.text, end)
	if next == end {
		return end
	}
	indent := lineIndent(d.text, object.StartOffset)
	if bytes.HasPrefix(d.text[next:], []byte(indent)) && next+len(indent) < object.EndOffset {
		next += len(indent)
	}
	return next
}
