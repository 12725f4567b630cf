package sandbox_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestKeysRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for name, key := range map[string]string{
			"missing":    "",
			"malformed":  "raff_pub_xxx",
			"upper case": strings.ToUpper(s.API.OwnerKey().Reveal()),
			"unknown":    "raff_" + strings.Repeat("0", 64),
		} {
			a := s.Do(key, "GET", "/api/v1/api-keys", "")
			if a.Status != http.StatusUnauthorized || a.Fields["error"] != "Unauthorized" || a.Fields["message"] == "" {
				t.Errorf("%s key: %d %s, want 401 with error and message", name, a.Status, a.Text)
			}
		}
	})
}

func TestExpiry(t *testing.T) {
	s := inProcess(t)
	c := sandboxtest.NewClock(s.API)
	id, secret := s.NewKey(`{"name": "a", "expires_at": "` + c.Add(time.Hour).Format(time.RFC3339Nano) + `"}`)
	c.Pass(time.Hour - 1)
	sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
	c.Pass(1)
	sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusUnauthorized)
	if got := s.Owner("GET", "/api/v1/api-keys", "").Names(t); got != "Owner a" {
		t.Errorf("keys %q, want the expired one listed", got)
	}
	sandboxtest.WantStatus(t, s.Owner("PATCH", "/api/v1/api-keys/"+id, `{"expires_at": "2999-01-01T00:00:00Z"}`), http.StatusOK)
	sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
}

func TestLastUse(t *testing.T) {
	s := inProcess(t)
	c := sandboxtest.NewClock(s.API)
	id, secret := s.NewKey(`{"name": "a"}`)
	used := func() any { return s.Owner("GET", "/api/v1/api-keys/"+id, "").Data(t)["last_used_at"] }
	if got := used(); got != nil {
		t.Errorf("last use %v before any", got)
	}
	s.Do(secret, "GET", "/api/v1/permissions", "")
	c.Pass(time.Minute)
	s.Do(secret, "GET", "/api/v1/permissions", "")
	if got, want := used(), "2026-10-09T08:08:06Z"; got != want {
		t.Errorf("last use %v, want %s", got, want)
	}
}

// TestPermissionsOfRoles covers the operations of the account. The resources do not exist,
// so an allowed request fails for a reason other than a permission.
func TestPermissionsOfRoles(t *testing.T) {
	s := inProcess(t)
	roles := []string{"owner", "admin", "billing", "member", "none"}
	keys := map[string]string{}
	for _, role := range roles {
		keys[role] = s.keyOf(role)
	}
	for _, op := range []struct {
		method, path string
		allowed      string
	}{
		{"GET", "/api/v1/api-keys", "owner admin"},
		{"POST", "/api/v1/api-keys", "owner admin"},
		{"GET", "/api/v1/api-keys/{id}", "owner admin"},
		{"PATCH", "/api/v1/api-keys/{id}", "owner admin"},
		{"POST", "/api/v1/api-keys/{id}/regenerate", "owner admin"},
		{"DELETE", "/api/v1/api-keys/{id}", "owner"},
		{"GET", "/api/v1/roles", "owner admin"},
		{"POST", "/api/v1/roles", "owner admin"},
		{"GET", "/api/v1/roles/{id}", "owner admin"},
		{"PATCH", "/api/v1/roles/{id}", "owner admin"},
		{"DELETE", "/api/v1/roles/{id}", "owner"},
		{"GET", "/api/v1/permissions", "owner admin billing member none"},
		{"GET", "/api/v1/projects", "owner admin member"},
		{"POST", "/api/v1/projects", "owner admin"},
		{"GET", "/api/v1/projects/{id}", "owner admin member"},
		{"PUT", "/api/v1/projects/{id}", "owner admin"},
		{"DELETE", "/api/v1/projects/{id}", "owner"},
		{"GET", "/api/v1/members", "owner admin member"},
		{"POST", "/api/v1/members", "owner admin"},
		{"GET", "/api/v1/members/{id}", "owner admin member"},
		{"PATCH", "/api/v1/members/{id}", "owner admin"},
		{"DELETE", "/api/v1/members/{id}", "owner"},
		{"POST", "/api/v1/invitations", "owner admin"},
		{"DELETE", "/api/v1/invitations/{id}", "owner admin"},
	} {
		for _, role := range roles {
			a := s.Do(keys[role], op.method, strings.ReplaceAll(op.path, "{id}", unknownID), "")
			want := slices.Contains(strings.Fields(op.allowed), role)
			if got := a.Status != http.StatusForbidden; got != want {
				t.Errorf("role %s, %s %s: %d, allowed should be %t", role, op.method, op.path, a.Status, want)
			}
			if !want && (a.Fields["error"] != "Forbidden" || a.Fields["message"] == "") {
				t.Errorf("role %s, %s %s: body %s", role, op.method, op.path, a.Text)
			}
		}
	}
}

