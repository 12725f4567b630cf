package stdio_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// sized returns message with n more bytes.
func sized(message string, n int) string { return "{" + strings.Repeat(" ", n) + message[1:] }

// accept returns the user's consent to the question with that ID, which is JSON.
func accept(id string) string {
	return mcptest.Answer(id, `"result":{"action":"accept","content":{}}`)
}

// However many calls wait for the user, messages are still read.
func TestQuestionsDoNotStopReading(t *testing.T) {
	for _, tt := range []struct {
		maxCalls, asking, asks int // calls that elicit, and their size
		others, size           int // calls that follow, and their size
	}{
		{0, 2, 200_000, 1, 200_000},
		{0, 1, 250_000, 10, 250_000},
		{0, 16, 250_000, 16, 250_000},
		{0, 8, 64_000, 100, 10},
		{0, 1000, 10, 50, 20_000},
		{1, 1, 10, 1, 10},
		{1, 100, 10, 100, 10},
		{3, 7, 200_000, 7, 200_000},
	} {
		for _, cancelled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v %t", tt, cancelled), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					s := asking()
					s.AddTool(mcp.NewTool("ok"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) { return ok(ctx) })
					c := dial(t, s, stdio.Config{}.WithMaxCalls(tt.maxCalls))
					for i := range tt.asking {
						c.Send(sized(call(fmt.Sprint(i), "ask"), tt.asks))
					}
					for i := range tt.others {
						c.Send(sized(call(fmt.Sprint(10_000+i), "ok"), tt.size))
					}
					var questions []string
					answers := 0
					for len(questions) < tt.asking || answers < tt.others {
						m := c.Receive()
						if m.IsQuestion() {
							questions = append(questions, string(m.ID))
						} else if strings.Contains(m.Text, `"text":"ok"`) {
							answers++
						} else {
							t.Fatalf("got %s", m.Text)
						}
					}
					want := tt.asking
					for i, id := range questions {
						if cancelled {
							c.Send(mcptest.Cancel(fmt.Sprint(i)))
							want = 0
						} else {
							c.Send(accept(id))
						}
					}
					got := strings.Join(c.End(), "\n")
					if n := strings.Count(got, "user: accept"); n != want {
						t.Errorf("%d calls got the user's answer, want %d", n, want)
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("somebody waited for %v", took)
					}
				})
			})
		}
	}
}

// The number of open elicitations is limited, and so is the memory of their calls.
func TestTooManyQuestions(t *testing.T) {
	for _, tt := range []struct{ calls, size, want int }{
		{1003, 0, 1000},
		{19, 250_000, 16},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := dial(t, asking(), stdio.Config{}.WithMaxCalls(2))
			for i := range tt.calls {
				c.Send(sized(call(fmt.Sprint(i), "ask"), tt.size))
			}
			var questions []string
			for range tt.calls {
				m := c.Receive()
				if m.IsQuestion() {
					questions = append(questions, string(m.ID))
				} else if !strings.Contains(m.Text, `"error"`) || !strings.Contains(m.Text, "too many questions") {
					t.Errorf("got %s", m.Text)
				}
			}
			if len(questions) != tt.want {
				t.Errorf("%d questions of %d bytes are open at once, want %d", len(questions), tt.size, tt.want)
			}
			for _, id := range questions {
				c.Send(accept(id))
			}
			for range questions {
				if line := c.Line(); !strings.Contains(line, "user: accept") {
					t.Errorf("got %s", line)
				}
			}
			c.Send(call("1", "ask")) // there is capacity again
			c.Send(accept(string(c.Receive().ID)))
			if got := c.End(); len(got) != 1 || !strings.Contains(got[0], "user: accept") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Cancellations are read behind any number of requests that wait for capacity.
func TestCancellationBehindRequestsWithoutRoom(t *testing.T) {
	for _, tt := range []struct {
		maxCalls, calls, size int
		refused               int
	}{
		{1, 2, 0, 0},
		{1, 6, 0, 0},
		{1, 1001, 0, 0},
		{1, 1100, 0, 99},
		{0, 2100, 0, 100},
		{0, 3, 250_000, 0},
		{0, 18, 250_000, 0},
		{0, 22, 250_000, 4},
	} {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var ran atomic.Int32
				c := dial(t, newServer(map[string]handler{"block": func(ctx context.Context) (*mcp.CallToolResult, error) {
					ran.Add(1)
					return until(nil)(ctx)
				}}), stdio.Config{}.WithMaxCalls(tt.maxCalls))
				for i := range tt.calls {
					c.Send(sized(call(fmt.Sprint(i), "block"), tt.size))
				}
				synctest.Wait()
				first := ran.Load()
				for i := range tt.calls { // in reverse: cancelling a running call would start another
					c.Send(mcptest.Cancel(fmt.Sprint(tt.calls - 1 - i)))
				}
				c.Send(ping)
				got := c.End()
				if len(got) != tt.refused+1 || got[tt.refused] != pong {
					t.Fatalf("got %d lines, want %d errors and a pong", len(got), tt.refused)
				}
				for _, line := range got[:tt.refused] {
					if !strings.Contains(line, `"code":-32000`) || !strings.Contains(line, "was not started") {
						t.Errorf("got %s", line)
					}
				}
				if n := ran.Load(); n != first {
					t.Errorf("%d cancelled calls ran", n-first)
				}
				want := time.Duration(0)
				if tt.refused > 0 {
					want = time.Second // once
				}
				if took := time.Since(began); took != want {
					t.Errorf("reading paused for %v, want %v", took, want)
				}
			})
		})
	}
}

