package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// Config configures a server.
type Config struct {
	// Client calls the API. It may be nil if Problem is set.
	Client *raffclient.Client
	// KeySource is where the API key of Client comes from, for messages:
	// "RAFF_API_KEY". A sandbox does not need it.
	KeySource string
	// Problem, if not nil, says why there is no usable credential, and what to do
	// about it. The server still lists its tools, and returns Problem from every
	// call.
	Problem error
	// ReadOnly offers only tools that read.
	ReadOnly bool
	// Toolsets are the groups of tools that are offered; see [Toolsets]. Default:
	// all.
	Toolsets []string
	// Confirm is when the user is asked before something is deleted or replaced.
	// Default: ConfirmAuto.
	Confirm Confirm
	// Sandbox is true if Client calls a sandbox.
	Sandbox bool
	// Secrets delivers new secrets. Default: inline.
	Secrets *delivery.Method
	// Version is the version of the program.
	Version string
	// Logger is for what the administrator should know. Default: nothing is logged.
	Logger *slog.Logger
}

const instructions = `Administers a Raff Technologies cloud account.
- A secret in a result (marked "sensitive": true) is shown once and cannot be read again. Make sure the user has it, then do not repeat it, and write it to no file, command line or log unless the user asks for that.
- Before creating a key, settle its purpose: give it a telling name, an expiry (expires_at) and the narrowest role that will do (list_roles). For projects it needs a role in each (add_project_member).
- To rotate a key in use, prefer replace_api_key to regenerate_api_key, which breaks whatever uses the key.
- What destroys or replaces asks for confirm_name: take it from what the user said or saw, not from the error of a call that lacked it.
- If a result says that an outcome is unknown, or that a key exists whose secret nobody has, do what it says before trying again: a second call could make a second one.`

const sandboxInstructions = `
- This is a SANDBOX: an imitation in memory. Its keys grant no access, and everything is discarded when the server ends. Tell the user so.`

// NewServer returns an MCP server that offers the tools that cfg selects.
func NewServer(cfg Config) *server.MCPServer {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Secrets == nil {
		cfg.Secrets = &delivery.Method{}
	}
	title, text := "Raff Technologies", instructions
	if cfg.Sandbox {
		title, text = title+" (sandbox)", text+sandboxInstructions
	}
	hooks := &server.Hooks{}
	s := server.NewMCPServer("raff-mcp", cfg.Version,
		server.WithTitle(title),
		server.WithWebsiteURL("https://rafftechnologies.com"),
		server.WithInstructions(text),
		server.WithToolCapabilities(false),
		server.WithHooks(hooks),
	)
	d := &deps{client: cfg.Client, keySource: cmp.Or(cfg.KeySource, "the server's configuration"), secrets: cfg.Secrets, log: cfg.Logger, sandbox: cfg.Sandbox, confirmation: cfg.Confirm, approvals: newApprovals()}
	add := func(wanted func(Tool) bool) {
		for _, t := range all() {
			if cfg.Offers(t) && wanted(t) && s.GetTool(t.Name) == nil {
				s.AddTool(t.Definition(), handler(t, d, cfg.Problem))
			}
		}
	}
	addAll := sync.OnceFunc(func() { add(func(Tool) bool { return true }) })
	// Clients wait for the response to initialize, and most then ask for the list of
	// tools: the schemas are derived in between.
	hooks.AddAfterInitialize(func(context.Context, any, *mcp.InitializeRequest, *mcp.InitializeResult) { go addAll() })
	hooks.AddBeforeListTools(func(context.Context, any, *mcp.ListToolsRequest) { addAll() })
	hooks.AddBeforeCallTool(func(_ context.Context, _ any, r *mcp.CallToolRequest) {
		add(func(t Tool) bool { return t.Name == r.Params.Name })
	})
	return s
}

// Offers reports whether a server with this configuration has the tool t.
func (cfg Config) Offers(t Tool) bool {
	return (!cfg.ReadOnly || t.Effect == reads.String()) &&
		(len(cfg.Toolsets) == 0 || slices.Contains(cfg.Toolsets, t.Toolset))
}

func handler(t Tool, d *deps, problem error) server.ToolHandlerFunc {
	return func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if problem != nil {
			return failure(problem.Error()), nil
		}
		ctx = context.WithValue(ctx, responsesKey{}, r.Params.MultiRoundTripParams)
		return t.call(ctx, d, arguments(r)), nil
	}
}

// arguments returns the call's arguments as they were sent.
func arguments(r mcp.CallToolRequest) json.RawMessage {
	if r.Params.RawArguments != nil || r.Params.Arguments == nil {
		return r.Params.RawArguments
	}
	raw, err := json.Marshal(r.Params.Arguments) // from a client in this process
	if err != nil {
		return json.RawMessage(`"not JSON"`)
	}
	return raw
}

// OnWait reports to the client of a call that the call waits. It is for
// raffclient.Config.
func OnWait(ctx context.Context, w raffclient.Wait) {
	message := fmt.Sprintf("%s. Trying again in %v.", capitalized(reason(w.Because)), w.For.Round(time.Second))
	_ = stdio.Progress(ctx, float64(w.Attempts), 0, message) // the call goes on without an audience
}
