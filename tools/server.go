package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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
	// call, but for the tool that is about the server itself, which reports it.
	Problem error
	// ReadOnly offers only tools that read.
	ReadOnly bool
	// Toolsets are the groups of tools that are offered; see [Toolsets]. Default:
	// all. The tool that is about the server itself belongs to none and is always offered.
	Toolsets []string
	// Confirm is when the user is asked before something is deleted or replaced.
	// Default: ConfirmAuto.
	Confirm Confirm
	// Sandbox is true if Client calls a sandbox.
	Sandbox bool
	// Secrets delivers new secrets. Default: inline.
	Secrets *delivery.Method
	// Destinations are where a call can choose to have its secret delivered.
	Destinations []Destination
	// MustChoose makes the choice of a destination mandatory.
	MustChoose bool
	// Version is the version of the program.
	Version string
	// Logger is for what the administrator should know. Default: nothing is logged.
	Logger *slog.Logger
}

// NewServer returns an MCP server that offers the tools that cfg selects.
func NewServer(cfg Config) *server.MCPServer {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Secrets == nil {
		cfg.Secrets = &delivery.Method{}
	}
	title := "Raff Technologies"
	if cfg.Sandbox {
		title += " (sandbox)"
	}
	d := cfg.deps()
	prompts := d.prompts()
	hooks := &server.Hooks{}
	options := append(d.promptOptions(prompts),
		server.WithTitle(title),
		server.WithWebsiteURL("https://rafftechnologies.com"),
		server.WithInstructions(d.instructions()),
		server.WithToolCapabilities(false),
		server.WithCacheHints(cacheTTL.Milliseconds(), mcp.CacheScopePrivate), // for tools/list, prompts/list and server/discover
		server.WithHooks(hooks),
	)
	s := server.NewMCPServer("raff-mcp", cfg.Version, options...)
	d.offer(prompts, s, hooks)
	add := func(wanted func(Tool) bool) {
		for _, t := range d.offered {
			if wanted(t) && s.GetTool(t.Name) == nil {
				s.AddTool(t.Definition(), handler(t, d))
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

// cacheTTL is how long a client of the stateless revision, the only one that knows such
// hints, may keep the lists and what the server says about itself. None of it changes while
// the process runs. But it depends on the configuration, so the scope is private, and a
// client that keeps it beyond the end of the process must find out in the end that the next
// one offers something else.
const cacheTTL = time.Hour

func (cfg Config) deps() *deps {
	d := &deps{
		client:       cfg.Client,
		keySource:    cmp.Or(cfg.KeySource, "the server's configuration"),
		secrets:      cfg.Secrets,
		destinations: cfg.Destinations,
		log:          cfg.Logger,
		sandbox:      cfg.Sandbox,
		confirmation: cfg.Confirm,
		approvals:    newApprovals(),
		problem:      cfg.Problem,
		selection:    cfg.selection(),
	}
	for _, t := range all() {
		if cfg.Offers(t) {
			d.offered = append(d.offered, cfg.Adapted(t))
		}
	}
	return d
}

// selection returns the settings that limit which tools are offered.
func (cfg Config) selection() string {
	var settings []string
	if cfg.ReadOnly {
		settings = append(settings, "--read-only")
	}
	if len(cfg.Toolsets) > 0 && len(cfg.Toolsets) < len(Toolsets) {
		settings = append(settings, "--toolsets="+strings.Join(cfg.Toolsets, ","))
	}
	return strings.Join(settings, " ")
}

// Offers reports whether a server with this configuration has the tool t.
func (cfg Config) Offers(t Tool) bool {
	return (!cfg.ReadOnly || t.Effect == reads.String()) &&
		(len(cfg.Toolsets) == 0 || t.isAboutServer() || slices.Contains(cfg.Toolsets, t.Toolset))
}

// isAboutServer reports whether the tool is about the server itself. It then works without
// a usable credential.
func (t Tool) isAboutServer() bool { return t.Toolset == "" }

func handler(t Tool, d *deps) server.ToolHandlerFunc {
	return func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if d.problem != nil && !t.isAboutServer() {
			return failure(d.problem.Error()), nil
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
