// Package commandline prepares commands that are configured as one line of text: [Find] splits
// the line without a shell and finds the program, and [OwnGroup] has it killed together
// with its child processes.
package commandline

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Find splits line into words (see [Split]), the first of which is a program, and returns
// the program's absolute path and the words. The error contains no other word, because
// arguments may be passwords.
func Find(line string) (path string, words []string, err error) {
	words, err = Split(line)
	if err != nil {
		return "", nil, err
	}
	path, err = exec.LookPath(words[0])
	if err != nil {
		if variable, _, found := strings.Cut(words[0], "="); found { // its value may be a password
			return "", nil, fmt.Errorf("%s=… is not a command: to set a variable, start the command with env", variable)
		}
		return "", nil, TrimExec(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", nil, err
	}
	return path, words, nil
}

// TrimExec removes the prefix "exec: " from an error of package exec.
func TrimExec(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return fmt.Errorf("%s: %w", e.Name, e.Err)
	}
	return err
}
