package confedit_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

var update = flag.Bool("update", false, "rewrite the results in testdata")

var (
	first = confedit.Object{
		{Name: "type", Value: "stdio"},
		{Name: "command", Value: "/usr/local/bin/raff-mcp"},
		{Name: "args", Value: []string{"--read-only", "--name=ä \"b\"\t\\"}},
		{Name: "env", Value: confedit.Object{{Name: "RAFF_API_URL", Value: "https://example.com"}, {Name: "a.b", Value: ""}}},
		{Name: "enabled", Value: true},
	}
	second = confedit.Object{
		{Name: "command", Value: `C:\Program Files\raff-mcp.exe`},
		{Name: "args", Value: []string{}},
		{Name: "env", Value: confedit.Object{}},
	}
)

// A sample is a configuration file of the corpus.
type sample struct {
	path    string
	syntax  confedit.Syntax
	section []string
	before  []byte
	archive *txtar.Archive
}

// corpus returns the samples in testdata. Each file contains the text before an edit, the
// text with the entry "raff" set, and the text with it removed, if that is not the text
// before.
func corpus(t testing.TB) (samples []sample) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	syntaxes := map[string]confedit.Syntax{"json": confedit.JSON(), "jsonc": confedit.JSONC(), "toml": confedit.TOML()}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		section, _ := strings.CutPrefix(strings.TrimSpace(string(archive.Comment)), "section: ")
		samples = append(samples, sample{
			path:    path,
			syntax:  syntaxes[filepath.Base(filepath.Dir(path))],
			section: strings.Split(section, "|"),
			before:  archive.Files[0].Data,
			archive: archive,
		})
	}
	return samples
}

func TestCorpusIsLarge(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	for _, s := range corpus(t) {
		count[filepath.Base(filepath.Dir(s.path))]++
	}
	if count["json"]+count["jsonc"] < 40 || count["toml"] < 25 {
		t.Errorf("got %v samples", count)
	}
}

// The results in testdata are what a person sees.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, s := range corpus(t) {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(s.path, "testdata/"), ".txtar"), func(t *testing.T) {
			t.Parallel()
			_, existed, err := s.syntax.Entry(s.before, s.section, "raff")
			if err != nil {
				t.Fatal(err)
			}
			set := must(t)(s.syntax.Set(s.before, s.section, "raff", first))
			start := set
			if existed {
				start = s.before
			}
			removed := must(t)(s.syntax.Remove(start, s.section, "raff"))
			want := &txtar.Archive{Comment: s.archive.Comment, Files: []txtar.File{{Name: "before", Data: s.before}, {Name: "set", Data: withNewline(set)}}}
			if !bytes.Equal(removed, s.before) {
				want.Files = append(want.Files, txtar.File{Name: "removed", Data: withNewline(removed)})
			}
			if *update {
				if err := os.WriteFile(s.path, txtar.Format(want), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got, want := string(txtar.Format(want)), string(txtar.Format(s.archive)); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// withNewline is what the txtar format requires. The other test looks at the exact bytes.
func withNewline(text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text[:len(text):len(text)], '\n')
	}
	return text
}

// Whatever the line endings, the byte order mark and the end of the file are, edits change
// nothing else.
func TestCorpusVariants(t *testing.T) {
	t.Parallel()
	for _, s := range corpus(t) {
		for name, variant := range variants(s.before) {
			t.Run(strings.TrimSuffix(strings.TrimPrefix(s.path, "testdata/"), ".txtar")+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := s
				s.before = variant
				testEdits(t, s)
			})
		}
	}
}

func variants(text []byte) map[string][]byte {
	all := map[string][]byte{}
	crlf := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	for eol, text := range map[string][]byte{"LF": text, "CRLF": crlf} {
		all[eol] = text
		all[eol+" no final newline"] = bytes.TrimRight(text, "\r\n")
		all[eol+" BOM"] = append([]byte("\ufeff"), text...)
	}
	return all
}

