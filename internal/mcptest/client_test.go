package mcptest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
)

// asking responds to each line after a second, with a notification and a question before
// the response. At the end of the input it writes a last line.
func asking(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		time.Sleep(time.Second)
		m := mcptest.Parse(lines.Text())
		fmt.Fprintln(out, `{"method":"notifications/progress"}`)
		fmt.Fprintln(out, `{"id":7,"method":"elicitation/create"}`)
		fmt.Fprintln(out, mcptest.Answer(string(m.ID), `"result":{}`))
	}
	fmt.Fprintln(out, "last")
	return context.Cause(ctx)
}

func TestClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mcptest.Serve(t, asking).ReadAhead()
		began := time.Now()
		c.Send(mcptest.Call("7", "t", "{}"), mcptest.Call(`"b"`, "t", "{}"))
		first, before := c.Response("7")
		if first.Text != `{"jsonrpc":"2.0","id":7,"result":{}}` || len(before) != 2 || before[0].IsQuestion() || !before[1].IsQuestion() {
			t.Errorf("got %+v after %+v", first, before)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("the first response took %v, want a second", took)
		}
		synctest.Wait()
		if got := c.Unread(); got != 0 {
			t.Errorf("got %d lines before their time", got)
		}
		if second, _ := c.Response(`"b"`); second.Method != "" {
			t.Errorf("got %+v", second)
		}
		if got := c.End(); !slices.Equal(got, []string{"last"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestStop(t *testing.T) {
	c := mcptest.Serve(t, func(ctx context.Context, _ io.Reader, _ io.Writer) error {
		<-ctx.Done()
		return ctx.Err()
	})
	c.Stop()
	if err := c.Wait(); !errors.Is(err, context.Canceled) || len(c.Rest()) != 0 {
		t.Errorf("got %v", err)
	}
}
