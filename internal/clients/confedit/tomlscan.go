package confedit

import (
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A tomlExpression is a table header or a key with its value.
type tomlExpression struct {
	path       []string // from the root of the document
	tableDepth int      // how many elements of the path are those of the table it is in
	table      bool     // a header [path]
	array      bool     // a header [[path]]
	start, end int      // in the text; a header ends before the end of its line
	keyEnds    []int    // where each key ends, for a key with a value
}

func (e tomlExpression) pair() bool { return !e.table && !e.array }

// A tomlGroup is a sequence of adjacent expressions that belong to an entry.
type tomlGroup []tomlExpression

// scan finds the expressions and the inline tables in the text, and returns false if it is
// not valid. go-toml calls its parser's interface unstable, but no other library for TOML
// in Go tells where in the text something is.
func (d *tomlDocument) scan() bool {
	var (
		p     unstable.Parser
		table []string
	)
	p.Reset(d.text)
	for p.NextExpression() {
		node := p.Expression()
		if node.Kind == unstable.KeyValue {
			e := newTOMLPair(node, table)
			d.expressions = append(d.expressions, e)
			d.inline = append(d.inline, inlineTables(node, e)...)
			continue
		}
		e := tomlExpression{table: node.Kind == unstable.Table, array: node.Kind == unstable.ArrayTable}
		e.addKeys(node)
		e.start, e.end = lineStart(d.text, e.keyEnds[0]), e.keyEnds[len(e.keyEnds)-1]
		table = e.path
		d.expressions = append(d.expressions, e)
	}
	return p.Error() == nil
}

// newTOMLPair returns the expression of a key with its value in a table.
func newTOMLPair(node *unstable.Node, table []string) tomlExpression {
	start := int(node.Raw.Offset)
	e := tomlExpression{path: slices.Clone(table), tableDepth: len(table), start: start, end: start + int(node.Raw.Length)}
	e.addKeys(node)
	return e
}

func (e *tomlExpression) addKeys(node *unstable.Node) {
	for keys := node.Key(); keys.Next(); {
		key := keys.Node()
		e.path = append(e.path, string(key.Data))
		e.keyEnds = append(e.keyEnds, int(key.Raw.Offset+key.Raw.Length))
	}
}

// groups returns the expressions that define the value at a path.
func (d tomlDocument) groups(path []string) []tomlGroup {
	var groups []tomlGroup
	adjacent := false
	for _, e := range d.expressions {
		belongs := hasPrefix(e.path, path)
		switch {
		case belongs && adjacent:
			groups[len(groups)-1] = append(groups[len(groups)-1], e)
		case belongs:
			groups = append(groups, tomlGroup{e})
		}
		adjacent = belongs
	}
	return groups
}

func hasPrefix(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}
