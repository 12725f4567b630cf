package confedit

import (
	"bytes"
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A tomlInlineTable is the place of an inline table, from its opening brace to behind the
// closing one.
type tomlInlineTable struct {
	path       []string
	start, end int
	pairs      []tomlExpression
}

// inlineTables returns the inline tables in the value of a pair.
func inlineTables(pair *unstable.Node, e tomlExpression) []tomlInlineTable {
	value := pair.Value()
	if value.Kind != unstable.InlineTable {
		return nil
	}
	table := tomlInlineTable{path: e.path, start: int(value.Raw.Offset), end: e.end}
	var inner []tomlInlineTable
	for children := value.Children(); children.Next(); {
		child := children.Node()
		if child.Kind != unstable.KeyValue {
			continue
		}
		pair := newTOMLPair(child, e.path)
		table.pairs = append(table.pairs, pair)
		inner = append(inner, inlineTables(child, pair)...)
	}
	return append([]tomlInlineTable{table}, inner...)
}

// inlineSection returns the inline table that contains the entry at a path, or to which it
// can be added. There is none if the entry itself is made of dotted keys.
func (d tomlDocument) inlineSection(path []string) (tomlInlineTable, bool) {
	section := path[:len(path)-1]
	for _, table := range d.inline {
		if !slices.Equal(table.path, section) {
			continue
		}
		dotted := func(e tomlExpression) bool { return len(e.path) > len(path) && hasPrefix(e.path, path) }
		return table, !slices.ContainsFunc(table.pairs, dotted)
	}
	return tomlInlineTable{}, false
}

// index returns the index of the pair with a path, or -1.
func (t tomlInlineTable) index(path []string) int {
	return slices.IndexFunc(t.pairs, func(e tomlExpression) bool { return slices.Equal(e.path, path) })
}

// set returns the edit that gives the entry at a path this value.
func (t tomlInlineTable) set(path []string, value Object) splice {
	text := tomlKey(path[len(path)-1:]) + " = " + tomlInline(value)
	if i := t.index(path); i >= 0 {
		return splice{t.pairs[i].start, t.pairs[i].end, text}
	}
	if len(t.pairs) == 0 {
		return splice{t.start + 1, t.start + 1, " " + text + " "}
	}
	last := t.pairs[len(t.pairs)-1].end
	return splice{last, last, ", " + text}
}

// remove returns the edit that removes the entry at a path and a comma. It returns false if
// that would remove a comment, which TOML 1.1 allows in an inline table.
func (t tomlInlineTable) remove(text []byte, path []string) (splice, bool) {
	i := t.index(path)
	pair := t.pairs[i]
	start, end := pair.start, pair.end
	switch {
	case i > 0:
		start = t.pairs[i-1].end
	case len(t.pairs) > 1:
		end = t.pairs[1].start
	default:
		start, end = t.start+1, t.end-1
	}
	around := slices.Concat(text[start:pair.start], text[pair.end:end])
	return splice{start: start, end: end}, !bytes.ContainsRune(around, '#')
}
