package confedit

import (
	"bytes"
	"errors"

	"github.com/pelletier/go-toml/v2"
)

// tomlSyntax edits TOML. go-toml provides the place of every expression; the edits are
// splices of the text.
type tomlSyntax struct{}

func (s tomlSyntax) Entry(text []byte, section []string, name string) (any, bool, error) {
	d, err := parseTOML(text)
	if err != nil {
		return nil, false, err
	}
	return d.entry(section, name)
}

func (s tomlSyntax) Set(text []byte, section []string, name string, value Object) ([]byte, error) {
	d, err := parseTOML(text)
	if err != nil {
		return nil, err
	}
	old, ok, err := d.entry(section, name)
	if err != nil {
		return nil, err
	}
	if ok && same(old, value) {
		return text, nil
	}
	path := append(section[:len(section):len(section)], name)
	splices, err := d.set(path, value)
	if err != nil {
		return nil, err
	}
	return s.finish(d, splices, section, name, value)
}

func (s tomlSyntax) Remove(text []byte, section []string, name string) ([]byte, error) {
	d, err := parseTOML(text)
	if err != nil {
		return nil, err
	}
	if _, ok, err := d.entry(section, name); err != nil || !ok {
		return text, err
	}
	splices, err := d.remove(append(section[:len(section):len(section)], name))
	if err != nil {
		return nil, err
	}
	return s.finish(d, splices, section, name, nil)
}

func (s tomlSyntax) Format(section []string, name string, value Object) []byte {
	return []byte(tomlTable(append(section[:len(section):len(section)], name), value, "\n") + "\n")
}

// finish makes the edit and checks the result.
func (s tomlSyntax) finish(before tomlDocument, splices []splice, section []string, name string, value Object) ([]byte, error) {
	text := append(before.mark[:len(before.mark):len(before.mark)], applySplices(before.text, splices)...)
	after, err := parseTOML(text)
	if err != nil {
		return nil, errInconsistent
	}
	got, ok, err := after.entry(section, name)
	if err != nil || ok != (value != nil) || ok && !same(got, value) {
		return nil, errInconsistent
	}
	path := append(section[:len(section):len(section)], name)
	rest, err := before.without(path)
	if err != nil {
		return nil, errInconsistent
	}
	if kept, err := after.without(path); err != nil || !bytes.Equal(rest, kept) {
		return nil, errInconsistent
	}
	return text, nil
}

// A tomlDocument is a parsed text.
type tomlDocument struct {
	mark        []byte // the byte order mark
	text        []byte // the rest
	expressions []tomlExpression
}

func parseTOML(text []byte) (tomlDocument, error) {
	d := tomlDocument{}
	d.mark, d.text = splitBOM(text)
	if _, err := d.decode(); err != nil {
		e := &Error{Problem: "it is not valid TOML", Fix: fixSyntax}
		if where, ok := errors.AsType[*toml.DecodeError](err); ok {
			e.Line, e.Column = where.Position()
		}
		return d, e
	}
	var ok bool
	if d.expressions, ok = scanTOML(d.text); !ok {
		return d, &Error{Problem: "it is not valid TOML", Fix: fixSyntax}
	}
	return d, nil
}

func (d tomlDocument) decode() (map[string]any, error) {
	values := map[string]any{}
	return values, toml.Unmarshal(d.text, &values)
}

func (d tomlDocument) entry(section []string, name string) (any, bool, error) {
	table, err := d.decode()
	if err != nil {
		return nil, false, err
	}
	for i, key := range section {
		v, ok := table[key]
		if !ok {
			return nil, false, nil
		}
		if table, ok = v.(map[string]any); !ok {
			return nil, false, &Error{Problem: quotePath(section[:i+1]...) + " is not a table", Fix: fixSyntax}
		}
	}
	v, ok := table[name]
	return v, ok, nil
}

// without returns the document's values, in a form that can be compared, without what is
// at a path and without the tables along the path that are then empty.
func (d tomlDocument) without(path []string) ([]byte, error) {
	values, err := d.decode()
	if err != nil {
		return nil, err
	}
	withoutKey(values, path)
	return toml.Marshal(values)
}

func withoutKey(table map[string]any, path []string) {
	if len(path) == 1 {
		delete(table, path[0])
		return
	}
	if inner, ok := table[path[0]].(map[string]any); ok {
		withoutKey(inner, path[1:])
		if len(inner) == 0 {
			delete(table, path[0])
		}
	}
}

// set returns the edit that gives the entry at a path this value.
func (d tomlDocument) set(path []string, value Object) ([]splice, error) {
	eol := lineEnding(d.text)
	groups := d.groups(path)
	if len(groups) == 0 {
		if err := d.checkTables(path, value); err != nil {
			return nil, err
		}
		return []splice{d.add(tomlTable(path, value, eol), eol)}, nil
	}
	splices := d.removeGroups(groups[1:])
	return append([]splice{d.replace(groups[0], path, value, eol)}, splices...), nil
}

// add returns the edit that adds a table at the end, before the last line ending, so that
// a text without one remains so.
func (d tomlDocument) add(table, eol string) splice {
	if len(d.text) == 0 {
		return splice{with: table + eol}
	}
	end := beforeLineEnding(d.text, len(d.text))
	return splice{end, end, eol + eol + table}
}

// replace returns the edit that writes another value in place of a group.
func (d tomlDocument) replace(g tomlGroup, path []string, value Object, eol string) splice {
	first, last := g[0], g[len(g)-1]
	end := lineEnd(d.text, last.end)
	if first.pair() {
		if len(g) == 1 {
			end = last.end // keep a comment behind it
		}
		key := string(d.text[first.start:first.keyEnds[len(path)-first.tableDepth-1]])
		return splice{first.start, end, key + " = " + tomlInline(value)}
	}
	if first.table && len(first.path) == len(path) { // keep the header as it is written
		return splice{lineEnd(d.text, first.end), end, eol + tomlBody(path, value, eol)}
	}
	return splice{first.start, end, tomlTable(path, value, eol)}
}

// remove returns the edit that removes the entry at a path.
func (d tomlDocument) remove(path []string) ([]splice, error) {
	groups := d.groups(path)
	if len(groups) == 0 {
		return nil, d.checkTables(path, nil)
	}
	return d.removeGroups(groups), nil
}

// removeGroups returns the edits that remove groups with their lines. A table's blank line
// goes with it.
func (d tomlDocument) removeGroups(groups []tomlGroup) []splice {
	var splices []splice
	for _, g := range groups {
		start, end := lineStart(d.text, g[0].start), lineEnd(d.text, g[len(g)-1].end)
		lines := 1
		if !g[0].pair() {
			lines = 2
		}
		atStart := start == 0
		for range lines {
			if atStart {
				end = skipLineEnding(d.text, end)
			} else {
				start = beforeLineEnding(d.text, start)
			}
		}
		splices = append(splices, splice{start: start, end: end})
	}
	return splices
}

// checkTables returns an error if a part of the path is an inline table. Nothing can be
// added to it with a table header.
func (d tomlDocument) checkTables(path []string, value Object) error {
	for _, e := range d.expressions {
		if !e.pair() || len(e.path) >= len(path) || !hasPrefix(path, e.path) {
			continue
		}
		fix := "Remove the entry from it by hand"
		if value != nil {
			fix = "Add this to it by hand: " + tomlKey(path[len(e.path):]) + " = " + tomlInline(value)
		}
		return (&Error{Problem: quotePath(e.path...) + " is an inline table, which this program does not edit", Fix: fix}).at(d.text, e.start)
	}
	return nil
}
