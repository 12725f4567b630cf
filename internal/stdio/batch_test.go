package stdio_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

func TestBatch(t *testing.T) {
	invalid := func(id, text string) string { return errorResponse(id, -32600, text) }
	array := func(elements ...string) string { return "[" + strings.Join(elements, ",") + "]" }
	inUse := "id already in use"
	for _, tt := range []struct {
		name, batch string
		want        string // "" for no output
	}{
		{"requests", array(ping, call("1", "ok"), call("2", "ok")), array(pong, okResponse("1"), okResponse("2"))},
		{"one", array(ping), array(pong)},
		{"with notifications and responses", array(mcptest.Initialized, call("1", "ok"), `{"jsonrpc":"2.0","id":1,"result":{}}`), array(okResponse("1"))},
		{"notifications only", array(mcptest.Initialized, mcptest.Initialized), ""},
		{"responses only", array(`{"jsonrpc":"2.0","id":1,"result":{}}`), ""},
		{"empty", "[]", invalid("null", "empty batch")},
		{"invalid elements", array("1", `"x"`, "[]", ping, `{"id":7}`),
			array(invalid("null", "a message must be an object"), invalid("null", "a message must be an object"),
				invalid("null", "a message must be an object"), pong, invalid("7", `jsonrpc must be "2.0"`))},
		{"initialize", array(initialize("2024-11-05"), ping), array(invalid(`"init"`, "initialize must not be part of a batch"), pong)},
		{"same id twice", array(call("1", "ok"), call("1", "ok")), array(okResponse("1"), invalid("1", inUse))},
		{"cancelled element", array(call("1", "block"), ping, mcptest.Cancel("1")), array(pong)},
		{"all cancelled", array(call("1", "block"), ping, mcptest.Cancel("1"), mcptest.Cancel(`"ping"`)), ""},
		{"too many", array(ping, ping, ping, ping, ping, ping), invalid("null", "a batch must not have more than 5 messages")},
		{"not JSON", "[" + ping + ",]", errorResponse("null", -32700, "not valid JSON")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(map[string]handler{"ok": ok, "block": until(nil)})
			got := serve(t, s, stdio.Config{}.WithMaxCalls(5), initialize("2025-03-26"), tt.batch)[1:]
			if tt.want == "" {
				wantLines(t, got)
				return
			}
			wantLines(t, got, tt.want)
		})
	}
}

func TestBatchInOtherRevisions(t *testing.T) {
	const text = "batches are not part of this protocol revision"
	for _, revision := range []string{"2024-11-05", "2025-06-18", "2025-11-25"} {
		want := errorResponse("null", -32600, text)
		if revision == "2025-11-25" {
			want = `{"jsonrpc":"2.0","error":{"code":-32600,"message":"` + text + `"}}`
		}
		for _, batch := range []string{"[]", "[" + ping + "]", "[" + mcptest.Initialized + "]"} {
			wantLines(t, serve(t, newServer(nil), stdio.Config{}, initialize(revision), batch)[1:], want)
		}
	}
}

func TestBatchResponseWaitsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, newServer(map[string]handler{"block": until(release), "ok": ok}), stdio.Config{})
		c.Send(initialize("2025-03-26"), "["+call("1", "block")+","+call("2", "ok")+"]", call("2", "ok"), ping)
		c.Line()
		wantLines(t, []string{c.Line()}, pong)
		close(release)
		// The id 2 is in use until the array is written.
		wantLines(t, c.End(), "["+okResponse("1")+","+okResponse("2")+"]", errorResponse("2", -32600, "id already in use"))
	})
}

func TestBatchUndelivered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken bool
		want   int32
	}{
		{"written", false, 1}, // the cancelled one
		{"not written", true, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var undone atomic.Int32
				release := make(chan struct{})
				c := dial(t, newServer(map[string]handler{"mint": func(ctx context.Context) (*mcp.CallToolResult, error) {
					stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) { undone.Add(1) })
					<-release
					return ok(ctx)
				}}), stdio.Config{})
				c.Send(initialize("2025-03-26"), "["+call("1", "mint")+","+call("2", "mint")+","+call("3", "mint")+"]")
				c.Line()
				synctest.Wait()
				c.Send(mcptest.Cancel("3"))
				synctest.Wait()
				want := []string{"[" + okResponse("1") + "," + okResponse("2") + "]"}
				if tt.broken {
					c.CloseOutput()
					want = nil
				}
				close(release)
				wantLines(t, c.End(), want...)
				if n := undone.Load(); n != tt.want {
					t.Errorf("%d undelivered functions ran, want %d", n, tt.want)
				}
			})
		})
	}
}
