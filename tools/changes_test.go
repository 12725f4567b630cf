package tools_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// Clients that pass only the structured result, and only its beginning, pass the summary.
func TestSummaryComesFirst(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.tool, func(t *testing.T) {
			b := newBench(t)
			r := b.call(t, t.Context(), x.tool, x.prepare(t, b))
			if r.IsError || len(r.Content) != 2 {
				t.Fatalf("got %s", r.raw)
			}
			want, err := json.Marshal(r.text())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(r.StructuredContent, append([]byte(`{"summary":`), want...)) {
				t.Errorf("got %.300s, want it to begin with the summary %s", r.StructuredContent, want)
			}
			if r.Content[1].Text != string(r.StructuredContent) {
				t.Error("the second block of text is not the structured result")
			}
		})
	}
}

// updates has calls of every tool that updates, all of whose values are new.
func updates() map[string]map[string]any {
	chen := sandbox.MemberID("production", "chen@meridian.example")
	return map[string]map[string]any{
		"update_api_key":        {"api_key_id": sandbox.KeyID("grafana"), "name": "New name", "is_active": false, "rate_limit_tier": "high"},
		"update_role":           {"role_id": sandbox.RoleID("deployer"), "name": "New name", "description": "New", "permissions": []string{"vm.view", "vm.console"}},
		"update_project":        {"project_id": sandbox.ProjectID("production"), "name": "New name", "description": "New"},
		"update_member":         {"member_id": sandbox.MemberID("", "chen@meridian.example"), "role_id": sandbox.RoleID("billing"), "status": "suspended"},
		"update_project_member": {"project_id": sandbox.ProjectID("production"), "member_id": chen, "role_id": sandbox.RoleID("viewer"), "status": "suspended"},
	}
}

type changesResult struct {
	Summary string
	Changes []struct {
		Field    string
		From, To json.RawMessage
	}
}

func changesOf(t *testing.T, r result) (c changesResult) {
	t.Helper()
	if err := json.Unmarshal(r.StructuredContent, &c); err != nil || r.IsError {
		t.Fatalf("%v: got %s", err, r.raw)
	}
	return c
}

// The changes of an update are what undoes it.
func TestUpdatesCanBeUndone(t *testing.T) {
	for tool, arguments := range updates() {
		t.Run(tool, func(t *testing.T) {
			b := newBench(t)
			r := b.call(t, t.Context(), tool, mustJSON(t, arguments))
			conforms(t, tool, r)
			done := changesOf(t, r)
			undo := map[string]any{}
			for name, value := range arguments {
				if strings.HasSuffix(name, "_id") && name != "role_id" || tool == "update_role" && name == "role_id" {
					undo[name] = value
				}
			}
			want := len(arguments) - len(undo)
			if len(done.Changes) != want || !strings.HasPrefix(done.Summary, "Changed the ") {
				t.Fatalf("got %s, want %d changes", r.StructuredContent, want)
			}
			for _, c := range done.Changes {
				undo[c.Field] = c.From
			}
			undone := changesOf(t, b.call(t, t.Context(), tool, mustJSON(t, undo)))
			if len(undone.Changes) != want {
				t.Fatalf("undo: got %+v, want %d changes", undone, want)
			}
			for i, c := range undone.Changes {
				if !bytes.Equal(c.To, done.Changes[i].From) || !bytes.Equal(c.From, done.Changes[i].To) {
					t.Errorf("got %s from %s to %s, want the reverse of %+v", c.Field, c.From, c.To, done.Changes[i])
				}
			}
			again := changesOf(t, b.call(t, t.Context(), tool, mustJSON(t, undo)))
			if len(again.Changes) != 0 || !strings.HasPrefix(again.Summary, "Nothing changed: ") {
				t.Errorf("the same update again: got %+v", again)
			}
		})
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A key that may change something, but not read it, can still change it.
func TestUpdateWithoutPermissionToRead(t *testing.T) {
	for tool, arguments := range updates() {
		t.Run(tool, func(t *testing.T) {
			delete(arguments, "is_active") // is refused: the key could be the server's own
			b := newBench(t)
			b.api.Fail(faulty.Fault{Method: "GET", Status: 403, Times: -1})
			r := b.call(t, t.Context(), tool, mustJSON(t, arguments))
			conforms(t, tool, r)
			if got := changesOf(t, r); len(got.Changes) != 0 || !strings.Contains(got.Summary, "The values before the change are unknown") {
				t.Errorf("got %+v", got)
			}
		})
	}
}