// Requests that wait for capacity start in order.
func TestWaitingRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release), "ok": ok}), stdio.Config{}.WithMaxCalls(1))
		c.Send(call("1", "block"), call("2", "ok"), ping, call("3", "ok"), `{"jsonrpc":"2.0","id":4,"method":"tools/list"}`, "junk", call("5", "nope"), mcptest.Cancel("3"))
		synctest.Wait()
		if n := c.Unread(); n != 0 {
			t.Errorf("%d lines came too early", n)
		}
		close(release)
		if got, want := mcptest.IDs(c.End()), []string{"1", "2", `"ping"`, "4", "null", "5"}; !slices.Equal(got, want) {
			t.Errorf("answered in the order %v, want %v", got, want)
		}
	})
}

// As long as calls finish, nothing is refused, however much is sent.
func TestManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2500
		c := dial(t, newServer(map[string]handler{"work": func(ctx context.Context) (*mcp.CallToolResult, error) {
			time.Sleep(900 * time.Millisecond)
			return ok(ctx)
		}}), stdio.Config{}.WithMaxCalls(3))
		for i := range n {
			c.Send(call(fmt.Sprint(i), "work"))
		}
		if got := strings.Count(strings.Join(c.End(), "\n"), `"text":"ok"`); got != n {
			t.Errorf("%d calls of %d succeeded", got, n)
		}
	})
}

// A refused request does not run later; those before it do.
func TestRefusedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int32
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": func(ctx context.Context) (*mcp.CallToolResult, error) {
			ran.Add(1)
			return until(release)(ctx)
		}}), stdio.Config{}.WithMaxCalls(1))
		for i := range 1003 {
			c.Send(call(fmt.Sprint(i), "block"))
		}
		const text = "too many requests are waiting, so this one was not started. Send it again when others have been answered."
		wantLines(t, []string{c.Line(), c.Line()}, errorResponse("1001", -32000, text), errorResponse("1002", -32000, text))
		close(release)
		for i := range 1001 {
			if got := c.Line(); got != okResponse(fmt.Sprint(i)) {
				t.Fatalf("got %s, want an answer to %d", got, i)
			}
		}
		c.Send(call("1001", "block"))
		wantLines(t, c.End(), okResponse("1001"))
		if n := ran.Load(); n != 1002 {
			t.Errorf("%d calls ran, want 1002", n)
		}
	})
}

