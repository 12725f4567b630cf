package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// notTried are the commands in documents that no test runs, and why.
var notTried = map[string]string{
	"git clone <the address of this repository> raff-mcp": "the repository is not published",
	"cd raff-mcp":      "belongs to git clone",
	"go test ./...":    "would run this test",
	"go build .":       "every build does it",
	"./raff-mcp login": "asks for a key",
	"./raff-mcp setup": "needs a client",
	"./raff-mcp setup claude-code -- --sandbox":         "needs a client",
	"./raff-mcp doctor":                                 "needs a client",
	"raff-mcp setup":                                    "asks which clients to connect",
	"raff-mcp doctor gemini":                            "needs a client",
	"raff-mcp call whoami":                              "needs a key",
	"gh secret set RAFF_API_KEY --repo acme/site <FILE": "needs the file with a secret that was not delivered",
}

// Commands in the documents work as they stand, on a machine with raff-mcp and fakes of the
// other programs. The script document_commands.txt tries where secrets go.
func TestDocumentedCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("they are for sh")
	}
	dir := t.TempDir()
	for name, script := range map[string]string{
		"go":    `test "$1 $2" = "run ." && shift 2 && exec raff-mcp "$@"`,
		"gh":    `cat >/dev/null`,
		"vault": `cat >/dev/null`,
		"op":    `cat >/dev/null`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	unused := maps.Clone(notTried)
	for _, d := range userDocuments(t) {
		for command := range strings.Lines(strings.Join(d.blocks("sh"), "")) {
			command, _, _ = strings.Cut(command, "  #")
			command = strings.TrimSpace(command)
			if _, ok := notTried[command]; ok {
				delete(unused, command)
				continue
			}
			t.Run(command, func(t *testing.T) {
				t.Parallel()
				cmd := exec.Command("sh", "-c", command)
				cmd.Dir = t.TempDir()
				cmd.Env = []string{"HOME=" + cmd.Dir, "PATH=" + dir + string(filepath.ListSeparator) + os.Getenv("PATH")}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("in %s: %v\n%s", d.path, err, out)
				}
			})
		}
	}
	for command := range unused {
		t.Errorf("no document has the command %q: remove it from notTried", command)
	}
}

// samplePattern matches a question to an assistant, the call of a tool and its result.
var samplePattern = regexp.MustCompile("(?m)^\\*\\*\".*\"\\*\\* `([a-z_]+) ?(.*)`\n((?:> .*\n)+)")

// The sample results in the README are those of the program, shortened at each "…".
func TestReadmeSamples(t *testing.T) {
	all := userDocuments(t)
	readme := all[slices.IndexFunc(all, func(d document) bool { return d.path == "README.md" })]
	samples := samplePattern.FindAllStringSubmatch(readme.text, -1)
	if len(samples) < 3 {
		t.Fatalf("got %d samples", len(samples))
	}
	for _, m := range samples {
		tool, arguments, want := m[1], m[2], strings.Join(strings.Fields(strings.ReplaceAll("\n"+m[3], "\n>", " ")), " ")
		if arguments == "" {
			arguments = "{}"
		}
		code, stdout, stderr := runProgram(fakeEnvironment(t, nil), "--secrets=file", "call", "--sandbox", tool, arguments)
		if code != exitOK {
			t.Errorf("%s %s: exit code %d: %s", tool, arguments, code, stderr)
			continue
		}
		rest := textsOf(t, stdout)
		for piece := range strings.SplitSeq(want, "…") {
			piece = strings.TrimSpace(piece)
			i := strings.Index(rest, piece)
			if i < 0 {
				t.Errorf("%s %s: the result does not contain %q after what precedes it in the README. It continues:\n%.600s", tool, arguments, piece, rest)
				break
			}
			rest = rest[i+len(piece):]
		}
	}
}

// textsOf returns the names and values that are texts in a JSON document in their order, separated by newlines.
func textsOf(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	d := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(string); ok {
			b.WriteString(s + "\n")
		}
	}
}

// Code in the documents is compiled: it is in an example of the library.
func TestDocumentedCodeCompiles(t *testing.T) {
	examples, err := os.ReadFile("../../raffclient/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	fields := func(text []byte) []byte { return bytes.Join(bytes.Fields(text), []byte(" ")) }
	n := 0
	for _, d := range userDocuments(t) {
		for _, block := range d.blocks("go") {
			n++
			if !bytes.Contains(fields(examples), fields([]byte(block))) {
				t.Errorf("%s: this code is not in raffclient/example_test.go:\n%s", d.path, block)
			}
		}
	}
	if n == 0 {
		t.Error("no document has code")
	}
}
