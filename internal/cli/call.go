package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// maxArgumentBytes limits the arguments of a tool.
const maxArgumentBytes = 1 << 20

func newCallCommand(p *program) *cobra.Command {
	cmd := p.newCommand("call TOOL [ARGUMENTS|-]", "Call one tool; ARGUMENTS are JSON, - reads them from stdin", checkCallArgs, p.call)
	cmd.Example = `  raff-mcp call --sandbox create_api_key '{"name":"Production CI"}'`
	cmd.ValidArgsFunction = completeTool
	return cmd
}

func checkCallArgs(_ *cobra.Command, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("call: want the name of a tool and, if it takes any, its arguments as JSON, or - to read them from stdin")
	}
	return nil
}

// completeTool completes the name of a tool.
func completeTool(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, t := range tools.All() {
		if strings.HasPrefix(t.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(t.Name, t.Title))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// call calls a tool over MCP, as an assistant would, and prints the structured result.
// A result that cannot be printed counts as undelivered: as for any client, the tool then
// undoes what it can.
func (p *program) call(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	s, err := p.newSetup(cmd)
	if err != nil {
		return err
	}
	if err := s.addDelivery(ctx); err != nil {
		return err
	}
	name := args[0]
	if !slices.ContainsFunc(tools.All(), func(t tools.Tool) bool { return t.Name == name && s.tools.Offers(t) }) {
		return usageError{errors.New("call: there is no such tool; `raff-mcp tools` lists them")}
	}
	arguments, err := callArguments(ctx, args[1:], p.stdin)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("call: interrupted before the tool was called; nothing was done")
	case err != nil:
		return usageError{err}
	}
	request, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": callID, "method": "tools/call",
		"params": map[string]any{"name": name, "arguments": arguments},
	})
	if err != nil {
		return usageError{errors.New("call: the arguments are not JSON")}
	}
	c := &client{stdout: p.stdout}
	messages := initialize + string(request) + "\n"
	cfg := stdio.Config{MaxLine: len(messages), Logger: s.log, CutOff: p.secondSignal}
	if err := stdio.Serve(ctx, tools.NewServer(s.tools), strings.NewReader(messages), c, cfg); err != nil {
		return err
	}
	if c.err == nil && !c.done {
		return errors.New("the call was not answered")
	}
	return c.err
}

// callID is the ID of the request that calls the tool.
const callID = 2

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + mcp.LATEST_LEGACY_PROTOCOL_VERSION + `","capabilities":{},"clientInfo":{"name":"raff-mcp call","version":"` + version + `"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`

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
		return nil, fmt.Errorf("call: the arguments are longer than %d bytes", maxArgumentBytes)
	}
	if !json.Valid(text) {
		return nil, errors.New(`call: the arguments are not JSON; they look like '{"name":"Production CI"}'`)
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, text) // one message is one line
	return compact.Bytes(), err
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

// A client is the client's side of the connection. The server writes each message to
// it as one line.
type client struct {
	stdout io.Writer
	done   bool  // the response has arrived
	err    error // reported by the tool or by the server
}

// Write receives a message. An error means that the response was not delivered.
func (c *client) Write(line []byte) (int, error) {
	var m struct {
		ID     int
		Error  *struct{ Message string }
		Result struct {
			IsError           bool
			Content           []struct{ Text string }
			StructuredContent json.RawMessage
		}
	}
	if err := json.Unmarshal(line, &m); err != nil || m.ID != callID {
		return len(line), nil
	}
	c.done = true
	switch {
	case m.Error != nil:
		c.err = errors.New(m.Error.Message)
	case m.Result.IsError && len(m.Result.Content) > 0:
		c.err = errors.New(m.Result.Content[0].Text)
	default:
		if err := printJSON(c.stdout, m.Result.StructuredContent); err != nil {
			c.err = fmt.Errorf("the result could not be printed: %w", err)
			return 0, err
		}
	}
	return len(line), nil
}
