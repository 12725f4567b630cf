package raffclient_test

import (
	"flag"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// Tests with real sockets wait most of the time, so more of them run at once than there
// are processors. The others allocate much and keep little, so garbage is collected less
// often than by default.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	if err := flag.Set("test.parallel", "8"); err != nil { // -parallel overrides it
		panic(err)
	}
	os.Exit(m.Run())
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func jsonResponse(status int, body string) *http.Response {
	return &http.Response{
		StatusCode:    status,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}
