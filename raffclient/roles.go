package raffclient

import (
	"context"
	"iter"
)

// Role is a named set of permissions, in the account or in projects.
type Role struct {
	ID          string    `json:"id,omitempty"`
	AccountID   string    `json:"account_id,omitempty"` // "" for system roles
	Name        string    `json:"name,omitempty"`
	Slug        string    `json:"slug,omitempty"`
	Description string    `json:"description,omitempty"`
	Scope       string    `json:"scope,omitempty"` // "account" or "project"
	Permissions []string  `json:"permissions,omitempty"`
	System      *bool     `json:"is_system,omitempty"` // created by Raff, cannot be changed; nil: unknown
	CreatedBy   string    `json:"created_by,omitempty"`
	CreatedAt   Timestamp `json:"created_at,omitempty"`
	UpdatedAt   Timestamp `json:"updated_at,omitempty"`
	Unreadable  []string  `json:"unreadable,omitempty"` // see APIKey
}

// CreateRoleRequest describes a new role. Slug and scope cannot be changed later.
type CreateRoleRequest struct {
	Name        string   `json:"name"`        // 1 to 64 characters
	Slug        string   `json:"slug"`        // at most 64 of a-z, 0-9 and -
	Scope       string   `json:"scope"`       // "account" or "project"
	Permissions []string `json:"permissions"` // at least one, of that scope
	Description string   `json:"description,omitempty"`
}

// UpdateRoleRequest changes a role. At least one field must be set; the others are
// left unchanged.
type UpdateRoleRequest struct {
	Name        string   `json:"name,omitempty"`
	Description *string  `json:"description,omitempty"`
	Permissions []string `json:"permissions,omitempty"` // replaces the whole set
}

// Roles yields the account's roles and the system roles, those of a scope ("account"
// or "project") or, if scope is empty, of both. An error ends the sequence.
//
// GET /api/v1/roles
func (c *Client) Roles(ctx context.Context, scope string) iter.Seq2[Role, error] {
	return allItems(pages(ctx, c, roles(scope)))
}

func roles(scope string) listing[Role] {
	return listing[Role]{path: []string{"roles"}, id: Role.id, filters: []string{"scope", scope}}
}

func (r Role) id() string { return r.ID }

func (r *Role) setUnreadable(fields []string) { r.Unreadable = fields }

// GetRole returns the role with that ID.
//
// GET /api/v1/roles/{id}
func (c *Client) GetRole(ctx context.Context, id string) (Role, error) {
	role, _, err := byID(ctx, c, request{method: "GET", path: []string{"roles", id}}, id, Role.id)
	return role, err
}

// CreateRole creates a role. If the response is lost, the error is an *OutcomeError.
//
// POST /api/v1/roles
func (c *Client) CreateRole(ctx context.Context, r CreateRoleRequest) (Role, error) {
	return create(ctx, c, creation[Role, Role]{
		request:   request{method: "POST", path: []string{"roles"}, body: r},
		resource:  "role",
		name:      r.Name,
		decode:    decodeResource[Role],
		candidate: func(role Role) (Candidate, bool) { return role.candidate(), role.ID != "" },
		list:      roles(""),
		match:     func(role Role) (Candidate, bool) { return role.candidate(), similarNames(r.Name, role.Name) },
	})
}

func (r Role) candidate() Candidate { return Candidate{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt} }

// UpdateRole changes the role with that ID, for everyone who has it, and returns the
// changed role.
//
// PATCH /api/v1/roles/{id}
func (c *Client) UpdateRole(ctx context.Context, id string, r UpdateRoleRequest) (Role, error) {
	role, _, err := byID(ctx, c, request{method: "PATCH", path: []string{"roles", id}, body: r}, id, Role.id)
	return role, err
}

// DeleteRole deletes the role with that ID permanently. The API refuses that while a
// member or a key has the role.
//
// DELETE /api/v1/roles/{id}
func (c *Client) DeleteRole(ctx context.Context, id string) error {
	return c.remove(ctx, "roles", id)
}
