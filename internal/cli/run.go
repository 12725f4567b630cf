// Package cli is the program: its commands, its log and its exit codes. Main runs it.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/tools"
)

const version = "0.1.0"

// Main runs the program with the arguments, the environment and the standard streams
// of the process, and returns its exit code.
func Main() int {
	// net/http logs what a server sends unasked, and that may be a secret.
	log.SetOutput(io.Discard)
	// A client that closes our output must not kill the program: there may be
	// a new key to revoke. Writing then fails with EPIPE instead.
	signal.Ignore(syscall.SIGPIPE)
	ctx, hurry := onSignal()
	return run(ctx, hurry, os.Args[1:], processEnvironment(), os.Stdin, os.Stdout, os.Stderr)
}

// The program's exit codes.
const (
	exitOK    = 0
	exitError = 1 // it failed, or the tool did
	exitUsage = 2 // it was called or configured wrongly
)

func run(ctx context.Context, hurry <-chan struct{}, args []string, env environment, stdin io.Reader, stdout, stderr io.Writer) int {
	messages := newSink(stderr)
	defer messages.close()
	cfg, err := parse(args, env)
	if err != nil {
		fmt.Fprintf(messages, "raff-mcp: %v\n", err)
		return exitUsage
	}
	switch {
	case cfg.help:
		err = print(stdout, usage())
	case cfg.command == "version":
		err = print(stdout, "raff-mcp "+version+"\n")
	default:
		return start(ctx, hurry, cfg, stdin, stdout, messages)
	}
	return exit(err, messages)
}

func print(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// start makes the server and does what the command says with it.
func start(ctx context.Context, hurry <-chan struct{}, cfg config, stdin io.Reader, stdout io.Writer, stderr *sink) int {
	if f, ok := stdout.(*os.File); ok && wasClosed(f) {
		fmt.Fprintln(stderr, "raff-mcp: standard output is closed, so that every result would be lost; open it")
		return exitUsage
	}
	logger := newLogger(stderr, cfg.logLevel, cfg.logFormat, cfg.logColor)
	for _, w := range cfg.warnings {
		logger.Warn(w)
	}
	offer, err := offered(ctx, cfg, logger)
	if err != nil {
		fmt.Fprintf(stderr, "raff-mcp: %v\n", err)
		return exitUsage
	}
	s := tools.NewServer(offer)
	switch cfg.command {
	case "call":
		err = call(ctx, hurry, s, offer, logger, cfg.args, stdin, stdout)
	case "tools":
		err = listTools(ctx, s, offer, cfg.json, stdout)
	default:
		if cfg.keyProblem != nil {
			logger.Warn("no usable API key: every call will be answered with what is wrong", "problem", cfg.keyProblem.Error())
		}
		logger.Info("serving MCP on standard input and output", "version", version, "api", cfg.api())
		err = stdio.Serve(ctx, s, stdin, stdout, stdio.Config{Logger: logger, Hurry: hurry})
	}
	return exit(err, stderr)
}

func exit(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "raff-mcp: %v\n", err)
	if errors.As(err, new(misuse)) {
		return exitUsage
	}
	return exitError
}

// misuse is an error in how a command was called.
type misuse struct{ error }

// offered joins the parts into what is offered. Nothing is sent.
func offered(ctx context.Context, cfg config, logger *slog.Logger) (tools.Config, error) {
	t := tools.Config{
		Problem: cfg.keyProblem, Sandbox: cfg.sandbox, Version: version, Logger: logger,
		KeySource: cfg.keySource, ReadOnly: cfg.readOnly, Toolsets: cfg.toolsets, Confirm: cfg.confirm,
	}
	if t.Problem == nil {
		c := raffclient.Config{
			APIKey:    cfg.key,
			BaseURL:   cfg.apiURL,
			ProjectID: cfg.projectID,
			UserAgent: "raff-mcp/" + version,
			Logger:    logger,
			OnWait:    tools.OnWait,
		}
		if cfg.sandbox {
			api := sandbox.New()
			c.APIKey, c.BaseURL, c.Transport = api.OwnerKey(), "", api.Transport()
		}
		var err error
		if t.Client, err = raffclient.New(c); err != nil {
			return tools.Config{}, err
		}
	}
	if cfg.command != "tools" { // to list the tools, nothing need be tried
		var err error
		if t.Secrets, err = cfg.secrets.way(ctx, logger); err != nil {
			return tools.Config{}, err
		}
	}
	return t, nil
}

// api names the API that is called.
func (c config) api() string {
	if c.sandbox {
		return "sandbox"
	}
	return cmp.Or(c.apiURL, raffclient.DefaultBaseURL)
}

// listTools prints the tools as a table, or as tools/list answers.
func listTools(ctx context.Context, s *server.MCPServer, offer tools.Config, asJSON bool, stdout io.Writer) error {
	if asJSON {
		answer, ok := s.HandleMessage(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)).(mcp.JSONRPCResponse)
		if !ok {
			return errors.New("the tools could not be listed")
		}
		return printJSON(stdout, answer.Result)
	}
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TOOL\tEFFECT\tTITLE")
	for _, t := range tools.All() {
		if offer.Offers(t) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.Effect, t.Title)
		}
	}
	return w.Flush()
}

func printJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
