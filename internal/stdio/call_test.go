package stdio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

func TestCancelledCallHasNoResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []string
		c := dial(t, newServer(map[string]handler{"slow": func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(ctx context.Context, _ stdio.Reason) {
				if err := ctx.Err(); err != nil {
					t.Errorf("context of the undelivered function: %v", err)
				}
				events = append(events, "undelivered")
			})
			<-ctx.Done()
			time.Sleep(time.Second) // finish what was started
			events = append(events, "returned: "+context.Cause(ctx).Error())
			if err := stdio.Progress(ctx, 1, 0, ""); !errors.Is(err, stdio.ErrCancelled) {
				t.Errorf("Progress: got %v, want %v", err, stdio.ErrCancelled)
			}
			if !stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { events = append(events, "late") }) {
				t.Error("a function of a call that still runs was refused")
			}
			return ok(ctx)
		}}), stdio.Config{})
		c.Send(callWithToken("1", "slow", "7"))
		synctest.Wait()
		c.Send(mcptest.Cancel("1.0"), mcptest.Cancel("1"), ping)
		wantLines(t, c.End(), pong)
		if want := []string{"returned: " + stdio.ErrCancelled.Error(), "undelivered", "late"}; !slices.Equal(events, want) {
			t.Errorf("got %q, want %q", events, want)
		}
	})
}

// A function can tell a client that received an error, which may name what the
// function would undo, from one that received nothing.
func TestReasonForUndelivered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fails  bool
		cancel bool
		want   []stdio.Reason // of each function that runs
	}{
		{"result", false, false, nil},
		{"error", true, false, []stdio.Reason{stdio.ErrorResponse, stdio.ErrorResponse}},
		{"cancelled", false, true, []stdio.Reason{stdio.NoResponse, stdio.NoResponse}},
		{"cancelled, with an error", true, true, []stdio.Reason{stdio.NoResponse, stdio.NoResponse}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []stdio.Reason
				c := dial(t, newServer(map[string]handler{"slow": func(ctx context.Context) (*mcp.CallToolResult, error) {
					for range 2 {
						stdio.OnUndelivered(ctx, func(_ context.Context, why stdio.Reason) { got = append(got, why) })
					}
					time.Sleep(time.Second)
					return &mcp.CallToolResult{IsError: tt.fails}, nil
				}}), stdio.Config{})
				c.Send(call("1", "slow"))
				synctest.Wait()
				if tt.cancel {
					c.Send(mcptest.Cancel("1"))
				}
				c.End()
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestCancellationNamesOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{})
		for _, id := range []string{`1`, `"1"`, `9007199254740993`, `9007199254740992`, `"init"`} {
			c.Send(call(id, "block"))
		}
		c.Send(mcptest.Cancel(`"1"`), mcptest.Cancel(`9007199254740993`), mcptest.Cancel(`"initialize"`), mcptest.Cancel("null"), mcptest.Cancel("2"))
		synctest.Wait()
		close(release)
		got := c.End()
		slices.Sort(got)
		wantLines(t, got, okResponse(`"init"`), okResponse("1"), okResponse("9007199254740992"))
	})
}

