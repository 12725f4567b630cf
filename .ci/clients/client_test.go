// Package clients drives the built server with MCP clients that were written
// elsewhere: the official SDK for Go here, those for TypeScript and the
// inspector in the files beside it.
package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const tool = "create_api_key"

func TestGoSDK(t *testing.T) {
	for _, version := range mcp.SupportedProtocolVersions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			answers := make(chan *mcp.ElicitResult, 1)
			s := connect(t, version, answers)
			if got := s.InitializeResult().ProtocolVersion; got != version {
				t.Errorf("got protocol version %s, want %s", got, version)
			}
			output := outputSchema(t, s)
			checkKey(t, output, call(t, s, tool, map[string]any{"name": "Production CI"}), "Production CI")
			checkRefusal(t, call(t, s, tool, map[string]any{"nme": "Production CI"}))
			checkUnknownTool(t, s)
			checkPrompts(t, s)
			checkConcurrent(t, s, output)
			if version >= "2025-06-18" { // which brought questions
				checkQuestions(t, s, answers)
			}
		})
	}
}

// connect starts the server and connects to it, as a client whose user has the
// answers. At the end of the test it closes the connection, upon which the server
// has to leave by itself.
func connect(t *testing.T, version string, answers <-chan *mcp.ElicitResult) *mcp.ClientSession {
	t.Helper()
	var log bytes.Buffer
	server := exec.Command(os.Getenv("RAFF_MCP"), "--sandbox")
	server.Stderr = &log
	transport := &mcp.CommandTransport{Command: server, TerminateDuration: 20 * time.Second}
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, &mcp.ClientOptions{
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			select {
			case answer := <-answers:
				return answer, nil
			default:
				return nil, errors.New("no answer to that")
			}
		},
	})
	s, err := client.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		began := time.Now()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("the server took %v to leave", d)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.Bytes())
		}
	})
	return s
}

// outputSchema returns what the results of the tool have to conform to.
func outputSchema(t *testing.T, s *mcp.ClientSession) *jsonschema.Resolved {
	t.Helper()
	for tl, err := range s.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatalf("tools: %v", err)
		}
		if tl.Name != tool {
			continue
		}
		var schema jsonschema.Schema
		remarshal(t, tl.OutputSchema, &schema)
		resolved, err := schema.Resolve(nil)
		if err != nil {
			t.Fatalf("output schema: %v", err)
		}
		return resolved
	}
	t.Fatalf("%s is not listed", tool)
	return nil
}

func call(t *testing.T, s *mcp.ClientSession, name string, arguments any) *mcp.CallToolResult {
	t.Helper()
	result, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("call %s with %v: %v", name, arguments, err)
	}
	return result
}

var secretForm = regexp.MustCompile(`^raff_[0-9a-f]{64}$`)

// checkKey checks the result of a call that made a key of that name, and returns
// its secret.
func checkKey(t *testing.T, output *jsonschema.Resolved, result *mcp.CallToolResult, name string) string {
	t.Helper()
	if result.IsError {
		t.Fatalf("got error %s, want a key", text(result))
	}
	if err := output.Validate(result.StructuredContent); err != nil {
		t.Errorf("the structured content does not conform to the output schema: %v", err)
	}
	var got struct {
		APIKey struct{ Name string } `json:"api_key"`
		Secret struct {
			Sensitive bool
			Value     string
		}
	}
	remarshal(t, result.StructuredContent, &got)
	if got.APIKey.Name != name {
		t.Errorf("got key %q, want %q", got.APIKey.Name, name)
	}
	if !secretForm.MatchString(got.Secret.Value) {
		t.Errorf("got secret %q, want %s", got.Secret.Value, secretForm)
	}
	if !got.Secret.Sensitive {
		t.Error("got a secret that is not marked as sensitive")
	}
	if text(result) == "" {
		t.Error("got no text for clients that do not read structured content")
	}
	return got.Secret.Value
}

func checkRefusal(t *testing.T, result *mcp.CallToolResult) {
	t.Helper()
	if !result.IsError || text(result) == "" || result.StructuredContent != nil {
		t.Errorf("got %+v for bad arguments, want an error with text and nothing else", result)
	}
}

