//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// slowAPI answers creations when it is told to.
type slowAPI struct {
	arrived chan struct{}
	release chan struct{}
}

func (a *slowAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then a lost client is noticed
	a.arrived <- struct{}{}
	select {
	case <-a.release:
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"success":true,"data":{"id":"11111111-1111-4111-8111-111111111111","name":"ci","secret":"raff_0123456789abcdef"}}`)
}

// callSlowly starts the program against an API that does not answer yet, with n
// calls in flight.
func callSlowly(t *testing.T, n int) (program *exec.Cmd, out *bufio.Scanner, api *slowAPI) {
	t.Helper()
	api = &slowAPI{make(chan struct{}, n), make(chan struct{})}
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	program = exec.CommandContext(t.Context(), "raff-mcp")
	program.Env = []string{"HOME=" + t.TempDir(), "RAFF_API_KEY=raff_own", "RAFF_API_URL=" + s.URL}
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	for id := range n {
		fmt.Fprintf(in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"create_api_key","arguments":{"name":"ci"}}}`+"\n", id)
	}
	for range n {
		<-api.arrived
	}
	return program, bufio.NewScanner(stdout), api
}

// After a signal to end, what is in flight is finished and answered.
func TestTerminate(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			const n = 20
			program, out, api := callSlowly(t, n)
			if err := program.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			close(api.release)
			answers := 0
			for out.Scan() {
				if strings.Contains(out.Text(), "raff_0123456789abcdef") {
					answers++
				}
			}
			if err := program.Wait(); err != nil || answers != n {
				t.Errorf("got %d answers and %v, want %d and exit code 0", answers, err, n)
			}
		})
	}
}

// The second signal ends the program at once.
func TestTerminateTwice(t *testing.T) {
	program, out, _ := callSlowly(t, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for out.Scan() {
		}
	}()
	for ended := false; !ended; {
		_ = program.Process.Signal(syscall.SIGTERM) // the first has to be taken before the second counts
		select {
		case <-done:
			ended = true
		default:
		}
	}
	err := program.Wait()
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("got %v, want it to end by SIGTERM", err)
	}
}
