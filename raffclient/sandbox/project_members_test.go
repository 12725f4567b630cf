package sandbox_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

// inProject returns the path of the members of a seeded project.
func inProject(slug string) string {
	return "/api/v1/projects/" + sandbox.ProjectID(slug) + "/members"
}

// grant returns a body that gives a role to the person or key in field.
func grant(field, id, role string) string {
	return `{"` + field + `": "` + id + `", "role_id": "` + sandbox.RoleID(role) + `"}`
}

func TestAddProjectMember(t *testing.T) {
	s := seeded(t)
	sandboxtest.NewClock(s.API)
	bea := sandbox.UserIDOf("bea@meridian.example")
	a := s.Owner("POST", inProject("staging"), grant("target_user_id", bea, "operator"))
	sandboxtest.WantStatus(t, a, http.StatusCreated)
	got := a.Data(t)
	want := map[string]any{
		"id":          got["id"],
		"project_id":  sandbox.ProjectID("staging"),
		"user_id":     bea,
		"email":       "bea@meridian.example",
		"role":        "operator",
		"role_id":     sandbox.RoleID("operator"),
		"role_name":   "Operator",
		"status":      "active",
		"invited_by":  sandbox.UserID,
		"invited_at":  "2026-10-09T08:07:06Z",
		"accepted_at": "2026-10-09T08:07:06Z",
		"created_at":  "2026-10-09T08:07:06Z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if read := s.Owner("GET", inProject("staging")+"/"+got["id"].(string), "").Data(t); !reflect.DeepEqual(read, want) {
		t.Errorf("read back %v\nwant %v", read, want)
	}
}

func TestGrantToAPIKey(t *testing.T) {
	s := seeded(t)
	id, secret := s.NewKey(`{"name": "a"}`)
	accesses := func() any { return s.Owner("GET", "/api/v1/api-keys/"+id, "").Data(t)["project_accesses"] }
	a := s.Owner("POST", inProject("staging"), grant("api_key_id", id, "project-admin"))
	sandboxtest.WantStatus(t, a, http.StatusCreated)
	member := inProject("staging") + "/" + a.Data(t)["id"].(string)
	if got := a.Data(t); got["user_id"] != nil || got["email"] != "" || got["api_key_id"] != nil {
		t.Errorf("member %v, want neither user nor key", got)
	}
	want := []any{map[string]any{
		"project_id": sandbox.ProjectID("staging"), "project_name": "Staging",
		"role_id": sandbox.RoleID("project-admin"), "role_name": "Project Admin", "role_slug": "project-admin",
	}}
	if got := accesses(); !reflect.DeepEqual(got, want) {
		t.Errorf("accesses %v, want %v", got, want)
	}

	may := func(want int) {
		t.Helper()
		sandboxtest.WantStatus(t, s.Do(secret, "GET", inProject("staging"), ""), want)
	}
	may(http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("PATCH", member, `{"status": "suspended"}`), http.StatusOK)
	may(http.StatusNotFound) // the project is not visible
	sandboxtest.WantStatus(t, s.Owner("PATCH", member, `{"status": "active", "role_id": "`+sandbox.RoleID("deployer")+`"}`), http.StatusOK)
	may(http.StatusForbidden) // visible, but the role lacks the permission
	sandboxtest.WantStatus(t, s.Owner("DELETE", member, ""), http.StatusOK)
	may(http.StatusNotFound)
	if got := accesses(); !reflect.DeepEqual(got, []any{}) {
		t.Errorf("accesses %v after removal", got)
	}
}

