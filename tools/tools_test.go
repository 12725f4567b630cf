package tools_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/contract"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// bench is a server over a sandbox, and what it logged.
type bench struct {
	api    *faulty.API
	server *server.MCPServer
	log    *bytes.Buffer
	seeded int // keys that were there from the start
}

func newBench(t *testing.T, change ...func(*raffclient.Config, *tools.Config)) *bench {
	t.Helper()
	b := &bench{api: faulty.Wrap(sandbox.New()), log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := raffclient.Config{
		APIKey: b.api.OwnerKey(), BaseURL: "http://localhost",
		Transport: b.api.Transport(), Logger: log, OnWait: tools.OnWait,
	}
	cfg := tools.Config{Version: "0", Logger: log}
	for _, f := range change {
		f(&c, &cfg)
	}
	var err error
	if cfg.Client, err = raffclient.New(c); err != nil {
		t.Fatal(err)
	}
	b.server = tools.NewServer(cfg)
	contract.Watch(t, b.api, description)
	b.seeded = len(b.api.Keys())
	b.api.Record(true)
	return b
}

// keyFrom is the source of a key that can change while the server runs.
func keyFrom(name string) func() tools.KeySource {
	return func() tools.KeySource { return tools.KeySource{Name: name} }
}

// withoutKey has reading the server's key fail.
func withoutKey(problem string) func(*raffclient.Config, *tools.Config) {
	return func(c *raffclient.Config, _ *tools.Config) {
		c.ReadKey = func(context.Context) (raffclient.Secret, error) { return raffclient.Secret{}, errors.New(problem) }
	}
}

func (b *bench) made() []sandbox.Key { return b.api.Keys()[b.seeded:] }

// request sends a message as a client would and returns the answer as sent.
func (b *bench) request(t *testing.T, ctx context.Context, method string, params any) json.RawMessage {
	t.Helper()
	message, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	answer, ok := b.server.HandleMessage(ctx, message).(mcp.JSONRPCResponse)
	if !ok {
		t.Fatalf("%s: not answered with a result", method)
	}
	text, err := json.Marshal(answer.Result)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// result is the answer to tools/call.
type result struct {
	Meta    map[string]json.RawMessage `json:"_meta"`
	IsError bool
	Content []struct {
		Type, Text  string
		Annotations *struct {
			Audience []string
			Priority float64
		}
	}
	StructuredContent json.RawMessage
	raw               json.RawMessage
}

// call calls a tool; arguments are JSON, "" for none.
func (b *bench) call(t *testing.T, ctx context.Context, name, arguments string) (r result) {
	t.Helper()
	params := map[string]any{"name": name}
	if arguments != "" {
		params["arguments"] = json.RawMessage(arguments)
	}
	r.raw = b.request(t, ctx, "tools/call", params)
	if err := json.Unmarshal(r.raw, &r); err != nil {
		t.Fatal(err)
	}
	if r.IsError && (len(r.Content) != 1 || r.StructuredContent != nil || r.Meta != nil) {
		t.Errorf("an error is more than text: %s", r.raw)
	}
	return r
}

func (r result) text() string {
	if len(r.Content) == 0 {
		return ""
	}
	return r.Content[0].Text
}

// The golden files are what a model sees of each tool: read their diff as a
// model would.
func TestGolden(t *testing.T) {
	const dir = "testdata/tools"
	var names []string
	for _, tool := range tools.All() {
		t.Run(tool.Name, func(t *testing.T) {
			got, err := json.MarshalIndent(tool.Definition(), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join(dir, tool.Name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v\nmake it with go test ./tools -update", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got %s\nwant %s\nrewrite it with go test ./tools -update, and read the difference", got, want)
			}
		})
		names = append(names, tool.Name+".json")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(names, f.Name()) {
			t.Errorf("%s belongs to no tool: delete it", f.Name())
		}
	}
}

// What some client or other refuses is in no schema.
func TestSchemasSuitEveryClient(t *testing.T) {
	for _, tool := range tools.All() {
		for kind, raw := range map[string]json.RawMessage{"input": tool.Definition().RawInputSchema, "output": tool.Definition().RawOutputSchema} {
			t.Run(tool.Name+" "+kind, func(t *testing.T) {
				var root map[string]any
				if err := json.Unmarshal(raw, &root); err != nil {
					t.Fatal(err)
				}
				if root["type"] != "object" {
					t.Errorf("the root's type is %v", root["type"])
				}
				for _, word := range []string{`"$schema"`, `"$ref"`, `"$id"`, `"$defs"`, `"oneOf"`, `"anyOf"`, `"allOf"`, `"nullable"`} {
					if bytes.Contains(raw, []byte(word)) {
						t.Errorf("it has %s", word)
					}
				}
				if has := bytes.Contains(raw, []byte("x-sensitive")); has && kind == "input" {
					t.Error("an input is marked as sensitive")
				}
				compileSchema(t, raw)
			})
		}
		for _, text := range []string{tool.Title, tool.Definition().Annotations.Title, tool.Definition().Description} {
			if text == "" {
				t.Errorf("%s: a title or description is missing", tool.Name)
			}
		}
		if strings.Contains(strings.ToLower(tool.Definition().Description), "this tool") {
			t.Errorf("%s: its description says \"this tool\"", tool.Name)
		}
		a := tool.Definition().Annotations
		if a.ReadOnlyHint == nil || a.DestructiveHint == nil || a.IdempotentHint == nil || a.OpenWorldHint == nil {
			t.Errorf("%s: a hint is missing", tool.Name)
		}
	}
}

func compileSchema(t *testing.T, raw json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///s", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///s")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// conforms checks a result against the output schema of its tool.
func conforms(t *testing.T, name string, r result) {
	t.Helper()
	i := slices.IndexFunc(tools.All(), func(tool tools.Tool) bool { return tool.Name == name })
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.StructuredContent))
	if err != nil {
		t.Fatalf("%v in %s", err, r.raw)
	}
	if err := compileSchema(t, tools.All()[i].Definition().RawOutputSchema).Validate(value); err != nil {
		t.Errorf("the result does not conform to its schema: %v", err)
	}
}

func TestToolsListSize(t *testing.T) {
	list := newBench(t).request(t, t.Context(), "tools/list", map[string]any{})
	if got, want := len(list), 3000*len(tools.All()); got > want {
		t.Errorf("got %d bytes, want %d at most", got, want)
	}
}

func TestServerIntroducesItself(t *testing.T) {
	for _, sandboxed := range []bool{false, true} {
		b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.Sandbox, c.Version = sandboxed, "1.2.3" })
		var got struct {
			ServerInfo   struct{ Name, Title, Version, WebsiteURL string }
			Instructions string
		}
		answer := b.request(t, t.Context(), "initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "t", "version": "1"}})
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatal(err)
		}
		if got.ServerInfo.Name != "raff-mcp" || got.ServerInfo.Version != "1.2.3" || got.ServerInfo.WebsiteURL == "" {
			t.Errorf("got %+v", got.ServerInfo)
		}
		for _, text := range []string{got.ServerInfo.Title, got.Instructions} {
			if got := strings.Contains(strings.ToLower(text), "sandbox"); got != sandboxed {
				t.Errorf("sandbox %t: got %q", sandboxed, text)
			}
		}
	}
}
