package raffclient

import (
	"context"
	"iter"
)

// Role is a named set of permissions, in the account or in projects.
type Role struct {
	ID          string   `json:"id,omitempty"`
	AccountID   string   `json:"account_id,omitempty"` // "" for system roles
	Name        string   `json:"name,omitempty"`
	Slug        string   `json:"slug,omitempty"`
	Description string   `json:"description,omitempty"`
	Scope       string   `json:"scope,omitempty"` // "account" or "project"
	Permissions []string `json:"permissions,omitempty"`
	System      *bool    `json:"is_system,omitempty"` // made by Raff, and not to be changed
	CreatedBy   string   `json:"created_by,omitempty"`
	CreatedAt   Time     `json:"created_at,omitempty"`
	UpdatedAt   Time     `json:"updated_at,omitempty"`
}

// Permission is something that a role can allow.
type Permission struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Scope       string `json:"scope,omitempty"` // "account" or "project"
	Category    string `json:"category,omitempty"`
}

// CreateRoleRequest describes a new role. Slug and scope cannot be changed later.
type CreateRoleRequest struct {
	Name        string   `json:"name"`        // 1 to 64 characters
	Slug        string   `json:"slug"`        // at most 64 of a-z, 0-9 and -
	Scope       string   `json:"scope"`       // "account" or "project"
	Permissions []string `json:"permissions"` // at least one, of that scope
	Description string   `json:"description,omitempty"`
}

// UpdateRoleRequest changes a role; at least one field has to be set.
type UpdateRoleRequest struct {
	Name        string   `json:"name,omitempty"`
	Description *string  `json:"description,omitempty"`
	Permissions []string `json:"permissions,omitempty"` // replaces the whole set
}

// Roles yields the account's roles and Raff's own, of a scope, or of both if that is
// empty. An error ends the sequence.
//
// GET /api/v1/roles
func (c *Client) Roles(ctx context.Context, scope string) iter.Seq2[Role, error] {
	return each(c.rolePages(ctx, scope))
}

func (c *Client) rolePages(ctx context.Context, scope string) iter.Seq2[page[Role], error] {
	return pages(ctx, c, []string{"roles"}, func(r Role) string { return r.ID }, "scope", scope)
}

// GetRole returns the role with that ID.
//
// GET /api/v1/roles/{id}
func (c *Client) GetRole(ctx context.Context, id string) (Role, error) {
	role, _, err := call[Role](ctx, c, request{method: "GET", path: []string{"roles", id}})
	return role, err
}

// CreateRole makes a role. A lost answer is an *OutcomeError.
//
// POST /api/v1/roles
func (c *Client) CreateRole(ctx context.Context, r CreateRoleRequest) (Role, error) {
	return create(ctx, c, creation[Role, Role]{
		read:     decode[Role],
		request:  request{method: "POST", path: []string{"roles"}, body: r},
		resource: "role",
		name:     r.Name,
		made:     func(role Role) (Made, bool) { return role.made(), role.ID != "" },
		list:     func(ctx context.Context) iter.Seq2[page[Role], error] { return c.rolePages(ctx, "") },
		found:    func(role Role) (Made, bool) { return role.made(), sameName(role.Name, r.Name) },
	})
}

func (r Role) made() Made { return Made{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt} }

// UpdateRole changes the role with that ID, for everyone who has it.
//
// PATCH /api/v1/roles/{id}
func (c *Client) UpdateRole(ctx context.Context, id string, r UpdateRoleRequest) (Role, error) {
	role, _, err := call[Role](ctx, c, request{method: "PATCH", path: []string{"roles", id}, body: r})
	return role, err
}

// DeleteRole deletes the role with that ID, which nobody may have any more.
//
// DELETE /api/v1/roles/{id}
func (c *Client) DeleteRole(ctx context.Context, id string) error {
	_, _, err := call[struct{}](ctx, c, request{method: "DELETE", path: []string{"roles", id}})
	return err
}

// ListPermissions returns the catalogue of permissions of a scope, or of both if
// that is empty.
//
// GET /api/v1/permissions
func (c *Client) ListPermissions(ctx context.Context, scope string) ([]Permission, error) {
	p, err := list[Permission](ctx, c, Range{}, []string{"permissions"}, "scope", scope)
	return p.Items, err
}
