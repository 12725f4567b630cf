package stdio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// asking returns a server with a tool that asks the user and returns the answer.
func asking() *server.MCPServer {
	s := server.NewMCPServer("t", "1")
	s.AddTool(mcp.NewTool("ask"), func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if a := server.ElicitationResponse(r.Params.InputResponses, "q"); a != nil {
			return mcp.NewToolResultText("user: " + string(a.Action)), nil
		}
		return server.NewInputRequestBuilder("state").Elicit("q", mcp.ElicitationParams{
			Message: "sure?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}},
		}).ToolResult(), nil
	})
	return s
}

// An elicitation request goes to the client during the call, and the result to the tool.
func TestElicitation(t *testing.T) {
	for _, tt := range []struct{ name, reply, want string }{
		{"accepted", `{"jsonrpc":"2.0","id":ID,"result":{"action":"accept","content":{}}}`, "user: accept"},
		{"declined", `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline"}}`, "user: decline"},
		{"error", `{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"raw words"}}`, "user: cancel"},
		{"nonsense", `{"jsonrpc":"2.0","id":ID,"result":[1]}`, "user: cancel"},
		{"another's first", `{"jsonrpc":"2.0","id":"other","result":{"action":"accept"}}` + "\n" + `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline"}}`, "user: decline"},
		{"twice", `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline"}}` + "\n" + `{"jsonrpc":"2.0","id":ID,"result":{"action":"accept"}}`, "user: decline"},
		{"two actions", `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline","action":"accept"}}`, "user: cancel"},
		{"two spellings", `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline","Action":"accept"}}`, "user: cancel"},
		{"another spelling", `{"jsonrpc":"2.0","id":ID,"result":{"ACTION":"accept"}}`, "user: cancel"},
		{"two values of a field", `{"jsonrpc":"2.0","id":ID,"result":{"action":"accept","content":{"ok":false,"ok":true}}}`, "user: cancel"},
		{"two results", `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline"},"result":{"action":"accept"}}`, "user: cancel"},
		{"two spellings of the result", `{"jsonrpc":"2.0","id":ID,"re` + "ſ" + `ult":{"action":"accept"},"result":{"action":"accept"}}`, "user: cancel"},
		{"two of something else", `{"jsonrpc":"2.0","id":ID,"x":1,"X":1,"result":{"action":"accept"}}`, "user: cancel"},
		{"result and error", `{"jsonrpc":"2.0","id":ID,"result":{"action":"accept"},"error":{"code":-1,"message":""}}`, "user: cancel"},
		{"two ids", `{"jsonrpc":"2.0","id":"other","id":ID,"result":{"action":"accept"}}` + "\n" + `{"jsonrpc":"2.0","id":ID,"result":{"action":"decline"}}`, "user: decline"},
		{"end of input", "", "user: cancel"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inR, inW := io.Pipe()
				outR, outW := io.Pipe()
				done := make(chan error, 1)
				go func() {
					done <- stdio.Serve(t.Context(), asking(), inR, outW, stdio.Config{})
					outW.Close()
				}()
				out := bufio.NewScanner(outR)
				fmt.Fprintln(inW, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"ask"}}`)
				out.Scan()
				question := out.Text()
				if !strings.Contains(question, `"method":"elicitation/create"`) || !strings.Contains(question, "sure?") {
					t.Errorf("got %s, want a question", question)
				}
				_, rest, _ := strings.Cut(question, `"id":`)
				id, _, _ := strings.Cut(rest, ",")
				if tt.reply != "" {
					fmt.Fprintln(inW, strings.ReplaceAll(tt.reply, "ID", id))
				}
				inW.Close()
				out.Scan()
				if got := out.Text(); !strings.Contains(got, `"id":7`) || !strings.Contains(got, tt.want) || strings.Contains(got, "raw words") {
					t.Errorf("got %s, want %q", got, tt.want)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// In the stateless revision, an elicitation is the result of a call, and the user's
// answer comes with the next.
func TestElicitationIsStateless(t *testing.T) {
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}`
	in := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask",` + meta + `}}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"ask","inputResponses":{"q":{"action":"accept"}},"requestState":"state",` + meta + `}}
`
	var out strings.Builder
	if err := stdio.Serve(t.Context(), asking(), strings.NewReader(in), &out, stdio.Config{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"inputRequests"`, `"input_required"`, "user: accept"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want it to have %s", &out, want)
		}
	}
}

// An elicitation is cancelled together with its call.
func TestQuestionOfCancelledCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- stdio.Serve(t.Context(), asking(), inR, outW, stdio.Config{})
			outW.Close()
		}()
		out := bufio.NewScanner(outR)
		fmt.Fprintln(inW, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"ask"}}`)
		out.Scan()
		fmt.Fprintln(inW, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`)
		out.Scan()
		if got, want := out.Text(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"ask-1"}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		fmt.Fprintln(inW, `{"jsonrpc":"2.0","id":"ask-1","result":{"action":"accept"}}`)
		inW.Close()
		if out.Scan() {
			t.Errorf("a cancelled call was answered: %s", out.Text())
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
