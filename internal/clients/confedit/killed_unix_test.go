//go:build unix

package confedit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The variables tell a child process, which is this test binary, what to do with a file.
const (
	childTask = "CONFEDIT_TEST_TASK"
	childPath = "CONFEDIT_TEST_PATH"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		if err := child(task, os.Getenv(childPath)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Large enough that writing takes longer than the other steps.
var (
	textA = strings.Repeat("a", 1<<20)
	textB = strings.Repeat("b", 1<<20)
)

func child(task, path string) error {
	for {
		f, err := ReadFile(path)
		if err != nil {
			return err
		}
		call := 0
		f.step = func(s step) error {
			if call++; fmt.Sprint("die at step ", call) == task {
				return syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			fmt.Println(s)
			return nil
		}
		if task == "exceed the limit" {
			limit := syscall.Rlimit{Cur: 100 << 10, Max: 100 << 10}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				return err
			}
		}
		next := textA
		if string(f.Text) == textA {
			next = textB
		}
		backup, err := f.Write([]byte(next))
		if err != nil || task != "write forever" {
			return err
		}
		if err := os.Remove(backup); err != nil {
			return err
		}
	}
}

func childCommand(task, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+task, childPath+"="+path)
	return cmd
}

// wasKilled reports whether a process ended by SIGKILL.
func wasKilled(err error) bool {
	e, ok := errors.AsType[*exec.ExitError](err)
	return ok && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for i, at := range steps {
		t.Run(fmt.Sprint(i, " ", at), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "mcp.json")
			writeText(t, path, textB)
			run(t)(os.Chmod(path, 0o640))
			if out, err := childCommand(fmt.Sprint("die at step ", i+1), path).CombinedOutput(); !wasKilled(err) {
				t.Fatalf("got %v: %s", err, out)
			}
			want := textB
			if at == syncDirectory {
				want = textA
			}
			if got := readText(t, path); got != want {
				t.Errorf("got %d bytes %.5q…, want %.5q…", len(got), got, want)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
				t.Errorf("got mode %v", info.Mode())
			}
			_, err := mustRead(t, path).Write([]byte(newText))
			run(t)(err)
		})
	}
}

func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mcp.json")
	writeText(t, path, textB)
	seen := map[byte]int{}
	const runs = 20
	for range runs {
		cmd := childCommand("write forever", path)
		out, err := cmd.StdoutPipe()
		run(t)(err)
		run(t)(cmd.Start())
		// The child goes on while this reads, so it is killed at some later moment.
		lines := bufio.NewReader(out)
		for range rand.IntN(20) {
			_, err := lines.ReadString('\n')
			run(t)(err)
		}
		run(t)(cmd.Process.Kill())
		_, _ = io.Copy(io.Discard, lines)
		if err := cmd.Wait(); !wasKilled(err) {
			t.Fatal(err)
		}
		got := readText(t, path)
		if got != textA && got != textB {
			t.Fatalf("got %d bytes %.5q…", len(got), got)
		}
		seen[got[0]]++
	}
	for _, name := range names(t, filepath.Dir(path)) {
		info, err := os.Stat(filepath.Join(filepath.Dir(path), name))
		if err == nil && name != "mcp.json" && info.Mode() != 0o600 && !strings.HasPrefix(name, ".mcp.json.raff-mcp-") {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	t.Logf("killed %d times, file contents afterwards: %v", runs, seen)
}

// A write that fails in the middle leaves the old file and nothing else.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	out, err := childCommand("exceed the limit", path).CombinedOutput()
	if err == nil || wasKilled(err) {
		t.Fatalf("got %v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	checkRefused(t, path, errors.New(lines[len(lines)-1]), "write: file too large")
	if got := readText(t, path); got != oldText || len(names(t, filepath.Dir(path))) != 1 {
		t.Errorf("got %q, %q", got, names(t, filepath.Dir(path)))
	}
}
