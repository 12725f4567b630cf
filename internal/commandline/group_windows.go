package commandline

import (
	"os/exec"
	"strconv"
	"syscall"
)

// OwnGroup keeps interrupts at the console from reaching the command, and has it killed
// together with its child processes: npx.cmd, for example, starts node, which starts a server.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	cmd.Cancel = func() error {
		_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		return cmd.Process.Kill()
	}
}

// KillGroup does nothing: Windows cannot find the child processes of a process that has exited.
func KillGroup(*exec.Cmd) {}
