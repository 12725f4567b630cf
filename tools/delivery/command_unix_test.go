//go:build unix

package delivery_test

import (
	"fmt"
	"os/exec"
	"syscall"
)

// otherCommands are commands that use what only Unix has.
var otherCommands = map[string]func(leave func(file, text string)){
	"joins another group": func(leave func(file, text string)) {
		child := background("hangs", func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} })
		leave("child", fmt.Sprint(child.Process.Pid))
		if err := syscall.Setpgid(0, child.Process.Pid); err != nil {
			panic(err)
		}
		hang()
	},
	"does not block": func(func(file, text string)) {
		if err := syscall.SetNonblock(0, true); err != nil {
			panic(err)
		}
	},
}
