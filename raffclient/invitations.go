package raffclient

import (
	"context"
	"strings"
)

// Invitation is an e-mail with a link by which a person becomes a member. The API has
// no list of invitations: until one is accepted, the person is a pending Member.
type Invitation struct {
	ID             string    `json:"id,omitempty"`
	Type           string    `json:"type,omitempty"` // "account" or "project"
	AccountID      string    `json:"account_id,omitempty"`
	AccountName    string    `json:"account_name,omitempty"`
	ProjectID      string    `json:"project_id,omitempty"`
	ProjectName    string    `json:"project_name,omitempty"`
	Email          string    `json:"email,omitempty"`
	RoleID         string    `json:"role_id,omitempty"`
	RoleName       string    `json:"role_name,omitempty"`
	InvitedByID    string    `json:"invited_by_id,omitempty"`
	InvitedByEmail string    `json:"invited_by_email,omitempty"`
	InvitedByName  string    `json:"invited_by_name,omitempty"`
	ExpiresAt      Timestamp `json:"expires_at,omitempty"`
	CreatedAt      Timestamp `json:"created_at,omitempty"`
}

// CreateInvitationRequest describes an invitation of a person who is not a member.
type CreateInvitationRequest struct {
	Email  string `json:"email"`
	RoleID string `json:"role_id"` // of account scope, or of project scope for a project
}

// CreateAccountInvitation invites a person to the account. If the response is lost,
// the error is an *OutcomeError.
//
// POST /api/v1/invitations
func (c *Client) CreateAccountInvitation(ctx context.Context, r CreateInvitationRequest) (Invitation, error) {
	return c.invite(ctx, []string{"invitations"}, accountMembers(), r)
}

// CreateProjectInvitation invites a person to a project. If the response is lost, the
// error is an *OutcomeError.
//
// POST /api/v1/projects/{id}/invitations
func (c *Client) CreateProjectInvitation(ctx context.Context, projectID string, r CreateInvitationRequest) (Invitation, error) {
	return c.invite(ctx, []string{"projects", projectID, "invitations"}, projectMembers(projectID), r)
}

func (c *Client) invite(ctx context.Context, path, members []string, r CreateInvitationRequest) (Invitation, error) {
	return create(ctx, c, creation[Invitation, Member]{
		request:  request{method: "POST", path: path, body: r},
		resource: "invitation",
		name:     r.Email,
		decode:   decodeResource[Invitation],
		candidate: func(i Invitation) (Candidate, bool) {
			return Candidate{ID: i.ID, Name: i.Email, CreatedAt: i.CreatedAt}, i.ID != ""
		},
		list: membersAt(members, ""),
		match: func(m Member) (Candidate, bool) {
			return Candidate{ID: m.InvitationID, Name: m.Email, CreatedAt: m.CreatedAt}, m.InvitationID != "" && strings.EqualFold(m.Email, r.Email)
		},
	})
}

// CancelInvitation cancels the invitation with that ID. Its link stops working.
//
// DELETE /api/v1/invitations/{id}
func (c *Client) CancelInvitation(ctx context.Context, id string) error {
	return c.remove(ctx, "invitations", id)
}
