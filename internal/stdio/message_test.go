package stdio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

func TestMessages(t *testing.T) {
	const method = `"method":"ping"`
	invalid := func(id, text string) string { return errorResponse(id, -32600, text) }
	for _, tt := range []struct {
		name  string
		input string
		want  string // "" for no output
	}{
		{"blank line", " \t", ""},
		{"carriage return", "\r", ""},
		{"CRLF", ping + "\r", pong},
		{"space around", " \t" + ping + "  ", pong},
		{"not JSON", `hello`, errorResponse("null", -32700, "not valid JSON")},
		{"cut short", `{"jsonrpc":"2.0","id":1`, errorResponse("null", -32700, "not valid JSON")},
		{"two on a line", ping + ping, errorResponse("null", -32700, "not valid JSON")},
		{"NUL", "\x00", errorResponse("null", -32700, "not valid JSON")},
		{"NULs inside", `{"jsonrpc":"2.0","id":"` + "\x00" + `",` + method + `}`, errorResponse("null", -32700, "not valid JSON")},
		{"binary", "\x7fELF\x02\x01\x01\x90", errorResponse("null", -32700, "not valid UTF-8")},
		{"invalid UTF-8", `{"jsonrpc":"2.0","id":"` + "\xff" + `",` + method + `}`, errorResponse("null", -32700, "not valid UTF-8")},
		{"too deep", strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), errorResponse("null", -32700, "not valid JSON")},
		{"a string", `"hello"`, invalid("null", "a message must be an object")},
		{"a number", `1`, invalid("null", "a message must be an object")},
		{"null", `null`, invalid("null", "a message must be an object")},
		{"empty", `{}`, invalid("null", `jsonrpc must be "2.0"`)},
		{"neither method nor result", `{"jsonrpc":"2.0","id":1}`, invalid("1", "method must be a string, and not empty")},
		{"id null", `{"jsonrpc":"2.0","id":null,` + method + `}`, invalid("null", "id must be a string or a number")},
		{"id true", `{"jsonrpc":"2.0","id":true,` + method + `}`, invalid("null", "id must be a string or a number")},
		{"id object", `{"jsonrpc":"2.0","id":{},` + method + `}`, invalid("null", "id must be a string or a number")},
		{"id array", `{"jsonrpc":"2.0","id":[1],` + method + `}`, invalid("null", "id must be a string or a number")},
		{"no version", `{"id":1,` + method + `}`, invalid("1", `jsonrpc must be "2.0"`)},
		{"version 1", `{"jsonrpc":"1.0","id":1,` + method + `}`, invalid("1", `jsonrpc must be "2.0"`)},
		{"version a number", `{"jsonrpc":2.0,"id":1,` + method + `}`, invalid("1", `jsonrpc must be "2.0"`)},
		{"method null", `{"jsonrpc":"2.0","id":1,"method":null}`, invalid("1", "method must be a string, and not empty")},
		{"method a number", `{"jsonrpc":"2.0","id":1,"method":7}`, invalid("1", "method must be a string, and not empty")},
		{"method empty", `{"jsonrpc":"2.0","method":""}`, invalid("null", "method must be a string, and not empty")},
		{"unknown method", `{"jsonrpc":"2.0","id":1,"method":"nope"}`, errorResponse("1", -32601, "Method nope not found")},
		{"params null", `{"jsonrpc":"2.0","id":"ping","params":null,` + method + `}`, pong},
		{"params array", `{"jsonrpc":"2.0","id":1,"params":[1],` + method + `}`, errorResponse("1", -32602, "params must be an object")},
		{"params string", `{"jsonrpc":"2.0","id":1,"params":"x",` + method + `}`, errorResponse("1", -32602, "params must be an object")},
		{"notification with params array", `{"jsonrpc":"2.0","method":"notifications/x","params":[1]}`, ""},
		{"notification with bad meta", `{"jsonrpc":"2.0","method":"notifications/x","params":{"_meta":1}}`, ""},
		{"notification without version", `{"method":"notifications/x"}`, invalid("null", `jsonrpc must be "2.0"`)},
		{"notification of a request", `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}`, ""},
		{"unknown notification", `{"jsonrpc":"2.0","method":"notifications/x"}`, ""},
		{"initialized", mcptest.Initialized, ""},
		{"cancellation of nothing", mcptest.Cancel("99"), ""},
		{"cancellation without id", `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, ""},
		{"cancellation of null", mcptest.Cancel("null"), ""},
		{"response", `{"jsonrpc":"2.0","id":1,"result":{}}`, ""},
		{"error response", `{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}`, ""},
		{"request with result", `{"jsonrpc":"2.0","id":"ping","result":{},` + method + `}`, pong},
		{"batch before initialize", `[` + ping + `]`, invalid("null", "batches are not part of this protocol revision")},
		{"half a batch", `[` + ping, errorResponse("null", -32700, "not valid JSON")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := []string{tt.want, pong}
			if tt.want == "" {
				want = []string{pong}
			}
			wantLines(t, serve(t, newServer(nil), stdio.Config{}, tt.input, ping), want...)
		})
	}
}

func TestInputEnds(t *testing.T) {
	for _, tt := range []struct {
		name, input string
		want        []string
	}{
		{"nothing", "", []string{""}},
		{"no newline at the end", ping, []string{pong}},
		{"newline at the end", ping + "\n", []string{pong}},
		{"blank lines", "\n\r\n\n" + ping + "\n\n", []string{pong}},
		{"byte order mark", "\ufeff" + ping, []string{pong}},
		{"byte order mark alone", "\ufeff\n" + ping, []string{pong}},
		{"byte order mark later", ping + "\n\ufeff" + ping, []string{pong, errorResponse("null", -32700, "not valid JSON")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantLines(t, serve(t, newServer(nil), stdio.Config{}, tt.input), tt.want...)
		})
	}
}

func TestErrorWithoutID(t *testing.T) {
	const modern = `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	null := errorResponse("null", -32700, "not valid JSON")
	omitted := `{"jsonrpc":"2.0","error":{"code":-32700,"message":"not valid JSON"}}`
	for _, tt := range []struct {
		name   string
		before []string
		want   string
	}{
		{"before anything", nil, null},
		{"2024-11-05", []string{initialize("2024-11-05")}, null},
		{"2025-06-18", []string{initialize("2025-06-18")}, null},
		{"2025-11-25", []string{initialize("2025-11-25")}, omitted},
		{"unknown revision", []string{initialize("2099-01-01")}, omitted},
		{"modern", []string{modern}, omitted},
		{"modern, then settled for an old one", []string{modern, initialize("2024-11-05")}, null},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, newServer(nil), stdio.Config{}, append(tt.before, "junk")...)
			if last := got[len(got)-1]; last != tt.want {
				t.Errorf("got %s, want %s", last, tt.want)
			}
		})
	}
}

