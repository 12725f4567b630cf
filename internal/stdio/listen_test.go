package stdio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

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

func acknowledged(id, filter string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":%s},"notifications":{%s}}}`, id, filter)
}

func changed(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":%s}}}`, id)
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
		if id := ids(got)[i]; id != want.id || !strings.Contains(got[i], want.text) {
			t.Errorf("got %s, want id %s and %s", got[i], want.id, want.text)
		}
	}
}

func TestSubscriptionToNothing(t *testing.T) {
	got := serve(t, newServer(nil), stdio.Config{}, listen("9007199254740993", ""))
	if len(got) != 2 || got[0] != acknowledged("9007199254740993", "") || ids(got)[1] != "9007199254740993" ||
		!strings.Contains(got[1], `"io.modelcontextprotocol/subscriptionId":9007199254740993`) {
		t.Errorf("got\n  %s", strings.Join(got, "\n  "))
	}
}

func TestSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		c := dial(t, s, stdio.Config{})
		c.send(listen(`"a"`, `"toolsListChanged":true`))
		wantLines(t, []string{<-c.lines}, acknowledged(`"a"`, `"toolsListChanged":true`))
		c.send(listen("1.0", `"toolsListChanged":true`))
		wantLines(t, []string{<-c.lines}, acknowledged("1.0", `"toolsListChanged":true`))

		s.SendNotificationToAllClients("notifications/tools/list_changed", nil)
		got := []string{<-c.lines, <-c.lines}
		slices.Sort(got)
		wantLines(t, got, changed(`"a"`), changed("1.0"))

		c.send(cancel("1"))
		synctest.Wait()
		s.SendNotificationToAllClients("notifications/tools/list_changed", nil)
		wantLines(t, []string{<-c.lines}, changed(`"a"`))

		c.send(modern("2", "tools/list", ""))
		<-c.lines
		last := c.end()
		if len(last) != 1 || ids(last)[0] != `"a"` || !strings.Contains(last[0], `"result"`) {
			t.Errorf("got %q, want the end of the subscription", last)
		}
	})
}

func TestSubscriptionsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newServer(nil), stdio.Config{})
		c.send(listen("1", `"toolsListChanged":true`))
		synctest.Wait()
		c.stop()
		if err := <-c.err; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if got := c.rest(); !slices.Equal(ids(got), []string{"", "1"}) {
			t.Errorf("got %q, want the acknowledgement and the end", got)
		}
	})
}

// Subscriptions stay open; they must not take the room that calls need.
func TestSubscriptionsTakeNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newServer(nil), stdio.Config{MaxCalls: 1})
		for i := range 17 {
			c.send(listen(fmt.Sprint(i), `"toolsListChanged":true`))
		}
		c.send(ping)
		var got []string
		for range 18 {
			got = append(got, <-c.lines)
		}
		if !slices.Contains(got, pong) ||
			!slices.Contains(got, errorAnswer("16", -32600, "too many subscriptions")) {
			t.Errorf("got %q", got)
		}
		if got := c.end(); len(got) != 16 {
			t.Errorf("got %d ends of subscriptions, want 16", len(got))
		}
	})
}

func TestOlderClientsGetBroadcasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		c := dial(t, s, stdio.Config{})
		c.send(initialize("2025-06-18"))
		<-c.lines
		s.SendNotificationToAllClients("notifications/tools/list_changed", nil)
		c.send(ping)
		wantLines(t, c.end(), `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`, pong)
	})
}
