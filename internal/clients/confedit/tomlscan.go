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

// scanTOML returns the expressions of a text, and false if it is not valid. go-toml calls
// the parser's interface unstable; it is the only one among the libraries for TOML in Go
// that tells where in the text an expression is.
func scanTOML(text []byte) ([]tomlExpression, bool) {
	var (
		p     unstable.Parser
		all   []tomlExpression
		table []string
	)
	p.Reset(text)
	for p.NextExpression() {
		node := p.Expression()
		e := tomlExpression{table: node.Kind == unstable.Table, array: node.Kind == unstable.ArrayTable}
		if e.pair() {
			e.path, e.tableDepth = slices.Clone(table), len(table)
			e.start = int(node.Raw.Offset)
			e.end = e.start + int(node.Raw.Length)
		}
		for keys := node.Key(); keys.Next(); {
			key := keys.Node()
			e.path = append(e.path, string(key.Data))
			e.keyEnds = append(e.keyEnds, int(key.Raw.Offset+key.Raw.Length))
		}
		if !e.pair() {
			table = e.path
			e.start = lineStart(text, e.keyEnds[0])
			e.end = e.keyEnds[len(e.keyEnds)-1]
		}
		all = append(all, e)
	}
	return all, p.Error() == nil
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