// Exactly one thing happens: the response is written, or the OnUndelivered function runs.
func TestCancellationExcludesResponse(t *testing.T) {
	const n = 3000
	var undelivered, started [n]atomic.Int32
	s := server.NewMCPServer("test", "1")
	s.AddTool(mcp.NewTool("mint"), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		i := r.GetInt("i", 0)
		started[i].Add(1)
		stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undelivered[i].Add(1) })
		for range i % 7 {
			runtime.Gosched()
		}
		return ok(ctx)
	})
	c := dial(t, s, stdio.Config{})
	for i := range n {
		c.Send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"mint","arguments":{"i":%d}}}`, i, i), mcptest.Cancel(fmt.Sprint(i)))
	}
	answered := map[string]int32{}
	for _, id := range mcptest.IDs(c.End()) {
		answered[id]++
	}
	for i := range n {
		a, u, s := answered[fmt.Sprint(i)], undelivered[i].Load(), started[i].Load()
		if a+u != s || s > 1 {
			t.Errorf("call %d: started %d times, answered %d times, undelivered %d times", i, s, a, u)
		}
	}
	t.Logf("%d of %d answered", len(answered), n)
}

func TestCancellationDoesNotWaitForASlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var undone atomic.Int32
		c := dialSlow(t, newServer(map[string]handler{"mint": func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone.Add(1) })
			return ok(ctx)
		}, "tell": func(ctx context.Context) (*mcp.CallToolResult, error) {
			stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone.Add(1) })
			err := stdio.Progress(ctx, 1, 0, "")
			return nil, err
		}}), stdio.Config{})
		c.Send(callWithToken("1", "tell", "1"))
		synctest.Wait() // its notification is being written
		c.Send(call("2", "mint"), callWithToken("3", "tell", "3"))
		synctest.Wait()
		c.Send(mcptest.Cancel("1"), mcptest.Cancel("2"), mcptest.Cancel("3"))
		synctest.Wait()
		if n := undone.Load(); n != 3 {
			t.Errorf("%d undelivered functions ran, want 3", n)
		}
		c.ReadAhead()
		synctest.Wait()
		wantLines(t, c.End(), `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1,"progressToken":1}}`)
	})
}

func TestUndeliveredRunsOnErrorResponse(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    handler
		want bool
	}{
		{"result", ok, false},
		{"tool error", func(context.Context) (*mcp.CallToolResult, error) { return mcp.NewToolResultError("no"), nil }, true},
		{"error", func(context.Context) (*mcp.CallToolResult, error) { return nil, errors.New("no") }, true},
		{"nothing", func(context.Context) (*mcp.CallToolResult, error) { return nil, nil }, true},
		{"panic", func(context.Context) (*mcp.CallToolResult, error) { panic("no") }, true},
		{"goroutine ends", func(context.Context) (*mcp.CallToolResult, error) { runtime.Goexit(); return nil, nil }, true},
		{"not JSON", func(context.Context) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultStructured(math.NaN(), ""), nil
		}, true},
		{"panic while encoding", func(context.Context) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultStructured(explosive{}, ""), nil
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ran := 0
			got := serve(t, newServer(map[string]handler{"t": func(ctx context.Context) (*mcp.CallToolResult, error) {
				for range 2 {
					stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { ran++; panic("is survived") })
				}
				return tt.h(ctx)
			}}), stdio.Config{}, call("1", "t"))
			if len(got) != 1 || mcptest.IDs(got)[0] != "1" {
				t.Errorf("got %q, want one answer", got)
			}
			if want := map[bool]int{true: 2}[tt.want]; ran != want {
				t.Errorf("%d undelivered functions ran, want %d", ran, want)
			}
		})
	}
}

type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("hunter2") }

func TestPanicIsNotDisclosed(t *testing.T) {
	var log bytes.Buffer
	cfg := stdio.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	s := newServer(map[string]handler{
		"panic": func(context.Context) (*mcp.CallToolResult, error) { panic("hunter2") },
		"encode": func(context.Context) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultStructured(explosive{}, ""), nil
		},
		"pending": func(ctx context.Context) (*mcp.CallToolResult, error) {
			_ = server.ServerFromContext(ctx).SendNotificationToClient(ctx, "x", map[string]any{"x": explosive{}})
			return ok(ctx)
		},
	})
	s.AddNotificationHandler("notifications/panic", func(context.Context, mcp.JSONRPCNotification) { panic("hunter2") })
	got := serve(t, s, cfg, initialize("2025-06-18"), call("1", "panic"), `{"jsonrpc":"2.0","method":"notifications/panic"}`, ping)
	got = append(got[1:], serve(t, s, cfg, call("2", "encode"))...)
	got = append(got, serve(t, s, cfg, initialize("2025-06-18"), call("3", "pending"))[1:]...)
	slices.Sort(got)
	wantLines(t, got, pong, errorResponse("1", -32603, "internal error"), errorResponse("2", -32603, "internal error"), okResponse("3"))
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log holds the panic's value:\n%s", &log)
	}
	for _, want := range []string{"method=tools/call", "type=string", "TestPanicIsNotDisclosed", "duration="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not hold %q:\n%s", want, &log)
		}
	}
}

func TestLogHoldsNoParams(t *testing.T) {
	var log bytes.Buffer
	cfg := stdio.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	serve(t, newServer(nil), cfg,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hunter2"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"hunter2"}}`,
		`{"jsonrpc":"2.0","method":"notifications/x","params":["hunter2"]}`,
		`{"jsonrpc":"2.0","id":1,"result":"hunter2"}`,
		`{"jsonrpc":"2.0","id":"hunter2" "x"}`)
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log holds parameters:\n%s", &log)
	}
}

