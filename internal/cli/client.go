package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// A client is the MCP client that calls one tool. The server reads what open returns, and
// writes each message to the client as one line.
type client struct {
	tool     tools.Tool
	terminal io.Reader // where the user answers; nil if nobody can be asked
	stdout   io.Writer
	stderr   io.Writer
	print    func(io.Writer, json.RawMessage) error // prints the structured result; nil prints JSON

	in      *io.PipeReader // read by the server
	out     *io.PipeWriter
	err     error       // reported by the tool or by the server
	asking  atomic.Bool // the user has not answered yet
	refused atomic.Bool // the user was asked and has not agreed
}

// callID is the ID of the request that calls the tool.
const callID = 2

// maxConsentBytes limits the client's response to a form.
const maxConsentBytes = 4 << 10

// messages returns what the client sends to call its tool.
func (c *client) messages(arguments json.RawMessage) string {
	capabilities := "{}"
	if c.terminal != nil {
		capabilities = `{"elicitation":{}}`
	}
	name, _ := json.Marshal(c.tool.Name) // text always succeeds
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"%s","capabilities":%s,"clientInfo":{"name":"raff-mcp call","version":"%s"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%s,"arguments":%s}}
`, mcp.LATEST_LEGACY_PROTOCOL_VERSION, capabilities, version, callID, name, arguments)
}

// open returns a reader of the messages. If the user can be asked, it does not end before
// the response has arrived.
func (c *client) open(messages string) io.Reader {
	c.err = message("the call was not answered. Look at the account's current state before you call again.")
	if c.terminal == nil {
		return strings.NewReader(messages)
	}
	c.in, c.out = io.Pipe()
	go func() { _, _ = io.WriteString(c.out, messages) }() // it ends at the latest in close
	return c.in
}

// close ends what open began.
func (c *client) close() {
	if c.in != nil {
		c.in.Close()
	}
	if c.asking.Load() {
		fmt.Fprintln(c.stderr) // after the question
	}
}

// Write receives a message. An error means that the response was not delivered.
func (c *client) Write(line []byte) (int, error) {
	var m struct {
		ID     json.RawMessage
		Method string
		Params mcp.ElicitationParams
		Error  *struct{ Message string }
		Result callResult
	}
	switch err := json.Unmarshal(line, &m); {
	case err != nil:
		return len(line), nil
	case m.Method == string(mcp.MethodElicitationCreate) && c.terminal != nil:
		go c.answer(m.ID, m.Params) // it ends when the user has answered, or with the program
		return len(line), nil
	case m.Method != "" || string(m.ID) != fmt.Sprint(callID):
		return len(line), nil
	}
	if c.out != nil {
		defer c.out.Close()
	}
	if m.Error != nil {
		c.err = errors.New(m.Error.Message)
		return len(line), nil
	}
	return c.receive(line, m.Result)
}

// A callResult is the result of a call.
type callResult struct {
	IsError           bool
	Content           []struct{ Text string }
	StructuredContent json.RawMessage
}

// receive takes the result in line. An error means that it was not delivered.
func (c *client) receive(line []byte, r callResult) (int, error) {
	switch {
	case r.IsError && c.refused.Load():
		c.err = message("nothing was changed, because you did not confirm it. Call again and answer y if you mean it.")
	case r.IsError && len(r.Content) > 0:
		c.err = errors.New(r.Content[0].Text)
	default:
		c.err = nil
		err := c.printResult(r.StructuredContent)
		switch {
		case err == nil, stdio.IsClosed(err) && c.tool.Effect == "reads":
		case stdio.IsClosed(err):
			c.err = message("the tool was called, but its result could not be printed: nobody reads standard output. Look at the account's current state before you call again.")
			return 0, err
		default:
			c.err = message(fmt.Sprintf("the tool was called, but its result could not be printed: %v. Look at the account's current state before you call again.", err))
			return 0, io.ErrClosedPipe // the server need not report it as well
		}
	}
	return len(line), nil
}

func (c *client) printResult(result json.RawMessage) error {
	if c.print != nil {
		return c.print(c.stdout, result)
	}
	return printJSON(c.stdout, result)
}

// answer asks the user what the form asks, and sends the answer.
func (c *client) answer(id json.RawMessage, form mcp.ElicitationParams) {
	result := mcp.ElicitationResult{}
	result.Action = mcp.ElicitationResponseActionCancel
	if name, ok := onlyQuestion(form); ok {
		c.refused.Store(true)
		yes, err := c.confirm(form.Message)
		switch {
		case yes:
			c.refused.Store(false)
			result.Action, result.Content = mcp.ElicitationResponseActionAccept, map[string]any{name: true}
		case err == nil:
			result.Action = mcp.ElicitationResponseActionDecline
		}
	}
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
	if err == nil {
		_, _ = fmt.Fprintf(c.out, "%s\n", line) // it fails if the call has ended
	}
}

// confirm asks the user a question, and reports whether the answer is yes.
func (c *client) confirm(question string) (bool, error) {
	fmt.Fprintf(c.stderr, "%s [y/N] ", printable.String(question))
	c.asking.Store(true)
	line, err := bufio.NewReader(c.terminal).ReadString('\n')
	c.asking.Store(false)
	if err != nil {
		fmt.Fprintln(c.stderr)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return err == nil && (answer == "y" || answer == "yes"), err
}

// onlyQuestion returns the name of the only field of a form, if it is a yes or no.
func onlyQuestion(form mcp.ElicitationParams) (name string, ok bool) {
	schema, _ := form.RequestedSchema.(map[string]any)
	fields, _ := schema["properties"].(map[string]any)
	for name, field := range fields {
		f, _ := field.(map[string]any)
		return name, len(fields) == 1 && f["type"] == "boolean"
	}
	return "", false
}
