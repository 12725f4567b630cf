package sandbox

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// member is a person or a key with a role in the account or in a project, or with an
// invitation to it.
type member struct {
	id              string
	projectID       string // "" is the account
	userID          string // of a person; "" while the invitation is pending
	keyID           string // of a key
	email           string
	roleID          string
	status          string
	invitedBy       string // "" for the Owner, who signed up
	createdAt       time.Time
	updatedAt       time.Time
	acceptedAt      time.Time
	invitation      string // its ID while it is pending
	inviteExpiresAt time.Time
}

// Member is a member as Members and ProjectMembers return it.
type Member struct {
	ID           string
	ProjectID    string // "" is the account
	UserID       string // "" for a key, and while an invitation is pending
	KeyID        string // "" for a person
	Email        string // "" for a key
	RoleID       string
	Status       string
	InvitationID string
}

// Members returns the members of the account in the order of creation.
func (a *API) Members() []Member { return a.ProjectMembers("") }

// ProjectMembers returns the members of a project in the order of creation.
func (a *API) ProjectMembers(projectID string) []Member {
	a.mu.Lock()
	defer a.mu.Unlock()
	return convert(a.membersOf(projectID), func(m *member) Member {
		return Member{m.id, m.projectID, m.userID, m.keyID, m.email, m.roleID, m.status, m.invitation}
	})
}

// publicMember is a member as responses contain it. Only a member of the account has
// account_id and updated_at, only a member of a project has project_id.
type publicMember struct {
	ID                  string    `json:"id"`
	AccountID           string    `json:"account_id,omitempty"`
	ProjectID           string    `json:"project_id,omitempty"`
	UserID              *string   `json:"user_id"`
	Email               string    `json:"email"`
	Role                string    `json:"role"` // deprecated: the slug
	RoleID              string    `json:"role_id"`
	RoleName            string    `json:"role_name"`
	Status              string    `json:"status"`
	InvitedBy           string    `json:"invited_by,omitempty"`
	InvitedAt           time.Time `json:"invited_at,omitzero"`
	AcceptedAt          time.Time `json:"accepted_at,omitzero"`
	InvitationID        string    `json:"invitation_id,omitempty"`
	InvitationExpiresAt time.Time `json:"invitation_expires_at,omitzero"`
	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at,omitzero"`
}

// describeMember returns a member as responses contain it. No field identifies the key of a
// member that is a key. The email of a key is required but not documented; here it is empty,
// and user_id is null as for an invitation.
func (a *API) describeMember(m *member) publicMember {
	public := publicMember{
		ID:                  m.id,
		ProjectID:           m.projectID,
		Email:               m.email,
		RoleID:              m.roleID,
		Status:              m.status,
		InvitedBy:           m.invitedBy,
		AcceptedAt:          m.acceptedAt,
		InvitationID:        m.invitation,
		InvitationExpiresAt: m.inviteExpiresAt,
		CreatedAt:           m.createdAt,
	}
	if m.userID != "" {
		public.UserID = &m.userID
	}
	if m.invitedBy != "" {
		public.InvitedAt = m.createdAt
	}
	if m.projectID == "" {
		public.AccountID, public.UpdatedAt = AccountID, m.updatedAt
	}
	if r, ok := a.role(m.roleID); ok {
		public.Role, public.RoleName = r.Slug, r.Name
	}
	return public
}

// listMembersOf responds with the members of a project, or of the account.
func (a *API) listMembersOf(projectID string, c call) (any, error) {
	status, err := c.choice("status", "pending", "active", "suspended")
	if err != nil {
		return nil, err
	}
	listed := a.membersOf(projectID).filter(func(m *member) bool { return status == "" || m.status == status })
	return paginate(c, convert(listed, a.describeMember), 50)
}

func (a *API) getMember(_ call, m *member) (any, error) { return withData(a.describeMember(m)), nil }

// membersOf returns the members of a project, or of the account.
func (a *API) membersOf(projectID string) table[*member] {
	return a.members.filter(func(m *member) bool { return m.projectID == projectID })
}

// memberOf returns the member of a project, or of the account, with that ID.
func (a *API) memberOf(projectID, sent string) (*member, error) {
	id, _ := parseID(sent)
	m, ok := a.membersOf(projectID).find(func(m *member) bool { return m.id == id })
	if !ok {
		return nil, notFound("member not found")
	}
	return m, nil
}

// principal identifies the person or key that a request makes a member.
type principal struct {
	Email        *string `json:"email"`
	TargetUserID *string `json:"target_user_id"`
	APIKeyID     *string `json:"api_key_id"`
}

// newMember returns a member, not of a project, for an existing person or key.
func (a *API) newMember(p principal, roleID string) (*member, error) {
	if p.APIKeyID != nil {
		key, ok := a.key(*p.APIKeyID)
		if !ok {
			return nil, badRequest("api_key_id: no such API key")
		}
		return &member{keyID: key.ID, roleID: roleID}, nil
	}
	id, _ := parseID(*p.TargetUserID)
	u, ok := userByID(id)
	if !ok {
		return nil, badRequest("target_user_id: no such user")
	}
	return &member{userID: u.id, email: u.email, roleID: roleID}, nil
}

// join adds a new member, whose project, role and invitation are set. If the member exists,
// the error is 400, which is documented for invitations only.
func (a *API) join(m *member, c call) error {
	if a.membersOf(m.projectID).contains(m.sameAs) {
		return badRequest("already a member")
	}
	m.id = uuid.NewString()
	m.invitedBy = c.key.CreatedBy
	m.createdAt = seconds(c.now)
	m.updatedAt = m.createdAt
	m.status = "pending"
	if m.invitation == "" {
		m.status, m.acceptedAt = "active", m.createdAt
	}
	a.members = append(a.members, m)
	return nil
}

// sameAs reports whether two members are the same person or key.
func (m *member) sameAs(other *member) bool {
	return m.keyID == other.keyID && strings.EqualFold(m.email, other.email)
}

// updateMemberRequest is the body of updateMember and updateProjectMember.
type updateMemberRequest struct {
	RoleID *string `json:"role_id"`
	Status *string `json:"status"`
}

func (r updateMemberRequest) validate(time.Time) error {
	if r.RoleID == nil && r.Status == nil {
		return badRequest("role_id or status is required")
	}
	return checkOneOf("status", r.Status, "active", "suspended")
}

// updated returns the role and status that a member has after an update.
func (a *API) updated(m *member, body updateMemberRequest, scope string) (roleID, status string, err error) {
	roleID, status = m.roleID, m.status
	if body.RoleID != nil {
		if roleID, err = a.roleID(body.RoleID, scope); err != nil {
			return "", "", err
		}
	}
	if body.Status != nil {
		status = *body.Status
	}
	// Not documented: only the invited person can accept.
	if m.status == "pending" && status != "pending" {
		return "", "", badRequest("status: the invitation is pending")
	}
	return roleID, status, nil
}
