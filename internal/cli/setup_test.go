package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
)

// docs/clients.md shows for each client the entry that setup prints, and with a variable if
// the client withholds it.
func TestClientsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients.All() {
		_, section, ok := strings.Cut(string(page), "\n## "+c.Title+"\n")
		if !ok {
			t.Errorf("the page has no section %s", c.Title)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		blocks := codeBlocks(section)
		want := []string{printedEntry(t, c, nil)}
		with := map[string]string{"RAFF_API_KEY": planted}
		if entry := printedEntry(t, c, with); entry != want[0] {
			want = append(want, entry)
		}
		if len(blocks) != len(want) {
			t.Errorf("%s: got %d blocks, want %d", c.Title, len(blocks), len(want))
			continue
		}
		for i := range want {
			if blocks[i] != want[i] {
				t.Errorf("%s: the page has\n%s\nsetup prints\n%s", c.Title, blocks[i], want[i])
			}
		}
	}
}

// codeBlocks returns the texts between lines of three backquotes.
func codeBlocks(text string) (blocks []string) {
	for i, part := range strings.Split(text, "\n```") {
		if i%2 == 1 {
			_, block, _ := strings.Cut(part, "\n")
			blocks = append(blocks, block+"\n")
		}
	}
	return blocks
}

// printedEntry returns what setup --print prints after the line with the path.
func printedEntry(t *testing.T, c *clients.Client, vars map[string]string) string {
	t.Helper()
	code, stdout, stderr := runProgram(fakeEnvironment(t, vars), "setup", c.Name, "--print")
	if code != exitOK || stderr != "" {
		t.Fatalf("%s: got exit code %d, %s", c.Name, code, stderr)
	}
	_, entry, _ := strings.Cut(stdout, "\n")
	entry, _, _ = strings.Cut(entry, "  Note: ")
	path, err := executable(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	quoted := strings.ReplaceAll(path, `\`, `\\`)
	return strings.ReplaceAll(entry, quoted, "/path/to/raff-mcp")
}

// The page's table of files agrees with the program.
func TestClientsPageFiles(t *testing.T) {
	var rows []string
	for _, c := range clients.All() {
		row := fmt.Sprintf("| `%s` |", c.Name)
		for _, system := range []struct{ goos, home string }{{"linux", "/home/jo"}, {"darwin", "/Users/jo"}, {"windows", `C:\Users\jo`}} {
			row += fmt.Sprintf(" `%s` |", strings.Replace(plannedPath(t, c, system.goos, system.home, clients.User), system.home, "~", 1))
		}
		if c.HasScope(clients.Project) {
			row += fmt.Sprintf(" `%s` |", strings.TrimPrefix(plannedPath(t, c, "linux", "/home/jo", clients.Project), "/project/"))
		} else {
			row += " |"
		}
		rows = append(rows, row)
	}
	compareRows(t, "| Client | Linux |", rows)
}

func plannedPath(t *testing.T, c *clients.Client, goos, home string, scope clients.Scope) string {
	t.Helper()
	env := clients.Environment{
		Environ:  func() []string { return nil },
		Home:     func() (string, error) { return home, nil },
		LookPath: func(string) (string, error) { return "", errors.New("not found") },
		GOOS:     goos, Dir: "/project",
	}
	p, err := c.PlanSet(env, clients.Request{Name: "raff", Scope: scope, Server: clients.Server{Command: "/raff-mcp"}})
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return p.Path
}

// A program that go run has built is refused.
func TestExecutable(t *testing.T) {
	path, err := executable(os.Args[0])
	if err != nil || !filepath.IsAbs(path) {
		t.Fatalf("got %q, %v", path, err)
	}
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"/tmp/go-build1433468582/b001/exe/raff-mcp", true},
		{"/home/jo/.cache/go-build/67/67fa0e0f-d/raff-mcp", true},
		{"/home/jo/go/bin/raff-mcp", false},
		{"/home/jo/go-build/raff-mcp", false},
		{"/src/raff-mcp/raff-mcp", false},
	} {
		if got := builtByRun.MatchString(tt.path); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.path, got, tt.want)
		}
	}
}

// Ctrl-C ends the wait for an answer at once.
func TestChoiceInterrupted(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readLine(ctx, r); err == nil || !strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("got %v", err)
	}
}