func TestIDInUse(t *testing.T) {
	inUse := func(id string) string { return errorResponse(id, -32600, "id already in use") }
	for _, tt := range []struct {
		name  string
		first string
		then  []string
		want  []string
	}{
		{"call", "1", []string{call("1", "block")}, []string{okResponse("1"), inUse("1")}},
		{"same value", "1", []string{call("1.0", "block"), call("10e-1", "block")}, []string{okResponse("1"), inUse("1.0"), inUse("10e-1")}},
		{"same string", `"a"`, []string{call(`"\u0061"`, "block")}, []string{okResponse(`"a"`), inUse(`"\u0061"`)}},
		{"inline request", `"ping"`, []string{ping}, []string{okResponse(`"ping"`), inUse(`"ping"`)}},
		{"error", "1", []string{`{"jsonrpc":"1","id":1}`}, []string{okResponse("1"), errorResponse("1", -32600, `jsonrpc must be "2.0"`)}},
		{"cancelled", "1", []string{call("1", "block"), mcptest.Cancel("1")}, []string{inUse("1")}},
		{"number and string", "1", []string{`{"jsonrpc":"2.0","id":"1","method":"ping"}`},
			[]string{`{"jsonrpc":"2.0","id":"1","result":{}}`, okResponse("1")}},
		{"big numbers", "9007199254740993", []string{`{"jsonrpc":"2.0","id":9007199254740992,"method":"ping"}`},
			[]string{`{"jsonrpc":"2.0","id":9007199254740992,"result":{}}`, okResponse("9007199254740993")}},
		{"zeros", "-0", []string{call("0.0e7", "block")}, []string{okResponse("-0"), inUse("0.0e7")}},
		{"signs", "5", []string{`{"jsonrpc":"2.0","id":-5,"method":"ping"}`}, []string{`{"jsonrpc":"2.0","id":-5,"result":{}}`, okResponse("5")}},
		{"sizes", "5", []string{`{"jsonrpc":"2.0","id":50,"method":"ping"}`}, []string{`{"jsonrpc":"2.0","id":50,"result":{}}`, okResponse("5")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int32
				release := make(chan struct{})
				c := dial(t, newServer(map[string]handler{"block": func(ctx context.Context) (*mcp.CallToolResult, error) {
					runs.Add(1)
					return until(release)(ctx)
				}}), stdio.Config{})
				c.Send(call(tt.first, "block"))
				synctest.Wait()
				c.Send(tt.then...)
				synctest.Wait()
				close(release)
				wantLines(t, c.End(), tt.want...)
				if n := runs.Load(); n != 1 {
					t.Errorf("the tool ran %d times, want once", n)
				}
			})
		})
	}
}

func TestIDMayBeUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newServer(map[string]handler{"ok": ok}), stdio.Config{})
		for range 3 {
			c.Send(call("1", "ok"))
			if got := c.Line(); got != okResponse("1") {
				t.Errorf("got %s, want %s", got, okResponse("1"))
			}
		}
		wantLines(t, c.End())
	})
}

// progressCall returns a call with a progress token.
func progressCall(token string) string { return callWithToken("1", "work", token) }

func callWithToken(id, tool, token string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + tool + `","_meta":{"progressToken":` + token + `}}}`
}

