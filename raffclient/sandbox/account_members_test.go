package sandbox_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

// account returns the path of a seeded member of the account.
func account(who string) string { return "/api/v1/members/" + sandbox.MemberID("", who) }

func withRole(slug string) string { return `{"role_id": "` + sandbox.RoleID(slug) + `"}` }

func TestAddMember(t *testing.T) {
	gita := sandbox.UserIDOf("gita@partner.example")
	for _, tt := range []struct {
		name, body string
		want       map[string]any
	}{
		{"address", grant("email", "new@b.example", "billing"), map[string]any{
			"user_id": nil, "email": "new@b.example", "role": "billing", "status": "pending",
			"invitation_expires_at": "2026-10-16T08:07:06Z", "accepted_at": nil,
		}},
		{"user", grant("target_user_id", gita, "admin"), map[string]any{
			"user_id": gita, "email": "gita@partner.example", "role": "admin", "status": "active",
			"invitation_id": nil, "invitation_expires_at": nil, "accepted_at": "2026-10-09T08:07:06Z",
		}},
		{"key", grant("api_key_id", sandbox.KeyID("ci"), "member"), map[string]any{
			"user_id": nil, "email": "", "role": "member", "status": "active", "invitation_id": nil, "api_key_id": nil,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := seeded(t)
			sandboxtest.NewClock(s.API)
			a := s.Owner("POST", "/api/v1/members", tt.body)
			sandboxtest.WantStatus(t, a, http.StatusCreated)
			got := a.Data(t)
			tt.want["account_id"], tt.want["project_id"] = sandbox.AccountID, nil
			tt.want["invited_by"], tt.want["invited_at"] = sandbox.UserID, "2026-10-09T08:07:06Z"
			tt.want["created_at"], tt.want["updated_at"] = tt.want["invited_at"], tt.want["invited_at"]
			for field, want := range tt.want {
				if got[field] != want {
					t.Errorf("%s is %v, want %v", field, got[field], want)
				}
			}
			if _, ok := got["user_id"]; !ok {
				t.Error("user_id is absent, want it null at least")
			}
			for field := range got {
				if !slices.Contains(memberFields(), field) {
					t.Errorf("%s is not documented", field)
				}
			}
			if read := s.Owner("GET", "/api/v1/members/"+got["id"].(string), "").Data(t); !reflect.DeepEqual(read, got) {
				t.Errorf("read back %v\nwant %v", read, got)
			}
		})
	}
}

func memberFields() []string {
	return strings.Fields(`id account_id user_id email role role_id role_name status invited_by invited_at
		accepted_at invitation_id invitation_expires_at created_at updated_at`)
}

func TestMembersRefused(t *testing.T) {
	s := seeded(t)
	amir := sandbox.UserIDOf("amir@meridian.example")
	gita := sandbox.UserIDOf("gita@partner.example")
	role := `"role_id": "` + sandbox.RoleID("member") + `"`
	add := func(name, body string) refusal { return refusal{name, "POST", "/api/v1/members", body, 400} }
	update := func(name, who, body string) refusal { return refusal{name, "PATCH", account(who), body, 400} }
	unknown := "/api/v1/members/" + unknownID
	s.wantRefused([]refusal{
		add("nobody", `{`+role+`}`),
		add("two at once", `{"email": "a@b.example", "target_user_id": "`+gita+`", `+role+`}`),
		add("no role", `{"email": "a@b.example"}`),
		add("project role", grant("email", "a@b.example", "viewer")),
		add("another owner", grant("email", "a@b.example", "owner")),
		add("no address", grant("email", "eva", "member")),
		add("address with a name", grant("email", "Eva <a@b.example>", "member")),
		add("address of a member", grant("email", "Amir@meridian.example", "member")),
		add("address of an invited one", grant("email", "eva@contractor.example", "member")),
		add("address of a suspended one", grant("email", "dana@meridian.example", "member")),
		add("unknown user", grant("target_user_id", unknownID, "member")),
		add("user twice", grant("target_user_id", amir, "member")),
		add("unknown key", grant("api_key_id", unknownID, "member")),
		add("key that is a member", grant("api_key_id", sandbox.KeyID("status-page"), "admin")),
		add("key made with a role", grant("api_key_id", sandbox.KeyID("grafana"), "admin")),
		update("nothing to change", "amir@meridian.example", `{}`),
		update("change to pending", "amir@meridian.example", `{"status": "pending"}`),
		update("change to a project role", "amir@meridian.example", withRole("viewer")),
		update("change to owner", "amir@meridian.example", withRole("owner")),
		update("activate the invited", "eva@contractor.example", `{"status": "active"}`),
		update("demote the owner", "olivia@meridian.example", withRole("admin")),
		{"remove the owner", "DELETE", account("olivia@meridian.example"), ``, 400},
		{"get an unknown member", "GET", unknown, ``, 404},
		{"update an unknown member", "PATCH", unknown, `{"status": "active"}`, 404},
		{"remove an unknown member", "DELETE", unknown, ``, 404},
		{"get by the user's ID", "GET", "/api/v1/members/" + amir, ``, 404},
		{"get a project's member", "GET", "/api/v1/members/" + sandbox.MemberID("staging", "ci"), ``, 404},
		{"list with unknown status", "GET", "/api/v1/members?status=gone", ``, 400},
	})
}

