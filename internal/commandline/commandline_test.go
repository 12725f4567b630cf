package commandline_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/commandline"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"gh secret set NAME", []string{"gh", "secret", "set", "NAME"}},
		{"  a\t b\n", []string{"a", "b"}},
		{`sh -c 'vault kv put "raff/$RAFF_KEY_ID" value=-'`, []string{"sh", "-c", `vault kv put "raff/$RAFF_KEY_ID" value=-`}},
		{`a "b c"'d e'f`, []string{"a", "b cd ef"}},
		{`a '' ""`, []string{"a", "", ""}},
		{`"say \"hi\" \\ \n"`, []string{`say "hi" \ \n`}},
		{`a\ b \'c \\d`, []string{"a b", "'c", `\d`}},
		{`C:\tools\op.exe 'C:\Program Files\x'`, []string{`C:\tools\op.exe`, `C:\Program Files\x`}},
		{`$HOME ~ * # ; | $(id)`, []string{"$HOME", "~", "*", "#", ";", "|", "$(id)"}},
		{`a\`, []string{`a\`}},
		{"é ü", []string{"é", "ü"}},
	} {
		if got, err := commandline.Split(tt.line); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	for _, line := range []string{"", " ", `'`, `"a`, `a 'b" c`, `"a\"`} {
		if got, err := commandline.Split(line); err == nil {
			t.Errorf("%s: got %q, want an error", line, got)
		}
	}
}

// Any words survive being quoted.
func FuzzSplit(f *testing.F) {
	f.Add("gh", "secret set", `it's "quoted" \`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		_, _ = commandline.Split(a)
		var line []string
		want := []string{strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, ""), strings.ToValidUTF8(c, "")}
		for _, word := range want {
			line = append(line, "'"+strings.ReplaceAll(word, "'", `'"'"'`)+"'")
		}
		if got, err := commandline.Split(strings.Join(line, " ")); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v", line, got, err)
		}
	})
}

// Find finds a program, and its errors repeat no arguments.
func TestFind(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path, words, err := commandline.Find("'" + self + "' -a 'b c'")
	if want := []string{self, "-a", "b c"}; err != nil || !filepath.IsAbs(path) || !reflect.DeepEqual(words, want) {
		t.Errorf("got %s, %q, %v, want %q", path, words, err, want)
	}
	for line, want := range map[string]string{
		"":                         "the command is empty",
		" '":                       "a quote is not closed",
		"PASSWORD=hunter2 op read": "PASSWORD=… is not a command: to set a variable, start the command with env",
		"no-such-program hunter2":  "no-such-program: ",
	} {
		if _, _, err := commandline.Find(line); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}
