package cli

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A document is a Markdown file for people.
type document struct {
	path string // relative to the repository, with slashes
	text string
}

// documents returns the README and every other document, sorted by path.
func documents(t *testing.T) (list []document) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", ".github/*.md"} {
		paths, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(pattern)))
		if err != nil || len(paths) == 0 {
			t.Fatalf("documents %s: %d, %v", pattern, len(paths), err)
		}
		for _, p := range paths {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			name := path.Join(path.Dir(pattern), filepath.Base(p))
			list = append(list, document{name, strings.ReplaceAll(string(text), "\r\n", "\n")})
		}
	}
	return list
}

// userDocuments returns the documents for users: the README and those in docs.
func userDocuments(t *testing.T) []document {
	return slices.DeleteFunc(documents(t), func(d document) bool {
		return d.path != "README.md" && path.Dir(d.path) != "docs"
	})
}

var fencePattern = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// blocks returns the contents of the blocks of code in that language.
func (d document) blocks(language string) (blocks []string) {
	for _, m := range fencePattern.FindAllStringSubmatch(d.text, -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	return blocks
}

// prose returns the text without blocks of code.
func (d document) prose() string { return fencePattern.ReplaceAllString(d.text, "") }

// table returns the rows of the only table whose header begins with head, in whichever
// document that is.
func table(t *testing.T, head string) []string {
	t.Helper()
	var found []string
	for _, d := range userDocuments(t) {
		for _, rest := range strings.Split(d.text, "\n"+head)[1:] {
			if found != nil {
				t.Fatalf("%s: the table %q is in another place too; keep one", d.path, head)
			}
			rows, _, _ := strings.Cut(rest, "\n\n")
			found = strings.Split(strings.TrimSpace(rows), "\n")[2:] // after the header and the line below it
		}
	}
	if len(found) == 0 {
		t.Fatalf("no document has a table that begins with %q", head)
	}
	return found
}

// firstCells returns the contents of the first column, without the marks of code.
func firstCells(rows []string) (cells []string) {
	for _, row := range rows {
		cells = append(cells, strings.Trim(strings.Split(row, "|")[1], " `"))
	}
	return cells
}

// compareNames compares the first column of a table with the names in the program.
func compareNames(t *testing.T, head string, want []string) {
	t.Helper()
	if got := firstCells(table(t, head)); !slices.Equal(got, want) {
		t.Errorf("the rows of the table %q are %q, want %q", head, got, want)
	}
}

// compareRows reports the rows in which a table differs from the program.
func compareRows(t *testing.T, head string, want []string) {
	t.Helper()
	got := table(t, head)
	missing := func(rows, from []string) []string {
		return slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return slices.Contains(from, row) })
	}
	extra, lacking := missing(got, want), missing(want, got)
	switch {
	case len(extra) > 0 || len(lacking) > 0:
		t.Errorf("the table %q differs from the program. Rows that do not belong there:\n%s\nRows that are missing:\n%s",
			head, strings.Join(extra, "\n"), strings.Join(lacking, "\n"))
	case !slices.Equal(got, want):
		t.Errorf("the table %q has its rows in another order than the program, or one twice. The first columns are\n%q\nand must be\n%q",
			head, firstCells(got), firstCells(want))
	}
}

// Who has just arrived reads the README to the end.
func TestReadmeIsShort(t *testing.T) {
	const maxLines = 120
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(readme), "\n"); n > maxLines {
		t.Errorf("the README has %d lines, more than %d: move something to docs", n, maxLines)
	}
}

// Every link between documents leads to a file and a heading that exist.
func TestLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	all := documents(t)
	for _, d := range all {
		for _, m := range link.FindAllStringSubmatch(d.prose(), -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := d.path
			if target != "" {
				file = path.Join(path.Dir(d.path), target)
			}
			_, err := os.Stat(filepath.Join("../..", filepath.FromSlash(file)))
			switch {
			case err != nil:
				t.Errorf("%s: the link %s leads to %s, which does not exist", d.path, m[1], file)
			case heading != "":
				i := slices.IndexFunc(all, func(d document) bool { return d.path == file })
				if i < 0 || !slices.Contains(all[i].anchors(), heading) {
					t.Errorf("%s: the link %s leads to a heading that %s does not have", d.path, m[1], file)
				}
			}
		}
	}
}

var headingPattern = regexp.MustCompile(`(?m)^#+ (.*)$`)

// anchors returns the fragments that GitHub gives to the headings.
func (d document) anchors() (anchors []string) {
	for _, m := range headingPattern.FindAllStringSubmatch(d.prose(), -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case strings.ContainsRune("`'’.,:;!?()/…\"*", r):
				return -1
			}
			return r
		}, strings.ToLower(m[1]))
		anchors = append(anchors, anchor)
	}
	return anchors
}

// Every document in docs can be found from the README.
func TestReadmeLinksEveryDocument(t *testing.T) {
	all := userDocuments(t)
	i := slices.IndexFunc(all, func(d document) bool { return d.path == "README.md" })
	for _, d := range all {
		if d.path != "README.md" && !strings.Contains(all[i].text, "]("+d.path+")") {
			t.Errorf("the README has no link to %s", d.path)
		}
	}
}
