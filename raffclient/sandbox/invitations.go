package sandbox

import (
	"net/http"
	"net/mail"
	"time"

	"github.com/google/uuid"
)

// invitationLife is how long an invitation can be accepted: "a few days", says the
// documentation. What becomes of it then is not said; here it stays listed.
const invitationLife = 7 * 24 * time.Hour

// invitationRoutes has one documented binding, that of createAccountInvitation.
func invitationRoutes() []route {
	return []route{
		{id: "createAccountInvitation", method: "POST", path: "/api/v1/invitations", permission: "account.members.invite", status: http.StatusCreated, handle: (*API).createAccountInvitation},
		{id: "cancelInvitation", method: "DELETE", path: "/api/v1/invitations/{id}", permission: "account.members.invite", handle: (*API).cancelInvitation},
		{id: "createProjectInvitation", method: "POST", path: "/api/v1/projects/{id}/invitations", permission: "project.members.invite", status: http.StatusCreated, handle: (*API).createProjectInvitation},
	}
}

// publicInvitation is what the API shows of an invitation, and only when it is made:
// from then on there is the pending member.
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

func (a *API) createAccountInvitation(c call) (any, error) {
	m, err := a.decodeInvitation("", "account", c)
	if err != nil {
		return nil, err
	}
	if err := a.joinAccount(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeInvitation(m)), nil
}

// createProjectInvitation invites whom nobody has made a member of the project yet.
// Whether members of the account can be invited is not documented; they can, here.
func (a *API) createProjectInvitation(c call) (any, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	m, err := a.decodeInvitation(p.ID, "project", c)
	if err != nil {
		return nil, err
	}
	if err := a.join(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeInvitation(m)), nil
}

// cancelInvitation makes an end of an invitation to the account or to a project, and
// of the pending member.
func (a *API) cancelInvitation(c call) (any, error) {
	id, ok := parseID(c.PathValue("id"))
	before := len(a.members)
	a.removeMembers(func(m *member) bool { return ok && m.invitation == id })
	if len(a.members) == before {
		return nil, notFound("invitation not found")
	}
	return withMessage("Invitation cancelled"), nil
}

// decodeInvitation reads whom a request invites, and with which role.
func (a *API) decodeInvitation(projectID, scope string, c call) (*member, error) {
	body, err := decode[struct {
		Email  *string `json:"email"`
		RoleID *string `json:"role_id"`
	}](c)
	if err != nil {
		return nil, err
	}
	if body.Email == nil {
		return nil, badRequest("email is required")
	}
	m, err := newInvitee(projectID, *body.Email, c)
	if err != nil {
		return nil, err
	}
	m.roleID, err = a.requiredRoleID(body.RoleID, scope)
	return m, err
}

// newInvitee returns a member that stands for an invitation, without role.
func newInvitee(projectID, email string, c call) (*member, error) {
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email {
		return nil, badRequest("email must be an e-mail address")
	}
	return &member{
		projectID:       projectID,
		email:           email,
		invitation:      uuid.NewString(),
		inviteExpiresAt: seconds(c.now.Add(invitationLife)),
	}, nil
}

// describeInvitation returns what the API shows of the invitation of a member.
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
