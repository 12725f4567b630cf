//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
)

// A slowAPI creates keys immediately, but answers creations only when it is released.
type slowAPI struct {
	arrived chan struct{}
	release chan struct{}
	refuse  bool // to revoke

	mu   sync.Mutex
	keys []*slowKey
}

type slowKey struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Secret string `json:"secret,omitempty"`
	Prefix string `json:"key_prefix"`

	revoked bool
}

func (a *slowAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		a.create(w, r)
	case http.MethodDelete:
		a.revoke(w, r)
	default:
		a.read(w, r)
	}
}

func (a *slowAPI) create(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	_, _ = io.Copy(io.Discard, r.Body) // only then a lost client is noticed
	a.mu.Lock()
	n := len(a.keys)
	secret := fmt.Sprintf("raff_%032d", n)
	key := &slowKey{ID: fmt.Sprintf("11111111-1111-4111-8111-%012d", n), Name: body.Name, Secret: secret, Prefix: secret[:13]}
	a.keys = append(a.keys, key)
	a.mu.Unlock()
	a.arrived <- struct{}{}
	select {
	case <-a.release:
	case <-r.Context().Done():
	}
	respond(w, http.StatusCreated, map[string]any{"success": true, "data": key})
}

func (a *slowAPI) revoke(w http.ResponseWriter, r *http.Request) {
	if a.refuse {
		respond(w, http.StatusForbidden, map[string]any{"success": false, "error": map[string]any{"message": "no"}})
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.keys {
		k.revoked = k.revoked || strings.HasSuffix(r.URL.Path, k.ID)
	}
	respond(w, http.StatusOK, map[string]any{"success": true})
}

// read answers with the key that the path names, or with a list.
func (a *slowAPI) read(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var keys []slowKey
	for _, k := range a.keys {
		if strings.HasSuffix(r.URL.Path, k.ID) {
			respond(w, http.StatusOK, map[string]any{"success": true, "data": slowKey{ID: k.ID, Name: k.Name, Prefix: k.Prefix}})
			return
		}
		if !k.revoked && r.URL.Query().Get("offset") == "0" {
			keys = append(keys, slowKey{ID: k.ID, Name: k.Name, Prefix: k.Prefix})
		}
	}
	respond(w, http.StatusOK, map[string]any{"success": true, "data": keys, "pagination": map[string]any{"total": len(keys)}})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// A childProgram is one process with calls in flight.
type childProgram struct {
	*exec.Cmd
	t      *testing.T
	api    *slowAPI
	client *mcptest.Client
	out    string // what was read of stdout
	log    logBuffer
}

// A logBuffer collects the log of a running process.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the process has logged text, or reports an error when it takes
// too long.
func (p *childProgram) await(text string) {
	p.t.Helper()
	late := time.After(30 * time.Second)
	for !strings.Contains(p.log.String(), text) {
		select {
		case <-p.log.more:
		case <-late:
			p.t.Fatalf("it did not log %q: %s", text, &p.log)
		}
	}
}

// startCalls starts the program against an API that does not answer yet, with n
// calls in flight: as a server or, if n is 0, with the call command.
func startCalls(t *testing.T, n int) *childProgram {
	t.Helper()
	p := &childProgram{t: t, api: &slowAPI{arrived: make(chan struct{}, max(n, 1)), release: make(chan struct{})}, log: logBuffer{more: make(chan struct{}, 1)}}
	s := httptest.NewServer(p.api)
	t.Cleanup(s.Close)
	p.Cmd = exec.CommandContext(t.Context(), "raff-mcp")
	if n == 0 {
		p.Args = append(p.Args, "call", "create_api_key", `{"name":"key 0"}`)
	}
	p.Env = []string{"HOME=" + t.TempDir(), "RAFF_API_KEY=raff_own", "RAFF_API_URL=" + s.URL}
	p.Stderr = &p.log
	p.client = mcptest.Start(t, p.Cmd)
	for i := range n {
		p.client.Send(mcptest.Call(fmt.Sprint(i), "create_api_key", fmt.Sprintf(`{"name":"key %d"}`, i)))
	}
	for range max(n, 1) {
		<-p.api.arrived
	}
	return p
}

func (p *childProgram) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		p.t.Error(err)
	}
}

