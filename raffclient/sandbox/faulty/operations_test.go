package faulty_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

// Every operation exists, and a fault applies to it.
func TestFaultsOfAllOperations(t *testing.T) {
	for _, op := range sandbox.Operations() {
		t.Run(op.ID, func(t *testing.T) {
			s := seeded(t)
			path := strings.NewReplacer("{id}", unknownID, "{member_id}", unknownID).Replace(op.Path)
			s.API.Fail(faulty.Fault{Method: op.Method, Path: path, Status: http.StatusServiceUnavailable})
			sandboxtest.WantStatus(t, s.Owner(op.Method, path, ""), http.StatusServiceUnavailable)
			s.API.Fail(faulty.Fault{Method: op.Method, Path: path, Set: map[string]any{"message": "edited"}})
			a := s.Owner(op.Method, path, "")
			if a.Fields["message"] != "edited" || a.Status == http.StatusMethodNotAllowed {
				t.Errorf("%d %s, want it edited", a.Status, a.Text)
			}
		})
	}
}

func TestFaultsInLists(t *testing.T) {
	s := seeded(t)
	for _, path := range []string{"/api/v1/roles", "/api/v1/projects", "/api/v1/members", "/api/v1/projects/" + sandbox.ProjectID("staging") + "/members"} {
		s.API.Fail(faulty.Fault{Path: path, Omit: []string{"id"}, IgnoreOffset: true})
		list := s.Owner("GET", path+"?limit=2&offset=2", "").List(t)
		again := s.Owner("GET", path+"?limit=2&offset=0", "").List(t)
		first, same := list[0].(map[string]any), again[0].(map[string]any)
		if first["id"] != nil || same["id"] == nil || first["created_at"] != same["created_at"] {
			t.Errorf("%s: got %v, want the first page without IDs: %v", path, first, same)
		}
	}
}

func TestSetWithoutABody(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		s.API.EmptyDeletions(true)
		id, _ := s.NewKey(sandboxtest.CreateBody)
		s.API.Fail(faulty.Fault{Method: "DELETE", Set: map[string]any{"message": "x"}})
		a := s.Owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.Status != http.StatusNoContent || a.Text != "" || a.Header.Get("Content-Type") != "" || a.Header.Get("Content-Length") != "" {
			t.Errorf("got %d %q %v, want 204 without a body", a.Status, a.Text, a.Header)
		}
	})
}