func TestIDsComeBackAsSent(t *testing.T) {
	for _, id := range []string{
		`0`, `-0`, `1`, `-7`, `1.0`, `1e3`, `1E+3`, `0.1`, `9007199254740993`, `123456789012345678901234567890`,
		`1e999`, `-1e-99999999999999999999`, `""`, `"1"`, `"a\/b"`, `"ü\u00fc"`, `"<&>"`, "\"\u2028\"", `"\ud83d\ude00"`, `"\ud800"`,
		`"` + strings.Repeat("x", 5000) + `"`,
	} {
		for _, tt := range []struct{ name, input, want string }{
			{"inline", `{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`, `{"jsonrpc":"2.0","id":` + id + `,"result":{}}`},
			{"call", call(id, "ok"), okResponse(id)},
			{"error", call(id, "nope"), errorResponse(id, -32602, "tool 'nope' not found: tool not found")},
			{"refusal", `{"jsonrpc":"3","id":` + id + `}`, errorResponse(id, -32600, `jsonrpc must be "2.0"`)},
		} {
			got := serve(t, newServer(map[string]handler{"ok": ok}), stdio.Config{}, tt.input)
			if !slices.Equal(got, []string{tt.want}) {
				t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
			}
		}
	}
}

func TestLongLine(t *testing.T) {
	const max = 1000
	long := strings.Repeat("x", 200_000)
	refused := errorResponse("null", -32600, "message longer than 1000 bytes")
	for _, tt := range []struct {
		name, input, want string
	}{
		{"request", `{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"` + long + `"}}`, refused},
		{"notification", `{"jsonrpc":"2.0","method":"m","params":{"a":"` + long + `"}}`, refused},
		{"response", `{"id":7,"result":"` + long + `"}`, refused},
		{"batch", `[{"id":7,"method":"m","params":"` + long + `"}]`, refused},
		{"cut short", `{"id":7,"method":"m","params":"` + long, refused},
		{"junk", long, refused},
		{"brackets", strings.Repeat("}]", 9999), refused},
		{"invalid UTF-8", strings.Repeat("\xff", 9999), refused},
		{"spaces", strings.Repeat(" ", max+1), refused},
		{"just short enough", pad(ping, max), pong},
		{"just short enough, CRLF", pad(ping, max) + "\r", pong},
		{"just too long", pad(ping, max+1), refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, newServer(nil), stdio.Config{MaxLine: max}, tt.input, ping, tt.input)
			wantLines(t, got, tt.want, pong, tt.want)
		})
	}
}

