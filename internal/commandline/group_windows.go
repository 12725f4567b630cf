package commandline

import (
	"os/exec"
	"syscall"
)

// OwnGroup keeps interrupts at the console from reaching the command. Windows cannot
// kill a process group: child processes of the command outlive it.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