// Operations in a project require a role in that project. A role in the account at most
// makes the project visible.
func TestPermissionsInProjects(t *testing.T) {
	s := seeded(t)
	keys := map[string]string{
		"owner": s.keyOf("owner"), "admin": s.keyOf("admin"), "billing": s.keyOf("billing"),
		"elsewhere": s.keyIn("production", "project-admin"),
	}
	for _, role := range []string{"project-admin", "operator", "viewer", "deployer"} {
		keys[role] = s.keyIn("staging", role)
	}
	outcome := func(a sandboxtest.Response) string {
		switch {
		case a.Status == http.StatusForbidden:
			return "forbidden"
		case a.Fields["message"] == "project not found":
			return "unseen"
		}
		return "allowed"
	}
	for _, op := range []struct{ method, path, allowed string }{
		{"GET", "/members", "owner project-admin operator viewer"},
		{"GET", "/members/" + unknownID, "owner project-admin operator viewer"},
		{"POST", "/members", "owner project-admin operator"},
		{"PATCH", "/members/" + unknownID, "owner project-admin operator"},
		{"DELETE", "/members/" + unknownID, "owner project-admin operator"},
		{"POST", "/invitations", "owner project-admin operator"},
	} {
		for role, key := range keys {
			want := "forbidden"
			switch {
			case slices.Contains(strings.Fields(op.allowed), role):
				want = "allowed"
			case role == "billing" || role == "elsewhere":
				want = "unseen"
			}
			a := s.Do(key, op.method, "/api/v1/projects/"+sandbox.ProjectID("staging")+op.path, "")
			if got := outcome(a); got != want {
				t.Errorf("%s, %s %s: %s (%d %s), want %s", role, op.method, op.path, got, a.Status, a.Text, want)
			}
		}
	}
}

func TestProjectsInSight(t *testing.T) {
	s := seeded(t)
	for _, tt := range []struct {
		name, key, names string
	}{
		{"owner", s.keyOf("owner"), "Default Production Staging Playground"},
		{"may view projects", s.keyOf("member"), "Default Production Staging Playground"},
		{"in one project", s.keyIn("staging", "viewer"), "Staging"},
	} {
		a := s.Do(tt.key, "GET", "/api/v1/projects", "")
		sandboxtest.WantStatus(t, a, http.StatusOK)
		if got := a.Names(t); got != tt.names || a.Fields["total"] != float64(len(strings.Fields(tt.names))) {
			t.Errorf("%s: projects %q of %v, want %q", tt.name, got, a.Fields["total"], tt.names)
		}
	}
	key := s.keyIn("staging", "viewer")
	sandboxtest.WantStatus(t, s.Do(key, "GET", "/api/v1/projects/"+sandbox.ProjectID("staging"), ""), http.StatusOK)
	sandboxtest.WantStatus(t, s.Do(key, "GET", "/api/v1/projects/"+sandbox.ProjectID("production"), ""), http.StatusNotFound)
	sandboxtest.WantStatus(t, s.Do(key, "PUT", "/api/v1/projects/"+sandbox.ProjectID("staging"), `{}`), http.StatusForbidden)
	sandboxtest.WantStatus(t, s.Do(s.keyOf("billing"), "GET", "/api/v1/projects", ""), http.StatusForbidden)
}

// The creator of a key is the creator of everything that the key creates.
func TestMakers(t *testing.T) {
	s := seeded(t)
	chen := sandbox.UserIDOf("chen@meridian.example")
	s.mustCreate("/api/v1/members", grant("api_key_id", sandbox.KeyID("ci"), "admin"))
	secret := s.Owner("POST", "/api/v1/api-keys/"+sandbox.KeyID("ci")+"/regenerate", "").Data(t)["secret"].(string)
	for path, body := range map[string]string{
		"/api/v1/api-keys": `{"name": "a"}`,
		"/api/v1/projects": `{"name": "a"}`,
		"/api/v1/roles":    roleBody,
	} {
		if got := s.Do(secret, "POST", path, body).Data(t)["created_by"]; got != chen {
			t.Errorf("%s: created by %v, want %s", path, got, chen)
		}
	}
	invitation := s.Do(secret, "POST", "/api/v1/invitations", grant("email", "a@b.example", "member")).Data(t)
	if got := invitation["invited_by_name"]; got != "Chen Wei" {
		t.Errorf("invited by %v, want Chen Wei", got)
	}
}

