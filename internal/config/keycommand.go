package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/commandline"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const (
	// commandTimeout is how long the command in RAFF_API_KEY_COMMAND may take.
	commandTimeout = 30 * time.Second
	// outputGrace is how long its output is awaited after it has exited: a process that it
	// left running, such as an agent, may keep it open.
	outputGrace = time.Second
)

// readCommand runs the command in RAFF_API_KEY_COMMAND, which is line, and returns the key
// that it prints. Nothing else that the command prints is shown anywhere, because it may
// contain a key. If the command has to be ended, its child processes are ended too.
func (k *Keys) readCommand(ctx context.Context, line string) (Key, error) {
	if err := checkKeyCommand(line); err != nil {
		return Key{}, err
	}
	path, words, err := commandline.Find(line)
	if err != nil {
		return Key{}, &keyError{keyCommandVariable + " cannot be run: " + oneSentence(errors.New(printable.String(err.Error()))),
			"Correct it; no shell runs it, so nothing in it is expanded, and a program without a directory must be in the PATH of the MCP client."}
	}
	text, err := k.runCommand(ctx, path, words)
	if err != nil {
		return Key{}, err
	}
	source := fmt.Sprintf("%s (%s)", keyCommandVariable, commandName(words))
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case text == "":
		return Key{}, commandError(words, "printed nothing", "Have it print the key on its standard output.")
	case len(strings.Fields(text)) > 1:
		return Key{}, commandError(words, "printed more than a key", "Have it print only the key, on one line.")
	}
	key, err := parseKey(text, "What "+source+" printed", "Have the command print the key itself.")
	return Key{Secret: key, Source: source}, err
}

// checkKeyCommand returns an error if line is obviously not a command.
func checkKeyCommand(line string) error {
	switch {
	case isEncrypted(line):
		return encryptedError(keyCommandVariable, "command")
	case raffclient.ContainsKey(line) || strings.HasPrefix(line, "raff_") && !isProgram(line):
		return &keyError{keyCommandVariable + " contains what looks like a key instead of a command that prints one.",
			"Put the key into RAFF_API_KEY: other users can read a command."}
	case isExample(line):
		return &keyError{keyCommandVariable + " contains example text instead of a command.", "Replace it with a command that prints only the key."}
	case len(strings.Fields(line)) == 1 && isUnexpanded(line): // in arguments, it may be meant for the command
		return &keyError{keyCommandVariable + " contains an unexpanded placeholder instead of a command.",
			"The MCP client passed it on unexpanded: write the command itself into the client's env block for this server."}
	}
	return nil
}

// isProgram reports whether a command line begins with the name of a program.
func isProgram(line string) bool {
	_, _, err := commandline.Find(line)
	return err == nil
}

// runCommand returns what the command prints on its standard output.
func (k *Keys) runCommand(call context.Context, path string, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(call, k.timeout)
	defer cancel()
	out := &limitedOutput{full: cancel}
	cmd := exec.CommandContext(ctx, path, words[1:]...)
	cmd.Args[0] = words[0]
	cmd.Env = k.commandEnvironment()
	cmd.Stdout = out
	cmd.WaitDelay = outputGrace
	commandline.OwnGroup(cmd)
	err := cmd.Run()
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case out.isFull:
		return "", commandError(words, "printed more than a key", "Have it print only the key, on one line.")
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it exited with code 0
		return string(out.text), nil
	case call.Err() != nil:
		return "", context.Cause(call)
	case ctx.Err() != nil:
		return "", commandError(words, fmt.Sprintf("did not exit within %v and was ended", k.timeout),
			"If it waits for something to be unlocked or entered, do that in a terminal first, then call again.")
	case exited:
		return "", commandError(words, fmt.Sprintf("failed (%v)", exit.ProcessState),
			"Run it in a terminal to see why: what it prints is shown nowhere else, because it may contain a key.")
	}
	return "", commandError(words, "could not be started: "+printable.String(strings.TrimSuffix(commandline.TrimExec(err).Error(), ".")), "Correct the command.")
}

// commandName returns the name of the command for messages, without its arguments, which may
// contain a password.
func commandName(words []string) string { return printable.String(filepath.Base(words[0])) }

func commandError(words []string, what, remedy string) *keyError {
	return &keyError{fmt.Sprintf("The command in %s, %s, %s.", keyCommandVariable, commandName(words), what), remedy}
}

// commandEnvironment returns the environment of the process without RAFF_API_KEY.
func (k *Keys) commandEnvironment() (env []string) {
	environ := k.env.Environ
	if environ == nil {
		environ = os.Environ
	}
	for _, variable := range environ() {
		if name, _, _ := strings.Cut(variable, "="); sameVariable(name, keyVariable) {
			continue
		}
		env = append(env, variable)
	}
	return env
}

// limitedOutput keeps at most maxKeyFileBytes bytes. If there are more, it calls full.
type limitedOutput struct {
	text   []byte
	isFull bool
	full   func()
}

var errFull = errors.New("too much output")

func (o *limitedOutput) Write(p []byte) (int, error) {
	if len(o.text)+len(p) > maxKeyFileBytes {
		o.isFull = true
		o.full()
		return 0, errFull
	}
	o.text = append(o.text, p...)
	return len(p), nil
}
