package stdio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// declaring returns a server with a tool that returns what the client declared.
func declaring() *server.MCPServer {
	return newServer(map[string]handler{"declared": func(ctx context.Context) (*mcp.CallToolResult, error) {
		s := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo)
		return mcp.NewToolResultText(fmt.Sprintf("%s asks: %t", s.GetClientInfo().Name, s.GetClientCapabilities().Elicitation != nil)), nil
	}})
}

func statelessCall(id, client, capabilities string) string {
	return mcptest.Call(id, "declared", "", mcptest.Stateless(client, capabilities))
}

// What the client declares in initialize cannot be changed later: it decides whether
// the user is asked.
func TestInitializedOnce(t *testing.T) {
	const (
		again = "this connection is initialized already, and what was negotiated stays as it is. Open another connection to initialize again."
		era   = "this connection was initialized for protocol revision 2025-06-18. Send requests of that revision, without a protocol version in _meta, or open another connection."
	)
	first := mcptest.Initialize("0", "2025-06-18", "first", `{"elicitation":{}}`)
	for _, tt := range []struct{ name, second, want string }{
		{"initialize", mcptest.Initialize("1", "2025-06-18", "second", `{}`), again},
		{"initialize, another revision", mcptest.Initialize("1", "2024-11-05", "second", `{}`), again},
		{"initialize, the same", strings.Replace(first, `"id":0`, `"id":1`, 1), again},
		{"initialize of the stateless revision", modern("1", "initialize", ""), again},
		{"stateless call", statelessCall("1", "second", `{}`), era},
		{"stateless call of an unknown revision", strings.Replace(statelessCall("1", "second", `{}`), "2026-07-28", "2027-01-01", 1), era},
		{"discovery", modern("1", "server/discover", ""), era},
		{"subscription", listen("1", `"toolsListChanged":true`), era},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, declaring(), stdio.Config{}, first, tt.second, call("2", "declared"), "junk")
			wantLines(t, got[1:2], errorResponse("1", -32600, tt.want))
			rest := strings.Join(got[2:], "\n")
			if !strings.Contains(rest, `first asks: true`) {
				t.Errorf("got %s, want what was declared first", rest)
			}
			if !strings.Contains(rest, errorResponse("null", -32700, "not valid JSON")) { // as 2025-06-18 requires
				t.Errorf("the revision changed: %s", rest)
			}
		})
	}
}

func TestInitializeAfter(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before []string
	}{
		{"one that failed", []string{`{"jsonrpc":"2.0","id":9,"method":"initialize","params":{"protocolVersion":1,"capabilities":{}}}`}},
		{"one that was ambiguous", []string{`{"jsonrpc":"2.0","id":9,"method":"initialize","params":{"protocolVersion":"2025-06-18","protocolVersion":"2025-06-18","capabilities":{}}}`}},
		{"a probe", []string{modern("9", "server/discover", "")}},
		{"a stateless call", []string{statelessCall("9", "before", `{}`)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, declaring(), stdio.Config{}, append(tt.before, mcptest.Initialize("1", "2025-06-18", "late", `{"elicitation":{}}`), call("2", "declared"))...)
			all := strings.Join(got, "\n")
			if !strings.Contains(all, `"protocolVersion":"2025-06-18"`) || !strings.Contains(all, "late asks: true") {
				t.Errorf("got %s, want it to be initialized", all)
			}
		})
	}
}

// What a stateless request declares applies only to itself, also while others run.
func TestStatelessRequestsAreSeparate(t *testing.T) {
	var lines []string
	for i := range 100 {
		lines = append(lines, statelessCall(fmt.Sprint(2*i), "one", `{"elicitation":{}}`), statelessCall(fmt.Sprint(2*i+1), "other", `{}`))
	}
	lines = append(lines, call("1000", "declared"))
	for _, line := range serve(t, declaring(), stdio.Config{}, lines...) {
		id := mcptest.IDs([]string{line})[0]
		want := "one asks: true"
		switch {
		case id == "1000":
			want = `" asks: false`
		case strings.ContainsAny(id[len(id)-1:], "13579"):
			want = "other asks: false"
		}
		if !strings.Contains(line, want) {
			t.Errorf("got %s, want %s", line, want)
		}
	}
}
