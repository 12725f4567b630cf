package stdio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// The tests allocate much and keep little, so garbage is collected less often than by
// default.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

type handler = func(ctx context.Context) (*mcp.CallToolResult, error)

// newServer returns a server with these tools, and one named echo.
func newServer(tools map[string]handler) *server.MCPServer {
	s := server.NewMCPServer("test", "1", server.WithToolCapabilities(true))
	s.AddTool(mcp.NewTool("echo"), func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(r.GetString("text", "")), nil
	})
	for name, h := range tools {
		s.AddTool(mcp.NewTool(name), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return h(ctx)
		})
	}
	return s
}

func ok(context.Context) (*mcp.CallToolResult, error) { return mcp.NewToolResultText("ok"), nil }

// until returns a handler that succeeds once release is closed, or fails when its
// call is cancelled.
func until(release <-chan struct{}) handler {
	return func(ctx context.Context) (*mcp.CallToolResult, error) {
		select {
		case <-release:
			return ok(ctx)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

const (
	ping = `{"jsonrpc":"2.0","id":"ping","method":"ping"}`
	pong = `{"jsonrpc":"2.0","id":"ping","result":{}}`
)

func initialize(revision string) string { return mcptest.Initialize(`"init"`, revision, "t", "{}") }

// call returns a request for a tool without arguments; id is JSON.
func call(id, tool string) string { return mcptest.Call(id, tool, "") }

// serve runs Serve on these lines and returns the lines of its output.
func serve(t *testing.T, s *server.MCPServer, cfg stdio.Config, input ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := stdio.Serve(t.Context(), s, strings.NewReader(strings.Join(input, "\n")), &out, cfg); err != nil {
		t.Errorf("Serve: %v", err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// dial starts Serve and reads its output.
func dial(t *testing.T, s *server.MCPServer, cfg stdio.Config) *mcptest.Client {
	return dialSlow(t, s, cfg).ReadAhead()
}

// dialSlow starts Serve; nothing reads its output.
func dialSlow(t *testing.T, s *server.MCPServer, cfg stdio.Config) *mcptest.Client {
	return mcptest.Serve(t, func(ctx context.Context, in io.Reader, out io.Writer) error {
		return stdio.Serve(ctx, s, in, out, cfg)
	})
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got lines\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func okResponse(id string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"result":{"content":[{"type":"text","text":"ok"}]}}`
}

func errorResponse(id string, code int, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%q}}`, id, code, text)
}

func TestInitializeIsHandledFirst(t *testing.T) {
	s := newServer(map[string]handler{"version": func(ctx context.Context) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(server.RequestProtocolVersion(ctx)), nil
	}})
	for i := range 500 {
		got := serve(t, s, stdio.Config{}, initialize("2025-06-18"), call("1", "version"), mcptest.Initialized)
		if want := []string{`"init"`, "1"}; !slices.Equal(mcptest.IDs(got), want) {
			t.Fatalf("run %d: answered in the order %v, want %v", i, mcptest.IDs(got), want)
		}
		if !strings.Contains(got[1], "2025-06-18") {
			t.Fatalf("run %d: the call saw another revision: %s", i, got[1])
		}
	}
}

func TestInlineRequestsKeepTheirOrderWhileCallsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{})
		c.Send(call("1", "block"), ping, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`, ping)
		for _, want := range []string{`"ping"`, "2", `"ping"`} {
			if got := string(c.Receive().ID); got != want {
				t.Errorf("got id %s, want %s", got, want)
			}
		}
		close(release)
		wantLines(t, c.End(), okResponse("1"))
	})
}

func TestCallsInFlightFinishAtEndOfInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{})
		var want []string
		for i := range 20 {
			c.Send(call(fmt.Sprint(i), "block"))
			want = append(want, okResponse(fmt.Sprint(i)))
		}
		c.CloseInput()
		synctest.Wait()
		close(release)
		got := c.End()
		slices.Sort(got)
		slices.Sort(want)
		wantLines(t, got, want...)
	})
}

func TestContextEndsReadingAndCallsAreFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{})
		c.Send(call("1", "block"))
		synctest.Wait()
		c.Stop()
		synctest.Wait()
		c.Send(call("2", "echo")) // read by the goroutine left in Read, and dropped
		time.Sleep(59 * time.Second)
		close(release)
		if err := c.Wait(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		wantLines(t, c.Rest(), okResponse("1"))
	})
}

func TestContextEndsWaitingForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{}.WithMaxCalls(1))
		c.Send(call("1", "block"), call("2", "block"))
		synctest.Wait()
		c.Stop()
		synctest.Wait()
		close(release)
		if err := c.Wait(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		wantLines(t, c.Rest(), okResponse("1"))
	})
}

// OnUndelivered functions run even if the handler does not return.
func TestDrainOfHandlerThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		undone := false
		c := dial(t, newServer(map[string]handler{"endless": func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone = true })
			time.Sleep(time.Hour)
			return ok(ctx)
		}}), stdio.Config{})
		c.Send(call("1", "endless"))
		c.CloseInput()
		if err := c.Wait(); !errors.Is(err, stdio.ErrCutOff) {
			t.Errorf("got error %v", err)
		}
		if !undone {
			t.Error("it was not undone")
		}
		c.Rest()
		time.Sleep(2 * time.Hour)
	})
}

func TestDrainIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(context.Context) // registered with OnUndelivered
		took time.Duration
	}{
		{"undone at once", func(context.Context) {}, time.Minute},
		{"undone in time", func(context.Context) { time.Sleep(9 * time.Second) }, time.Minute + 9*time.Second},
		{"cut off as well", func(ctx context.Context) { <-ctx.Done() }, time.Minute + 10*time.Second},
		{"never undone", func(context.Context) { time.Sleep(time.Hour) }, time.Minute + 13*time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				c := dial(t, newServer(map[string]handler{"stubborn": func(ctx context.Context) (*mcp.CallToolResult, error) {
					stdio.OnUndelivered(ctx, func(ctx context.Context, _ stdio.Reason) { tt.f(ctx) })
					<-ctx.Done()
					if cause := context.Cause(ctx); !errors.Is(cause, stdio.ErrCutOff) {
						t.Errorf("got cause %v, want %v", cause, stdio.ErrCutOff)
					}
					return ok(ctx)
				}}), stdio.Config{})
				c.Send(call("1", "stubborn"), call("2", "stubborn"), ping)
				c.CloseInput()
				err := c.Wait()
				if !errors.Is(err, stdio.ErrCutOff) || !strings.Contains(err.Error(), "2 calls") {
					t.Errorf("got error %v, want one about 2 calls", err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("Serve took %v, want %v", took, tt.took)
				}
				wantLines(t, c.Rest(), pong)
				time.Sleep(2 * time.Hour) // the bubble must be empty in the end
			})
		})
	}
}

func TestResponseStuckInWritingIsUndelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var undone atomic.Int32
		c := dialSlow(t, newServer(map[string]handler{"mint": func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone.Add(1) })
			return ok(ctx)
		}}), stdio.Config{})
		c.Send(call("1", "mint"), call("2", "mint"))
		c.CloseInput()
		if err := c.Wait(); !errors.Is(err, stdio.ErrCutOff) {
			t.Errorf("got error %v, want %v", err, stdio.ErrCutOff)
		}
		if n := undone.Load(); n != 2 {
			t.Errorf("%d undelivered functions ran, want 2", n)
		}
		c.ReadAhead()
		c.Rest()
		synctest.Wait()
		if n := undone.Load(); n != 2 {
			t.Errorf("%d undelivered functions ran, want 2", n)
		}
	})
}

func TestReadingPauses(t *testing.T) {
	pad := strings.Repeat(" ", 64<<10-100)
	for _, tt := range []struct {
		name string
		cfg  stdio.Config
		pad  string
		n    int   // calls sent
		want int32 // calls at once
	}{
		{"at MaxCalls", stdio.Config{}.WithMaxCalls(3), "", 12, 3},
		{"at 512 KiB", stdio.Config{}, pad, 12, 8},
		{"at one big message", stdio.Config{MaxLine: 9 << 20}, strings.Repeat(pad, 9<<4), 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running atomic.Int32
				release := make(chan struct{})
				c := dial(t, newServer(map[string]handler{"block": func(ctx context.Context) (*mcp.CallToolResult, error) {
					running.Add(1)
					return until(release)(ctx)
				}}), tt.cfg)
				go func() {
					for i := range tt.n {
						c.Send(strings.TrimSuffix(call(fmt.Sprint(i), "block"), "}") + tt.pad + "}")
					}
					c.CloseInput()
				}()
				synctest.Wait()
				if n := running.Load(); n != tt.want {
					t.Errorf("%d calls run at once, want %d", n, tt.want)
				}
				close(release)
				if err := c.Wait(); err != nil {
					t.Errorf("Serve: %v", err)
				}
				if got := c.Rest(); len(got) != tt.n {
					t.Errorf("got %d answers, want %d", len(got), tt.n)
				}
			})
		})
	}
}

func TestCancellationNeedsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newServer(map[string]handler{"block": until(nil)}), stdio.Config{}.WithMaxCalls(1))
		c.Send(call("1", "block"), mcptest.Cancel("1"), ping)
		wantLines(t, c.End(), pong)
	})
}

func TestSlowClientStopsOnlyWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started atomic.Int32
		c := dialSlow(t, newServer(map[string]handler{"count": func(ctx context.Context) (*mcp.CallToolResult, error) {
			started.Add(1)
			return ok(ctx)
		}}), stdio.Config{})
		for i := range 50 {
			c.Send(call(fmt.Sprint(i), "count"))
		}
		synctest.Wait()
		if n := started.Load(); n != 50 {
			t.Errorf("%d calls ran, want 50", n)
		}
		c.ReadAhead()
		if got := c.End(); len(got) != 50 {
			t.Errorf("got %d answers, want 50", len(got))
		}
	})
}

// A brokenWriter fails after a number of writes.
type brokenWriter struct {
	mu    sync.Mutex
	left  int
	err   error
	short bool
	bytes.Buffer
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 {
		if w.short {
			return w.Buffer.Write(p[:len(p)-1])
		}
		return 0, w.err
	}
	w.left--
	return w.Buffer.Write(p)
}

func TestWriteError(t *testing.T) {
	other := syscall.ENOSPC
	for _, tt := range []struct {
		name  string
		err   error
		short bool
		want  error
	}{
		{"EPIPE", &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}, false, nil},
		{"closed pipe", io.ErrClosedPipe, false, nil},
		{"closed file", os.ErrClosed, false, nil},
		{"disk full", other, false, other},
		{"short write", nil, true, io.ErrShortWrite},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				writesAndFails(t, &brokenWriter{left: 1, err: tt.err, short: tt.short}, tt.want)
			})
		})
	}
}

// writesAndFails serves three calls, of which the first is answered. Serve returns want.
func writesAndFails(t *testing.T, out *brokenWriter, want error) {
	var mu sync.Mutex
	var undone []string
	track := func(name string, h handler) handler {
		return func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(ctx context.Context, _ stdio.Reason) {
				if ctx.Err() != nil {
					t.Errorf("%s: context of the undelivered function: %v", name, ctx.Err())
				}
				mu.Lock()
				defer mu.Unlock()
				undone = append(undone, name)
			})
			return h(ctx)
		}
	}
	var cause error
	release := make(chan struct{})
	s := newServer(map[string]handler{
		"delivered": track("delivered", ok),
		"failed":    track("failed", until(release)),
		"cancelled": track("cancelled", func(ctx context.Context) (*mcp.CallToolResult, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ok(ctx)
		}),
	})
	var log bytes.Buffer
	c := mcptest.Serve(t, func(ctx context.Context, in io.Reader, _ io.Writer) error {
		return stdio.Serve(ctx, s, in, out, stdio.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	})
	c.Send(call("1", "delivered"))
	synctest.Wait()
	c.Send(call("2", "failed"), call("3", "cancelled"))
	synctest.Wait()
	close(release)
	if err := c.Wait(); !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("got error %v, want %v", err, want)
	}
	slices.Sort(undone)
	if want := []string{"cancelled", "failed"}; !slices.Equal(undone, want) {
		t.Errorf("undone are %v, want %v", undone, want)
	}
	if !errors.Is(cause, stdio.ErrClientGone) {
		t.Errorf("got cause %v, want %v", cause, stdio.ErrClientGone)
	}
	// A client that has left is no reason for a warning.
	if n := strings.Count(log.String(), "level=WARN"); n > 1 || (n == 1) != (want != nil) {
		t.Errorf("%d warnings:\n%s", n, &log)
	}
}

func TestClosedOutputWithCallsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var undone atomic.Int32
		release := make(chan struct{})
		c := dialSlow(t, newServer(map[string]handler{"block": func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone.Add(1) })
			return until(release)(ctx)
		}}), stdio.Config{})
		for i := range 20 {
			c.Send(call(fmt.Sprint(i), "block"))
		}
		synctest.Wait()
		close(release)
		for range 7 {
			c.Line()
		}
		c.CloseOutput()
		if err := c.Wait(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := undone.Load(); n != 13 {
			t.Errorf("%d undelivered functions ran, want 13", n)
		}
	})
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	in := io.MultiReader(strings.NewReader(ping+"\n"), &brokenReader{broken})
	if err := stdio.Serve(t.Context(), newServer(nil), in, &out, stdio.Config{}); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	wantLines(t, strings.Split(out.String(), "\n"), pong, "")
}

type brokenReader struct{ err error }

func (r *brokenReader) Read([]byte) (int, error) { return 0, r.err }

func TestSessionsAreSeparate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(map[string]handler{"session": func(ctx context.Context) (*mcp.CallToolResult, error) {
			session := server.ClientSessionFromContext(ctx)
			info := session.(server.SessionWithClientInfo)
			return mcp.NewToolResultText(session.SessionID() + " " + info.GetClientInfo().Name), nil
		}})
		a, b := dial(t, s, stdio.Config{}), dial(t, s, stdio.Config{})
		a.Send(initialize("2025-06-18"), call("1", "session"))
		b.Send(call("1", "session"))
		first, second := a.End(), b.End()
		if first[1] == second[0] || !strings.Contains(first[1], ` t"`) {
			t.Errorf("got sessions\n  %s\n  %s", first[1], second[0])
		}
		if err := s.SendNotificationToSpecificClient("x", "m", nil); !errors.Is(err, server.ErrSessionNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// A response that is being written when the calls are cut off, and arrives, is not
// undone. One whose write is stuck is.
func TestCutOffWhileWriting(t *testing.T) {
	for _, tt := range []struct {
		name   string
		slow   time.Duration // until the client reads
		undone int32
	}{
		{"slow", 900 * time.Millisecond, 0},
		{"stuck", time.Minute, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var undone atomic.Int32
				hurry := make(chan struct{})
				c := dialSlow(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
					stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone.Add(1) })
					return ok(ctx)
				}}), stdio.Config{CutOff: hurry})
				c.Send(call("1", "work"))
				synctest.Wait() // it is being written
				close(hurry)
				c.Stop()
				time.Sleep(tt.slow)
				c.ReadAhead()
				if err := c.Wait(); (err == nil) != (tt.undone == 0) && !errors.Is(err, stdio.ErrCutOff) {
					t.Errorf("Serve: %v", err)
				}
				if got := undone.Load(); got != tt.undone {
					t.Errorf("%d undelivered functions ran, want %d", got, tt.undone)
				}
			})
		})
	}
}

