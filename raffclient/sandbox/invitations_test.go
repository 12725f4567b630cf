package sandbox_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestInvitations(t *testing.T) {
	staging := sandbox.ProjectID("staging")
	for _, tt := range []struct {
		name, path, members, role string
		want                      map[string]any
	}{
		{"account", "/api/v1/invitations", "/api/v1/members", "member", map[string]any{
			"type": "account", "role_id": sandbox.RoleID("member"), "role_name": "Member",
		}},
		{"project", "/api/v1/projects/" + staging + "/invitations", inProject("staging"), "viewer", map[string]any{
			"type": "project", "role_id": sandbox.RoleID("viewer"), "role_name": "Viewer",
			"project_id": staging, "project_name": "Staging",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := seeded(t)
			sandboxtest.NewClock(s.API)
			before := s.state()
			a := s.Owner("POST", tt.path, grant("email", "new@b.example", tt.role))
			sandboxtest.WantStatus(t, a, http.StatusCreated)
			got := a.Data(t)
			id := got["id"].(string)
			tt.want["id"], tt.want["email"] = id, "new@b.example"
			tt.want["account_id"], tt.want["account_name"] = sandbox.AccountID, sandbox.AccountName
			tt.want["invited_by_id"], tt.want["invited_by_email"] = sandbox.UserID, "olivia@meridian.example"
			tt.want["invited_by_name"] = "Olivia Brandt"
			tt.want["created_at"], tt.want["expires_at"] = "2026-10-09T08:07:06Z", "2026-10-16T08:07:06Z"
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}

			pending := s.Owner("GET", tt.members+"?status=pending", "").List(t)
			member := pending[len(pending)-1].(map[string]any)
			if member["invitation_id"] != id || member["email"] != "new@b.example" || member["user_id"] != nil ||
				member["invitation_expires_at"] != "2026-10-16T08:07:06Z" || member["accepted_at"] != nil {
				t.Errorf("pending member %v", member)
			}

			sandboxtest.WantStatus(t, s.Owner("POST", tt.path, grant("email", "new@b.example", tt.role)), http.StatusBadRequest)
			sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/invitations/"+id, ""), http.StatusOK)
			if after := s.state(); !reflect.DeepEqual(after, before) {
				t.Errorf("after cancelling %v\nwant %v", after, before)
			}
			sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/invitations/"+id, ""), http.StatusNotFound)
		})
	}
}

func TestInvitationsRefused(t *testing.T) {
	s := seeded(t)
	project := "/api/v1/projects/" + sandbox.ProjectID("staging") + "/invitations"
	to := func(path, name, body string) refusal { return refusal{name, "POST", path, body, 400} }
	s.wantRefused([]refusal{
		to("/api/v1/invitations", "no body", ``),
		to("/api/v1/invitations", "no address", withRole("member")),
		to("/api/v1/invitations", "no role", `{"email": "a@b.example"}`),
		to("/api/v1/invitations", "address without form", grant("email", "a@", "member")),
		to("/api/v1/invitations", "project role", grant("email", "a@b.example", "viewer")),
		to("/api/v1/invitations", "another owner", grant("email", "a@b.example", "owner")),
		to("/api/v1/invitations", "member", grant("email", "chen@meridian.example", "member")),
		to(project, "account role", grant("email", "a@b.example", "member")),
		to(project, "project member", grant("email", "chen@meridian.example", "viewer")),
		to(project, "invited to the project", grant("email", "hugo@contractor.example", "viewer")),
		{"unknown project", "POST", "/api/v1/projects/" + unknownID + "/invitations", grant("email", "a@b.example", "viewer"), 404},
		{"unknown invitation", "DELETE", "/api/v1/invitations/" + unknownID, ``, 404},
		{"an ID that is none", "DELETE", "/api/v1/invitations/eva", ``, 404},
		{"no list", "GET", "/api/v1/invitations", ``, 405},
	})
	// Who is in the account may still be invited to a project, and the other way round.
	s.mustCreate(project, grant("email", "bea@meridian.example", "viewer"))
	s.mustCreate("/api/v1/invitations", grant("email", "hugo@contractor.example", "member"))
}

func TestSeededInvitationsCanBeCancelled(t *testing.T) {
	s := seeded(t)
	for _, email := range []string{"eva@contractor.example", "hugo@contractor.example"} {
		sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/invitations/"+sandbox.InvitationID(email), ""), http.StatusOK)
	}
}