// end waits until the process has ended and returns its status.
func (p *childProgram) end() syscall.WaitStatus {
	p.t.Helper()
	p.out = strings.Join(p.client.Rest(), "\n")
	_ = p.client.Wait()
	return p.ProcessState.Sys().(syscall.WaitStatus)
}

// wantNothingLost checks that each key that was created was delivered, revoked or named
// in the log.
func (p *childProgram) wantNothingLost() {
	p.t.Helper()
	p.api.mu.Lock()
	defer p.api.mu.Unlock()
	for _, k := range p.api.keys {
		shown := strings.Contains(p.out, k.Secret)
		named := strings.Contains(p.log.String(), k.ID) || strings.Contains(p.log.String(), k.Name)
		if !shown && !k.revoked && !named {
			p.t.Errorf("key %q is left, nobody has its secret, and the log does not name it: %s", k.Name, &p.log)
		}
		if shown && k.revoked {
			p.t.Errorf("key %q was revoked after its secret was handed out", k.Name)
		}
	}
}

// pause waits in real time, because the tests use signals of the operating system.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// After a termination signal, calls in flight are finished and answered.
func TestTerminate(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		for _, n := range []int{0, 20} {
			t.Run(fmt.Sprintf("%v %d", sig, n), func(t *testing.T) {
				t.Parallel()
				p := startCalls(t, n)
				p.signal(sig)
				p.await("ending when the calls in flight are finished")
				close(p.api.release)
				if status := p.end(); status.ExitStatus() != 0 {
					t.Errorf("got %v, want exit code 0", p.ProcessState)
				}
				if got := strings.Count(p.out, `"secret"`); got < max(n, 1) {
					t.Errorf("got %d answers, want %d", got, max(n, 1))
				}
				p.wantNothingLost()
			})
		}
	}
}

// Two signals at nearly the same time: one terminal that is closed, or an impatient
// user. Whichever way they are counted, nothing is lost.
func TestTwoSignals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		first, second syscall.Signal
		gap, answer   time.Duration // between the signals, and from there to the API's answer
		n             int           // calls in flight; 0: the call command
	}{
		{"closed terminal", syscall.SIGHUP, syscall.SIGTERM, 200 * time.Millisecond, time.Second, 3},
		{"Ctrl-C twice", syscall.SIGINT, syscall.SIGINT, 200 * time.Millisecond, time.Second, 0},
		{"at once", syscall.SIGTERM, syscall.SIGTERM, 0, time.Second, 3},
		{"half a second", syscall.SIGTERM, syscall.SIGTERM, 500 * time.Millisecond, time.Second, 0},
		{"slowly", syscall.SIGINT, syscall.SIGTERM, time.Second, time.Second, 3},
		{"answered at the same time", syscall.SIGINT, syscall.SIGTERM, time.Second, 0, 0},
		{"answered late", syscall.SIGINT, syscall.SIGTERM, time.Second, 3 * time.Second, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startCalls(t, tt.n)
			p.signal(tt.first)
			pause(t.Context(), tt.gap)
			p.signal(tt.second)
			pause(t.Context(), tt.answer)
			close(p.api.release)
			if status := p.end(); status.Signaled() {
				t.Errorf("got %v, want it to end by itself", p.ProcessState)
			}
			p.wantNothingLost()
		})
	}
}

