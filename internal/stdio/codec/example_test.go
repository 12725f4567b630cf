package codec_test

import (
	"fmt"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

func Example() {
	input := `{"jsonrpc":"2.0","id":1.0,"method":"ping"}
{"jsonrpc":"2.0","id":"\u0061","Method":"ping"}
`
	lines := codec.NewLineReader(strings.NewReader(input), 1<<20)
	decoder := codec.Decoder{MaxLine: 1 << 20, MaxBatch: 100}
	for {
		line, err := lines.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, m := range decoder.Decode(line, false).Messages {
			if m.Fault != nil {
				fmt.Printf("%s\n", codec.EncodeError(m.ID, *m.Fault, false))
				continue
			}
			fmt.Printf("%s with id %s, the same as %q\n", m.Method, m.ID, m.Key)
		}
	}
	// Output:
	// ping with id 1.0, the same as "number false 1 e0"
	// {"jsonrpc":"2.0","id":"\u0061","error":{"code":-32600,"message":"the message contains \"method\" more than once or in another spelling. Send it once, spelled exactly like that."}}
	// EOF
}
