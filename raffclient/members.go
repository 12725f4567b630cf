package raffclient

import (
	"context"
	"iter"
	"strings"
)

// Member is a user or an API key with a role in the account or in a project, or
// somebody who was invited to it. The API does not tell which members are keys.
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
	Unreadable          []string  `json:"unreadable,omitempty"` // names of fields that are unknown, because the API sent something unexpected
}

// AddMemberRequest adds a member to the account. Exactly one of Email,
// TargetUserID and APIKeyID has to be set.
type AddMemberRequest struct {
	Email        string `json:"email,omitempty"`          // is sent an invitation
	TargetUserID string `json:"target_user_id,omitempty"` // a user of Raff
	APIKeyID     string `json:"api_key_id,omitempty"`
	RoleID       string `json:"role_id"` // of account scope
}

// AddProjectMemberRequest adds a member to a project. Exactly one of
// TargetUserID and APIKeyID has to be set.
type AddProjectMemberRequest struct {
	TargetUserID string `json:"target_user_id,omitempty"` // a member of the account
	APIKeyID     string `json:"api_key_id,omitempty"`
	RoleID       string `json:"role_id"` // of project scope
}

// UpdateMemberRequest changes a member; at least one field has to be set.
type UpdateMemberRequest struct {
	RoleID string `json:"role_id,omitempty"`
	Status string `json:"status,omitempty"` // "active" or "suspended"
}

func accountMembers(id ...string) []string { return append([]string{"members"}, id...) }

func projectMembers(projectID string, id ...string) []string {
	return append([]string{"projects", projectID, "members"}, id...)
}

// Members yields the account's members of that status, or of any if it is empty. An
// error ends the sequence.
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

// GetMember returns the member of the account with that member ID.
//
// GET /api/v1/members/{id}
func (c *Client) GetMember(ctx context.Context, id string) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "GET", path: accountMembers(id)}, id, Member.id)
	return member, err
}

// AddMember adds a member to the account. A lost answer is an *OutcomeError.
//
// POST /api/v1/members
func (c *Client) AddMember(ctx context.Context, r AddMemberRequest) (Member, error) {
	return c.addMember(ctx, accountMembers(), r, func(m Member) bool {
		switch {
		case r.Email != "":
			return strings.EqualFold(m.Email, r.Email)
		case r.TargetUserID != "":
			return m.UserID == r.TargetUserID
		}
		return m.UserID == "" && m.InvitationID == "" && m.RoleID == r.RoleID // perhaps that key
	}, r.Email+r.TargetUserID+r.APIKeyID)
}

func (c *Client) addMember(ctx context.Context, path []string, body any, is func(Member) bool, name string) (Member, error) {
	return create(ctx, c, creation[Member, Member]{
		request:   request{method: "POST", path: path, body: body},
		resource:  "member",
		name:      name,
		decode:    decodeResource[Member],
		candidate: func(m Member) (Candidate, bool) { return m.candidate(), m.ID != "" },
		list:      membersAt(path, ""),
		match:     func(m Member) (Candidate, bool) { return m.candidate(), is(m) },
	})
}

func (m Member) candidate() Candidate {
	return Candidate{ID: m.ID, Name: m.Email, CreatedAt: m.CreatedAt}
}

// UpdateMember changes role or status of the member of the account with that
// member ID.
//
// PATCH /api/v1/members/{id}
func (c *Client) UpdateMember(ctx context.Context, id string, r UpdateMemberRequest) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "PATCH", path: accountMembers(id), body: r}, id, Member.id)
	return member, err
}

// RemoveMember removes the member with that member ID from the account. Keys that
// the member made stay.
//
// DELETE /api/v1/members/{id}
func (c *Client) RemoveMember(ctx context.Context, id string) error {
	return c.remove(ctx, accountMembers(id)...)
}

// ProjectMembers yields a project's members of that status, or of any if it is
// empty. An error ends the sequence.
//
// GET /api/v1/projects/{id}/members
func (c *Client) ProjectMembers(ctx context.Context, projectID, status string) iter.Seq2[Member, error] {
	return allItems(pages(ctx, c, membersAt(projectMembers(projectID), status)))
}

// GetProjectMember returns the member of a project with that member ID.
//
// GET /api/v1/projects/{id}/members/{member_id}
func (c *Client) GetProjectMember(ctx context.Context, projectID, id string) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "GET", path: projectMembers(projectID, id)}, id, Member.id)
	return member, err
}

// AddProjectMember gives a member of the account, or an API key, a role in a
// project. A lost answer is an *OutcomeError.
//
// POST /api/v1/projects/{id}/members
func (c *Client) AddProjectMember(ctx context.Context, projectID string, r AddProjectMemberRequest) (Member, error) {
	return c.addMember(ctx, projectMembers(projectID), r, func(m Member) bool {
		if r.TargetUserID != "" {
			return m.UserID == r.TargetUserID
		}
		return m.UserID == "" && m.InvitationID == "" && m.RoleID == r.RoleID // perhaps that key
	}, r.TargetUserID+r.APIKeyID)
}

// UpdateProjectMember changes role or status of the member of a project with that
// member ID.
//
// PATCH /api/v1/projects/{id}/members/{member_id}
func (c *Client) UpdateProjectMember(ctx context.Context, projectID, id string, r UpdateMemberRequest) (Member, error) {
	member, _, err := byID(ctx, c, request{method: "PATCH", path: projectMembers(projectID, id), body: r}, id, Member.id)
	return member, err
}

// RemoveProjectMember takes away what the member with that member ID may do in a
// project; in the account the member stays.
//
// DELETE /api/v1/projects/{id}/members/{member_id}
func (c *Client) RemoveProjectMember(ctx context.Context, projectID, id string) error {
	return c.remove(ctx, projectMembers(projectID, id)...)
}
