//go:build unix

package config

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that has to be ended takes its child processes with it.
func TestKeyCommandIsEndedWithItsChildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	keys := withTimeout(t, keyCommandEnvironment(t, "hangs with a child", file), time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	read := make(chan error)
	go func() {
		_, err := keys.Read(ctx)
		read <- err
	}()
	pid := 0
	for deadline := time.Now().Add(30 * time.Second); pid == 0 && time.Now().Before(deadline); {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(string(text))
	}
	cancel()
	if err := <-read; err == nil || pid == 0 {
		t.Fatalf("got %v, and the child process %d", err, pid)
	}
	// The child process is killed, and then waits to be collected by init.
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if err := syscall.Kill(pid, 0); err != nil || isZombie(pid) {
			return
		}
	}
	t.Error("the child process still runs")
}

// isZombie reports whether a process has ended and only waits to be collected, which a
// container without init never does.
func isZombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	return strings.Contains(string(stat), ") Z ")
}
