// Package tools defines the tools that an assistant can call: their schemas and
// descriptions, their results, and the text of their errors. [NewServer] serves them
// over MCP. There is one file for each resource of the Raff API, with a table of its
// tools and a function for each.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// Tool is one of the tools that an assistant can call.
type Tool struct {
	Name  string
	Title string
	// Effect is what the tool does to the account, as a verb: "reads".
	Effect string
	// Toolset is the group that the tool belongs to: one of Toolsets, or "" for a tool that
	// is about the server itself and always offered.
	Toolset string

	permission permission
	// withProperties returns the tool with more properties, which choose where its secret
	// goes. It is nil if the tool has none.
	withProperties func(...schema.Property) Tool
	definition     func() mcp.Tool
	call           func(ctx context.Context, d *deps, arguments json.RawMessage) *mcp.CallToolResult
}

// Definition returns the tool as tools/list shows it. The first call derives the
// schemas.
func (t Tool) Definition() mcp.Tool { return t.definition() }

// All returns every tool, in the order in which they are best read.
func All() []Tool { return slices.Clone(all()) }

var all = sync.OnceValue(func() []Tool {
	return slices.Concat([]Tool{whoamiTool()}, apiKeyTools(), roleTools(), projectTools(), memberTools())
})

// Toolsets are the names of the groups of tools that can be selected.
var Toolsets = []string{"api_keys", "roles", "projects", "members"}

func inToolset(name string, tools ...Tool) []Tool {
	for i := range tools {
		tools[i].Toolset = name
	}
	return tools
}

// deps are the dependencies of the tools.
type deps struct {
	client       *raffclient.Client
	keySource    func() KeySource
	secrets      *delivery.Method // unless the call chooses one of destinations: see method
	destinations []Destination
	log          *slog.Logger
	sandbox      bool
	confirmation Confirm
	approvals    *approvals
	stamps       stamps     // for the names of successors
	keyMembers   keyMembers // which members are API keys
	offered      []Tool
	selection    string // the settings that limit offered; "" if none do
	activity     *activity.Log
	api          string // the API's address, for the activity log
	lookBack     func() // looks up what an earlier server did not finish, once
}

// spec describes a tool.
type spec struct {
	name        string
	title       string
	description string // for someone who has never seen the dashboard
	effect      effect
	permission  permission // that the API requires; zero if none is known to be required
	refuses     string     // what Raff refuses regardless of the arguments, as a sentence; "" if unknown
	sensitive   string     // JSON Pointer to the secret in the result, whose output is then a secretOutput; "" if it has none
}

// effect is what a tool does to the account. Choose it by asking what happens if the
// tool runs twice.
type effect int

const (
	reads    effect = iota // nothing changes
	creates                // the second run creates another
	updates                // the second run changes nothing
	replaces               // the second run invalidates what the first returned
	deletes                // the second run finds nothing to delete
)

func (e effect) hints() mcp.ToolAnnotation {
	return mcp.ToolAnnotation{
		ReadOnlyHint:    new(e == reads),
		DestructiveHint: new(e == replaces || e == deletes),
		IdempotentHint:  new(e == reads || e == updates || e == deletes),
		OpenWorldHint:   new(true),
	}
}

// String returns the effect as a verb: "reads".
func (e effect) String() string {
	return [...]string{"reads", "creates", "updates", "replaces", "deletes"}[e]
}

// noChange returns what an error says about an account that was not touched.
func (e effect) noChange() string {
	switch e {
	case reads:
		return "Nothing was read."
	case creates:
		return "Nothing was created."
	}
	return "Nothing was changed."
}

// output is the output of a tool: a struct that becomes the structured result. Its first
// field is a summarized.
type output interface {
	// summary tells the assistant what happened, what that implies and what to do next,
	// in whole sentences. It never contains a secret.
	summary() string
	setSummary(text string)
}

// outputOf is a pointer to T that is an output.
type outputOf[T any] interface {
	*T
	output
}

// summarized is the first field of every output. Some clients pass only the structured
// result to the model, and keep only the beginning of a long one.
type summarized struct {
	Summary string `json:"summary"`
}

func (s *summarized) setSummary(text string) { s.Summary = text }

// secretOutput is the output of a tool that returns a secret.
type secretOutput interface {
	output
	delivered() delivery.Secret
}

const sensitiveKey = "com.rafftechnologies/sensitive"

// meta marks a tool that returns a secret.
func (s spec) meta() *mcp.Meta {
	if s.sensitive == "" {
		return nil
	}
	return sensitive([]string{s.sensitive})
}

// sensitive marks the values at these JSON Pointers.
func sensitive(pointers []string) *mcp.Meta {
	return mcp.NewMetaFromMap(map[string]any{sensitiveKey: pointers})
}

