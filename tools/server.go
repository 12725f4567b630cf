package tools

import (
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

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// Config configures a server.
type Config struct {
	// Client calls the API. If its ReadKey returns an error, which must say why there is
	// no usable credential and what to do about it, a call of a tool returns that error,
	// but for the tool that is about the server itself, which reports it.
	Client *raffclient.Client
	// KeySource says where the API key of Client comes from, for messages. It is called
	// after the key has been read, and must be safe for concurrent use. A sandbox does
	// not need it.
	KeySource func() KeySource
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
	// Activity is the log of what the tools changed. Default: there is none.
	Activity *activity.Log
	// API is the API's address, for the activity log.
	API string
	// Destinations are where a call can choose to have its secret delivered.
	Destinations []Destination
	// MustChoose makes the choice of a destination mandatory.
	MustChoose bool
	// Version is the version of the program.
	Version string
	// Logger is for what the administrator should know. Default: nothing is logged.
	Logger *slog.Logger
}

// A KeySource is a place that the server's API key comes from.
type KeySource struct {
	Name  string // "RAFF_API_KEY"
	Fixed bool   // another key can be read there only after a restart
}

// NewServer returns an MCP server that offers the tools that cfg selects.
func NewServer(cfg Config) *server.MCPServer {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Secrets == nil {
		cfg.Secrets = &delivery.Method{}
	}
	if cfg.KeySource == nil {
		cfg.KeySource = func() KeySource { return KeySource{"the server's configuration", true} }
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
		keySource:    cfg.KeySource,
		secrets:      cfg.Secrets,
		destinations: cfg.Destinations,
		log:          cfg.Logger,
		sandbox:      cfg.Sandbox,
		confirmation: cfg.Confirm,
		approvals:    newApprovals(),
		selection:    cfg.selection(),
		activity:     cfg.Activity,
		api:          cfg.API,
	}
	d.lookBack = sync.OnceFunc(func() { d.activity.Go(d.lookUpUnfinished) })
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
		if !t.isAboutServer() {
			if err := d.client.LoadKey(ctx); err != nil {
				return failure(d.explainNoKey(err)), nil
			}
			d.lookBack()
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
