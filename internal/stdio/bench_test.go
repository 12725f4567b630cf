package stdio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

const echo = `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`

// BenchmarkServe measures a call of a trivial tool, from input line to output line.
func BenchmarkServe(b *testing.B) {
	b.ReportAllocs()
	in := &requests{n: b.N}
	if err := stdio.Serve(b.Context(), newServer(nil), in, io.Discard, stdio.Config{}); err != nil {
		b.Error(err)
	}
}

// requests is an input of n calls.
type requests struct{ n, i int }

func (r *requests) Read(p []byte) (int, error) {
	if r.i == r.n {
		return 0, io.EOF
	}
	r.i++
	return copy(p, fmt.Sprintf(echo+"\n", r.i)), nil
}

// BenchmarkHandleMessage measures the share of mcp-go and of encoding the response.
func BenchmarkHandleMessage(b *testing.B) {
	b.ReportAllocs()
	s := newServer(nil)
	for i := range b.N {
		line, err := json.Marshal(s.HandleMessage(b.Context(), fmt.Appendf(nil, echo, i)))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Discard.Write(line)
	}
}
