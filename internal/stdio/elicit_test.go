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
				c := dial(t, asking(), stdio.Config{})
				c.Send(call("7", "ask"))
				question := c.Receive()
				if !question.IsQuestion() || !strings.Contains(question.Text, "sure?") {
					t.Errorf("got %s, want a question", question.Text)
				}
				if tt.reply != "" {
					c.Send(strings.ReplaceAll(tt.reply, "ID", string(question.ID)))
				}
				got := c.End()
				if len(got) != 1 || !strings.Contains(got[0], `"id":7`) || !strings.Contains(got[0], tt.want) || strings.Contains(got[0], "raw words") {
					t.Errorf("got %s, want %q", got, tt.want)
				}
			})
		})
	}
}

// In the stateless revision, an elicitation is the result of a call, and the user's
// answer comes with the next.
func TestElicitationIsStateless(t *testing.T) {
	meta := mcptest.Stateless("t", `{"elicitation":{"form":{}}}`)
	in := mcptest.Call("1", "ask", "", meta) + "\n" +
		mcptest.Call("2", "ask", "", `"inputResponses":{"q":{"action":"accept"}},"requestState":"state"`, meta) + "\n"
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
		c := dial(t, asking(), stdio.Config{})
		c.Send(call("7", "ask"))
		c.Receive()
		c.Send(mcptest.Cancel("7"))
		if got, want := c.Line(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"ask-1"}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		c.Send(accept(`"ask-1"`))
		if got := c.End(); len(got) != 0 {
			t.Errorf("a cancelled call was answered: %s", got)
		}
	})
}