func TestNotificationsComeBeforeResponse(t *testing.T) {
	for range 100 {
		got := serve(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
			s := server.ServerFromContext(ctx)
			_ = s.SendNotificationToClient(ctx, "notifications/library", map[string]any{"n": 1})
			if err := stdio.Progress(ctx, 1, 2, "half"); err != nil {
				t.Error(err)
			}
			_ = s.SendNotificationToClient(ctx, "notifications/library", map[string]any{"n": 3})
			return ok(ctx)
		}}), stdio.Config{}, initialize("2025-06-18"), progressCall("9007199254740993"))
		wantLines(t, got[1:],
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"message":"half","progress":1,"progressToken":9007199254740993,"total":2}}`,
			`{"jsonrpc":"2.0","method":"notifications/library","params":{"n":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/library","params":{"n":3}}`,
			okResponse("1"))
	}
}

func TestProgressIsImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
			if err := stdio.Progress(ctx, 1, 0, ""); err != nil {
				t.Error(err)
			}
			return until(release)(ctx)
		}}), stdio.Config{})
		c.Send(progressCall("7"))
		if got, want := c.Line(), `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1,"progressToken":7}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		close(release)
		wantLines(t, c.End(), okResponse("1"))
	})
}

func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		name, token string
		steps       []float64
		want        []float64
	}{
		{"increasing", `"t"`, []float64{0, 1, 2.5}, []float64{0, 1, 2.5}},
		{"not increasing", `7`, []float64{1, 1, 0, 3, 2, math.NaN(), 4}, []float64{1, 3, 4}},
		{"negative", `7`, []float64{-2, -1}, []float64{-2, -1}},
		{"no token", `null`, []float64{1}, nil},
		{"token of no use", `{}`, []float64{1}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
				for _, p := range tt.steps {
					if err := stdio.Progress(ctx, p, 0, ""); err != nil && !math.IsNaN(p) {
						t.Error(err)
					}
				}
				return ok(ctx)
			}}), stdio.Config{}, progressCall(tt.token))
			var want []string
			for _, p := range tt.want {
				want = append(want, fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":%v,"progressToken":%s}}`, p, tt.token))
			}
			wantLines(t, got, append(want, okResponse("1"))...)
		})
	}
}

func TestConcurrentProgressIncreases(t *testing.T) {
	got := serve(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
		done := make(chan error)
		for i := range 50 {
			go func() { done <- stdio.Progress(ctx, float64(i), 50, "") }()
		}
		for range 50 {
			<-done
		}
		return ok(ctx)
	}}), stdio.Config{}, progressCall("1"))
	last := -1.0
	for _, line := range got[:len(got)-1] {
		var n struct{ Params struct{ Progress float64 } }
		if err := json.Unmarshal([]byte(line), &n); err != nil || n.Params.Progress <= last {
			t.Errorf("after %v came %s", last, line)
		}
		last = n.Params.Progress
	}
}

func TestOutsideACall(t *testing.T) {
	if stdio.OnUndelivered(t.Context(), func(context.Context, stdio.Reason) { t.Error("was run") }) {
		t.Error("OnUndelivered says it did something")
	}
	if err := stdio.Progress(t.Context(), 1, 1, ""); err != nil {
		t.Errorf("Progress: %v", err)
	}
}

func TestAfterACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contexts := make(chan context.Context, 1)
		c := dial(t, newServer(map[string]handler{"leak": func(ctx context.Context) (*mcp.CallToolResult, error) {
			contexts <- ctx
			return ok(ctx)
		}}), stdio.Config{})
		c.Send(callWithToken("1", "leak", "7"))
		synctest.Wait()
		ctx := <-contexts
		if ctx.Err() == nil {
			t.Error("the context of the call lives on")
		}
		if stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { t.Error("was run") }) {
			t.Error("OnUndelivered says it did something")
		}
		if err := stdio.Progress(ctx, 1, 0, ""); err == nil {
			t.Error("Progress says it did something")
		}
		wantLines(t, c.End(), okResponse("1"))
	})
}

