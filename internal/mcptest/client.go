// Package mcptest is an MCP client for tests. It sends lines to a server and receives
// what the server writes, over pipes to a function or to a process, inside a bubble of
// testing/synctest or outside.
//
// Serve and Start connect a client. Send writes messages, most of which the functions
// Initialize, Call, Cancel and Answer compose. Line, Receive and Response read; End closes
// the input and returns the rest.
package mcptest

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Client is a client at the other end of a server's standard input and output. It is for
// one goroutine, except that Send may be called in another one.
type Client struct {
	tb    testing.TB
	in    io.WriteCloser
	end   io.Closer // the reading end of the server's output
	out   *bufio.Reader
	lines chan string // what was read ahead; nil without ReadAhead
	stop  context.CancelFunc
	wait  func() error
}

// Serve starts serve in a goroutine, with pipes as input and output. Nothing is read of
// the output until ReadAhead or a method that returns messages is called.
func Serve(tb testing.TB, serve func(ctx context.Context, in io.Reader, out io.Writer) error) *Client {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, stop := context.WithCancel(tb.Context())
	result := make(chan error, 1)
	go func() {
		err := serve(ctx, inR, outW)
		outW.Close()
		result <- err
		inR.Close() // ends a goroutine that still reads
	}()
	return &Client{tb: tb, in: inW, end: outR, out: bufio.NewReader(outR), stop: stop, wait: func() error { return <-result }}
}

// Start starts a process. Nothing is read of its standard output until ReadAhead or a
// method that returns messages is called.
func Start(tb testing.TB, cmd *exec.Cmd) *Client {
	tb.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return &Client{tb: tb, in: in, end: out, out: bufio.NewReader(out), wait: cmd.Wait}
}

// ReadAhead reads the output in a goroutine, so that the server never waits for the test
// to read it. It returns c.
func (c *Client) ReadAhead() *Client {
	c.lines = make(chan string, 10_000)
	go func() {
		defer close(c.lines)
		for {
			line, err := c.out.ReadString('\n')
			if err != nil {
				return
			}
			c.lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	return c
}

// Send writes lines to the server. It fails the test if the server does not read them.
func (c *Client) Send(lines ...string) {
	c.tb.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(c.in, line+"\n"); err != nil {
			c.tb.Errorf("send: %v", err)
			return
		}
	}
}

// next returns the next line, without its newline, and false at the end of the output.
func (c *Client) next() (string, bool) {
	if c.lines != nil {
		line, ok := <-c.lines
		return line, ok
	}
	line, err := c.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err == nil
}

// Line waits for the next line. It ends the test if there is none.
func (c *Client) Line() string {
	c.tb.Helper()
	line, ok := c.next()
	if !ok {
		c.tb.Fatal("the server's output has ended")
	}
	return line
}

// Receive waits for the next message.
func (c *Client) Receive() Message {
	c.tb.Helper()
	return Parse(c.Line())
}

// Response waits for the response with that ID, which is JSON, and returns it and the
// messages before it.
func (c *Client) Response(id string) (response Message, before []Message) {
	c.tb.Helper()
	for {
		m := c.Receive()
		if m.Method == "" && string(m.ID) == id {
			return m, before
		}
		before = append(before, m)
	}
}

// Ask sends a request and returns the line that follows.
func (c *Client) Ask(request string) string {
	c.tb.Helper()
	c.Send(request)
	return c.Line()
}

// Unread returns how many lines were read ahead and not yet received.
func (c *Client) Unread() int { return len(c.lines) }

// Rest returns the lines up to the end of the output.
func (c *Client) Rest() (lines []string) {
	for {
		line, ok := c.next()
		if !ok {
			return lines
		}
		lines = append(lines, line)
	}
}

// Stop cancels the context of a function that Serve started, as a signal does.
func (c *Client) Stop() { c.stop() }

// CloseInput closes the server's standard input.
func (c *Client) CloseInput() { c.in.Close() }

// CloseOutput stops reading the server's standard output for good.
func (c *Client) CloseOutput() {
	// A process that another test is just starting still has a copy of the file
	// descriptor, and until it has closed that, the server could write.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	c.end.Close()
}

// Wait waits for the end of the server, which Serve or Start started, and returns its
// error. The output of a process must have been read before.
func (c *Client) Wait() error { return c.wait() }

// End closes the input, waits for the end of the server and returns the lines that were
// left. It fails the test if the server fails.
func (c *Client) End() []string {
	c.tb.Helper()
	c.CloseInput()
	lines := c.Rest()
	if err := c.Wait(); err != nil {
		c.tb.Errorf("the server ended with: %v", err)
	}
	return lines
}