func TestProjectIDOnDemand(t *testing.T) {
	s := inProcess(t)
	s.API.RequireProjectID(true)
	sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/api-keys", ""), http.StatusOK)
	a := s.Owner("POST", "/api/v1/api-keys", `{"name": "a"}`)
	sandboxtest.WantStatus(t, a, http.StatusBadRequest)
	if want := `{"error":"Bad Request","message":"X-Project-ID required"}`; a.Text != want {
		t.Errorf("body %s, want %s", a.Text, want)
	}
	a = s.inProject(s.API.OwnerKey().Reveal(), sandbox.ProjectID("default"), "POST", "/api/v1/api-keys", `{"name": "a"}`)
	sandboxtest.WantStatus(t, a, http.StatusCreated)
}

// inProject sends a request with X-Project-ID.
func (s session) inProject(key, project, method, path, body string) sandboxtest.Response {
	s.T.Helper()
	req := s.Request(key, method, path, body)
	req.Header.Set("X-Project-ID", project)
	a, err := s.Try(req)
	if err != nil {
		s.T.Fatal(err)
	}
	return a
}

// An X-Project-ID that the key cannot reach is refused on every operation, whether or not
// the header is required, and nothing changes.
func TestProjectsOutOfReach(t *testing.T) {
	s := seeded(t)
	staging, production := sandbox.ProjectID("staging"), sandbox.ProjectID("production")
	suspended, secret := s.NewKey(`{"name": "Key"}`)
	member := s.mustCreate(inProject("staging"), grant("api_key_id", suspended, "viewer"))
	sandboxtest.WantStatus(t, s.Owner("PATCH", inProject("staging")+"/"+member, `{"status": "suspended"}`), http.StatusOK)
	for _, tt := range []struct {
		name, key, project string
		reached            bool
	}{
		{"owner", s.keyOf("owner"), staging, true},
		{"owner, upper case", s.keyOf("owner"), strings.ToUpper(staging), true},
		{"owner, unknown", s.keyOf("owner"), unknownID, false},
		{"owner, malformed", s.keyOf("owner"), "prj_01HX", false},
		{"owner, without hyphens", s.keyOf("owner"), strings.ReplaceAll(staging, "-", ""), false},
		{"member of it", s.keyIn("staging", "viewer"), staging, true},
		{"member of another", s.keyIn("staging", "viewer"), production, false},
		{"suspended in it", secret, staging, false},
		{"may list it", s.keyOf("admin"), staging, false},
		{"without a role", s.keyOf("none"), staging, false},
	} {
		a := s.inProject(tt.key, tt.project, "GET", "/api/v1/permissions", "")
		if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[tt.reached]; a.Status != want {
			t.Errorf("%s: %d %s, want %d", tt.name, a.Status, a.Text, want)
		}
	}

	before := s.state()
	key := s.keyOf("owner")
	for i, op := range sandbox.Operations() {
		if i%20 == 0 {
			key = s.keyOf("owner") // within the rate limit
			before = s.state()
		}
		path := strings.NewReplacer("{id}", unknownID, "{member_id}", unknownID).Replace(op.Path)
		want := http.StatusForbidden
		if !strings.HasPrefix(path, "/api/") {
			want = http.StatusOK
		}
		if a := s.inProject(key, unknownID, op.Method, path, `{"name": "a"}`); a.Status != want {
			t.Errorf("%s: %d %s, want %d", op.ID, a.Status, a.Text, want)
		}
	}
	if after := s.state(); !reflect.DeepEqual(after, before) {
		t.Errorf("changed anyway: %v\nbefore: %v", after, before)
	}
	a := s.inProject("", unknownID, "GET", "/api/v1/permissions", "")
	sandboxtest.WantStatus(t, a, http.StatusUnauthorized) // the key is checked first
}

func TestEmptyDeletions(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		s.API.EmptyDeletions(true)
		id, _ := s.NewKey(`{"name": "a"}`)
		a := s.Owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.Status != http.StatusNoContent || a.Text != "" || a.Header.Get("Content-Type") != "" || a.Header.Get("Content-Length") != "" {
			t.Errorf("got %d %q %v, want 204 without a body", a.Status, a.Text, a.Header)
		}
		a = s.Owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.Status != http.StatusNotFound || a.Fields["message"] == "" {
			t.Errorf("got %d %s, want 404 with a body", a.Status, a.Text)
		}
		s.API.EmptyDeletions(false)
		id, _ = s.NewKey(`{"name": "a"}`)
		a = s.Owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.Status != http.StatusOK || a.Fields["success"] != true {
			t.Errorf("got %d %s, want 200 with a message", a.Status, a.Text)
		}
	})
}

func TestOwnerKeysDiffer(t *testing.T) {
	one, other := sandbox.New(), sandbox.New()
	if one.OwnerKey().Reveal() == other.OwnerKey().Reveal() {
		t.Error("two sandboxes have the same owner's key")
	}
}
