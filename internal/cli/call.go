package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// maxArguments is how many bytes of arguments are read from standard input.
const maxArguments = 1 << 20

// call calls a tool as an assistant would, over MCP, and prints the structured
// result. A result that cannot be printed was not delivered: the server then
// undoes what it can, as it does for any client.
func call(ctx context.Context, hurry <-chan struct{}, s *server.MCPServer, offer tools.Config, log *slog.Logger, args []string, stdin io.Reader, stdout io.Writer) error {
	name := args[0]
	if !slices.ContainsFunc(tools.All(), func(t tools.Tool) bool { return t.Name == name && offer.Offers(t) }) {
		return misuse{errors.New("call: there is no such tool; `raff-mcp tools` lists them")}
	}
	arguments, err := callArguments(ctx, args[1:], stdin)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("call: interrupted before the tool was called; nothing was done")
	case err != nil:
		return misuse{err}
	}
	request, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": 2, "method": "tools/call",
		"params": map[string]any{"name": name, "arguments": arguments},
	})
	if err != nil {
		return misuse{errors.New("call: the arguments are not JSON")}
	}
	c := &client{stdout: stdout}
	messages := initialize + string(request) + "\n"
	if err := stdio.Serve(ctx, s, strings.NewReader(messages), c, stdio.Config{MaxLine: len(messages), Logger: log, Hurry: hurry}); err != nil {
		return err
	}
	if c.err == nil && !c.answered {
		return errors.New("the call was not answered")
	}
	return c.err
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + mcp.LATEST_LEGACY_PROTOCOL_VERSION + `","capabilities":{},"clientInfo":{"name":"raff-mcp call","version":"` + version + `"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`

// callArguments returns the tool's arguments: those given, those on standard
// input for "-", or none.
func callArguments(ctx context.Context, args []string, stdin io.Reader) (json.RawMessage, error) {
	if len(args) == 0 {
		return json.RawMessage("{}"), nil
	}
	text := []byte(args[0])
	if args[0] == "-" {
		var err error
		if text, err = readAll(ctx, io.LimitReader(stdin, maxArguments+1)); err != nil {
			return nil, fmt.Errorf("call: read the arguments: %w", err)
		}
	}
	if len(text) > maxArguments {
		return nil, fmt.Errorf("call: the arguments are longer than %d bytes", maxArguments)
	}
	if !json.Valid(text) {
		return nil, errors.New(`call: the arguments are not JSON; they look like '{"name":"Production CI"}'`)
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, text) // one message is one line
	return compact.Bytes(), err
}

// readAll reads r to its end, or until ctx is done: a goroutine then stays behind.
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

// client is the client's end of the connection: it takes a line for each
// message of the server.
type client struct {
	stdout   io.Writer
	answered bool
	err      error // what the tool, or the server, has to say
}

// Write takes a message. Its error means that the answer was not delivered.
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
	if err := json.Unmarshal(line, &m); err != nil || m.ID != 2 {
		return len(line), nil
	}
	c.answered = true
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
