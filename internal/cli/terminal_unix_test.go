//go:build unix

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/creack/pty"
)

// terminalProgram is a program for scripts: terminal FILE PROGRAM [ARG…] runs a program whose
// standard input and standard error are a terminal, types what is in the file and Ctrl-D, and
// prints on standard error what the terminal shows. Its exit code is that of the program.
//
// The command ttyin of testscript does not wait until it has read all that the terminal shows.
func terminalProgram() {
	code, err := runInTerminal(os.Args[1], os.Args[2], os.Args[3:]...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		code = 125
	}
	os.Exit(code)
}

func runInTerminal(file, program string, args ...string) (code int, err error) {
	typed, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	control, tty, err := pty.Open()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, os.Stdout, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	const endOfTransmission = 4
	if _, err := control.Write(append(typed, endOfTransmission)); err != nil {
		return 0, err
	}
	shown := make(chan struct{})
	go func() {
		_, _ = io.Copy(os.Stderr, control) // it fails when the last writer has closed the terminal
		close(shown)
	}()
	err = cmd.Wait()
	tty.Close()
	<-shown
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode(), nil
	}
	return 0, err
}
