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
	t.Parallel()
	home := t.TempDir()
	file := filepath.Join(home, "pid")
	cmd := exec.CommandContext(t.Context(), "raff-mcp", "call", "list_roles")
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
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), "interrupted before the tool was called") {
		t.Errorf("got %v: %s", err, &stderr)
	}
	if err := syscall.Kill(pid, 0); pid == 0 || !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the command, process %d, still runs: %v", pid, err)
	}
}
