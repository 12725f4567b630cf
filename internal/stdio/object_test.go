package stdio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// A message that can be read in two ways is refused: a gateway may have approved the
// other reading.
func TestAmbiguousMessages(t *testing.T) {
	const (
		twice     = ` more than once or in another spelling. Send it once, spelled exactly like that.`
		unknown   = ` contains two members whose names are equal or differ only in case. Send each name once.`
		modern    = `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`
		modernAll = modern + `,"io.modelcontextprotocol/clientCapabilities":{}`
	)
	params := func(at, name string) string {
		return errorResponse("1", -32602, fmt.Sprintf("%s contains %q", at, name)+twice)
	}
	message := func(id, name string) string {
		return errorResponse(id, -32600, fmt.Sprintf("the message contains %q", name)+twice)
	}
	call := func(params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`
	}
	for _, tt := range []struct{ name, input, want string }{
		{"other case", call(`{"name":"read","NAME":"change"}`), params("params", "name")},
		{"other case first", call(`{"Name":"change","name":"read"}`), params("params", "name")},
		{"other case only", call(`{"Name":"change"}`), params("params", "name")},
		{"twice", call(`{"name":"read","name":"change"}`), params("params", "name")},
		{"twice, the same", call(`{"name":"change","name":"change"}`), params("params", "name")},
		{"escaped", call(`{"name":"read","n\u0061me":"change"}`), params("params", "name")},
		{"escaped other case", call(`{"name":"read","\u004eame":"change"}`), params("params", "name")},
		{"null", call(`{"name":"change","NAME":null}`), params("params", "name")},
		{"arguments", call(`{"name":"change","arguments":{},"Arguments":{"a":1}}`), params("params", "arguments")},
		{"long s", call(`{"name":"change","argument` + "ſ" + `":{}}`), params("params", "arguments")},
		{"escaped long s", call(`{"name":"change","argument\u017f":{}}`), params("params", "arguments")},
		{"Kelvin sign", call(`{"name":"change","tas` + "\u212a" + `":{}}`), params("params", "task")},
		{"Kelvin sign in depth", call(`{"name":"change","_meta":{"progressTo` + "\u212a" + `en":1}}`), params("params._meta", "progressToken")},
		{"token twice", call(`{"name":"change","_meta":{"progressToken":1,"progressToken":2}}`), params("params._meta", "progressToken")},
		{"another method's", call(`{"name":"change","URI":"x"}`), params("params", "uri")},
		{"unknown, twice", call(`{"name":"change","x":1,"x":1}`), errorResponse("1", -32602, "params"+unknown)},
		{"unknown, other case", call(`{"name":"change","x":{"ä":1,"Ä":1}}`), errorResponse("1", -32602, "params"+unknown)},
		{"unknown in an array", call(`{"name":"change","x":[1,{"a":[{"a":1,"a":1}]}]}`), errorResponse("1", -32602, "params"+unknown)},
		{"unknown in meta", call(`{"name":"change","_meta":{"x/y":{"a":1,"a":1}}}`), errorResponse("1", -32602, "params._meta"+unknown)},
		{"answer of the user", call(`{"name":"change","inputResponses":{"q":{"action":"decline","Action":"accept"}}}`), params("params.inputResponses", "action")},
		{"answer of the user, content", call(`{"name":"change","inputResponses":{"q":{"action":"accept","content":{"confirm":false,"confirm":true}}}}`),
			errorResponse("1", -32602, "params.inputResponses.content"+unknown)},
		{"capabilities", call(`{"name":"change","_meta":{` + modern + `,"io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"Elicitation":null}}}`),
			params("params._meta.io.modelcontextprotocol/clientCapabilities", "elicitation")},
		{"protocol version", call(`{"name":"change","_meta":{` + modern + `,` + modernAll + `}}`), params("params._meta", "io.modelcontextprotocol/protocolVersion")},
		{"initialize", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","PROTOCOLVERSION":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
			params("params", "protocolVersion")},
		{"initialize, capabilities", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{"form":{},"Form":null}},"clientInfo":{"name":"t","version":"1"}}}`,
			params("params.capabilities.elicitation", "form")},
		{"initialize, icons", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":{"icons":[{"src":"a"},{"src":"a","SRC":"b"}]}}}`,
			params("params.clientInfo.icons", "src")},

		{"method", `{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"change"}}`, message("1", "method")},
		{"method twice", `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"change"}}`, message("1", "method")},
		{"Method only", `{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"change"}}`, message("1", "method")},
		{"params", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"PARAMS":{"name":"change"}}`, message("1", "params")},
		{"params with long s", `{"jsonrpc":"2.0","id":1,"method":"tools/call","param` + "ſ" + `":{"name":"change"}}`, message("1", "params")},
		{"params twice", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"params":{"name":"change"}}`, message("1", "params")},
		{"version", `{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"change"}}`, message("1", "jsonrpc")},
		{"id twice", `{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"change"}}`, message("null", "id")},
		{"id and Id", `{"jsonrpc":"2.0","id":1,"Id":2,"method":"tools/call","params":{"name":"change"}}`, message("null", "id")},
		{"Id only", `{"jsonrpc":"2.0","Id":2,"method":"tools/call","params":{"name":"change"}}`, message("null", "id")},
		{"unknown", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"change"},"x":1,"X":1}`, errorResponse("1", -32600, "the message"+unknown)},
		{"notification", `{"jsonrpc":"2.0","method":"notifications/x","Method":"notifications/y"}`, message("null", "method")},
		{"params of a notification", `{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1,"A":1}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ran atomic.Int32
			tool := func(ctx context.Context) (*mcp.CallToolResult, error) {
				ran.Add(1)
				return ok(ctx)
			}
			s := newServer(map[string]handler{"read": tool, "change": tool})
			s.AddNotificationHandler("notifications/x", func(context.Context, mcp.JSONRPCNotification) { ran.Add(1) })
			s.AddNotificationHandler("notifications/y", func(context.Context, mcp.JSONRPCNotification) { ran.Add(1) })
			want := []string{tt.want, pong}
			if tt.want == "" {
				want = want[1:]
			}
			wantLines(t, serve(t, s, stdio.Config{}, tt.input, ping), want...)
			if ran.Load() != 0 {
				t.Error("it was done")
			}
		})
	}
}

