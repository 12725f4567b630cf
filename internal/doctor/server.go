package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// A server is what a server said about itself.
type server struct {
	isThisVersion bool
	keySource     string // "" if it has no usable key, or did not say
	sandbox       bool
	log           string // what it printed on standard error, unless that has been shown
}

const (
	protocolVersion = "2025-11-25"
	serverName      = "raff-mcp"
	// stderrLines is how many of the last lines of standard error are shown.
	stderrLines = 20
)

// serverChecks are the checks for which the server must run.
var serverChecks = []string{"start", "handshake", "binary", "tools", "key", "account", "permissions", "expiry", "tier"}

// A run is a server that is being examined.
type run struct {
	config  Config
	result  *Result
	process *process
	session *session
	path    string
	said    server
	shown   bool // standard error is among the details of a check
}

// examineServer starts the server, asks it what it offers and who it is, and ends it.
func (c Config) examineServer(ctx context.Context, r *Result, l Launch, path string) server {
	p, err := startProcess(ctx, l, path)
	if err != nil {
		text := clean(reason(err))
		if isWrongFormat(err) {
			text += ": the program is for another system or processor, or is not a program"
		}
		r.fail("start", fmt.Sprintf("%s could not be started: %s", clean(path), text), fixPath)
		r.skip(serverChecks[1:]...)
		return server{}
	}
	x := &run{config: c, result: r, process: p, session: &session{p: p}, path: path}
	passed := len(r.Checks)
	x.converse(ctx)
	byItself := p.stop(c.Exit)
	x.checkOutput()
	if !x.shown {
		x.said.log = p.stderr.String()
	}
	if !byItself {
		r.fail("exit", fmt.Sprintf("the server did not exit within %v after its input had ended, and was killed", c.Exit), "Restart it by hand after each change of its configuration, and report this as a bug.")
	}
	x.completeSkipped(passed)
	return x.said
}

// converse does what clients do, until something fails.
func (x *run) converse(ctx context.Context) {
	var hello struct {
		ProtocolVersion string `json:"protocolVersion"`
		ServerInfo      struct{ Name, Version string }
	}
	params := map[string]any{"protocolVersion": protocolVersion, "capabilities": struct{}{}, "clientInfo": map[string]string{"name": "raff-mcp doctor", "version": x.config.Version}}
	limit := x.config.Handshake
	err := x.session.request(ctx, limit, "initialize", params, &hello)
	if errors.Is(err, errExited) {
		x.failExit("start", "before it responded to initialize")
		return
	}
	x.result.pass("start", "the server starts")
	if err == nil {
		err = x.session.notify(ctx, "notifications/initialized")
	}
	if err != nil {
		x.failRequest("handshake", "initialize", err, limit)
		return
	}
	x.result.pass("handshake", "MCP %s", clean(hello.ProtocolVersion))
	if !x.checkBinary(hello.ServerInfo.Name, hello.ServerInfo.Version) {
		return
	}
	var list struct{ Tools []struct{ Name string } }
	if err := x.session.request(ctx, limit, "tools/list", struct{}{}, &list); err != nil {
		x.failRequest("tools", "tools/list", err, limit)
		return
	}
	var names []string
	for _, t := range list.Tools {
		names = append(names, t.Name)
	}
	if len(names) == 0 {
		x.result.fail("tools", "the server offers no tools", "Remove --toolsets and --read-only from the entry.")
		return
	}
	x.result.pass("tools", "%d tools", len(names))
	if !slices.Contains(names, "whoami") {
		x.result.fail("key", "the server has no tool whoami, so that its key is not known", fixBinary)
		return
	}
	x.askWhoami(ctx)
}

func (x *run) askWhoami(ctx context.Context) {
	var called struct {
		IsError           bool
		Content           []struct{ Text string }
		StructuredContent identity
	}
	err := x.session.request(ctx, x.config.Call, "tools/call", map[string]any{"name": "whoami", "arguments": struct{}{}}, &called)
	if err != nil {
		x.failRequest("key", "whoami", err, x.config.Call)
		return
	}
	if called.IsError {
		text := "no reason"
		if len(called.Content) > 0 {
			text = clean(called.Content[0].Text)
		}
		x.result.fail("key", "whoami failed: "+text, "Fix what it names.")
		return
	}
	x.said.keySource, x.said.sandbox = called.StructuredContent.KeySource, called.StructuredContent.Sandbox
	called.StructuredContent.check(x.result)
}

// failExit records that the server has exited, with what it printed last.
func (x *run) failExit(name, when string) {
	details := cleanLines(x.process.stderr.String(), stderrLines)
	x.shown = true
	fix := "Fix what it printed on standard error."
	if len(details) == 0 {
		fix = "It printed nothing on standard error. Run the command of the entry in a terminal to see more."
	}
	x.result.add(Check{Name: name, Text: fmt.Sprintf("the server %s %s", x.process.exit(), when), Fix: fix, Details: details})
}

// failRequest records a request that failed.
func (x *run) failRequest(name, method string, err error, limit time.Duration) {
	if errors.Is(err, errExited) {
		x.failExit(name, "before it responded to "+method)
		return
	}
	c := Check{Name: name, Details: cleanLines(x.process.stderr.String(), stderrLines)}
	x.shown = true
	switch {
	case errors.Is(err, errTimeout):
		c.Text = fmt.Sprintf("the server did not respond to %s within %v, and was stopped", method, limit)
		c.Fix = "Run the command of the entry in a terminal to see what it waits for."
	default:
		c.Text = fmt.Sprintf("the server refused %s: %s", method, clean(err.Error()))
		c.Fix = "Fix what it says, or check that the entry starts raff-mcp."
	}
	x.result.add(c)
}

// checkOutput records what a client may not understand.
func (x *run) checkOutput() {
	if x.session.junk != "" {
		x.result.fail("output", fmt.Sprintf("the server printed something on standard output that is not MCP: %q", x.session.junk),
			"Have the command of the entry print nothing else there: some clients end the connection.")
	}
	if len(x.session.asked) > 0 {
		x.result.fail("requests", fmt.Sprintf("the server sent requests that the client had not declared to support: %s", strings.Join(x.session.asked, ", ")),
			"Check that the entry starts raff-mcp; if it does, report this as a bug.")
	}
}

// completeSkipped adds the checks that are missing among the ones since passed.
func (x *run) completeSkipped(passed int) {
	for _, name := range serverChecks {
		if !slices.ContainsFunc(x.result.Checks[passed:], func(c Check) bool { return c.Name == name }) {
			x.result.skip(name)
		}
	}
}

// isSameFile reports whether two paths are those of one file.
func isSameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