func testEdits(t *testing.T, s sample) {
	old, existed, err := s.syntax.Entry(s.before, s.section, "raff")
	if err != nil {
		t.Fatal(err)
	}
	set := must(t)(s.syntax.Set(s.before, s.section, "raff", first))
	checkEntry(t, s, set, decoded(first))
	if again := must(t)(s.syntax.Set(set, s.section, "raff", first)); !bytes.Equal(again, set) {
		t.Errorf("set twice: got %q, want %q", again, set)
	}
	changed := must(t)(s.syntax.Set(set, s.section, "raff", second))
	checkEntry(t, s, changed, decoded(second))
	if back := must(t)(s.syntax.Set(changed, s.section, "raff", first)); !existed && !bytes.Equal(back, set) {
		t.Errorf("set to another value and back: got %q, want %q", back, set)
	}
	removed := must(t)(s.syntax.Remove(set, s.section, "raff"))
	if _, ok, err := s.syntax.Entry(removed, s.section, "raff"); ok || err != nil {
		t.Errorf("removed: got %t, %v", ok, err)
	}
	if again := must(t)(s.syntax.Remove(removed, s.section, "raff")); !bytes.Equal(again, removed) {
		t.Errorf("removed twice: got %q, want %q", again, removed)
	}
	if same := must(t)(s.syntax.Remove(s.before, s.section, "another")); !bytes.Equal(same, s.before) {
		t.Errorf("removed what is not there: got %q, want %q", same, s.before)
	}
	checkEndings(t, s.before, set)
	checkEndings(t, s.before, removed)
	if existed {
		removed = must(t)(s.syntax.Remove(s.before, s.section, "raff"))
		if !isSubsequence(removed, s.before) {
			t.Errorf("removing %v added something: got %q from %q", old, removed, s.before)
		}
		return
	}
	if without := bytes.Replace(s.before, []byte("null"), nil, 1); !isSubsequence(s.before, set) && !isSubsequence(without, set) {
		t.Errorf("adding took something away: got %q from %q", set, s.before)
	}
	if !bytes.Equal(removed, s.before) && !leavesSection(s) {
		t.Errorf("set and removed: got %q, want %q", removed, s.before)
	}
}

// leavesSection reports whether a sample is one of those from which Remove does not take
// everything that Set adds: the section stays, because it may have been there before.
func leavesSection(s sample) bool {
	for _, file := range s.archive.Files {
		if file.Name == "removed" {
			return true
		}
	}
	return false
}

// Only these samples do not get their text back.
func TestSetAndRemoveGivesTheTextBack(t *testing.T) {
	t.Parallel()
	want := []string{
		"blank-lines-only", "comments-only", "empty-object", "empty-object-spread", "empty-text", "null-section",
	}
	var got []string
	for _, s := range corpus(t) {
		if _, existed, _ := s.syntax.Entry(s.before, s.section, "raff"); !existed && leavesSection(s) {
			got = append(got, strings.TrimSuffix(filepath.Base(s.path), ".txtar"))
		}
	}
	slices.Sort(got)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func checkEntry(t *testing.T, s sample, text []byte, want any) {
	t.Helper()
	got, ok, err := s.syntax.Entry(text, s.section, "raff")
	if err != nil || !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("in %q: got %v, %t, %v, want %v", text, got, ok, err, want)
	}
}

// decoded returns a value as Entry returns it.
func decoded(v any) any {
	switch v := v.(type) {
	case confedit.Object:
		m := map[string]any{}
		for _, f := range v {
			m[f.Name] = decoded(f.Value)
		}
		return m
	case []string:
		list := []any{}
		for _, item := range v {
			list = append(list, item)
		}
		return list
	}
	return v
}

// checkEndings checks that text after an edit has only the line endings that it had before
// and the same byte order mark and final newline.
func checkEndings(t *testing.T, before, after []byte) {
	t.Helper()
	crlf, lines := bytes.Count(after, []byte("\r\n")), bytes.Count(after, []byte("\n"))
	if bytes.Contains(before, []byte("\r\n")) && crlf != lines || !bytes.Contains(before, []byte("\r\n")) && crlf > 0 {
		t.Errorf("mixed line endings: %q", after)
	}
	if bytes.HasPrefix(before, []byte("\ufeff")) != bytes.HasPrefix(after, []byte("\ufeff")) {
		t.Errorf("the byte order mark of %q differs: %q", before, after)
	}
	const content = "}]\"'"
	if bytes.ContainsAny(before, content) && len(after) > 3 && bytes.HasSuffix(before, []byte("\n")) != bytes.HasSuffix(after, []byte("\n")) {
		t.Errorf("the final newline of %q differs: %q", before, after)
	}
}

// isSubsequence reports whether long becomes short by removing bytes.
func isSubsequence(short, long []byte) bool {
	for _, c := range long {
		if len(short) > 0 && short[0] == c {
			short = short[1:]
		}
	}
	return len(short) == 0
}

// must returns a function that fails the test if an edit failed.
func must(t *testing.T) func([]byte, error) []byte {
	return func(text []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}
