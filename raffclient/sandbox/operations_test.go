package sandbox_test

import (
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
	for _, element := range inProcess(t).Owner("GET", "/api/v1/permissions", "").List(t) {
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
