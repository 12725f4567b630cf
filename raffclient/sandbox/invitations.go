package sandbox

import (
	"cmp"
	"net/http"
	"net/mail"
	"time"

	"github.com/google/uuid"
)

// invitationLife is how long an invitation can be accepted: "a few days", according to
// the documentation. What happens after that is not documented; here it stays listed.
const invitationLife = 7 * 24 * time.Hour

// invitationRoutes returns the operations on invitations. Only the permission of
// createAccountInvitation is documented.
func invitationRoutes() []route {
	return []route{
		{id: "createAccountInvitation", method: "POST", path: "/api/v1/invitations", permission: "account.members.invite", status: http.StatusCreated, handle: withBody((*API).createAccountInvitation)},
		{id: "cancelInvitation", method: "DELETE", path: "/api/v1/invitations/{id}", permission: "account.members.invite", handle: (*API).cancelInvitation},
		{id: "createProjectInvitation", method: "POST", path: "/api/v1/projects/{id}/invitations", permission: "project.members.invite", status: http.StatusCreated, handle: onWithBody((*API).findProject, (*API).createProjectInvitation)},
	}
}

// publicInvitation is an invitation in the response that creates it. Later responses
// contain only the pending member.
type publicInvitation struct {
	ID             string    `json:"id"`
	Type           string    `json:"type"`
	AccountID      string    `json:"account_id"`
	AccountName    string    `json:"account_name"`
	ProjectID      string    `json:"project_id,omitempty"`
	ProjectName    string    `json:"project_name,omitempty"`
	Email          string    `json:"email"`
	RoleID         string    `json:"role_id"`
	RoleName       string    `json:"role_name"`
	InvitedByID    string    `json:"invited_by_id"`
	InvitedByEmail string    `json:"invited_by_email"`
	InvitedByName  string    `json:"invited_by_name"`
	ExpiresAt      time.Time `json:"expires_at"`
	CreatedAt      time.Time `json:"created_at"`
}

// createInvitationRequest is the body of createAccountInvitation and
// createProjectInvitation.
type createInvitationRequest struct {
	Email  *string `json:"email"`
	RoleID *string `json:"role_id"`
}

func (r createInvitationRequest) validate(time.Time) error {
	return cmp.Or(required("email", r.Email), checkEmail(r.Email), required("role_id", r.RoleID))
}

func (a *API) createAccountInvitation(c call, body createInvitationRequest) (any, error) {
	roleID, err := a.roleID(body.RoleID, "account")
	if err != nil {
		return nil, err
	}
	m := newInvitee("", *body.Email, roleID, c.now)
	if err := a.joinAccount(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeInvitation(m)), nil
}

// createProjectInvitation invites a person who is not a member of the project. It is not
// documented whether members of the account can be invited; here they can.
func (a *API) createProjectInvitation(c call, p *project, body createInvitationRequest) (any, error) {
	roleID, err := a.roleID(body.RoleID, "project")
	if err != nil {
		return nil, err
	}
	m := newInvitee(p.ID, *body.Email, roleID, c.now)
	if err := a.join(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeInvitation(m)), nil
}

// cancelInvitation cancels an invitation to the account or to a project, and removes
// the pending member.
func (a *API) cancelInvitation(c call) (any, error) {
	id, ok := parseID(c.PathValue("id"))
	invited := func(m *member) bool { return ok && m.invitation == id }
	if !a.members.contains(invited) {
		return nil, notFound("invitation not found")
	}
	a.members.remove(invited)
	return withMessage("Invitation cancelled"), nil
}

// checkEmail returns an error for a field that is not an e-mail address.
func checkEmail(email *string) error {
	if email == nil {
		return nil
	}
	if parsed, err := mail.ParseAddress(*email); err != nil || parsed.Address != *email {
		return badRequest("email must be an e-mail address")
	}
	return nil
}

// newInvitee returns a member with a pending invitation.
func newInvitee(projectID, email, roleID string, now time.Time) *member {
	return &member{
		projectID:       projectID,
		email:           email,
		roleID:          roleID,
		invitation:      uuid.NewString(),
		inviteExpiresAt: seconds(now.Add(invitationLife)),
	}
}

// describeInvitation returns the invitation of a member as responses contain it.
func (a *API) describeInvitation(m *member) publicInvitation {
	inviter, _ := userByID(m.invitedBy)
	public := publicInvitation{
		ID:             m.invitation,
		Type:           "account",
		AccountID:      AccountID,
		AccountName:    AccountName,
		Email:          m.email,
		RoleID:         m.roleID,
		InvitedByID:    inviter.id,
		InvitedByEmail: inviter.email,
		InvitedByName:  inviter.name,
		ExpiresAt:      m.inviteExpiresAt,
		CreatedAt:      m.createdAt,
	}
	if r, ok := a.role(m.roleID); ok {
		public.RoleName = r.Name
	}
	if p, ok := a.project(m.projectID); ok {
		public.Type, public.ProjectID, public.ProjectName = "project", p.ID, p.Name
	}
	return public
}