func TestProjectMembersRefused(t *testing.T) {
	s := seeded(t)
	path := inProject("staging")
	chen := sandbox.UserIDOf("chen@meridian.example")
	bea := sandbox.UserIDOf("bea@meridian.example")
	revoked, _ := s.NewKey(`{"name": "a"}`)
	sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/api-keys/"+revoked, ""), http.StatusOK)
	member := path + "/" + sandbox.MemberID("staging", "chen@meridian.example")
	invited := path + "/" + sandbox.MemberID("staging", "hugo@contractor.example")
	elsewhere := inProject("playground") + "/" + sandbox.MemberID("staging", "chen@meridian.example")
	account := path + "/" + sandbox.MemberID("", "chen@meridian.example")
	nowhere := "/api/v1/projects/" + unknownID + "/members"
	role := `"role_id": "` + sandbox.RoleID("viewer") + `"`
	add := func(name, body string) refusal { return refusal{name, "POST", path, body, 400} }
	update := func(name, body string) refusal { return refusal{name, "PATCH", member, body, 400} }
	s.wantRefused([]refusal{
		add("nobody", `{`+role+`}`),
		add("both", `{"target_user_id": "`+bea+`", "api_key_id": "`+sandbox.KeyID("grafana")+`", `+role+`}`),
		add("an address", `{"email": "a@b.example", `+role+`}`),
		add("no role", `{"target_user_id": "`+bea+`"}`),
		add("unknown role", `{"target_user_id": "`+bea+`", "role_id": "`+unknownID+`"}`),
		add("account role", grant("target_user_id", bea, "member")),
		add("unknown user", grant("target_user_id", unknownID, "viewer")),
		add("user without form", grant("target_user_id", "bea", "viewer")),
		add("a stranger to the account", grant("target_user_id", sandbox.UserIDOf("gita@partner.example"), "viewer")),
		add("somebody who left", grant("target_user_id", sandbox.UserIDOf("farid@meridian.example"), "viewer")),
		add("unknown key", grant("api_key_id", unknownID, "viewer")),
		add("revoked key", grant("api_key_id", revoked, "viewer")),
		add("user twice", grant("target_user_id", chen, "viewer")),
		add("key twice", grant("api_key_id", sandbox.KeyID("ci"), "viewer")),
		update("nothing to change", `{}`),
		update("change to pending", `{"status": "pending"}`),
		update("change to unknown status", `{"status": ""}`),
		update("change to an account role", `{"role_id": "`+sandbox.RoleID("admin")+`"}`),
		{"activate the invited", "PATCH", invited, `{"status": "active"}`, 400},
		{"unknown project", "POST", nowhere, grant("target_user_id", bea, "viewer"), 404},
		{"list of an unknown project", "GET", nowhere, ``, 404},
		{"get an unknown member", "GET", path + "/" + unknownID, ``, 404},
		{"get an account member", "GET", account, ``, 404},
		{"update another project's", "PATCH", elsewhere, `{"status": "suspended"}`, 404},
		{"remove another project's", "DELETE", elsewhere, ``, 404},
		{"remove from an unknown project", "DELETE", nowhere + "/" + unknownID, ``, 404},
		{"list with unknown status", "GET", path + "?status=gone", ``, 400},
	})
}

func TestListProjectMembers(t *testing.T) {
	s := seeded(t)
	for query, want := range map[string]int{"": 7, "?status=pending": 1, "?status=suspended": 1, "?status=active&limit=2": 2, "?offset=6": 1} {
		a := s.Owner("GET", inProject("staging")+query, "")
		sandboxtest.WantStatus(t, a, http.StatusOK)
		if got := len(a.List(t)); got != want {
			t.Errorf("%q: %d members, want %d", query, got, want)
		}
	}
	if got := s.Owner("GET", inProject("staging")+"?status=active&limit=2", "").Fields["total"]; got != 5.0 {
		t.Errorf("total %v, want 5, the active ones", got)
	}
}

func TestRoleOfProjectMemberStays(t *testing.T) {
	s := inProcess(t)
	c := sandboxtest.NewClock(s.API)
	role := "/api/v1/roles/" + s.mustCreate("/api/v1/roles", `{"name": "a", "slug": "a", "scope": "project", "permissions": ["vm.view"]}`)
	body := `{"email": "a@b.example", "role_id": "` + role[len("/api/v1/roles/"):] + `"}`
	invitation := s.mustCreate("/api/v1/projects/"+sandbox.ProjectID("default")+"/invitations", body)
	c.Pass(30 * 24 * time.Hour) // an expired invitation stays listed
	sandboxtest.WantStatus(t, s.Owner("DELETE", role, ""), http.StatusBadRequest)
	sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/invitations/"+invitation, ""), http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("DELETE", role, ""), http.StatusOK)
}
