package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// newSecretPattern matches the secrets that the sandbox creates.
var newSecretPattern = regexp.MustCompile(`raff_[0-9a-f]{64}`)

const someDestinations = `
sandbox: true
secrets: destination
destinations:
  local: {env-file: ~/site/.env, variable: RAFF_API_KEY}
  broken: {command: no-such-command-anywhere}
`

// homeForDestinations returns a home directory with this mcp.yaml, and with the directory site.
func homeForDestinations(t *testing.T, settings string) string {
	t.Helper()
	home := t.TempDir()
	for _, dir := range []string{".raff", "site"} {
		if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, ".raff", "mcp.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// startWithHome starts a server. The function that it returns returns the next line of the
// log that contains a text, and fails if the log ends before.
func startWithHome(t *testing.T, home string) (c *mcptest.Client, logged func(text string) string) {
	t.Helper()
	r, w := io.Pipe()
	cmd := exec.CommandContext(t.Context(), "raff-mcp", "--log-level=debug")
	cmd.Env = append(os.Environ(), "HOME="+home, "USERPROFILE="+home, "RAFF_API_KEY=", "RAFF_API_URL=")
	cmd.Stderr = w
	lines := make(chan string, 1000)
	go func() { // ends with the log
		defer close(lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() { w.Close() })
	return mcptest.Start(t, cmd), func(text string) string {
		for line := range lines {
			if strings.Contains(line, text) {
				return line
			}
		}
		t.Fatalf("the log lacks %q", text)
		return ""
	}
}

// A destination that does not work is logged soon after the start, and keeps no other from
// being used.
func TestBrokenDestinationIsLogged(t *testing.T) {
	t.Parallel()
	c, logged := startWithHome(t, homeForDestinations(t, someDestinations))
	if line := logged("a destination does not work"); !strings.Contains(line, "destination=broken") || !strings.Contains(line, "no-such-command-anywhere: executable file not found") {
		t.Errorf("got %s", line)
	}
	if answer := c.Ask(mcptest.Call("1", "create_api_key", `{"name":"ci","deliver_to":"local"}`)); strings.Contains(answer, `"isError":true`) {
		t.Errorf("got %s", answer)
	}
	c.End()
}

// 20 calls at once through a server: none shows a secret, all are answered, and the file
// contains the secret of one of them.
func TestTwentyDeliveriesAtOnce(t *testing.T) {
	t.Parallel()
	home := homeForDestinations(t, someDestinations)
	c, _ := startWithHome(t, home)
	for i := range 20 {
		c.Send(mcptest.Call(fmt.Sprint(i+1), "create_api_key", fmt.Sprintf(`{"name":"ci %d","deliver_to":"local"}`, i)))
	}
	var fingerprints []string
	for range 20 {
		var m struct {
			Result struct {
				StructuredContent struct {
					Secret struct{ Delivery, Destination, Fingerprint string }
				}
			}
		}
		line := c.Line()
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Result.StructuredContent.Secret.Delivery != "env-file" {
			t.Fatalf("got %s, %v", line, err)
		}
		if newSecretPattern.MatchString(line) {
			t.Errorf("a secret is shown: %s", line)
		}
		fingerprints = append(fingerprints, m.Result.StructuredContent.Secret.Fingerprint)
	}
	c.End()
	if n := len(slices.Compact(slices.Sorted(slices.Values(fingerprints)))); n != 20 {
		t.Errorf("got %d fingerprints, want 20", n)
	}
	text, err := os.ReadFile(filepath.Join(home, "site", ".env"))
	secret, isLine := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), "RAFF_API_KEY=")
	if err != nil || !isLine || !slices.Contains(fingerprints, raffclient.NewSecret(secret).Fingerprint()) {
		t.Errorf("the file has %d bytes, %v, want the secret of one of the keys", len(text), err)
	}
	if files, err := os.ReadDir(filepath.Join(home, "site")); err != nil || len(files) != 1 {
		t.Errorf("got %v, %v, want only the file", files, err)
	}
}
