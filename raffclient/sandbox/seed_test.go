package sandbox_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestNewEmpty(t *testing.T) {
	s := inProcess(t)
	for path, want := range map[string]string{
		"/api/v1/api-keys": "Owner",
		"/api/v1/projects": "Default",
		"/api/v1/roles":    "Owner Admin Billing Member Project Admin Operator Project Member Viewer",
	} {
		if got := s.Owner("GET", path, "").Names(t); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	members := s.API.Members()
	if len(members) != 1 || members[0].UserID != sandbox.UserID || members[0].RoleID != sandbox.RoleID("owner") {
		t.Errorf("members %v, want the owner", members)
	}
	if got := s.API.ProjectMembers(sandbox.ProjectID("default")); len(got) != 0 {
		t.Errorf("members of the default project: %v", got)
	}
}

// The functions that return IDs match what the API lists.
func TestSeededIDs(t *testing.T) {
	s := seeded(t)
	for path, want := range map[string]string{
		"/api/v1/api-keys/" + sandbox.KeyID("owner"):          "Owner",
		"/api/v1/api-keys/" + sandbox.KeyID("nightly-backup"): "Nightly backup",
		"/api/v1/projects/" + sandbox.ProjectID("production"): "Production",
		"/api/v1/roles/" + sandbox.RoleID("deployer"):         "Deployer",
	} {
		a := s.Owner("GET", path, "")
		sandboxtest.WantStatus(t, a, http.StatusOK)
		if got := a.Data(t)["name"]; got != want {
			t.Errorf("%s is %v, want %s", path, got, want)
		}
	}
	if got := s.Owner("GET", account("eva@contractor.example"), "").Data(t)["invitation_id"]; got != sandbox.InvitationID("eva@contractor.example") {
		t.Errorf("the invitation is %v", got)
	}
	for name, got := range map[string]string{
		"key": sandbox.KeyID("x"), "project": sandbox.ProjectID("x"), "member": sandbox.MemberID("", "x"),
		"user": sandbox.UserIDOf("x"), "invitation": sandbox.InvitationID("olivia@meridian.example"),
	} {
		if got != "" {
			t.Errorf("an unknown %s has ID %q", name, got)
		}
	}
	if other := seeded(t); !reflect.DeepEqual(ids(other.API), ids(s.API)) {
		t.Error("two sandboxes have other IDs")
	}
	seen := map[string]bool{}
	for _, id := range ids(s.API) {
		if err := uuid.Validate(id); err != nil || seen[id] {
			t.Errorf("ID %q: %v, seen before: %t", id, err, seen[id])
		}
		seen[id] = true
	}
}

// ids returns the IDs of everything in an account.
func ids(api *sandbox.API) []string {
	var ids []string
	for _, k := range api.Keys() {
		ids = append(ids, k.ID)
	}
	for _, r := range api.Roles() {
		ids = append(ids, r.ID)
	}
	members := api.Members()
	for _, p := range api.Projects() {
		ids = append(ids, p.ID)
		members = append(members, api.ProjectMembers(p.ID)...)
	}
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	return ids
}

// The account has every kind of key that an audit looks for, as seen through the API.
func TestSeededKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seeded(t)
		now := time.Now()
		active := map[any]bool{}
		for _, element := range s.Owner("GET", "/api/v1/members", "").List(t) {
			m := element.(map[string]any)
			active[m["user_id"]] = m["status"] == "active"
		}
		names := map[any]int{}
		list := s.Owner("GET", "/api/v1/api-keys", "").List(t)
		for _, element := range list {
			names[element.(map[string]any)["name"]]++
		}
		at := func(v any) time.Time {
			text, _ := v.(string)
			parsed, err := time.Parse(time.RFC3339, text)
			if err != nil && v != nil {
				t.Errorf("no time: %v", v)
			}
			return parsed
		}
		kinds := map[string]func(k map[string]any) bool{
			"never expires": func(k map[string]any) bool { return k["expires_at"] == nil },
			"expires soon": func(k map[string]any) bool {
				left := at(k["expires_at"]).Sub(now)
				return left > 0 && left < 14*24*time.Hour
			},
			"expired":    func(k map[string]any) bool { return k["expires_at"] != nil && at(k["expires_at"]).Before(now) },
			"inactive":   func(k map[string]any) bool { return k["is_active"] == false },
			"never used": func(k map[string]any) bool { return k["last_used_at"] == nil },
			"long unused": func(k map[string]any) bool {
				return k["last_used_at"] != nil && now.Sub(at(k["last_used_at"])) > 90*24*time.Hour
			},
			"owner":       func(k map[string]any) bool { return k["role_slug"] == "owner" },
			"custom role": func(k map[string]any) bool { return k["role_slug"] == "key-administrator" },
			"maker gone":  func(k map[string]any) bool { return !active[k["created_by"]] },
			"same name":   func(k map[string]any) bool { return names[k["name"]] > 1 },
			"created":     func(k map[string]any) bool { return !at(k["created_at"]).Before(now) },
		}
		got := map[string]string{}
		for _, element := range list {
			k := element.(map[string]any)
			for kind, is := range kinds {
				if is(k) {
					got[kind] = strings.TrimSpace(got[kind] + " " + strings.ReplaceAll(k["name"].(string), " ", "-"))
				}
			}
		}
		want := map[string]string{
			"never expires": "Owner Terraform",
			"expires soon":  "Nightly-backup",
			"expired":       "Old-website",
			"inactive":      "Load-test",
			"never used":    "Grafana", // the owner's is in use
			"long unused":   "Invoice-export",
			"owner":         "Owner Break-glass",
			"custom role":   "Team-onboarding",
			"maker gone":    "Migration Dana-laptop",
			"same name":     "CI CI",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// The seeded account could have been created through the API.
func TestSeededMembersFit(t *testing.T) {
	s := seeded(t)
	scopes := map[string]string{}
	for _, r := range s.API.Roles() {
		scopes[r.ID] = r.Scope
	}
	keys := map[string]bool{}
	for _, k := range s.API.Keys() {
		keys[k.ID] = true
	}
	check := func(members []sandbox.Member, scope string) {
		for _, m := range members {
			if scopes[m.RoleID] != scope {
				t.Errorf("%v has a role of scope %q, want %s", m, scopes[m.RoleID], scope)
			}
			if key, person := keys[m.KeyID], m.Email != ""; key == person {
				t.Errorf("%v is a key: %t, and a person: %t", m, key, person)
			}
			if (m.Status == "pending") != (m.InvitationID != "") || m.Email != "" && (m.Status == "pending") != (m.UserID == "") {
				t.Errorf("%v is partly pending", m)
			}
		}
	}
	check(s.API.Members(), "account")
	for _, p := range s.API.Projects() {
		check(s.API.ProjectMembers(p.ID), "project")
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		sandbox.New()
	}
}
