package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// command is a program that reads each secret from its standard input. Its output is
// discarded, because it may contain the secret in any encoding.
type command struct {
	path        string // absolute
	words       []string
	timeout     time.Duration
	cancelGrace time.Duration
	output      io.Writer // receives the output of a rehearsal; nil discards it
}

func newCommand(line string, timeout, cancelGrace time.Duration) (*command, error) {
	words, err := commandWords(line)
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		if variable, _, found := strings.Cut(words[0], "="); found { // its value may be a password
			return nil, fmt.Errorf("%s=… is not a command: to set a variable, start the command with env", variable)
		}
		return nil, trimExec(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	return &command{path: path, words: words, timeout: timeout, cancelGrace: cancelGrace}, nil
}

// CheckCommand returns an error if the command of a [Config] cannot be split into words.
func CheckCommand(line string) error {
	_, err := commandWords(line)
	return err
}

func commandWords(line string) ([]string, error) {
	words, err := splitWords(line)
	if err == nil && len(words) == 0 {
		err = errors.New("the command is empty")
	}
	return words, err
}

// trimExec removes the prefix "exec: " from an error of package exec.
func trimExec(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return fmt.Errorf("%s: %w", e.Name, e.Err)
	}
	return err
}

// name returns the command's name for errors, without its arguments, which may contain
// a password.
func (c *command) name() string { return filepath.Base(c.words[0]) }

func (c *command) ready(context.Context) error {
	_, err := exec.LookPath(c.path)
	return trimExec(err)
}

// run runs the command with the secret on its standard input. A command that exits with
// code 0 without reading the whole secret, such as `true`, has failed.
func (c *command) run(ctx context.Context, k Key, v value) (string, error) {
	ctx, cancel := detach(ctx, c.timeout, c.cancelGrace)
	defer cancel()
	// The reading end of the pipe stays open, so that the rest of the secret can be read
	// after the command has exited. For the same reason, writing never fails.
	unread, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer unread.Close()
	defer in.Close()
	go func() { // ends when the rest has been read below or the pipe is closed
		_, _ = io.WriteString(in, string(v))
		in.Close()
	}()

	cmd := exec.CommandContext(ctx, c.path, c.words[1:]...)
	cmd.Args[0] = c.words[0]
	cmd.Env = environment(os.Environ(), k)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = unread, c.output, c.output // nil is the null device
	cmd.WaitDelay = leftoverGrace
	ownGroup(cmd)
	if err = cmd.Run(); errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the command itself succeeded
	}
	rest, readErr := io.Copy(io.Discard, unread)
	if readErr != nil { // the command made the pipe non-blocking
		rest++
	}

	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && err != nil:
		return "", c.failed(fmt.Sprintf("did not exit within %v and was killed", c.timeout))
	case ctx.Err() != nil && err != nil:
		return "", c.failed(fmt.Sprintf("did not exit within %v after the call was cancelled, and was killed", c.cancelGrace))
	case exited:
		return "", c.failed(fmt.Sprintf("failed (%v)", exit.ProcessState))
	case err != nil:
		return "", fmt.Errorf("%s could not be started: %w", c.name(), trimExec(err))
	case rest > 0:
		return "", c.failed("exited without reading the whole secret from its standard input")
	}
	return c.name(), nil
}

// leftoverGrace is how long a rehearsal waits for the rest of the output when the command
// has exited, but has left a process behind that keeps its output open.
const leftoverGrace = time.Second

// failed returns an error that says what the command did, and how to debug it. It does
// not contain the command's output.
func (c *command) failed(what string) error {
	if c.output != nil {
		return fmt.Errorf("%s %s", c.name(), what)
	}
	return fmt.Errorf("%[1]s %[2]s; its output is not shown, because it may contain the secret (to see it, run the command "+
		"in a terminal with a made-up secret: `printf %%s raff_test | %[1]s …`)", c.name(), what)
}

// environment returns the environment of the command: that of the program, without the
// variables for the program's own API key, and with variables that describe k.
func environment(inherited []string, k Key) []string {
	var env []string
	for _, variable := range inherited {
		name := strings.ToUpper(variable) // on Windows, case does not matter
		if !strings.HasPrefix(name, "RAFF_API_KEY") && !strings.HasPrefix(name, "RAFF_KEY_") {
			env = append(env, variable)
		}
	}
	return append(env, "RAFF_KEY_ID="+k.ID, "RAFF_KEY_NAME="+k.Name, "RAFF_KEY_PREFIX="+k.Prefix)
}
