package sandbox_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

const roleBody = `{"name": "Key Viewer", "slug": "key-viewer", "scope": "account", "permissions": ["account.apikeys.view"]}`

func TestCreateRole(t *testing.T) {
	s := inProcess(t)
	sandboxtest.NewClock(s.API)
	a := s.Owner("POST", "/api/v1/roles", `{"name": "Custom Operator", "slug": "custom-operator", "scope": "project",
		"description": "For CI", "permissions": ["vm.view", "vm.create", "volume.view", "vm.view"]}`)
	sandboxtest.WantStatus(t, a, http.StatusCreated)
	got := a.Data(t)
	want := map[string]any{
		"id":          got["id"],
		"account_id":  sandbox.AccountID,
		"name":        "Custom Operator",
		"slug":        "custom-operator",
		"description": "For CI",
		"scope":       "project",
		"permissions": []any{"vm.view", "vm.create", "volume.view"},
		"is_system":   false,
		"created_by":  sandbox.UserID,
		"created_at":  "2026-10-09T08:07:06Z",
		"updated_at":  "2026-10-09T08:07:06Z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if read := s.Owner("GET", "/api/v1/roles/"+got["id"].(string), "").Data(t); !reflect.DeepEqual(read, want) {
		t.Errorf("read back %v\nwant %v", read, want)
	}
	if list := s.Owner("GET", "/api/v1/roles?scope=project", "").Names(t); !strings.HasSuffix(list, " Custom Operator") {
		t.Errorf("roles %q, want the new one last", list)
	}
}

func TestRolesRefused(t *testing.T) {
	s := inProcess(t)
	s.mustCreate("/api/v1/roles", roleBody)
	path := "/api/v1/roles/" + s.mustCreate("/api/v1/roles", `{"name": "Runner", "slug": "runner", "scope": "project", "permissions": ["vm.power"]}`)
	system := "/api/v1/roles/" + sandbox.RoleID("viewer")
	create := func(name, body string) refusal { return refusal{name, "POST", "/api/v1/roles", body, 400} }
	update := func(name, body string) refusal { return refusal{name, "PATCH", path, body, 400} }
	s.wantRefused([]refusal{
		create("no body", ``),
		create("nothing", `{}`),
		create("no name", `{"slug": "a", "scope": "project", "permissions": ["vm.view"]}`),
		create("empty name", `{"name": "", "slug": "a", "scope": "project", "permissions": ["vm.view"]}`),
		create("long name", `{"name": "`+strings.Repeat("ü", 65)+`", "slug": "a", "scope": "project", "permissions": ["vm.view"]}`),
		create("name taken", `{"name": "Key Viewer", "slug": "a", "scope": "project", "permissions": ["vm.view"]}`),
		create("name of a system role", `{"name": "Viewer", "slug": "a", "scope": "project", "permissions": ["vm.view"]}`),
		create("no slug", `{"name": "a", "scope": "project", "permissions": ["vm.view"]}`),
		create("slug with capitals", `{"name": "a", "slug": "A", "scope": "project", "permissions": ["vm.view"]}`),
		create("slug with newline", `{"name": "a", "slug": "a\n", "scope": "project", "permissions": ["vm.view"]}`),
		create("long slug", `{"name": "a", "slug": "`+strings.Repeat("a", 65)+`", "scope": "project", "permissions": ["vm.view"]}`),
		create("slug taken", `{"name": "a", "slug": "key-viewer", "scope": "account", "permissions": ["account.audit.view"]}`),
		create("no scope", `{"name": "a", "slug": "a", "permissions": ["vm.view"]}`),
		create("unknown scope", `{"name": "a", "slug": "a", "scope": "team", "permissions": ["vm.view"]}`),
		create("no permissions", `{"name": "a", "slug": "a", "scope": "project"}`),
		create("empty permissions", `{"name": "a", "slug": "a", "scope": "project", "permissions": []}`),
		create("unknown permission", `{"name": "a", "slug": "a", "scope": "project", "permissions": ["vm.read"]}`),
		create("account permission", `{"name": "a", "slug": "a", "scope": "project", "permissions": ["vm.view", "account.audit.view"]}`),
		create("project permission", `{"name": "a", "slug": "a", "scope": "account", "permissions": ["vm.view"]}`),
		update("nothing to change", `{}`),
		update("slug and scope are fixed", `{"slug": "b", "scope": "account"}`),
		update("change to empty name", `{"name": ""}`),
		update("change to a taken name", `{"name": "Key Viewer"}`),
		update("change to nothing permitted", `{"permissions": []}`),
		update("change to the other scope", `{"permissions": ["account.audit.view"]}`),
		{"update a system role", "PATCH", system, `{"description": "x"}`, 400},
		{"delete a system role", "DELETE", system, ``, 400},
		{"get an unknown role", "GET", "/api/v1/roles/" + unknownID, ``, 404},
		{"update an unknown role", "PATCH", "/api/v1/roles/" + unknownID, `{"name": "b"}`, 404},
		{"delete an unknown role", "DELETE", "/api/v1/roles/" + unknownID, ``, 404},
		{"an ID that is none", "GET", "/api/v1/roles/viewer", ``, 404},
	})
}

func TestUpdateRole(t *testing.T) {
	s := inProcess(t)
	c := sandboxtest.NewClock(s.API)
	id := s.mustCreate("/api/v1/roles", roleBody)
	_, secret := s.NewKey(`{"name": "a", "role_id": "` + id + `"}`)
	sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/api-keys", ""), http.StatusOK)

	c.Pass(time.Hour)
	a := s.Owner("PATCH", "/api/v1/roles/"+id, `{"name": "Role Viewer", "description": "x", "permissions": ["account.roles.view"]}`)
	sandboxtest.WantStatus(t, a, http.StatusOK)
	for field, want := range map[string]any{
		"name": "Role Viewer", "slug": "key-viewer", "description": "x", "scope": "account",
		"created_at": "2026-10-09T08:07:06Z", "updated_at": "2026-10-09T09:07:06Z",
	} {
		if got := a.Data(t)[field]; got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/api-keys", ""), http.StatusForbidden)
	sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/roles", ""), http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("PATCH", "/api/v1/roles/"+id, `{"name": "Role Viewer"}`), http.StatusOK)
}

func TestDeleteRole(t *testing.T) {
	s := inProcess(t)
	role := "/api/v1/roles/" + s.mustCreate("/api/v1/roles", roleBody)
	key, _ := s.NewKey(`{"name": "a", "role_id": "` + role[len("/api/v1/roles/"):] + `"}`)
	sandboxtest.WantStatus(t, s.Owner("DELETE", role, ""), http.StatusBadRequest)
	sandboxtest.WantStatus(t, s.Owner("PATCH", "/api/v1/api-keys/"+key, `{"is_active": false}`), http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("DELETE", role, ""), http.StatusBadRequest)
	sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/api-keys/"+key, ""), http.StatusOK)
	a := s.Owner("DELETE", role, "")
	sandboxtest.WantStatus(t, a, http.StatusOK)
	if a.Fields["success"] != true || a.Fields["message"] == nil || len(a.Fields) != 2 {
		t.Errorf("body %s", a.Text)
	}
	sandboxtest.WantStatus(t, s.Owner("GET", role, ""), http.StatusNotFound)
	s.mustCreate("/api/v1/roles", roleBody) // name and slug are free again
}
