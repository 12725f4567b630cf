package tools_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
	"github.com/rafftechnologies/raff-mcp/internal/keychain/keychaintest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// The secret goes to the keychain that the call chose, and a rehearsal leaves nothing there.
func TestKeychainDestination(t *testing.T) {
	if keychaintest.Session() == "" {
		keychaintest.NeedProgram(t, "gnome-keyring-daemon")
		keychaintest.Run(t, "destination")
		return
	}
	keychaintest.Unlocked(t)
	m, err := delivery.New(t.Context(), delivery.Config{Delivery: "keyring", Destination: "laptop", Recovery: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := m.Rehearse(t.Context()); err != nil || r.Left != "" {
		t.Errorf("the rehearsal: got %+v, %v", r, err)
	}
	for _, x := range secretCalls() {
		b := newBench(t, func(_ *raffclient.Config, c *tools.Config) {
			c.Destinations = []tools.Destination{{Name: "laptop", Kind: "keyring", Method: m}}
		})
		r := b.call(t, t.Context(), x.tool, to("laptop", x.arguments))
		out := structured(t, r)
		searchForKeys(t, string(r.raw)+b.log.String())
		var got struct{ Secret delivery.Secret }
		if err := json.Unmarshal(r.StructuredContent, &got); err != nil {
			t.Fatal(err)
		}
		id, _ := out.APIKey["id"].(string)
		stored, err := keychain.New().Get(t.Context(), id)
		if err != nil || raffclient.NewSecret(stored).Fingerprint() != got.Secret.Fingerprint || got.Secret.Destination != "laptop" {
			t.Errorf("%s: got %+v, and %d bytes in the keychain, %v", x.tool, got.Secret, len(stored), err)
		}
		if !strings.Contains(r.text(), "destination laptop (keyring: secret-tool lookup") {
			t.Errorf("%s: got %s", x.tool, r.text())
		}
	}
}