// The second signal cuts off calls in flight within seconds, and still cleans up after
// them.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		answers, sure bool // the API does, and can revoke
		log           string
	}{
		{"answered", true, true, "it was revoked"},
		{"cannot be revoked", true, false, "could not be revoked"},
		{"not answered", false, true, "look for a key with this name"},
	} {
		for _, n := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s %d", tt.name, n), func(t *testing.T) {
				t.Parallel()
				p := startCalls(t, n)
				p.api.refuse = !tt.sure
				p.signal(syscall.SIGINT)
				p.await("ending when the calls in flight are finished")
				pause(t.Context(), signalGap+100*time.Millisecond)
				began := time.Now()
				p.signal(syscall.SIGINT)
				p.await("calls in flight were cut off")
				if tt.answers {
					close(p.api.release)
				}
				if status := p.end(); status.ExitStatus() != exitError {
					t.Errorf("got %v, want exit code %d", p.ProcessState, exitError)
				}
				if took := time.Since(began); took > 15*time.Second { // five, on a machine that has the time
					t.Errorf("it took %v to end", took)
				}
				if got := strings.Count(p.log.String(), tt.log); got != max(n, 1) {
					t.Errorf("the log says %d times %q, want %d: %s", got, tt.log, max(n, 1), &p.log)
				}
				p.wantNothingLost()
			})
		}
	}
}

// The third signal ends the program immediately.
func TestThirdSignal(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			p := startCalls(t, n)
			p.signal(syscall.SIGTERM)
			p.await("ending when the calls in flight are finished")
			pause(t.Context(), signalGap+100*time.Millisecond)
			p.signal(syscall.SIGTERM)
			p.await("calls in flight were cut off")
			pause(t.Context(), signalGap+500*time.Millisecond)
			p.signal(syscall.SIGTERM)
			if status := p.end(); !status.Signaled() || status.Signal() != syscall.SIGTERM {
				t.Errorf("got %v, want it to end by SIGTERM", p.ProcessState)
			}
		})
	}
}

func TestCountSignals(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   []time.Duration
		want int // how many they count as
	}{
		{"none", nil, 0},
		{"one", []time.Duration{0}, 1},
		{"two at once", []time.Duration{0, 0}, 1},
		{"two of one event", []time.Duration{0, 200 * time.Millisecond}, 1},
		{"many of one event", []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 499 * time.Millisecond}, 1},
		{"two", []time.Duration{0, 501 * time.Millisecond}, 2},
		{"two, later", []time.Duration{0, time.Hour}, 2},
		{"two of two", []time.Duration{0, 200 * time.Millisecond, time.Second, 1200 * time.Millisecond}, 2},
		{"three", []time.Duration{0, time.Second, 2 * time.Second}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				received := make(chan os.Signal, 1)
				var reset atomic.Bool
				ctx, second := countSignals(received, func() { reset.Store(true) })
				began, killed := time.Now(), 0
				send := func() {
					if reset.Load() {
						killed = 1
						return
					}
					select { // as os/signal does
					case received <- syscall.SIGTERM:
					default:
					}
				}
				for _, at := range tt.at {
					time.Sleep(time.Until(began.Add(at)))
					send()
					synctest.Wait()
				}
				got := killed
				if ctx.Err() != nil {
					got++
				}
				select {
				case <-second:
					got++
				default:
				}
				if got != tt.want {
					t.Errorf("they count as %d, want %d", got, tt.want)
				}
				for range 3 { // ends the goroutine
					send()
					time.Sleep(time.Second)
				}
			})
		})
	}
}

// One signal ends the program while it reads the arguments of a call.
func TestSignalWhileReadingArguments(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdin, end := io.Pipe()
	defer end.Close()
	got := make(chan error, 1)
	go func() {
		_, err := callArguments(ctx, []string{"-"}, stdin)
		got <- err
	}()
	fmt.Fprint(end, `{"name":`)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A client that stops reading while a key is being created does not kill the program by
// SIGPIPE before the key is revoked.
func TestReaderLeaves(t *testing.T) {
	t.Parallel()
	for _, refuse := range []bool{false, true} {
		for _, n := range []int{0, 20} {
			t.Run(fmt.Sprintf("%d %t", n, refuse), func(t *testing.T) {
				t.Parallel()
				p := startCalls(t, n)
				p.api.refuse = refuse
				p.client.CloseOutput()
				close(p.api.release)
				if status := p.end(); status.Signaled() {
					t.Errorf("got %v, want it to end by itself", p.ProcessState)
				}
				p.wantNothingLost()
				if n := len(p.api.keys); n == 0 || strings.Count(p.log.String(), "revoked") < n {
					t.Errorf("of %d keys, the log does not say what became of each: %s", n, &p.log)
				}
			})
		}
	}
}
