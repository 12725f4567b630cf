package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Users search the documents for the words of a message: each text in the table of messages
// is a text of the program.
func TestDocumentsQuoteMessages(t *testing.T) {
	texts := programTexts(t)
	rows := table(t, "| Message |")
	if len(rows) < 10 {
		t.Fatalf("got %d rows", len(rows))
	}
	for _, message := range firstCells(rows) {
		for _, piece := range strings.FieldsFunc(strings.TrimSuffix(message, "(in the log)"), func(r rune) bool { return r == ';' || r == '…' }) {
			if piece = strings.TrimSpace(piece); !containsFold(texts, piece) {
				t.Errorf("no message of the program contains %q, of the row %q: correct the row", piece, message)
			}
		}
	}
}

func containsFold(texts []string, piece string) bool {
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), strings.ToLower(piece)) {
			return true
		}
	}
	return false
}

// programTexts returns the texts in the source of the program, concatenations joined.
func programTexts(t *testing.T) (texts []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && strings.HasPrefix(e.Name(), ".") && len(e.Name()) > 2 {
			return skip(err)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := constantText(n); ok {
				texts = append(texts, text)
				return false
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func skip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

var verbPattern = regexp.MustCompile(`%(\[\d\])?[svdqt]`)

// constantText returns the text of a literal or of a concatenation. A part that is not a
// literal, and a verb of a format, is one character that no message contains.
func constantText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.BasicLit:
		if n.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(n.Value)
		return verbPattern.ReplaceAllString(text, "\x00"), err == nil
	case *ast.BinaryExpr:
		if n.Op != token.ADD {
			return "", false
		}
		left, ok := constantText(n.X)
		right, ok2 := constantText(n.Y)
		if !ok {
			left = "\x00"
		}
		if !ok2 {
			right = "\x00"
		}
		return left + right, ok || ok2
	}
	return "", false
}