// In a batch, only the ambiguous element is refused.
func TestAmbiguousElement(t *testing.T) {
	got := serve(t, newServer(map[string]handler{"ok": ok}), stdio.Config{}, initialize("2025-03-26"),
		`[`+ping+`,{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ok","Name":"ok"}},`+call("2", "ok")+`]`)
	wantLines(t, got[1:], "["+pong+","+
		errorResponse("1", -32602, `params contains "name" more than once or in another spelling. Send it once, spelled exactly like that.`)+","+okResponse("2")+"]")
}

func TestAmbiguousCancellation(t *testing.T) {
	for _, params := range []string{
		`{"requestId":1,"requestId":1}`, `{"requestId":1,"REQUESTID":2}`, `{"RequestId":1}`, `{"reque` + "ſ" + `tId":1}`,
	} {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{})
		c.Send(call("1", "block"), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":`+params+`}`, ping)
		wantLines(t, []string{c.Line()}, pong)
		close(release)
		wantLines(t, c.End(), okResponse("1"))
	}
}

// mcp-go receives what was validated: members in their only spelling, arguments as
// sent, and no members that it does not know.
func TestWhatIsPassedOn(t *testing.T) {
	const arguments = `{"n":123456789012345678901234567890, "e":1.50e3,"s":"\ud800\u0041","a":1,"A":2,"a":3}`
	var got mcp.CallToolParams
	s := server.NewMCPServer("t", "1")
	s.AddTool(mcp.NewTool("t"), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		got = r.Params
		return ok(ctx)
	})
	serve(t, s, stdio.Config{}, `{"x":1,"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"extra":{"Name":"x"},"n\u0061me":"t","arguments":`+arguments+
		`,"_meta":{"progressToken":7,"example.com/x":{"Name":1}}}}`)
	if got.Name != "t" || string(got.RawArguments) != arguments {
		t.Errorf("got name %q and arguments %s", got.Name, got.RawArguments)
	}
	if x, _ := got.Meta.AdditionalFields["example.com/x"].(map[string]any); got.Meta.ProgressToken != 7.0 || x["Name"] != 1.0 {
		t.Errorf("got meta %+v", got.Meta)
	}
}

