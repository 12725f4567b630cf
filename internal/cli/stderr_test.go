package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
)

// unreadPipe returns the write end of a pipe that nobody reads and that is full, or
// nearly.
func unreadPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		for {
			if _, err := w.Write(make([]byte, 512)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		r.Close()
		<-filled
		w.Close()
	})
	return w
}

// limited returns a context that kills a program that blocks.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A client that never reads standard error gets every response, and the program
// ends when the client leaves.
func TestUnreadStderr(t *testing.T) {
	t.Parallel()
	const failing = 300
	for _, tt := range []struct{ name, tool, arguments string }{
		// Each of these is logged at debug level.
		{"invalid", "get_api_key", `{"id":"none"}`},
		{"unknown", "no_such_tool", `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(limited(t), "raff-mcp", "--sandbox", "--log-level=debug")
			cmd.Env = []string{"HOME=" + t.TempDir()}
			cmd.Stderr = unreadPipe(t)
			c := mcptest.Start(t, cmd)
			for id := range failing {
				c.Ask(mcptest.Call(fmt.Sprint(id), tt.tool, tt.arguments))
			}
			if got := c.Ask(mcptest.Call(`"last"`, "create_api_key", `{"name":"ci"}`)); !strings.Contains(got, `"value":"raff_`) {
				t.Errorf("got %q, want a secret", got)
			}
			c.End()
		})
	}
}

// The program ends with its exit code even if there is no room for a message.
func TestUnreadStderrAndExitCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		want int
	}{
		{"--nonsense", exitUsage},
		{"--sandbox --secrets=command --secrets-command=/no/such/command", exitUsage},
		{"--sandbox call no_such_tool", exitUsage},
		{"--sandbox --log-level=debug call get_api_key {}", exitError},
		{"--sandbox --log-level=debug call list_api_keys", exitOK},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(limited(t), "raff-mcp", strings.Fields(tt.args)...)
			cmd.Env = []string{"HOME=" + t.TempDir()}
			cmd.Stderr = unreadPipe(t)
			_ = cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != tt.want {
				t.Errorf("got exit code %d, want %d", got, tt.want)
			}
		})
	}
}

// The program goes on if standard error is closed at the other end.
func TestClosedStderr(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := exec.CommandContext(limited(t), "raff-mcp", "--sandbox", "--log-level=debug", "call", "create_api_key", `{"name":"ci"}`)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	cmd.Stderr = w
	if got, err := cmd.Output(); err != nil || !bytes.Contains(got, []byte("raff_")) {
		t.Errorf("got %q, %v", got, err)
	}
}

// The program ends only after everything it logged has been written, if standard
// error accepts it.
func TestStderrIsComplete(t *testing.T) {
	const n = 500
	in := strings.NewReader(strings.Repeat(`{"jsonrpc":"2.0","method":"nonsense","params":1}`+"\n", n))
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		slow := writerFunc(func(text []byte) (int, error) {
			time.Sleep(stderrGrace / n / 2)
			return log.Write(text)
		})
		env := config.Environment{Getenv: func(string) string { return "" }, Home: func() (string, error) { return "", nil }}
		if code := run(t.Context(), nil, []string{"--sandbox", "--log-level=debug"}, env, in, io.Discard, slow); code != exitOK {
			t.Errorf("got exit code %d", code)
		}
		if got := strings.Count(log.String(), "notification ignored"); got != n {
			t.Errorf("got %d records, want %d", got, n)
		}
	})
}

// logAndDie is a separate program that logs as raff-mcp does, and then kills itself.
//
// On a single processor, nothing is written in the background between two
// statements.
func logAndDie() {
	runtime.GOMAXPROCS(1)
	out := newSink(os.Stderr)
	log := newLogger(out, slog.LevelInfo, "text", false)
	log.Info("about to create a key")
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill()
	}
	select {}
}

// What is logged before a request is sent remains, even if the program is killed
// once the request has been sent.
func TestKilledAfterLogging(t *testing.T) {
	t.Parallel()
	for range 10 {
		cmd := exec.CommandContext(limited(t), "log-and-die")
		var log bytes.Buffer
		cmd.Stderr = &log
		err := cmd.Run()
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatalf("got %v, want that it was killed", err)
		}
		if got := log.String(); !strings.HasSuffix(got, " INF about to create a key\n") {
			t.Fatalf("got %q", got)
		}
	}
}
