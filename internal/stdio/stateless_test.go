package stdio_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

func modern(id, method, params string) string {
	if params != "" {
		params += ","
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{%s%s}}`, id, method, params, meta)
}

func listen(id, filter string) string {
	return modern(id, "subscriptions/listen", `"notifications":{`+filter+`}`)
}

func TestModernRequests(t *testing.T) {
	s := newServer(map[string]handler{"ok": ok})
	got := serve(t, s, stdio.Config{},
		modern("1", "server/discover", ""), modern("2", "tools/list", ""), modern("3", "ping", ""), modern("4", "initialize", ""),
		modern("9007199254740993", "tools/call", `"name":"ok"`))
	for i, want := range []struct{ id, text string }{
		{"1", `"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"]`},
		{"2", `"resultType":"complete"`},
		{"3", "-32601"},
		{"4", "-32601"},
		{"9007199254740993", `"resultType":"complete"`},
	} {
		if id := mcptest.IDs(got)[i]; id != want.id || !strings.Contains(got[i], want.text) {
			t.Errorf("got %s, want id %s and %s", got[i], want.id, want.text)
		}
	}
}

// A subscription is acknowledged with none of the notifications that were asked for,
// and ends: nothing ever changes. Both messages carry the id as it was sent.
func TestSubscription(t *testing.T) {
	for _, filter := range []string{"", `"toolsListChanged":true`, `"promptsListChanged":true,"resourceSubscriptions":["x:y"]`} {
		for _, id := range []string{"9007199254740993", "1.0", `"\u0061/\/"`} {
			got := serve(t, newServer(nil), stdio.Config{}, listen(id, filter), ping)
			wantLines(t, got,
				`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":`+id+`},"notifications":{}}}`,
				`{"jsonrpc":"2.0","id":`+id+`,"result":{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/subscriptionId":`+id+`},"resultType":"complete"}}`,
				pong)
		}
	}
}

// Only the stateless revision has subscriptions.
func TestSubscriptionInOtherRevisions(t *testing.T) {
	for _, revision := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
		got := serve(t, newServer(nil), stdio.Config{}, initialize(revision), `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true}}}`)
		if len(got) != 2 || mcptest.IDs(got)[1] != "1" || !strings.Contains(got[1], "-32601") {
			t.Errorf("%s: got %q", revision, got)
		}
	}
}

// Subscriptions take no capacity.
func TestManySubscriptions(t *testing.T) {
	var lines []string
	for i := range 100 {
		lines = append(lines, listen(fmt.Sprint(i), `"toolsListChanged":true`))
	}
	if got := serve(t, newServer(nil), stdio.Config{}.WithMaxCalls(1), lines...); len(got) != 200 {
		t.Errorf("got %d messages, want 200", len(got))
	}
}

func TestOlderClientsGetBroadcasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		c := dial(t, s, stdio.Config{})
		c.Send(initialize("2025-06-18"))
		c.Line()
		s.SendNotificationToAllClients("notifications/tools/list_changed", nil)
		c.Send(ping)
		wantLines(t, c.End(), `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`, pong)
	})
}