// addedByClients are properties that clients add to the arguments of every tool. Gemini
// CLI adds wait_for_previous to every tool's schema and passes what its model fills in:
// addWaitForPreviousParameter in packages/core/src/tools/tools.ts of
// github.com/google-gemini/gemini-cli.
var addedByClients = []string{"wait_for_previous"}

// define makes a tool of a function. The types of the function determine the schemas,
// which are derived when they are first needed, because that takes most of the time and
// memory of a start.
func define[In, Out any, P outputOf[Out]](s spec, f func(context.Context, *deps, In) (Out, error)) Tool {
	if s.sensitive != "" {
		_ = any(P(nil)).(secretOutput) // or success could not tell where the secret is
	}
	if s.effect != reads {
		_ = any(P(nil)).(changeOutput) // or record could not tell what was changed
	}
	withProperties := func(extra ...schema.Property) Tool {
		in := sync.OnceValue(func() *schema.Schema[In] { return schema.ForInput[In](extra...) })
		schemas := func() (input, output json.RawMessage) { return in().JSON(), schema.ForOutput[Out]() }
		return s.tool(schemas, func(ctx context.Context, d *deps, arguments json.RawMessage) (output, error) {
			args, chosen, err := in().DecodeExtra(arguments, addedByClients...)
			if err != nil {
				return nil, err
			}
			out, err := f(d.withDestination(ctx, chosen), d, args)
			return P(&out), err
		})
	}
	t := withProperties()
	if s.sensitive != "" {
		t.withProperties = withProperties
	}
	return t
}

// tool makes a tool of a function that takes JSON. It is not generic, to be compiled once.
func (s spec) tool(schemas func() (input, output json.RawMessage), f func(context.Context, *deps, json.RawMessage) (output, error)) Tool {
	return Tool{
		Name:       s.name,
		Title:      s.title,
		Effect:     s.effect.String(),
		permission: s.permission,
		definition: sync.OnceValue(func() mcp.Tool { return s.definition(schemas()) }),
		call: func(ctx context.Context, d *deps, arguments json.RawMessage) (result *mcp.CallToolResult) {
			ctx = d.withRecord(ctx, s, arguments)
			defer func() {
				if v := recover(); v != nil {
					// The value could contain a secret; the stack shows addresses only.
					d.log.Error("a tool panicked", "tool", s.name, "type", reflect.TypeOf(v), "stack", string(debug.Stack()))
					d.record(ctx, s, arguments, nil, errPanicked)
					result = failure("This is an error in raff-mcp itself, and it is unknown what the call did. Check the account's current state before you call " + s.name + " again, and report the error with the server's log.")
				}
			}()
			out, err := f(ctx, d, arguments)
			if request, ok := errors.AsType[confirmationRequest](err); ok {
				return request.result()
			}
			if err == nil {
				result = success(s, out)
			} else {
				result = failure(d.explain(s, err))
			}
			d.record(ctx, s, arguments, out, err) // last, so that a panic is not a second record
			return result
		},
	}
}

func (s spec) definition(input, output json.RawMessage) mcp.Tool {
	tool := mcp.NewToolWithRawSchema(s.name, s.description, input)
	tool.RawOutputSchema = output
	tool.Title = s.title
	tool.Annotations = s.effect.hints()
	tool.Annotations.Title = s.title // where clients before 2025-06-18 look for it
	tool.Meta = s.meta()
	return tool
}

// success returns the result of a successful call: the summary, then the output as JSON.
// JSON that contains a secret is for the user alone, for clients that support audiences.
// If the secret was delivered elsewhere, the JSON says where, so it is for both, and the
// flag in _meta contains no pointers.
func success(s spec, out output) *mcp.CallToolResult {
	summary := out.summary()
	out.setSummary(summary)
	whole, err := json.Marshal(out)
	if err != nil {
		panic("tools: " + s.name + ": the result cannot be written as JSON")
	}
	whole = escapeInvisible(whole)
	text, meta := mcp.NewTextContent(string(whole)), s.meta()
	if s.sensitive != "" {
		if out.(secretOutput).delivered().Shown() {
			text.Annotations = &mcp.Annotations{Audience: []mcp.Role{mcp.RoleUser}, Priority: new(1.0)}
		} else {
			meta = sensitive([]string{})
		}
	}
	return &mcp.CallToolResult{
		Result:            mcp.Result{Meta: meta},
		Content:           []mcp.Content{mcp.NewTextContent(summary), text},
		StructuredContent: json.RawMessage(whole),
	}
}

// failure returns the result of a failed call. It is text only: clients drop the text of an
// error that has structured content.
func failure(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(text)}, IsError: true}
}