// The response to a long line has no id, in the form that the revision requires.
func TestLongLineAfterInitialize(t *testing.T) {
	got := serve(t, newServer(nil), stdio.Config{MaxLine: 1000}, initialize("2025-11-25"), strings.Repeat("x", 1001), ping)
	wantLines(t, got[1:], `{"jsonrpc":"2.0","error":{"code":-32600,"message":"message longer than 1000 bytes"}}`, pong)
}

// pad returns message with white space, n bytes long.
func pad(message string, n int) string {
	return "{" + strings.Repeat(" ", n-len(message)) + message[1:]
}

func TestLongLineIsNotKept(t *testing.T) {
	const size = 200 << 20
	line := io.MultiReader(
		strings.NewReader(`{"method":"tools/call","params":{"a":"`),
		io.LimitReader(repeated('x'), size),
		strings.NewReader(`"},"jsonrpc":"2.0","id":7}`),
	)
	var before, after runtime.MemStats
	s := newServer(nil)
	var out strings.Builder
	runtime.ReadMemStats(&before)
	if err := stdio.Serve(t.Context(), s, line, &out, stdio.Config{}); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	// Everything ever allocated, which is more than was in use at any time.
	if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
		t.Errorf("a line of %d bytes took %d bytes of memory", size, n)
	}
	if want := errorResponse("null", -32600, "message longer than 4194304 bytes") + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", &out, want)
	}
}

type repeated byte

func (r repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

func FuzzServe(f *testing.F) {
	for _, seed := range []string{
		"", "\n\r\n", "junk", "\xff\x00", "{}", "null", "[]", `[1,"a",{}]`,
		ping, initialize("2025-03-26") + "\n[" + ping + "," + call("1", "echo") + "]",
		initialize("2025-11-25") + "\n" + call("1", "echo") + "\n" + call("1.0", "echo") + "\n" + mcptest.Cancel("1"),
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		`{"id":3,"method":"m","params":"` + strings.Repeat("long", 300) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	const last = `{"jsonrpc":"2.0","id":"the last ping","method":"ping"}`
	f.Fuzz(func(t *testing.T, input []byte) {
		got := serve(t, newServer(nil), stdio.Config{MaxLine: 1000}.WithMaxCalls(10), string(input), last)
		answered := false
		for i, line := range got {
			if err := validOutput(line); err != nil {
				t.Errorf("line %d: %v: %s", i, err, line)
			}
			answered = answered || line == `{"jsonrpc":"2.0","id":"the last ping","result":{}}`
		}
		if !answered {
			t.Errorf("the last ping was not answered: %q", got)
		}
	})
}

// validOutput checks that line is a JSON-RPC response or notification, or an array
// of them.
func validOutput(line string) error {
	if strings.HasPrefix(line, "[") {
		var elements []json.RawMessage
		if err := json.Unmarshal([]byte(line), &elements); err != nil {
			return err
		}
		for _, element := range elements {
			if err := validOutput(string(element)); err != nil {
				return err
			}
		}
		return nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		return err
	}
	n := 0
	for _, member := range []string{"method", "result", "error"} {
		if m[member] != nil {
			n++
		}
	}
	if string(m["jsonrpc"]) != `"2.0"` || n != 1 || m["result"] != nil && m["id"] == nil {
		return fmt.Errorf("no message")
	}
	return nil
}