func TestListMembers(t *testing.T) {
	s := seeded(t)
	for query, want := range map[string]int{"": 7, "?status=pending": 1, "?status=suspended": 1, "?status=active": 5} {
		a := s.Owner("GET", "/api/v1/members"+query, "")
		if got := len(a.List(t)); got != want || a.Fields["total"] != float64(want) {
			t.Errorf("%q: %d members of %v, want %d", query, got, a.Fields["total"], want)
		}
	}
}

// The last person who can manage members cannot be removed. The Owner can be suspended
// while there is another.
func TestLastManager(t *testing.T) {
	s := seeded(t)
	refused := func(method, path, body string) {
		t.Helper()
		a := s.Owner(method, path, body)
		sandboxtest.WantStatus(t, a, http.StatusBadRequest)
		if got, want := a.Fields["message"], "Cannot remove the last account.members.manage holder"; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	}
	amir, olivia := account("amir@meridian.example"), account("olivia@meridian.example")
	sandboxtest.WantStatus(t, s.Owner("PATCH", olivia, `{"status": "suspended"}`), http.StatusOK)
	refused("PATCH", amir, `{"status": "suspended"}`)
	refused("PATCH", amir, withRole("member"))
	refused("DELETE", amir, "")
	sandboxtest.WantStatus(t, s.Owner("PATCH", amir, withRole("key-administrator")), http.StatusOK) // holds it too
	sandboxtest.WantStatus(t, s.Owner("PATCH", olivia, `{"status": "active"}`), http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("DELETE", amir, ""), http.StatusOK)
	refused("PATCH", olivia, `{"status": "suspended"}`)
}

func TestRemoveMember(t *testing.T) {
	s := seeded(t)
	dana := sandbox.UserIDOf("dana@meridian.example")
	a := s.Owner("DELETE", account("dana@meridian.example"), "")
	sandboxtest.WantStatus(t, a, http.StatusOK)
	if a.Fields["success"] != true || a.Fields["message"] == nil || len(a.Fields) != 2 {
		t.Errorf("body %s", a.Text)
	}
	sandboxtest.WantStatus(t, s.Owner("GET", account("dana@meridian.example"), ""), http.StatusNotFound)
	sandboxtest.WantStatus(t, s.Owner("GET", inProject("staging")+"/"+sandbox.MemberID("staging", "dana@meridian.example"), ""), http.StatusNotFound)
	if got := s.Owner("GET", "/api/v1/api-keys/"+sandbox.KeyID("dana-laptop"), "").Data(t)["created_by"]; got != dana {
		t.Errorf("the key's creator is %v, want %s as before", got, dana)
	}
}

// A key's membership of the account is its role.
func TestKeyAsMember(t *testing.T) {
	s := seeded(t)
	id, secret := s.NewKey(`{"name": "a"}`)
	path := "/api/v1/members/" + s.mustCreate("/api/v1/members", grant("api_key_id", id, "admin"))
	role := func() any { return s.Owner("GET", "/api/v1/api-keys/"+id, "").Data(t)["role_slug"] }
	may := func(want int) {
		t.Helper()
		sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/roles", ""), want)
	}
	may(http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("PATCH", path, `{"status": "suspended"}`), http.StatusOK)
	may(http.StatusForbidden)
	if got := role(); got != "admin" {
		t.Errorf("role %v while suspended, want it kept", got)
	}
	sandboxtest.WantStatus(t, s.Owner("PATCH", path, `{"status": "active", "role_id": "`+sandbox.RoleID("billing")+`"}`), http.StatusOK)
	if got := role(); got != "billing" {
		t.Errorf("role %v, want billing", got)
	}
	sandboxtest.WantStatus(t, s.Owner("PATCH", path, withRole("owner")), http.StatusOK) // a key may have it
	may(http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("DELETE", path, ""), http.StatusOK)
	may(http.StatusForbidden)
	if got := role(); got != nil {
		t.Errorf("role %v after removal, want none", got)
	}

	s.mustCreate("/api/v1/members", grant("api_key_id", id, "member"))
	before := len(s.API.Members())
	sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/api-keys/"+id, ""), http.StatusOK)
	if got := len(s.API.Members()); got != before-1 {
		t.Errorf("%d members after revoking the key, want %d", got, before-1)
	}
}
