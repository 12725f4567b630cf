package tools_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// However much a client asks for at once, it is not all decoded at once: decoded,
// an array takes twenty times as much as on the line.
func TestBigCallsInFlight(t *testing.T) {
	const calls, size = 6, 200_000
	array := `["` + strings.Repeat(`a","`, size/4) + `"]`
	var input strings.Builder
	for id := range calls {
		fmt.Fprintln(&input, mcptest.Call(fmt.Sprint(id), "create_role", `{"name":"x","slug":"x","scope":"account","permissions":`+array+"}"))
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Record(false)
		b.api.Fail(faulty.Fault{Method: "POST", Delay: time.Second, Status: 400, Times: -1})
		before, peak := liveHeap(), uint64(0)
		var out lineCounter
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := stdio.Serve(t.Context(), b.server, strings.NewReader(input.String()), &out, stdio.Config{}); err != nil {
				t.Error(err)
			}
		}()
		for range calls {
			synctest.Wait()
			peak = max(peak, liveHeap())
			time.Sleep(time.Second)
		}
		<-done
		if out != calls {
			t.Errorf("got %d answers, want %d", out, calls)
		}
		if n := int64(peak) - int64(before); n > 14<<20 {
			t.Errorf("%d calls of %d bytes took %d MiB", calls, size, n>>20)
		} else {
			t.Logf("peak: %d KiB", n>>10)
		}
	})
}

// liveHeap is what is in use.
func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

type lineCounter int

func (n *lineCounter) Write(line []byte) (int, error) {
	*n++
	return len(line), nil
}

// What is longer than a message may be is refused, and nothing is sent.
func TestArgumentsTooLong(t *testing.T) {
	b := newBench(t)
	c := dial(t, b)
	c.Send(mcptest.Call("1", "create_api_key", `{"name":"ci","x":[`+strings.Repeat("0,", 2_200_000)+"0]}"))
	got := c.End()
	if len(got) != 1 || !strings.Contains(got[0], "longer than 4194304 bytes") || len(b.api.Requests()) != 0 {
		t.Errorf("got %.200q and %d requests, want a refusal", got, len(b.api.Requests()))
	}
}
