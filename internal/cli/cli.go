// Package cli is the program: its commands, its log and its exit codes. [Main] runs
// it.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// Main runs the program with the arguments, the environment and the standard streams
// of the process, and returns its exit code.
func Main() int {
	// net/http logs unsolicited responses, which may contain a secret.
	log.SetOutput(io.Discard)
	// A client that closes standard output must not kill the program, because a new key
	// may have to be revoked. Without the signal, writing fails with EPIPE.
	signal.Ignore(syscall.SIGPIPE)
	ctx, secondSignal := notifySignals()
	return run(ctx, secondSignal, os.Args[1:], config.ProcessEnvironment(), os.Stdin, os.Stdout, os.Stderr)
}

// The program's exit codes.
const (
	exitOK    = 0
	exitError = 1 // the program or the tool failed
	exitUsage = 2 // the command line or the configuration is wrong
)

// A program is one run of raff-mcp.
type program struct {
	env          config.Environment
	secondSignal <-chan struct{} // closed at the second signal
	stdin        io.Reader
	stdout       io.Writer
	stderr       *sink

	json    bool  // the flag --json
	version bool  // the flag --version
	helpErr error // of help, which for cobra cannot fail
}

// run runs the program until its command has finished, and returns the exit code. When
// ctx is done, the calls in flight are finished; when secondSignal is closed, they are
// cut off.
func run(ctx context.Context, secondSignal <-chan struct{}, args []string, env config.Environment, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{env: env, secondSignal: secondSignal, stdin: stdin, stdout: stdout, stderr: newSink(stderr)}
	defer p.stderr.close()
	text := &errWriter{w: stdout}
	root := newRootCommand(p)
	root.SetOut(text) // for help and completion
	root.SetErr(p.stderr)
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	err := root.ExecuteContext(ctx)
	err = cmp.Or(err, p.helpErr, text.err)
	if err == nil || stdio.IsClosed(err) { // whoever reads the output has seen enough of it
		return exitOK
	}
	fmt.Fprintf(p.stderr, "raff-mcp: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitError
}

// A usageError is an error in the command line or the configuration. It is one line
// and never contains a key.
type usageError struct{ error }

// A message is an error in whole sentences: what happened, and what to do.
type message string

func (m message) Error() string { return string(m) }

// An errWriter remembers the first error of w, because cobra ignores errors.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) Write(text []byte) (int, error) {
	n, err := e.w.Write(text)
	if e.err == nil {
		e.err = err
	}
	return n, err
}
