//go:build unix

package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An interrupt while the command for the key runs ends the command, too.
func TestInterruptedKeyCommandIsEnded(t *testing.T) {
	for command, want := range map[string]string{
		"call list_roles": "call: interrupted before the tool was called",
		"whoami":          "whoami: interrupted while the key was being read",
		"doctor --self":   "doctor: interrupted before all checks were done",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			interruptKeyCommand(t, strings.Fields(command), want)
		})
	}
}

// interruptKeyCommand interrupts the program while the command for the key runs, and expects
// an error and the end of the command.
func interruptKeyCommand(t *testing.T, args []string, want string) {
	home := t.TempDir()
	file := filepath.Join(home, "pid")
	cmd := exec.CommandContext(t.Context(), "raff-mcp", args...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "RAFF_API_KEY_COMMAND=sh -c 'echo $$ >" + file + "; exec sleep 300'"}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for deadline := time.Now().Add(30 * time.Second); pid == 0 && time.Now().Before(deadline); {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), want) {
		t.Errorf("got %v: %s", err, &stderr)
	}
	if err := syscall.Kill(pid, 0); pid == 0 || !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the command, process %d, still runs: %v", pid, err)
	}
}