// No progress comes after the response, however late it is reported: clients have
// forgotten the token by then.
func TestNoProgressAfterResponse(t *testing.T) {
	t.Run("from a goroutine that goes on", progressOfGoroutine)
	t.Run("after the call", progressAfterCall)
	t.Run("while the answer is being written", progressWhileWriting)
	t.Run("that waited to be written", progressThatWaited)
}

func progressOfGoroutine(t *testing.T) {
	for range 200 {
		stop := make(chan struct{})
		ended := make(chan struct{})
		got := serve(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
			started := make(chan struct{})
			go func() {
				defer close(ended)
				for i := 1; ; i++ {
					err := stdio.Progress(ctx, float64(i), 0, "")
					if i == 1 {
						close(started)
					}
					select {
					case <-stop:
						return
					default:
					}
					if err != nil && i > 1000 {
						return
					}
					runtime.Gosched()
				}
			}()
			<-started
			return ok(ctx)
		}}), stdio.Config{}, progressCall("1"), ping)
		close(stop)
		<-ended
		answer := slices.Index(got, okResponse("1"))
		for _, line := range got[answer+1:] {
			if strings.Contains(line, "progress") {
				t.Fatalf("behind the answer came %s", line)
			}
		}
	}
}

func progressAfterCall(t *testing.T) {
	for range 20 { // a select might choose at random
		synctest.Test(t, func(t *testing.T) {
			contexts := make(chan context.Context, 1)
			c := dial(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
				contexts <- ctx
				return ok(ctx)
			}}), stdio.Config{})
			c.Send(progressCall("1"))
			wantLines(t, []string{c.Line()}, okResponse("1"))
			synctest.Wait()
			if err := stdio.Progress(<-contexts, 1, 0, ""); err == nil {
				t.Error("Progress says that it did something")
			}
			wantLines(t, c.End())
		})
	}
}

func progressWhileWriting(t *testing.T) {
	for range 300 { // repeated, to hit every interleaving
		synctest.Test(t, func(t *testing.T) {
			contexts := make(chan context.Context, 1)
			c := dialSlow(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
				contexts <- ctx
				return ok(ctx)
			}}), stdio.Config{})
			c.Send(progressCall("1"))
			synctest.Wait() // nobody reads the response
			ctx := <-contexts
			for i := range 20 {
				go func() { _ = stdio.Progress(ctx, float64(i), 0, "") }()
			}
			synctest.Wait()
			c.ReadAhead()
			wantLines(t, c.End(), okResponse("1"))
		})
	}
}

func progressThatWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dialSlow(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
			for i := range 3 {
				go func() { _ = stdio.Progress(ctx, float64(i), 0, "") }()
			}
			time.Sleep(time.Second) // one is being written, and nobody reads
			return ok(ctx)
		}}), stdio.Config{})
		c.Send(progressCall("1"))
		time.Sleep(2 * time.Second)
		c.ReadAhead()
		got := c.End()
		if i := slices.Index(got, okResponse("1")); i < 1 || i != len(got)-1 {
			t.Errorf("got %q, want the answer last, behind what was being written", got)
		}
	})
}

// The log names the tool of a call, unless there is no such tool: the client could send
// anything as its name.
func TestCallEndedNamesTheTool(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	serve(t, newServer(nil), stdio.Config{Logger: logger}, call("1", "echo"), call("2", "raff_0123456789abcdef0123456789abcdef"), ping)
	for id, want := range map[string]string{"1": " tool=echo\n", "2": "", `"\"ping\""`: ""} {
		var lines []string
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, `msg="call ended"`) && strings.Contains(line, " id="+id+" ") {
				lines = append(lines, line)
			}
		}
		if len(lines) != 1 || !strings.HasSuffix(lines[0], want) || want == "" && strings.Contains(lines[0], "tool=") {
			t.Errorf("call %s: got %q, want one line that ends with %q", id, lines, want)
		}
	}
	if strings.Contains(log.String(), "raff_0123") {
		t.Errorf("the log contains the name of an unknown tool: %s", &log)
	}
}
