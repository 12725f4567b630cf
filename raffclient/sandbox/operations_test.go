package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

func TestOperations(t *testing.T) {
	want := strings.Fields(`
		healthCheck readinessCheck
		listApiKeys createApiKey getApiKey updateApiKey revokeApiKey regenerateApiKey
		listRoles createRole getRole updateRole deleteRole listPermissions
		listProjects createProject getProject updateProject deleteProject
		listProjectMembers addProjectMember getProjectMember updateProjectMember removeProjectMember
		listMembers addMember getMember updateMember removeMember
		createAccountInvitation cancelInvitation createProjectInvitation`)
	var permissions []string
	for _, element := range inProcess(t).owner("GET", "/api/v1/permissions", "").list(t) {
		permissions = append(permissions, element.(map[string]any)["name"].(string))
	}
	var got []string
	for _, op := range sandbox.Operations() {
		got = append(got, op.ID)
		if op.Permission != "" && !slices.Contains(permissions, op.Permission) {
			t.Errorf("%s needs %s, which is not in the catalogue", op.ID, op.Permission)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("operations\n%v\nwant\n%v", got, want)
	}
}

// Every operation is there, and misbehaves when it is told to.
func TestFaultsOfAllOperations(t *testing.T) {
	for _, op := range sandbox.Operations() {
		t.Run(op.ID, func(t *testing.T) {
			s := seeded(t)
			path := strings.NewReplacer("{id}", unknownID, "{member_id}", unknownID).Replace(op.Path)
			s.api.Fail(sandbox.Fault{Method: op.Method, Path: path, Status: http.StatusServiceUnavailable})
			wantStatus(t, s.owner(op.Method, path, ""), http.StatusServiceUnavailable)
			s.api.Fail(sandbox.Fault{Method: op.Method, Path: path, Set: map[string]any{"message": "edited"}})
			a := s.owner(op.Method, path, "")
			if a.fields["message"] != "edited" || a.status == http.StatusMethodNotAllowed {
				t.Errorf("%d %s, want it edited", a.status, a.text)
			}
		})
	}
}

func TestFaultsInNewLists(t *testing.T) {
	s := seeded(t)
	for _, path := range []string{"/api/v1/roles", "/api/v1/projects", "/api/v1/members", inProject("staging")} {
		s.api.Fail(sandbox.Fault{Path: path, Omit: []string{"id"}, IgnoreOffset: true})
		list := s.owner("GET", path+"?limit=2&offset=2", "").list(t)
		again := s.owner("GET", path+"?limit=2&offset=0", "").list(t)
		first, same := list[0].(map[string]any), again[0].(map[string]any)
		if first["id"] != nil || same["id"] == nil || first["created_at"] != same["created_at"] {
			t.Errorf("%s: got %v, want the first page without IDs: %v", path, first, same)
		}
	}
}
