package sandbox_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestHealth(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		a := s.Do("", "GET", "/health", "")
		sandboxtest.WantStatus(t, a, http.StatusOK)
		if want := `{"status":"healthy"}`; a.Text != want {
			t.Errorf("body %s, want %s", a.Text, want)
		}
		sandboxtest.WantStatus(t, s.Do("", "GET", "/ready", ""), http.StatusOK)
	})
}

func TestListRoles(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for query, want := range map[string]string{
			"":                         "Owner Admin Billing Member Project Admin Operator Project Member Viewer",
			"?scope=account":           "Owner Admin Billing Member",
			"?scope=project":           "Project Admin Operator Project Member Viewer",
			"?limit=2&offset=1":        "Admin Billing",
			"?scope=project&offset=3":  "Viewer",
			"?scope=project&offset=30": "",
		} {
			a := s.Owner("GET", "/api/v1/roles"+query, "")
			sandboxtest.WantStatus(t, a, http.StatusOK)
			if got := a.Names(t); got != want {
				t.Errorf("%q: roles %q, want %q", query, got, want)
			}
			if _, ok := a.Fields["total"]; ok || a.Fields["success"] != true {
				t.Errorf("%q: envelope %s", query, a.Text)
			}
		}
		sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/roles?scope=other", ""), http.StatusBadRequest)
	})
}

func TestSystemRoles(t *testing.T) {
	s := inProcess(t)
	permissions := map[string]int{
		"owner": 21, "admin": 15, "billing": 2, "member": 3,
		"project-admin": 40, "operator": 29, "project-member": 11, "viewer": 9,
	}
	scope := map[string]string{}
	for _, element := range s.Owner("GET", "/api/v1/permissions", "").List(t) {
		p := element.(map[string]any)
		scope[p["name"].(string)] = p["scope"].(string)
	}
	for _, element := range s.Owner("GET", "/api/v1/roles", "").List(t) {
		r := element.(map[string]any)
		slug := r["slug"].(string)
		if got := len(r["permissions"].([]any)); got != permissions[slug] {
			t.Errorf("%s has %d permissions, want %d", slug, got, permissions[slug])
		}
		for _, p := range r["permissions"].([]any) {
			if scope[p.(string)] != r["scope"] {
				t.Errorf("%s has %s, which is not in the catalogue of scope %s", slug, p, r["scope"])
			}
		}
		if r["id"] != sandbox.RoleID(slug) || r["is_system"] != true || r["account_id"] != "" {
			t.Errorf("%s is %v", slug, r)
		}
		if err := uuid.Validate(r["id"].(string)); err != nil {
			t.Errorf("%s: ID: %v", slug, err)
		}
	}
	if got := sandbox.RoleID("emperor"); got != "" {
		t.Errorf("an unknown role has ID %q", got)
	}
}

// The permissions that the documentation names for the project roles.
func TestNamedPermissionsOfProjectRoles(t *testing.T) {
	roles := map[string][]string{}
	for _, r := range sandbox.New().Roles() {
		roles[r.Slug] = r.Permissions
	}
	for _, tt := range []struct {
		role, permission string
		has              bool
	}{
		{"operator", "project.members.manage", true},
		{"operator", "project.members.invite", true},
		{"operator", "project.members.remove", false},
		{"operator", "vm.delete", false},
		{"operator", "vpc.delete", false},
		{"operator", "vpc.manage", true},
		{"project-member", "project.settings.view", true},
		{"project-member", "project.members.view", true},
		{"project-member", "project.members.manage", false},
		{"project-member", "vm.view", true},
		{"project-member", "vm.power", true},
		{"viewer", "project.members.view", true},
		{"viewer", "vm.view", true},
		{"viewer", "vm.power", false},
	} {
		if got := slices.Contains(roles[tt.role], tt.permission); got != tt.has {
			t.Errorf("%s has %s: %t, want %t", tt.role, tt.permission, got, tt.has)
		}
	}
}

