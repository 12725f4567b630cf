package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

const (
	ownKey    = "raff_0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"
	newSecret = "raff_0123456789abcdef0123456789abcdef"
)

// serveOneCall runs the program as a client does: it sends a call, waits for the response and
// closes standard input.
func serveOneCall(t *testing.T, env ...string) (answer, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "raff-mcp", "--log-level=debug")
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, env...)
	var log bytes.Buffer
	cmd.Stderr = &log
	c := mcptest.Start(t, cmd)
	answer = c.Ask(mcptest.Call("1", "create_api_key", `{"name":"ci"}`))
	// A second call uses the connection, so that unsolicited bytes have been noticed.
	c.Ask(mcptest.Call("2", "get_api_key", `{"api_key_id":"00000000-0000-4000-8000-000000000000"}`))
	c.End()
	return answer, log.String()
}

// Unsolicited bytes from a server are not logged: they may contain a secret.
func TestUnsolicitedBytesAreNotLogged(t *testing.T) {
	t.Parallel()
	body, _ := json.Marshal(map[string]any{"success": true, "data": map[string]any{"id": "1", "secret": newSecret}})
	good := fmt.Sprintf("HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for _, tt := range []struct{ name, answer string }{
		{"twice", good + good},
		{"with more behind it", good + newSecret + ownKey},
		{"with another line", good + "\r\n" + ownKey + "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api := httptest.NewServer(faulty.Raw(tt.answer))
			t.Cleanup(api.Close)
			answer, stderr := serveOneCall(t, "RAFF_API_URL="+api.URL, "RAFF_API_KEY="+ownKey)
			if !strings.Contains(answer, newSecret) {
				t.Errorf("got %s, want the secret", answer)
			}
			if strings.Contains(stderr, newSecret) || strings.Contains(stderr, ownKey) || strings.Contains(stderr, "nsolicited") {
				t.Errorf("it is in the log: %s", stderr)
			}
		})
	}
}

// Requests to this machine do not use a proxy, which would see the key.
func TestLoopbackNeedsNoProxy(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(proxy.Close)
	for _, host := range []string{"LOCALHOST", "localhost", "127.0.0.1"} {
		api := sandbox.New()
		s := httptest.NewServer(api)
		t.Cleanup(s.Close)
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		before := len(api.Keys())
		serveOneCall(t, "RAFF_API_URL=http://"+net.JoinHostPort(host, u.Port()), "RAFF_API_KEY="+api.OwnerKey().Reveal(),
			"HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "HTTPS_PROXY="+proxy.URL, "ALL_PROXY="+proxy.URL)
		if seen.Load() != 0 || len(api.Keys()) != before+1 {
			t.Errorf("%s: got %d requests at the proxy and %d keys, want none and one", host, seen.Load(), len(api.Keys())-before)
		}
	}
}
