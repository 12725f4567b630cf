package handover

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

// command is a program that is given each secret on its standard input.
type command struct {
	path    string // absolute
	words   []string
	timeout time.Duration
}

// held is how long the command's standard error is read after the command has
// ended: something that it left running may hold it open for ever.
const held = time.Second

func newCommand(line string, timeout time.Duration) (*command, error) {
	words, err := words(line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errors.New("there is no command")
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, bare(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	return &command{path, words, timeout}, nil
}

// bare takes from an error of exec its first word, which says what the program
// does: "exec: ".
func bare(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return fmt.Errorf("%s: %w", e.Name, e.Err)
	}
	return err
}

func (c *command) name() string { return filepath.Base(c.words[0]) }

func (c *command) ready(context.Context) error {
	_, err := exec.LookPath(c.path)
	return bare(err)
}

// run gives the secret to the command. A command that ends with exit code 0 has
// done its work if it has read the whole secret: `true` has not.
func (c *command) run(ctx context.Context, k Key, v value) (string, error) {
	ctx, cancel := lasting(ctx, c.timeout)
	defer cancel()
	// The command shares our end of the pipe, so that what it has not read can be
	// found there afterwards. For the same reason writing never fails.
	unread, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer unread.Close()
	go func() { // ends at the latest when the rest is read below
		_, _ = io.WriteString(in, string(v))
		in.Close()
	}()

	var said tail
	cmd := exec.CommandContext(ctx, c.path, c.words[1:]...)
	cmd.Args[0] = c.words[0]
	cmd.Env = environment(os.Environ(), k)
	cmd.Stdin, cmd.Stderr = unread, &said // standard output goes nowhere
	cmd.WaitDelay = held
	ownGroup(cmd)
	err = cmd.Run()
	rest, _ := io.Copy(io.Discard, unread)

	switch {
	case errors.Is(err, exec.ErrWaitDelay): // exit code 0, and something left running
		err = nil
	case ctx.Err() != nil && err != nil:
		err = fmt.Errorf("it did not end in %v and was killed", c.timeout)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w%s", c.name(), bare(err), said.quote(v))
	case rest > 0:
		return "", fmt.Errorf("%s: it ended without reading the secret from its standard input%s", c.name(), said.quote(v))
	}
	return c.name(), nil
}

// environment is the command's: ours without the credential that we run with,
// and with what may be told about the key.
func environment(ours []string, k Key) []string {
	var env []string
	for _, variable := range ours {
		name, _, _ := strings.Cut(variable, "=")
		switch strings.ToUpper(name) { // on Windows they are the same in any case
		case "RAFF_API_KEY", "RAFF_API_KEY_FILE", "RAFF_KEY_ID", "RAFF_KEY_NAME", "RAFF_KEY_PREFIX":
		default:
			env = append(env, variable)
		}
	}
	for name, text := range map[string]string{"ID": k.ID, "NAME": k.Name, "PREFIX": k.Prefix} {
		env = append(env, "RAFF_KEY_"+name+"="+strings.ReplaceAll(text, "\x00", "")) // which no environment can hold
	}
	return env
}

// tail keeps the end of what is written to it, where errors stand.
type tail struct{ text []byte }

const maxTail = 4096 // bytes

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(p), nil
}

// quote returns what was written, without the secret, as the end of a sentence.
func (t *tail) quote(v value) string {
	text := scrub(string(t.text), v)
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" (it said: %q)", text)
}
