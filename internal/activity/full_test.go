//go:build linux || darwin

package activity_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
)

const fullPath = "ACTIVITY_TEST_FULL_PATH"

// fillDisk is a separate program whose file system is full after a part of the third line,
// and has room again after the fourth.
func fillDisk(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	l, err := activity.Open(activity.Config{Path: path, Logger: slog.New(slog.NewTextHandler(os.Stdout, nil))})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	limit := func(soft uint64) {
		var r syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
			fmt.Println(err)
		}
		r.Cur = min(soft, r.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
			fmt.Println(err)
		}
	}
	l.Write(record("1"))
	l.Write(record("2"))
	info, err := os.Stat(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	limit(uint64(info.Size()) + 10)
	l.Write(record("3"))
	l.Write(record("4"))
	limit(1 << 62)
	l.Write(record("5"))
	l.Close(time.Minute)
}

// A full disk loses the lines that do not fit, leaves no part of one, and is reported.
func TestFullDisk(t *testing.T) {
	if path := os.Getenv(fullPath); path != "" {
		fillDisk(path)
		os.Exit(0)
	}
	path := filepath.Join(t.TempDir(), "log")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$")
	cmd.Env = append(os.Environ(), fullPath+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != 2 || bytes.Count(out, []byte("could not be written")) != 2 {
		t.Errorf("got %s, %v", out, err)
	}
	records, broken := read(t, path)
	var calls []string
	for _, r := range records {
		calls = append(calls, r.Call)
	}
	if got := strings.Join(calls, ","); got != "1,2,5" || broken != 0 {
		t.Errorf("got %s and %d broken lines", got, broken)
	}
}
