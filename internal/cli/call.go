package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// maxArgumentBytes limits the arguments of a tool.
const maxArgumentBytes = 1 << 20

func newCallCommand(p *program) *cobra.Command {
	cmd := p.newCommand("call TOOL [ARGUMENTS|-]", "Call one tool, or with --help describe it", checkCallArgs, p.call)
	cmd.Long = `Call one tool, as an assistant would, and print its result. ARGUMENTS are JSON; -
reads them from standard input. At a terminal, you are asked before something is
destroyed or replaced. raff-mcp call TOOL --help describes a tool and its arguments.`
	cmd.Example = `  raff-mcp call --sandbox create_api_key '{"name":"Production CI"}'
  raff-mcp call create_api_key --help`
	cmd.ValidArgsFunction = completeTool
	return cmd
}

func checkCallArgs(_ *cobra.Command, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return message("call: want the name of a tool and, if it takes any, its arguments as JSON, or - to read them from stdin. Quote the JSON for the shell.")
	}
	return nil
}

// call calls a tool over MCP, as an assistant would, and prints the structured result.
// A result that cannot be printed counts as undelivered: as for any client, the tool then
// undoes what it can.
func (p *program) call(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	s, err := p.newSession(cmd)
	if err != nil {
		return err
	}
	if p.env.StderrIsTerminal && s.cfg.Sources["log-level"] == "" {
		// A tool announces what it creates, in case the program is killed. Somebody at a
		// terminal sees the command instead, and soon the result.
		s.tools.Logger = newLogger(p.stderr, slog.LevelWarn, s.cfg.LogFormat, s.cfg.LogColor)
	}
	tool, err := s.offeredTool(args[0])
	if err != nil {
		return err
	}
	arguments, err := callArguments(ctx, args[1:], p.stdin)
	if err == nil {
		err = s.loadKey(ctx)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return message("call: interrupted before the tool was called. Nothing was done.")
	case err != nil:
		return usageError{err}
	}
	if err := s.addDelivery(ctx); err != nil {
		return err
	}
	if err := s.addActivity(); err != nil {
		return err
	}
	defer s.tools.Activity.Close(activityGrace)
	c := &client{tool: tool, stdout: p.stdout, stderr: p.stderr}
	if p.env.StdinIsTerminal && p.env.StderrIsTerminal {
		c.terminal = p.stdin
	}
	if err := p.serveCall(ctx, s, c, arguments); err != nil {
		return err
	}
	return c.err
}

// loadKey reads the server's own key. Its error is that of config.Keys, which a person at a
// shell gets as it is.
func (s *session) loadKey(ctx context.Context) error {
	err := s.tools.Client.LoadKey(ctx)
	if errors.Is(err, raffclient.ErrNoKey) {
		return errors.Unwrap(err)
	}
	return err
}

// serveCall serves c, which calls its tool.
func (p *program) serveCall(ctx context.Context, s *session, c *client, arguments json.RawMessage) error {
	messages := c.messages(arguments)
	in := c.open(messages)
	defer c.close()
	return stdio.Serve(ctx, tools.NewServer(s.tools), in, c, stdio.Config{
		MaxLine: max(len(messages), maxConsentBytes),
		Logger:  s.log,
		CutOff:  p.secondSignal,
	})
}

// callArguments returns the tool's arguments: from the command line, from standard
// input for "-", or none.
func callArguments(ctx context.Context, args []string, stdin io.Reader) (json.RawMessage, error) {
	if len(args) == 0 {
		return json.RawMessage("{}"), nil
	}
	text := []byte(args[0])
	if args[0] == "-" {
		var err error
		if text, err = readAll(ctx, io.LimitReader(stdin, maxArgumentBytes+1)); err != nil {
			return nil, fmt.Errorf("call: read the arguments: %w", err)
		}
	}
	if len(text) > maxArgumentBytes {
		return nil, message(fmt.Sprintf("call: the arguments are longer than %d bytes. No tool takes that much.", maxArgumentBytes))
	}
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		return nil, notJSON(text, err)
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, text) // one message is one line
	return compact.Bytes(), err
}

// notJSON says where the arguments cease to be JSON. It does not repeat them, because they
// may contain a key.
func notJSON(text []byte, err error) error {
	before, problem := text, "unexpected end"
	first := json.NewDecoder(bytes.NewReader(text)).Decode(new(json.RawMessage))
	if e, ok := errors.AsType[*json.SyntaxError](err); ok && !errors.Is(first, io.ErrUnexpectedEOF) && !errors.Is(first, io.EOF) {
		before, problem = text[:e.Offset-1], "unexpected character" // the offset counts it
	}
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return message(fmt.Sprintf(`call: the arguments are not JSON: %s at line %d, column %d. Quote them for the shell, as in '{"name":"Production CI"}'.`, problem, line, column))
}

// readAll reads r until its end or until ctx is done. In the latter case it leaves a
// goroutine that continues to read.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	var text []byte
	done := make(chan error, 1)
	go func() {
		var err error
		text, err = io.ReadAll(r)
		done <- err
	}()
	select {
	case err := <-done:
		return text, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