func checkUnknownTool(t *testing.T, s *mcp.ClientSession) {
	t.Helper()
	_, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "no_such_tool"})
	if e, ok := errors.AsType[*jsonrpc.Error](err); !ok || e.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("got %v for an unknown tool, want error %d", err, jsonrpc.CodeInvalidParams)
	}
}

// checkPrompts lists the prompts, completes an argument of one, and gets it.
func checkPrompts(t *testing.T, s *mcp.ClientSession) {
	t.Helper()
	const name = "rotate_key"
	listed := false
	for p, err := range s.Prompts(t.Context(), nil) {
		if err != nil {
			t.Fatalf("prompts: %v", err)
		}
		listed = listed || p.Name == name
	}
	if !listed {
		t.Errorf("%s is not listed", name)
	}
	completed, err := s.Complete(t.Context(), &mcp.CompleteParams{
		Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: name},
		Argument: mcp.CompleteParamsArgument{Name: "key", Value: "graf"},
	})
	if err != nil {
		t.Fatalf("complete: %v", err)
	}
	if got := completed.Completion.Values; !slices.Equal(got, []string{"Grafana"}) {
		t.Errorf("got %q, want Grafana", got)
	}
	got, err := s.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: name, Arguments: map[string]string{"key": "Grafana"}})
	if err != nil {
		t.Fatalf("prompt: %v", err)
	}
	if len(got.Messages) != 1 {
		t.Fatalf("got %d messages, want 1", len(got.Messages))
	}
	if c, ok := got.Messages[0].Content.(*mcp.TextContent); !ok || !strings.Contains(c.Text, `list_api_keys {"name":"Grafana"}`) {
		t.Errorf("got %+v", got.Messages[0].Content)
	}
}

func checkConcurrent(t *testing.T, s *mcp.ClientSession, output *jsonschema.Resolved) {
	t.Helper()
	const n = 20
	results := make([]*mcp.CallToolResult, n)
	errs := make([]error, n)
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() {
			results[i], errs[i] = s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"name": fmt.Sprint("key ", i)}})
		})
	}
	calls.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("%d calls at once: %v", n, err)
	}
	secrets := map[string]bool{}
	for i, result := range results {
		secrets[checkKey(t, output, result, fmt.Sprint("key ", i))] = true
	}
	if len(secrets) != n {
		t.Errorf("got %d different secrets from %d calls", len(secrets), n)
	}
}

// checkQuestions has the server ask the user: what is declined is not done, what
// is accepted is.
func checkQuestions(t *testing.T, s *mcp.ClientSession, answers chan *mcp.ElicitResult) {
	t.Helper()
	const name = "to be revoked"
	var made struct {
		APIKey struct{ ID string } `json:"api_key"`
	}
	remarshal(t, call(t, s, tool, map[string]any{"name": name}).StructuredContent, &made)
	for _, tt := range []struct {
		answer *mcp.ElicitResult
		done   bool
	}{
		{&mcp.ElicitResult{Action: "decline"}, false},
		{&mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}}, true},
	} {
		answers <- tt.answer
		revoked := call(t, s, "revoke_api_key", map[string]any{"api_key_id": made.APIKey.ID, "confirm_name": name})
		if len(answers) > 0 {
			t.Fatalf("the user was not asked; got %s", text(revoked))
		}
		if revoked.IsError == tt.done {
			t.Errorf("%s: got %s", tt.answer.Action, text(revoked))
		}
		if gone := call(t, s, "get_api_key", map[string]any{"api_key_id": made.APIKey.ID}).IsError; gone != tt.done {
			t.Errorf("%s: the key is gone: %t, want %t", tt.answer.Action, gone, tt.done)
		}
	}
}

// text returns the first text of a result.
func text(result *mcp.CallToolResult) string {
	for _, c := range result.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			return c.Text
		}
	}
	return ""
}

// remarshal turns a decoded JSON value into another type.
func remarshal(t *testing.T, from, to any) {
	t.Helper()
	raw, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}
