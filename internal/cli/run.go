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

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
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
	return run(ctx, hurry, os.Args[1:], config.ProcessEnvironment(), os.Stdin, os.Stdout, os.Stderr)
}

// The program's exit codes.
const (
	exitOK    = 0
	exitError = 1 // it failed, or the tool did
	exitUsage = 2 // it was called or configured wrongly
)

func run(ctx context.Context, hurry <-chan struct{}, args []string, env config.Environment, stdin io.Reader, stdout, stderr io.Writer) int {
	messages := newSink(stderr)
	defer messages.close()
	line, cfg, err := parse(args, env)
	if err != nil {
		fmt.Fprintf(messages, "raff-mcp: %v\n", err)
		return exitUsage
	}
	switch {
	case line.help:
		err = print(stdout, usage())
	case line.name == "version":
		err = print(stdout, "raff-mcp "+version+"\n")
	default:
		return start(ctx, hurry, line, cfg, stdin, stdout, messages)
	}
	return exit(err, messages)
}

func print(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// start makes the server and does what the command says with it.
func start(ctx context.Context, hurry <-chan struct{}, line commandLine, cfg config.Config, stdin io.Reader, stdout io.Writer, stderr *sink) int {
	if f, ok := stdout.(*os.File); ok && wasClosed(f) {
		fmt.Fprintln(stderr, "raff-mcp: standard output is closed, so that every result would be lost; open it")
		return exitUsage
	}
	logger := newLogger(stderr, cfg.LogLevel, cfg.LogFormat, cfg.LogColor)
	for _, w := range cfg.Warnings {
		logger.Warn(w)
	}
	offer, err := offered(ctx, line.name, cfg, logger)
	if err != nil {
		fmt.Fprintf(stderr, "raff-mcp: %v\n", err)
		return exitUsage
	}
	s := tools.NewServer(offer)
	switch line.name {
	case "call":
		err = call(ctx, hurry, s, offer, logger, line.args, stdin, stdout)
	case "tools":
		err = listTools(ctx, s, offer, line.json, stdout)
	default:
		if cfg.KeyProblem != nil {
			logger.Warn("no usable API key: every call will be answered with what is wrong", "problem", cfg.KeyProblem.Error())
		}
		logger.Info("serving MCP on standard input and output", "version", version, "api", apiName(cfg))
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
func offered(ctx context.Context, command string, cfg config.Config, logger *slog.Logger) (tools.Config, error) {
	t := tools.Config{
		Problem: cfg.KeyProblem, Sandbox: cfg.Sandbox, Version: version, Logger: logger,
		KeySource: cfg.KeySource, ReadOnly: cfg.ReadOnly, Toolsets: cfg.Toolsets, Confirm: tools.Confirm(cfg.Confirm),
	}
	if t.Problem == nil {
		c := raffclient.Config{
			APIKey:    cfg.Key,
			BaseURL:   cfg.APIURL,
			ProjectID: cfg.ProjectID,
			UserAgent: "raff-mcp/" + version,
			Logger:    logger,
			OnWait:    tools.OnWait,
		}
		if cfg.Sandbox {
			api := sandbox.New()
			c.APIKey, c.BaseURL, c.Transport = api.OwnerKey(), "", api.Transport()
		}
		var err error
		if t.Client, err = raffclient.New(c); err != nil {
			return tools.Config{}, err
		}
	}
	if command != "tools" { // to list the tools, nothing need be tried
		var err error
		if t.Secrets, err = newDelivery(ctx, cfg.Secrets, logger); err != nil {
			return tools.Config{}, err
		}
	}
	return t, nil
}

// newDelivery prepares the delivery of new secrets, and checks it as far as it can be
// checked before there is a secret.
func newDelivery(ctx context.Context, s config.Secrets, log *slog.Logger) (*delivery.Way, error) {
	return delivery.New(ctx, delivery.Config{
		Delivery: s.Delivery,
		Dir:      s.Dir,
		Format:   s.Format,
		Command:  s.Command,
		Recovery: s.Recovery,
		Logger:   log,
	})
}

// apiName names the API that is called.
func apiName(cfg config.Config) string {
	if cfg.Sandbox {
		return "sandbox"
	}
	return cmp.Or(cfg.APIURL, raffclient.DefaultBaseURL)
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