// In a hurry, calls in flight are cut off at once, and Serve ends within five seconds.
func TestCutOff(t *testing.T) {
	for _, tt := range []struct {
		name  string
		h     handler
		f     func(context.Context) // registered with OnUndelivered
		calls int
		took  time.Duration
	}{
		{"nothing in flight", nil, nil, 0, 0},
		{"undone at once", until(nil), func(context.Context) {}, 2, 0},
		{"undone in time", until(nil), func(context.Context) { time.Sleep(3900 * time.Millisecond) }, 2, 3900 * time.Millisecond},
		{"undoing cut off", until(nil), func(ctx context.Context) { <-ctx.Done() }, 2, 4 * time.Second},
		{"never undone", until(nil), func(context.Context) { time.Sleep(time.Hour) }, 2, 4500 * time.Millisecond},
		{"a handler that does not end", func(ctx context.Context) (*mcp.CallToolResult, error) {
			time.Sleep(time.Hour)
			return ok(ctx)
		}, func(context.Context) {}, 2, 4500 * time.Millisecond},
	} {
		for _, when := range []time.Duration{0, 30 * time.Second, 61 * time.Second} { // at once, while draining, and after that
			t.Run(fmt.Sprintf("%s, after %v", tt.name, when), func(t *testing.T) {
				if tt.calls == 0 && when > 0 || when > time.Minute && tt.took < time.Second {
					t.Skip("it is over by then")
				}
				synctest.Test(t, func(t *testing.T) {
					hurry := make(chan struct{})
					var undone atomic.Int32
					c := dial(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
						stdio.OnUndelivered(ctx, func(ctx context.Context, _ stdio.Reason) {
							undone.Add(1)
							tt.f(ctx)
						})
						return tt.h(ctx)
					}}), stdio.Config{CutOff: hurry})
					for i := range tt.calls {
						c.Send(call(fmt.Sprint(i), "work"))
					}
					synctest.Wait()
					if when > 0 {
						c.Stop()
						time.Sleep(when)
					}
					began := time.Now()
					close(hurry)
					err := c.Wait()
					if tt.calls == 0 && err != nil || tt.calls > 0 && !errors.Is(err, stdio.ErrCutOff) {
						t.Errorf("got error %v", err)
					}
					if took := time.Since(began); took > tt.took || when < time.Minute && took != tt.took {
						t.Errorf("it took %v, want %v", took, tt.took)
					}
					if n := int(undone.Load()); n != tt.calls {
						t.Errorf("%d undelivered functions ran, want %d", n, tt.calls)
					}
					wantLines(t, c.Rest())
					time.Sleep(2 * time.Hour) // the bubble must be empty in the end
				})
			})
		}
	}
}
