//go:build unix

package commandline

import (
	"os/exec"
	"syscall"
)

// OwnGroup runs the command in a process group of its own: it is killed together with
// its child processes, and an interrupt at the terminal, which is meant for the program,
// does not reach it.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		KillGroup(cmd)
		return cmd.Process.Kill() // it may have joined another group
	}
}

// KillGroup kills what is left of the group of a command that has been started with OwnGroup.
func KillGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
