package stdio_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// A slowCompleter completes nothing until release is closed or the request is cancelled.
type slowCompleter struct {
	release   chan struct{}
	cancelled chan error
}

func (s slowCompleter) CompletePromptArgument(ctx context.Context, _ string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	select {
	case <-s.release:
		return &mcp.Completion{Values: []string{argument.Value + "!"}}, nil
	case <-ctx.Done():
		s.cancelled <- context.Cause(ctx)
		return nil, ctx.Err()
	}
}

func newCompletingServer() (*server.MCPServer, slowCompleter) {
	c := slowCompleter{make(chan struct{}), make(chan error, 1)}
	return server.NewMCPServer("test", "1", server.WithCompletions(), server.WithPromptCompletionProvider(c)), c
}

const completeX = `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p","title":"P"},"argument":{"name":"a","value":"x"},"context":{"arguments":{"b":"y"}}}}`

// Completion reads lists from elsewhere: it does not block other requests, and can be
// cancelled when the user types on.
func TestCompletionRunsConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, completer := newCompletingServer()
		c := dial(t, s, stdio.Config{})
		c.Send(completeX, ping)
		if got := c.Line(); got != pong {
			t.Errorf("got %s, want %s", got, pong)
		}
		close(completer.release)
		wantLines(t, c.End(), `{"jsonrpc":"2.0","id":1,"result":{"completion":{"values":["x!"]}}}`)
	})
	synctest.Test(t, func(t *testing.T) {
		s, completer := newCompletingServer()
		c := dial(t, s, stdio.Config{})
		c.Send(completeX, mcptest.Cancel("1"), ping)
		if err := <-completer.cancelled; err == nil {
			t.Error("it was not cancelled")
		}
		wantLines(t, c.End(), pong)
	})
}

// What mcp-go decodes loosely is refused: a gateway may have approved something else.
func TestAmbiguousPromptRequests(t *testing.T) {
	s, completer := newCompletingServer()
	close(completer.release)
	for _, line := range []string{
		strings.Replace(completeX, `"value":"x"`, `"value":"x","Value":"y"`, 1),
		strings.Replace(completeX, `"name":"p"`, `"name":"p","NAME":"q"`, 1),
		strings.Replace(completeX, `"ref":`, `"Ref":`, 1),
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p","arguments":{"key":"a","KEY":"b"}}}`,
	} {
		got := serve(t, s, stdio.Config{}, line)
		if len(got) != 1 || !strings.Contains(got[0], "-32602") {
			t.Errorf("%s: got %q", line, got)
		}
	}
}