// Every member that mcp-go accepts in another spelling is known. This fails if a new
// version of mcp-go decodes more.
func TestOtherSpellings(t *testing.T) {
	for method, request := range map[mcp.MCPMethod]any{
		mcp.MethodInitialize:             mcp.InitializeRequest{},
		mcp.MethodPing:                   mcp.PingRequest{},
		mcp.MethodServerDiscover:         mcp.DiscoverRequest{},
		mcp.MethodSubscriptionsListen:    mcp.SubscriptionsListenRequest{},
		mcp.MethodSetLogLevel:            mcp.SetLevelRequest{},
		mcp.MethodResourcesList:          mcp.ListResourcesRequest{},
		mcp.MethodResourcesTemplatesList: mcp.ListResourceTemplatesRequest{},
		mcp.MethodResourcesRead:          mcp.ReadResourceRequest{},
		mcp.MethodResourcesSubscribe:     mcp.SubscribeRequest{},
		mcp.MethodResourcesUnsubscribe:   mcp.UnsubscribeRequest{},
		mcp.MethodPromptsList:            mcp.ListPromptsRequest{},
		mcp.MethodPromptsGet:             mcp.GetPromptRequest{},
		mcp.MethodToolsList:              mcp.ListToolsRequest{},
		mcp.MethodToolsCall:              mcp.CallToolRequest{},
		mcp.MethodTasksGet:               mcp.GetTaskRequest{},
		mcp.MethodTasksList:              mcp.ListTasksRequest{},
		mcp.MethodTasksResult:            mcp.TaskResultRequest{},
		mcp.MethodTasksCancel:            mcp.CancelTaskRequest{},
		mcp.MethodCompletionComplete:     mcp.CompleteRequest{},
	} {
		fields := paths(reflect.TypeOf(request))
		for _, known := range []struct {
			at   []string
			what any
		}{
			{[]string{"params", "_meta", mcp.MetaKeyClientInfo}, mcp.Implementation{}},
			{[]string{"params", "_meta", mcp.MetaKeyClientCapabilities}, mcp.ClientCapabilities{}},
			{[]string{"params", "_meta", mcp.MetaKeyProtocolVersion}, ""},
			{[]string{"params", "_meta", mcp.MetaKeyLogLevel}, ""},
			{[]string{"params", "_meta", "progressToken"}, ""},
			{[]string{"params", "inputResponses", "any"}, mcp.ElicitationResult{}},
			{[]string{"params", "inputResponses", "any"}, mcp.CreateMessageResult{}},
			{[]string{"params", "inputResponses", "any"}, mcp.ListRootsResult{}},
			{[]string{"params", "ref"}, mcp.PromptReference{}},
			{[]string{"params", "ref"}, mcp.ResourceReference{}},
		} {
			if known.at[2-1] != "inputResponses" {
				fields = append(fields, known.at)
			}
			for _, p := range paths(reflect.TypeOf(known.what)) {
				fields = append(fields, append(known.at[:len(known.at):len(known.at)], p...))
			}
		}
		for _, path := range fields {
			if path[0] != "params" || len(path) < 2 {
				continue
			}
			for _, spell := range []func(string) string{strings.ToUpper, capitalized, unusual} {
				last := len(path) - 1
				other := spell(path[last])
				if other == path[last] {
					continue
				}
				value := "{}"
				for i := last; i > 0; i-- {
					name := path[i]
					if i == last {
						name = other
					}
					value = fmt.Sprintf("{%q:%s}", name, value)
				}
				line := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, value)
				got := serve(t, newServer(nil), stdio.Config{}, line)
				if !strings.Contains(got[0], `"code":-32602`) || !strings.Contains(got[0], "in another spelling") {
					t.Errorf("%s: got %s", line, got[0])
				}
			}
		}
	}
}

