package doctor

import (
	"os/exec"
	"strconv"
	"syscall"
)

// ownGroup keeps interrupts at the console from reaching the command, and kills it with
// its child processes: npx.cmd starts node, which starts the server.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	cmd.Cancel = func() error {
		_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		return cmd.Process.Kill()
	}
}

// killGroup does nothing: Windows cannot find the children of a process that is gone.
func killGroup(*exec.Cmd) {}
