package doctor_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

// Whatever a process prints, what is shown of it are short lines that a terminal does not
// interpret, without keys.
func FuzzCleanLines(f *testing.F) {
	for _, text := range []string{"", "a\nb", "\x1b[31m", planted[:20] + "\r\n" + planted[20:], "\u202e\xff", strings.Repeat("x", 5000)} {
		f.Add(text, "")
	}
	f.Add("key=", " and more")
	f.Fuzz(func(t *testing.T, before, after string) {
		const most = 5
		lines := doctor.CleanLines(before+" "+planted+" "+after, most)
		if len(lines) > most+1 {
			t.Errorf("got %d lines, want at most %d and a note", len(lines), most)
		}
		for _, line := range lines {
			if strings.ContainsFunc(line, unicode.IsControl) || len([]rune(line)) > 2001 {
				t.Errorf("got %q", line)
			}
			if strings.Contains(line, planted[14:]) {
				t.Errorf("the key is in %q", line)
			}
		}
	})
}
