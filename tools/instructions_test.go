package tools_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func instructions(t *testing.T, b *bench) string {
	t.Helper()
	var got struct{ Instructions string }
	answer := b.request(t, t.Context(), "initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "t", "version": "1"}})
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	return got.Instructions
}

var toolName = regexp.MustCompile(`\b[a-z]+(?:_[a-z]+)*_api_keys?\b|\blist_[a-z_]+\b|\bwhoami\b`)

// The instructions name only tools that are offered, and say what applies to how secrets
// are delivered.
func TestInstructions(t *testing.T) {
	elsewhere, err := delivery.New(t.Context(), delivery.Config{Delivery: "file", Dir: filepath.Join(t.TempDir(), "secrets"), Recovery: filepath.Join(t.TempDir(), "recovered")})
	if err != nil {
		t.Fatal(err)
	}
	const inline, delivered, confirm = "write it out", "delivered elsewhere", "confirm_name"
	for _, tt := range []struct {
		name      string
		change    func(*tools.Config)
		want, not []string
	}{
		{"all", func(*tools.Config) {}, []string{inline, confirm, "replace_api_key", "audit_api_keys", "list_roles"}, []string{delivered, "SANDBOX"}},
		{"delivered elsewhere", func(c *tools.Config) { c.Secrets = elsewhere }, []string{delivered, "secret.location"}, []string{inline}},
		{"read-only", func(c *tools.Config) { c.ReadOnly = true }, []string{"whoami", "audit_api_keys"}, []string{inline, confirm, "replace_api_key"}},
		{"one toolset", func(c *tools.Config) { c.Toolsets = []string{"roles"} }, []string{"whoami", confirm}, []string{inline, "replace_api_key", "audit_api_keys"}},
		{"sandbox", func(c *tools.Config) { c.Sandbox = true }, []string{"SANDBOX", "Tell the user"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { tt.change(c) })
			got := instructions(t, b)
			for _, text := range tt.want {
				if !strings.Contains(got, text) {
					t.Errorf("got %q, want it to contain %q", got, text)
				}
			}
			for _, text := range tt.not {
				if strings.Contains(got, text) {
					t.Errorf("got %q, want it not to contain %q", got, text)
				}
			}
			list := string(b.request(t, t.Context(), "tools/list", map[string]any{}))
			for _, name := range toolName.FindAllString(got, -1) {
				if !strings.Contains(list, `"name":"`+name+`"`) {
					t.Errorf("%s is not offered", name)
				}
			}
			if len(got) > 900 {
				t.Errorf("got %d characters: %s", len(got), got)
			}
		})
	}
}