func TestListPermissions(t *testing.T) {
	s := inProcess(t)
	for query, want := range map[string]int{"": 61, "?scope=account": 21, "?scope=project": 40, "?limit=1&offset=5": 61} {
		a := s.Owner("GET", "/api/v1/permissions"+query, "")
		if got := len(a.List(t)); got != want {
			t.Errorf("%q: %d permissions, want %d", query, got, want)
		}
		if _, ok := a.Fields["total"]; ok {
			t.Errorf("%q: permissions with a total", query)
		}
	}
	for _, element := range s.Owner("GET", "/api/v1/permissions", "").List(t) {
		if p := element.(map[string]any); p["name"] == "vm.create" && p["category"] != "vm" {
			t.Errorf("category of vm.create is %v, want vm", p["category"])
		}
	}
	sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/permissions?scope=other", ""), http.StatusBadRequest)
}

func TestUnknownEndpoints(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for _, tt := range []struct {
			method, path string
			status       int
			allow        string
		}{
			{"GET", "/", 404, ""},
			{"GET", "/api/v1/nothing", 404, ""},
			{"GET", "/api/v1/api-keys/", 404, ""},
			{"GET", "/api/v1/api-keys/" + unknownID + "/", 404, ""},
			{"GET", "/api/v1/api-keys/" + unknownID + "/members", 404, ""},
			{"GET", "/api/v1/x/../api-keys", 404, ""},
			{"GET", "//api/v1/api-keys", 404, ""},
			{"GET", "/api/v1/x/%2e%2e/api-keys", 404, ""},
			{"GET", "/api/v1/x%2F..%2Fapi-keys", 404, ""},
			{"GET", "/api/v1/api-keys/%2e%2e", 404, ""},
			{"GET", "/api/v1/api-keys/%2e%2e%2Froles", 404, ""},
			{"DELETE", "/api/v1/projects/" + sandbox.ProjectID("default") + "/members/%2e", 404, ""},
			{"DELETE", "/api/v1/projects/" + sandbox.ProjectID("default") + "/members/..", 404, ""},
			{"GET", "/api/v2/api-keys", 404, ""},
			{"PUT", "/api/v1/api-keys", 405, "GET, POST"},
			{"POST", "/health", 405, "GET"},
			{"GET", "/api/v1/api-keys/" + unknownID + "/regenerate", 405, "POST"},
		} {
			a := s.Owner(tt.method, tt.path, "")
			if a.Status != tt.status || a.Header.Get("Allow") != tt.allow {
				t.Errorf("%s %s: %d, Allow %q; want %d, %q", tt.method, tt.path, a.Status, a.Header.Get("Allow"), tt.status, tt.allow)
			}
			if a.Fields["error"] != http.StatusText(tt.status) || a.Fields["message"] == "" {
				t.Errorf("%s %s: body %s", tt.method, tt.path, a.Text)
			}
		}
	})
}

func TestHeadersOfAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		c := sandboxtest.NewClock(s.API)
		for _, path := range []string{"/health", "/api/v1/roles", "/nowhere"} {
			a := s.Owner("GET", path, "")
			if got, want := a.Header.Get("Date"), "Fri, 09 Oct 2026 08:07:06 GMT"; got != want {
				t.Errorf("%s: Date %q, want %q", path, got, want)
			}
			if got := a.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s: Content-Type %q", path, got)
			}
		}
		c.Pass(time.Hour)
		if got, want := s.Owner("GET", "/health", "").Header.Get("Date"), "Fri, 09 Oct 2026 09:07:06 GMT"; got != want {
			t.Errorf("an hour later Date is %q, want %q", got, want)
		}
		s.API.SetClock(nil)
		date, err := http.ParseTime(s.Owner("GET", "/health", "").Header.Get("Date"))
		if err != nil || time.Since(date).Abs() > time.Minute {
			t.Errorf("without a clock Date is %v (%v), want now", date, err)
		}
	})
}
