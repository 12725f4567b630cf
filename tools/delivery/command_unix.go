//go:build unix

package delivery

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the command into a process group of its own: it is killed with
// what it started, and an interrupt at the terminal, which is meant for us, does
// not reach it while it has the secret.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return cmd.Process.Kill() // it may have joined another group
	}
}