func capitalized(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// unusual replaces k and s by letters that differ only in case.
func unusual(name string) string {
	return strings.NewReplacer("k", "\u212a", "s", "ſ").Replace(name)
}

// paths returns the JSON path of each field of t.
func paths(t reflect.Type) (all [][]string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[mcp.Meta]() {
		return nil
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		below := paths(field.Type)
		switch {
		case name == "-":
			continue
		case name == "" && field.Anonymous:
			all = append(all, below...)
			continue
		case name == "":
			name = field.Name
		}
		all = append(all, []string{name})
		for _, path := range below {
			all = append(all, append([]string{name}, path...))
		}
	}
	return all
}

// Whatever the params are, mcp-go and any other reader of the same bytes agree.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{
		`{"name":"echo","arguments":{"text":"hello","n":12345678901234567890},"_meta":{"progressToken":1}}`,
		`{"name":"a","NAME":"b"}`, `{"name":"a","n\u0061me":"b"}`, `{"argumentſ":{},"arguments":[1e400]}`,
		`{"name":"a","inputResponses":{"q":{"action":"accept","content":{"confirm":true}}},"requestState":"x"}`,
		`{"name":"a","inputResponses":{"q":{"action":"accept","Action":"decline"}},"task":{"ttl":1}}`,
		`{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{"form":{}},"roots":{"listChanged":true}},"clientInfo":{"name":"t","version":"1","icons":[{"src":"a"}]}}`,
		`{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{},"Elicitation":null},"clientInfo":{}}`,
		`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}},"name":"a"}`,
		`{"capabilities":{"ELICITATION":{}},"clientInfo":{"Name":"x"}}`, `{"capabilities":{"elicitation":{"URL":{}}}}`,
		`{"name":"a","inputResponses":{"q":{"ACTION":"accept"}}}`,
		`{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"Elicitation":{}}}}`,
		`{"name":"\ud800","\ud800":1,"\udfff":2}`, `{}`, `null`, `[]`, `{"name":{"name":{"name":[[[[]]]]}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, params string) {
		if strings.ContainsAny(params, "\r\n") {
			return
		}
		for _, method := range []string{"tools/call", "initialize"} {
			var decoded any
			hooks := &server.Hooks{}
			hooks.AddBeforeAny(func(_ context.Context, _ any, _ mcp.MCPMethod, message any) { decoded = message })
			s := server.NewMCPServer("t", "1", server.WithToolCapabilities(true), server.WithHooks(hooks))
			got := serve(t, s, stdio.Config{}, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
			if len(got) != 1 {
				t.Fatalf("%s: got %q, want one answer", method, got)
			}
			raw := json.RawMessage(params)
			switch r := decoded.(type) {
			case *mcp.CallToolRequest:
				same(t, "name", r.Params.Name, stringOf(raw, "name"))
				same(t, "requestState", r.Params.RequestState, stringOf(raw, "requestState"))
				same(t, "arguments", string(r.Params.RawArguments), string(bytes.TrimSpace(at(raw, "arguments"))))
				for id := range r.Params.InputResponses {
					if answer := server.ElicitationResponse(r.Params.InputResponses, id); answer != nil {
						same(t, "action", string(answer.Action), stringOf(raw, "inputResponses", id, "action"))
						content, err := json.Marshal(answer.Content)
						if err != nil {
							t.Fatal(err)
						}
						var want any
						_ = json.Unmarshal(at(raw, "inputResponses", id, "content"), &want)
						wanted, _ := json.Marshal(want)
						same(t, "content", string(content), string(wanted))
					}
				}
				if c := r.Params.Meta.ClientCapabilities(); c != nil {
					same(t, "elicitation", c.Elicitation != nil, present(raw, "_meta", mcp.MetaKeyClientCapabilities, "elicitation"))
				}
				same(t, "version", r.Params.Meta.ProtocolVersion(), stringOf(raw, "_meta", mcp.MetaKeyProtocolVersion))
			case *mcp.InitializeRequest:
				same(t, "protocolVersion", r.Params.ProtocolVersion, stringOf(raw, "protocolVersion"))
				same(t, "client", r.Params.ClientInfo.Name, stringOf(raw, "clientInfo", "name"))
				elicitation := r.Params.Capabilities.Elicitation
				same(t, "elicitation", elicitation != nil, present(raw, "capabilities", "elicitation"))
				if elicitation != nil {
					same(t, "form", elicitation.Form != nil, present(raw, "capabilities", "elicitation", "form"))
					same(t, "url", elicitation.URL != nil, present(raw, "capabilities", "elicitation", "url"))
				}
			}
		}
	})
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: mcp-go has %v, another reader %v", what, got, want)
	}
}

// at returns the value at path for a reader that matches names exactly and uses the
// first of several.
func at(raw json.RawMessage, path ...string) json.RawMessage {
	for _, name := range path {
		d := json.NewDecoder(bytes.NewReader(raw))
		raw = nil
		if start, err := d.Token(); err != nil || start != json.Delim('{') {
			return nil
		}
		for raw == nil && d.More() {
			token, err := d.Token()
			var value json.RawMessage
			if err != nil || d.Decode(&value) != nil {
				return nil
			}
			if token == name {
				raw = value
			}
		}
	}
	return raw
}

func stringOf(raw json.RawMessage, path ...string) (s string) {
	_ = json.Unmarshal(at(raw, path...), &s)
	return s
}

func present(raw json.RawMessage, path ...string) bool {
	value := at(raw, path...)
	return value != nil && string(value) != "null"
}

// The time to read members is linear in their number.
func TestManyMembers(t *testing.T) {
	const n = 15000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d":0,"X%d":0`, i, i)
	}
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"` + b.String() + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"a":0` + b.String() + `}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call"` + b.String() + `}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000) + `}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":` + strings.Repeat(`[`, 9000) + strings.Repeat("]", 9000) + `}}`,
	} {
		var got []string
		allocated := testing.AllocsPerRun(1, func() { got = serve(t, newServer(nil), stdio.Config{MaxLine: 1 << 20}, line) })
		if !strings.Contains(got[0], `"error"`) {
			t.Errorf("got %s, want an error", got[0])
		}
		if allocated > 40*n {
			t.Errorf("%.0f allocations for %d members", allocated, 2*n)
		}
	}
}
