package delivery

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps interrupts at the console from the command. Windows has no groups
// to kill: what the command started outlives it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
