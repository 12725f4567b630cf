package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
)

var update = flag.Bool("update", false, "rewrite docs/demo.svg")

const demoFile = "../../docs/demo.svg"

// The picture in the README shows a session with the current program. It is drawn again with
// go test ./internal/cli -run TestDemo -update
func TestDemo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the picture shows paths of Unix")
	}
	var got []byte
	synctest.Test(t, func(t *testing.T) { got = demo(t) })
	if len(got) > 40_000 {
		t.Errorf("the picture has %d bytes", len(got))
	}
	if bytes.Contains(got, []byte("\n\n")) || regexp.MustCompile(`raff_[0-9a-f]{9}`).Match(got) {
		t.Errorf("the picture contains a secret or an empty line:\n%s", got)
	}
	if *update {
		if err := os.WriteFile(demoFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(demoFile)
	if err != nil {
		t.Fatal(err)
	}
	oldLines, newLines := strings.Split(string(old), "\n"), strings.Split(string(got), "\n")
	for i, line := range newLines {
		if i >= len(oldLines) || strings.TrimSuffix(oldLines[i], "\r") != line {
			t.Fatalf("docs/demo.svg is not what the program does now. Run this test with -update, and look at the picture. The first difference is in line %d:\n%s",
				i+1, line)
		}
	}
	if len(oldLines) > len(newLines) {
		t.Fatal("docs/demo.svg is longer than it should be. Run this test with -update.")
	}
}

// demo holds the session and draws it.
func demo(t *testing.T) []byte {
	// The date in the picture. The clock of the bubble starts in 2000.
	time.Sleep(time.Until(time.Date(2027, time.January, 11, 9, 30, 0, 0, time.UTC)))
	s := newDemoSession(t)
	p := newPicture("raff-mcp --sandbox --secrets=file")

	p.prompt("Which of our API keys need attention?")
	var audit struct {
		Summary  string
		Findings []struct{ Severity, Kind, ID, Name, Why string }
	}
	s.call(p, "audit_api_keys", `{}`, &audit)
	p.result(excerpt(t, audit.Summary, `^Looked at .*?\)\.`), "")
	backup, hidden := "", 0
	for _, f := range audit.Findings {
		switch f.Kind {
		case "expires_soon":
			backup = f.ID
			fallthrough
		case "creator_suspended", "unused":
			p.finding(f.Severity, f.Name, f.Why)
		default:
			hidden++
		}
	}
	p.result(fmt.Sprintf("… and %d more findings, each with the calls that fix it", hidden), "muted")

	p.prompt("Rotate the key of the nightly backup.")
	var replaced struct{ Summary string }
	s.call(p, "replace_api_key", `{"api_key_id":"`+backup+`"}`, &replaced)
	p.result(excerpt(t, replaced.Summary, `^.*?Created API key ".*?" \(prefix [^,]*, ID`), "")
	p.result(excerpt(t, replaced.Summary, `Its secret is not in this result \(.*?\)\.`), "bold")
	p.result(excerpt(t, replaced.Summary, `What remains: .*? is used\.`), "")

	p.prompt("The backup uses the new key now. Revoke the old one.")
	var revoked struct{ Summary string }
	s.call(p, "revoke_api_key", `{"api_key_id":"`+backup+`","confirm_name":"Nightly backup"}`, &revoked)
	p.result(revoked.Summary, "")
	s.client.End()
	return p.svg()
}

// excerpt returns the part of text that the pattern matches, with … if more follows.
func excerpt(t *testing.T, text, pattern string) string {
	t.Helper()
	at := regexp.MustCompile(pattern).FindStringIndex(text)
	if at == nil {
		t.Fatalf("the result does not contain %q: %s", pattern, text)
	}
	if at[1] < len(text) {
		return text[at[0]:at[1]] + " …"
	}
	return text[at[0]:at[1]]
}

// A demoSession is a client of the program, with a user who says yes.
type demoSession struct {
	t      *testing.T
	client *mcptest.Client
	home   string
	known  map[string]string // random values and what the picture shows in their place
}

func newDemoSession(t *testing.T) *demoSession {
	s := &demoSession{t: t, home: t.TempDir(), known: map[string]string{}}
	env := config.Environment{
		Getenv: func(string) string { return "" },
		Home:   func() (string, error) { return s.home, nil },
	}
	s.client = mcptest.Serve(t, func(ctx context.Context, in io.Reader, out io.Writer) error {
		var log bytes.Buffer
		if code := run(ctx, nil, []string{"--sandbox", "--secrets=file"}, env, in, out, &log); code != exitOK {
			return fmt.Errorf("exit code %d: %s", code, &log)
		}
		return nil
	})
	s.client.Ask(mcptest.Initialize("0", "2025-11-25", "demo", `{"elicitation":{}}`))
	s.client.Send(mcptest.Initialized)
	return s
}

// call calls a tool, says yes to its form and decodes the structured result. It draws the
// call and the form.
func (s *demoSession) call(p *picture, tool, arguments string, result any) {
	s.t.Helper()
	shown := uuidPattern.ReplaceAllString(arguments, "$1…")
	p.call(tool, strings.TrimSuffix(shown, "{}"))
	s.client.Send(mcptest.Call("1", tool, arguments))
	m := s.client.Receive()
	if m.IsQuestion() {
		var question struct{ Params struct{ Message string } }
		s.decode(m.Text, &question)
		p.form(s.stable(question.Params.Message), "Yes")
		s.client.Send(mcptest.Answer(string(m.ID), `"result":{"action":"accept","content":{"confirm":true}}`))
		m = s.client.Receive()
	}
	var response struct {
		Result struct {
			IsError           bool
			StructuredContent json.RawMessage
		}
	}
	s.decode(m.Text, &response)
	if response.Result.IsError || response.Result.StructuredContent == nil {
		s.t.Fatalf("%s: %s", tool, m.Text)
	}
	s.decode(s.stable(string(response.Result.StructuredContent)), result)
}

func (s *demoSession) decode(text string, to any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		s.t.Fatalf("%v: %s", err, text)
	}
}

var uuidPattern = regexp.MustCompile(`([0-9a-f]{8}-)[0-9a-f-]{27}`)

var randomPattern = regexp.MustCompile(`raff_[0-9a-f]{8}`)

// stable replaces what differs in each run: the home directory and the prefixes of keys.
func (s *demoSession) stable(text string) string {
	home, _ := json.Marshal(s.home + string(filepath.Separator))
	text = strings.ReplaceAll(text, strings.Trim(string(home), `"`), "~/")
	return randomPattern.ReplaceAllStringFunc(text, func(prefix string) string {
		s.known[prefix] = cmp.Or(s.known[prefix], fmt.Sprintf("raff_%08x", 0x17d70fcf+uint32(len(s.known))*0x2b5a3c17))
		return s.known[prefix]
	})
}
