package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The stories are what administrators do in a day, as the calls of a model that sees only
// the structured results. They add three commands to those of scripts:
//
//	tool NAME ARGUMENTS    calls a tool of the script's own server, in the sandbox, and
//	                       prints the structured result; with !, the call must fail, and
//	                       the text of the error is printed
//	let VAR PATH           sets $VAR to a value in the last result: items.0.id
//	follow TOOL TEXT       makes the call of a tool that TEXT contains: tool {arguments}
//	cost CALLS BYTES       fails if the calls so far were more, or their results longer
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/story",
		Setup: func(e *testscript.Env) error {
			s, err := newStory(e.WorkDir)
			e.Values[storyKey{}] = s
			e.Defer(s.end)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tool": callTool, "let": let, "follow": follow, "cost": cost,
		},
	})
}

type storyKey struct{}

func storyOf(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

// A story is a server and what it returned so far.
type story struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	calls  int
	bytes  int
	result any // the last structured result
}

func newStory(home string) (*story, error) {
	program, err := exec.LookPath("raff-mcp") // testscript puts it into PATH
	if err != nil {
		return &story{}, err
	}
	s := &story{cmd: exec.Command(program, "--sandbox")}
	s.cmd.Env = []string{"HOME=" + home, "USERPROFILE=" + home, "SystemRoot=" + os.Getenv("SystemRoot")}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return s, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return s, err
	}
	_, err = s.ask("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "story", "version": "1"}})
	return s, err
}

func (s *story) end() {
	if s.in != nil {
		s.in.Close()
		_ = s.cmd.Wait()
	}
}

// ask sends a request and returns the result.
func (s *story) ask(method string, params any) (json.RawMessage, error) {
	request, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	if _, err := s.in.Write(append(request, '\n')); err != nil {
		return nil, err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var response struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(line, &response); err != nil {
		return nil, err
	}
	if response.Error != nil {
		return nil, fmt.Errorf("%s: %s", method, response.Error)
	}
	return response.Result, nil
}

func callTool(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tool name arguments")
	}
	s := storyOf(ts)
	raw, err := s.ask("tools/call", map[string]any{"name": args[0], "arguments": json.RawMessage(args[1])})
	ts.Check(err)
	var result struct {
		IsError           bool
		Content           []struct{ Text string }
		StructuredContent json.RawMessage
	}
	ts.Check(json.Unmarshal(raw, &result))
	if result.IsError != neg {
		ts.Fatalf("%s: got %s", args[0], raw)
	}
	if neg {
		fmt.Fprintln(ts.Stdout(), result.Content[0].Text)
		return
	}
	s.calls++
	s.bytes += len(result.StructuredContent)
	ts.Check(json.Unmarshal(result.StructuredContent, &s.result))
	fmt.Fprintf(ts.Stdout(), "%s\n", result.StructuredContent)
}

func let(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: let VAR path")
	}
	value := storyOf(ts).result
	for _, step := range strings.Split(args[1], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				ts.Fatalf("%s: there is no element %s", args[1], step)
			}
			value = v[i]
		default:
			ts.Fatalf("%s: there is no %s", args[1], step)
		}
	}
	text, ok := value.(string)
	if !ok {
		encoded, err := json.Marshal(value)
		ts.Check(err)
		text = string(encoded)
	}
	ts.Setenv(args[0], text)
}

func follow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: follow tool text")
	}
	call := regexp.MustCompile(regexp.QuoteMeta(args[0]) + ` (\{[^{}]*\})`).FindStringSubmatch(args[1])
	if call == nil {
		ts.Fatalf("no call of %s in: %s", args[0], args[1])
	}
	callTool(ts, false, []string{args[0], call[1]})
}

func cost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cost calls bytes")
	}
	s := storyOf(ts)
	for i, got := range []int{s.calls, s.bytes} {
		if most, err := strconv.Atoi(args[i]); err != nil || got > most {
			ts.Fatalf("got %d calls and %d bytes, want %s and %s at most", s.calls, s.bytes, args[0], args[1])
		}
	}
}
