package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rafftechnologies/raff-mcp"

// imports lists, for each package of the module, the packages of the module that it may
// import. Imports point one way: from the program to what it is made of.
var imports = map[string][]string{
	"":                               {"internal/cli"},
	"internal/cli":                   {"internal/lazyregexp", "internal/activity", "internal/config", "internal/clients", "internal/clients/confedit", "internal/doctor", "internal/printable", "internal/stdio", "internal/suggest", "tools", "tools/delivery", "raffclient", "raffclient/sandbox"},
	"internal/clients":               {"internal/lazyregexp", "internal/clients/confedit", "internal/printable"},
	"internal/clients/confedit":      {"internal/printable"},
	"internal/commandline":           nil,
	"internal/config":                {"internal/lazyregexp", "internal/commandline", "internal/keychain", "internal/printable", "internal/suggest", "raffclient"},
	"internal/keychain":              nil,
	"internal/keychain/keychaintest": nil,
	"internal/doctor":                {"internal/commandline", "internal/lazyregexp", "internal/config", "internal/printable", "raffclient", "tools/delivery"},
	"internal/activity":              {"internal/printable"},
	"internal/lazyregexp":            nil,
	"internal/mcptest":               nil,
	"internal/printable":             nil,
	"internal/stdio":                 {"internal/stdio/codec"},
	"internal/stdio/codec":           nil,
	"internal/suggest":               {"internal/lazyregexp"},
	"packaging/packager":             nil,
	"tools":                          {"internal/lazyregexp", "internal/activity", "tools/delivery", "internal/stdio", "raffclient", "schema"},
	"tools/delivery":                 {"internal/lazyregexp", "internal/commandline", "internal/keychain", "internal/printable", "raffclient"},
	"raffclient":                     nil,
	"raffclient/sandbox":             {"raffclient"},
	"raffclient/sandbox/contract":    {"raffclient/sandbox", "raffclient/sandbox/faulty"},
	"raffclient/sandbox/faulty":      {"raffclient/sandbox"},
	"raffclient/sandbox/sandboxtest": {"raffclient", "raffclient/sandbox"},
	"schema":                         nil,
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		list := strings.Fields(line)
		name := inModule(list[0])
		if strings.Contains(name, "testdata") {
			continue
		}
		allowed, ok := imports[name]
		if !ok {
			t.Errorf("package %s: not in the table of this test", list[0])
		}
		for _, path := range list[1:] {
			if strings.HasPrefix(path, module) && !slices.Contains(allowed, inModule(path)) {
				t.Errorf("package %s imports %s, which the layout does not allow", list[0], path)
			}
		}
	}
}

// inModule returns the part of an import path below the module's.
func inModule(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// A function fits on a screen, not counting the tables in it.
func TestFunctionsAreShort(t *testing.T) {
	const maxLines = 60
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if n := codeLines(files, f); n > maxLines {
					t.Errorf("%s: %s has %d lines, more than %d", files.Position(f.Pos()), f.Name.Name, n, maxLines)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// codeLines returns the number of lines of f that are not inside a composite literal.
func codeLines(files *token.FileSet, f *ast.FuncDecl) int {
	span := func(n ast.Node) int { return files.Position(n.End()).Line - files.Position(n.Pos()).Line }
	lines := span(f) + 1
	ast.Inspect(f, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if ok {
			lines -= span(literal)
		}
		return !ok
	})
	return lines
}
