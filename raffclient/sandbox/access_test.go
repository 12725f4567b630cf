package sandbox_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

func TestKeysRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for name, key := range map[string]string{
			"missing":    "",
			"malformed":  "raff_pub_xxx",
			"upper case": strings.ToUpper(s.api.OwnerKey().Reveal()),
			"unknown":    "raff_" + strings.Repeat("0", 64),
		} {
			a := s.do(key, "GET", "/api/v1/api-keys", "")
			if a.status != http.StatusUnauthorized || a.fields["error"] != "Unauthorized" || a.fields["message"] == "" {
				t.Errorf("%s key: %d %s, want 401 with error and message", name, a.status, a.text)
			}
		}
	})
}

func TestExpiry(t *testing.T) {
	s := inProcess(t)
	c := newClock(s.api)
	id, secret := s.newKey(`{"name": "a", "expires_at": "` + c.Add(time.Hour).Format(time.RFC3339Nano) + `"}`)
	c.pass(time.Hour - 1)
	wantStatus(t, s.do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
	c.pass(1)
	wantStatus(t, s.do(secret, "GET", "/api/v1/permissions", ""), http.StatusUnauthorized)
	if got := s.owner("GET", "/api/v1/api-keys", "").names(t); got != "Owner a" {
		t.Errorf("keys %q, want the expired one listed", got)
	}
	wantStatus(t, s.owner("PATCH", "/api/v1/api-keys/"+id, `{"expires_at": "2999-01-01T00:00:00Z"}`), http.StatusOK)
	wantStatus(t, s.do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
}

func TestLastUse(t *testing.T) {
	s := inProcess(t)
	c := newClock(s.api)
	id, secret := s.newKey(`{"name": "a"}`)
	used := func() any { return s.owner("GET", "/api/v1/api-keys/"+id, "").data(t)["last_used_at"] }
	if got := used(); got != nil {
		t.Errorf("last use %v before any", got)
	}
	s.do(secret, "GET", "/api/v1/permissions", "")
	c.pass(time.Minute)
	s.do(secret, "GET", "/api/v1/permissions", "")
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
			a := s.do(keys[role], op.method, strings.ReplaceAll(op.path, "{id}", unknownID), "")
			want := slices.Contains(strings.Fields(op.allowed), role)
			if got := a.status != http.StatusForbidden; got != want {
				t.Errorf("role %s, %s %s: %d, allowed should be %t", role, op.method, op.path, a.status, want)
			}
			if !want && (a.fields["error"] != "Forbidden" || a.fields["message"] == "") {
				t.Errorf("role %s, %s %s: body %s", role, op.method, op.path, a.text)
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
	outcome := func(a response) string {
		switch {
		case a.status == http.StatusForbidden:
			return "forbidden"
		case a.fields["message"] == "project not found":
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
			a := s.do(key, op.method, "/api/v1/projects/"+sandbox.ProjectID("staging")+op.path, "")
			if got := outcome(a); got != want {
				t.Errorf("%s, %s %s: %s (%d %s), want %s", role, op.method, op.path, got, a.status, a.text, want)
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
		a := s.do(tt.key, "GET", "/api/v1/projects", "")
		wantStatus(t, a, http.StatusOK)
		if got := a.names(t); got != tt.names || a.fields["total"] != float64(len(strings.Fields(tt.names))) {
			t.Errorf("%s: projects %q of %v, want %q", tt.name, got, a.fields["total"], tt.names)
		}
	}
	key := s.keyIn("staging", "viewer")
	wantStatus(t, s.do(key, "GET", "/api/v1/projects/"+sandbox.ProjectID("staging"), ""), http.StatusOK)
	wantStatus(t, s.do(key, "GET", "/api/v1/projects/"+sandbox.ProjectID("production"), ""), http.StatusNotFound)
	wantStatus(t, s.do(key, "PUT", "/api/v1/projects/"+sandbox.ProjectID("staging"), `{}`), http.StatusForbidden)
	wantStatus(t, s.do(s.keyOf("billing"), "GET", "/api/v1/projects", ""), http.StatusForbidden)
}

// The creator of a key is the creator of everything that the key creates.
func TestMakers(t *testing.T) {
	s := seeded(t)
	chen := sandbox.UserIDOf("chen@meridian.example")
	s.mustCreate("/api/v1/members", grant("api_key_id", sandbox.KeyID("ci"), "admin"))
	secret := s.owner("POST", "/api/v1/api-keys/"+sandbox.KeyID("ci")+"/regenerate", "").data(t)["secret"].(string)
	for path, body := range map[string]string{
		"/api/v1/api-keys": `{"name": "a"}`,
		"/api/v1/projects": `{"name": "a"}`,
		"/api/v1/roles":    roleBody,
	} {
		if got := s.do(secret, "POST", path, body).data(t)["created_by"]; got != chen {
			t.Errorf("%s: created by %v, want %s", path, got, chen)
		}
	}
	invitation := s.do(secret, "POST", "/api/v1/invitations", grant("email", "a@b.example", "member")).data(t)
	if got := invitation["invited_by_name"]; got != "Chen Wei" {
		t.Errorf("invited by %v, want Chen Wei", got)
	}
}

func TestProjectIDOnDemand(t *testing.T) {
	s := inProcess(t)
	s.api.RequireProjectID(true)
	wantStatus(t, s.owner("GET", "/api/v1/api-keys", ""), http.StatusOK)
	a := s.owner("POST", "/api/v1/api-keys", `{"name": "a"}`)
	wantStatus(t, a, http.StatusBadRequest)
	if want := `{"error":"Bad Request","message":"X-Project-ID required"}`; a.text != want {
		t.Errorf("body %s, want %s", a.text, want)
	}
	a = s.inProject(s.api.OwnerKey().Reveal(), sandbox.ProjectID("default"), "POST", "/api/v1/api-keys", `{"name": "a"}`)
	wantStatus(t, a, http.StatusCreated)
}

// inProject sends a request with X-Project-ID.
func (s session) inProject(key, project, method, path, body string) response {
	s.t.Helper()
	req := s.request(key, method, path, body)
	req.Header.Set("X-Project-ID", project)
	a, err := s.try(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// An X-Project-ID that the key cannot reach is refused on every operation, whether or not
// the header is required, and nothing changes.
func TestProjectsOutOfReach(t *testing.T) {
	s := seeded(t)
	staging, production := sandbox.ProjectID("staging"), sandbox.ProjectID("production")
	suspended, secret := s.newKey(`{"name": "Key"}`)
	member := s.mustCreate(inProject("staging"), grant("api_key_id", suspended, "viewer"))
	wantStatus(t, s.owner("PATCH", inProject("staging")+"/"+member, `{"status": "suspended"}`), http.StatusOK)
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
		if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[tt.reached]; a.status != want {
			t.Errorf("%s: %d %s, want %d", tt.name, a.status, a.text, want)
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
		if a := s.inProject(key, unknownID, op.Method, path, `{"name": "a"}`); a.status != want {
			t.Errorf("%s: %d %s, want %d", op.ID, a.status, a.text, want)
		}
	}
	if after := s.state(); !reflect.DeepEqual(after, before) {
		t.Errorf("changed anyway: %v\nbefore: %v", after, before)
	}
	a := s.inProject("", unknownID, "GET", "/api/v1/permissions", "")
	wantStatus(t, a, http.StatusUnauthorized) // the key is checked first
}

func TestEmptyDeletions(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		s.api.EmptyDeletions(true)
		id, _ := s.newKey(`{"name": "a"}`)
		a := s.owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.status != http.StatusNoContent || a.text != "" || a.header.Get("Content-Type") != "" || a.header.Get("Content-Length") != "" {
			t.Errorf("got %d %q %v, want 204 without a body", a.status, a.text, a.header)
		}
		a = s.owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.status != http.StatusNotFound || a.fields["message"] == "" {
			t.Errorf("got %d %s, want 404 with a body", a.status, a.text)
		}
		s.api.EmptyDeletions(false)
		id, _ = s.newKey(`{"name": "a"}`)
		a = s.owner("DELETE", "/api/v1/api-keys/"+id, "")
		if a.status != http.StatusOK || a.fields["success"] != true {
			t.Errorf("got %d %s, want 200 with a message", a.status, a.text)
		}
	})
}

func TestOwnerKeysDiffer(t *testing.T) {
	one, other := sandbox.New(), sandbox.New()
	if one.OwnerKey().Reveal() == other.OwnerKey().Reveal() {
		t.Error("two sandboxes have the same owner's key")
	}
}
