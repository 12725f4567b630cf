package raffclient

import (
	"context"
	"iter"
	"strings"
)

// Member is a user or an API key with a role in the account or in a project, or a
// person who was invited. The API does not show which members are keys.
type Member struct {
	ID                  string    `json:"id,omitempty"`         // not the user's ID
	AccountID           string    `json:"account_id,omitempty"` // of a member of the account
	ProjectID           string    `json:"project_id,omitempty"` // of a member of a project
	UserID              string    `json:"user_id,omitempty"`    // "" while the invitation is pending
	Email               string    `json:"email,omitempty"`
	RoleID              string    `json:"role_id,omitempty"`
	RoleName            string    `json:"role_name,omitempty"`
	Status              string    `json:"status,omitempty"` // "pending", "active" or "suspended"
	InvitedBy           string    `json:"invited_by,omitempty"`
	InvitedAt           Timestamp `json:"invited_at,omitempty"`
	AcceptedAt          Timestamp `json:"accepted_at,omitempty"`
	InvitationID        string    `json:"invitation_id,omitempty"` // while pending
	InvitationExpiresAt Timestamp `json:"invitation_expires_at,omitempty"`
	CreatedAt           Timestamp `json:"created_at,omitempty"`
	UpdatedAt           Timestamp `json:"updated_at,omitempty"`
	Unreadable          []string  `json:"unreadable,omitempty"` // see APIKey
}

// AddMemberRequest describes a new member of the account. Exactly one of Email,
// TargetUserID and APIKeyID must be set.
type AddMemberRequest struct {
	Email        string `json:"email,omitempty"`          // receives an invitation
	TargetUserID string `json:"target_user_id,omitempty"` // a user of Raff
	APIKeyID     string `json:"api_key_id,omitempty"`
	RoleID       string `json:"role_id"` // of account scope
}

// AddProjectMemberRequest describes a new member of a project. Exactly one of
// TargetUserID and APIKeyID must be set.
type AddProjectMemberRequest struct {
	TargetUserID string `json:"target_user_id,omitempty"` // a member of the account
	APIKeyID     string `json:"api_key_id,omitempty"`
	RoleID       string `json:"role_id"` // of project scope
}

// UpdateMemberRequest changes a member. At least one field must be set; an empty one
// is left unchanged.
type UpdateMemberRequest struct {
	RoleID string `json:"role_id,omitempty"`
	Status string `json:"status,omitempty"` // "active" or "suspended"
}

func accountMembers(id ...string) []string { return append([]string{"members"}, id...) }

func projectMembers(projectID string, id ...string) []string {
	return append([]string{"projects", projectID, "members"}, id...)
}

// Members yields the account's members with that status, or all if status is empty.
// An error ends the sequence.
//
// GET /api/v1/members
func (c *Client) Members(ctx context.Context, status string) iter.Seq2[Member, error] {
	return allItems(pages(ctx, c, membersAt(accountMembers(), status)))
}

func membersAt(path []string, status string) listing[Member] {
	return listing[Member]{path: path, id: Member.id, filters: []string{"status", status}}
}

func (m Member) id() string { return m.ID }

func (m *Member) setUnreadable(fields []string) { m.Unreadable = fields }

// GetMember returns the account member with that member ID.
//
// GET /api/v1/members/{id}
func (c *Client) GetMember(ctx context.Context, id string) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "GET", path: accountMembers(id)}, id, Member.id)
	return member, err
}

// AddMember adds a member to the account. If the response is lost, the error is an
// *OutcomeError.
//
// POST /api/v1/members
func (c *Client) AddMember(ctx context.Context, r AddMemberRequest) (Member, error) {
	return c.addMember(ctx, accountMembers(), r.Email+r.TargetUserID+r.APIKeyID, r, func(m Member) bool {
		switch {
		case r.Email != "":
			return strings.EqualFold(m.Email, r.Email)
		case r.TargetUserID != "":
			return m.UserID == r.TargetUserID
		}
		return m.UserID == "" && m.InvitationID == "" && m.RoleID == r.RoleID // possibly that key
	})
}

// addMember adds a member to the list at path. name is what identifies the member in
// the request; matches reports whether an element of the list may be that member.
func (c *Client) addMember(ctx context.Context, path []string, name string, body any, matches func(Member) bool) (Member, error) {
	return create(ctx, c, creation[Member, Member]{
		request:   request{method: "POST", path: path, body: body},
		resource:  "member",
		name:      name,
		decode:    decodeResource[Member],
		candidate: func(m Member) (Candidate, bool) { return m.candidate(), m.ID != "" },
		list:      membersAt(path, ""),
		match:     func(m Member) (Candidate, bool) { return m.candidate(), matches(m) },
	})
}

func (m Member) candidate() Candidate {
	return Candidate{ID: m.ID, Name: m.Email, CreatedAt: m.CreatedAt}
}

// UpdateMember changes the role or the status of the account member with that member
// ID, and returns the changed member. It is not documented what that changes for an API
// key that is the member.
//
// PATCH /api/v1/members/{id}
func (c *Client) UpdateMember(ctx context.Context, id string, r UpdateMemberRequest) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "PATCH", path: accountMembers(id), body: r}, id, Member.id)
	return member, err
}

// RemoveMember removes the member with that member ID from the account. The API keys
// that the member created remain.
//
// DELETE /api/v1/members/{id}
func (c *Client) RemoveMember(ctx context.Context, id string) error {
	return c.remove(ctx, accountMembers(id)...)
}

// ProjectMembers yields a project's members with that status, or all if status is
// empty. An error ends the sequence.
//
// GET /api/v1/projects/{id}/members
func (c *Client) ProjectMembers(ctx context.Context, projectID, status string) iter.Seq2[Member, error] {
	return allItems(pages(ctx, c, membersAt(projectMembers(projectID), status)))
}

// GetProjectMember returns the project member with that member ID.
//
// GET /api/v1/projects/{id}/members/{member_id}
func (c *Client) GetProjectMember(ctx context.Context, projectID, id string) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "GET", path: projectMembers(projectID, id)}, id, Member.id)
	return member, err
}

// AddProjectMember gives a member of the account, or an API key, a role in a project.
// If the response is lost, the error is an *OutcomeError.
//
// POST /api/v1/projects/{id}/members
func (c *Client) AddProjectMember(ctx context.Context, projectID string, r AddProjectMemberRequest) (Member, error) {
	return c.addMember(ctx, projectMembers(projectID), r.TargetUserID+r.APIKeyID, r, func(m Member) bool {
		if r.TargetUserID != "" {
			return m.UserID == r.TargetUserID
		}
		return m.UserID == "" && m.InvitationID == "" && m.RoleID == r.RoleID // possibly that key
	})
}

// UpdateProjectMember changes the role or the status of the project member with that
// member ID, and returns the changed member.
//
// PATCH /api/v1/projects/{id}/members/{member_id}
func (c *Client) UpdateProjectMember(ctx context.Context, projectID, id string, r UpdateMemberRequest) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "PATCH", path: projectMembers(projectID, id), body: r}, id, Member.id)
	return member, err
}

// RemoveProjectMember removes the member with that member ID from a project, but not
// from the account.
//
// DELETE /api/v1/projects/{id}/members/{member_id}
func (c *Client) RemoveProjectMember(ctx context.Context, projectID, id string) error {
	return c.remove(ctx, projectMembers(projectID, id)...)
}