// A refusal does not come before the response to an earlier request with its id.
func TestRefusalWaitsForItsID(t *testing.T) {
	for _, id := range []string{"0", "7"} { // a call that runs, a call that waits
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			c := dial(t, newServer(map[string]handler{"block": until(release), "ok": ok}), stdio.Config{}.WithMaxCalls(1))
			for i := range 1001 {
				c.Send(call(fmt.Sprint(i), "block"))
			}
			go c.Send(call(id, "ok")) // reading has paused
			time.Sleep(time.Minute - 2*time.Second)
			synctest.Wait()
			if n := c.Unread(); n != 0 {
				t.Errorf("an answer came early: %s", c.Line())
			}
			close(release)
			synctest.Wait()
			if got := c.End(); len(got) != 1002 || got[0] != okResponse("0") {
				t.Errorf("got %d answers, the first %s", len(got), got[0])
			}
		})
	}
}

func TestSameIDWaitingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newServer(map[string]handler{"block": until(nil), "ok": ok}), stdio.Config{}.WithMaxCalls(1))
		c.Send(call("1", "block"), call("2", "ok"), call("2.0", "ok"), call("1", "ok"), mcptest.Cancel("2"), mcptest.Cancel("1"), ping)
		wantLines(t, c.End(), pong)
	})
}

// A batch waits for capacity as a whole, but its cancellations do not.
func TestWaitingBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started atomic.Int32
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(nil), "later": func(ctx context.Context) (*mcp.CallToolResult, error) {
			started.Add(1)
			return until(release)(ctx)
		}}), stdio.Config{}.WithMaxCalls(5))
		c.Send(initialize("2025-03-26"))
		c.Line()
		for i := range 5 {
			c.Send(call(fmt.Sprint(i), "block"))
		}
		c.Send("["+call("5", "later")+","+call("6", "later")+","+mcptest.Cancel("6")+","+mcptest.Cancel("0")+","+mcptest.Initialized+"]",
			"["+call("7", "later")+","+call("8", "later")+"]", mcptest.Cancel("8"), "["+call("9", "later")+"]", mcptest.Cancel("9"))
		synctest.Wait()
		if n := started.Load(); n != 1 {
			t.Errorf("%d calls were started in place of the one that was cancelled, want 1", n)
		}
		close(release)
		for i := range 5 {
			c.Send(mcptest.Cancel(fmt.Sprint(i)))
		}
		got := c.End()
		slices.Sort(got)
		wantLines(t, got, "["+okResponse("5")+"]", "["+okResponse("7")+"]")
	})
}

// Initialize does not wait for capacity: the messages after it depend on it.
func TestInitializeNeedsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{}.WithMaxCalls(1))
		c.Send(call("1", "block"), call("2", "block"), initialize("2025-03-26"), "["+ping+"]")
		if got := c.Receive(); string(got.ID) != `"init"` {
			t.Errorf("got %s, want initialize answered", got.Text)
		}
		close(release)
		wantLines(t, c.End(), okResponse("1"), okResponse("2"), "["+pong+"]")
	})
}

func TestSignalWithRequestsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{}.WithMaxCalls(1))
		for i := range 5 {
			c.Send(call(fmt.Sprint(i), "block"))
		}
		synctest.Wait()
		c.Stop()
		synctest.Wait()
		close(release)
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
		wantLines(t, c.Rest(), okResponse("0"))
	})
}

// However much is sent, the memory for it is limited.
func TestWaitingRequestsTakeLittleMemory(t *testing.T) {
	release := make(chan struct{})
	c := dial(t, newServer(map[string]handler{"block": until(release)}), stdio.Config{}.WithMaxCalls(1))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	big := `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"block","arguments":{"a":"` + strings.Repeat("x", 200_000) + `"}}}`
	for i := range 80 {
		c.Send(fmt.Sprintf(big, i))
	}
	last, earlier := c.Response("79")
	for _, m := range append(earlier, last) {
		if !strings.Contains(m.Text, "too many requests") {
			t.Errorf("got %s", m.Text)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 10<<20 {
		t.Errorf("16 MB of requests take %d bytes", n)
	}
	close(release)
	c.End()
}
