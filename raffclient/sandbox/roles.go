package sandbox

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
)

func roleRoutes() []route {
	return []route{
		{id: "listRoles", method: "GET", path: "/api/v1/roles", permission: "account.roles.view", handle: (*API).listRoles},
		{id: "createRole", method: "POST", path: "/api/v1/roles", permission: "account.roles.create", status: http.StatusCreated, handle: withBody((*API).createRole)},
		{id: "getRole", method: "GET", path: "/api/v1/roles/{id}", permission: "account.roles.view", handle: on((*API).findRole, (*API).getRole)},
		{id: "updateRole", method: "PATCH", path: "/api/v1/roles/{id}", permission: "account.roles.manage", handle: onWithBody((*API).findCustomRole, (*API).updateRole)},
		{id: "deleteRole", method: "DELETE", path: "/api/v1/roles/{id}", permission: "account.roles.delete", handle: on((*API).findCustomRole, (*API).deleteRole)},
	}
}

// role is a role as the API stores it and as responses contain it.
type role struct {
	ID          string    `json:"id"`
	AccountID   string    `json:"account_id"` // documented as empty for system roles
	Name        string    `json:"name"`
	Slug        string    `json:"slug"`
	Description string    `json:"description,omitempty"`
	Scope       string    `json:"scope"`
	Permissions []string  `json:"permissions"`
	IsSystem    bool      `json:"is_system"`
	CreatedBy   string    `json:"created_by,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Role is a role as Roles returns it.
type Role struct {
	ID, Name, Slug, Scope string
	Permissions           []string
	System                bool
}

// Roles returns all roles in the order of creation.
func (a *API) Roles() []Role {
	a.mu.Lock()
	defer a.mu.Unlock()
	return convert(a.roles, func(r *role) Role {
		return Role{r.ID, r.Name, r.Slug, r.Scope, slices.Clone(r.Permissions), r.IsSystem}
	})
}

// listRoles responds without a total. Its order, and that of the other lists, is not
// documented: here it is the order of creation.
func (a *API) listRoles(c call) (any, error) {
	scope, err := c.choice("scope", "account", "project")
	if err != nil {
		return nil, err
	}
	roles, err := pageOf(c, a.roles.filter(func(r *role) bool { return scope == "" || r.Scope == scope }), 50)
	return withData(roles), err
}

func (a *API) getRole(_ call, r *role) (any, error) { return withData(r), nil }

// createRoleRequest is the body of createRole.
type createRoleRequest struct {
	roleSettings
	Slug  string `json:"slug"`
	Scope string `json:"scope"`
}

var slugFormat = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (r createRoleRequest) validate(now time.Time) error {
	if r.Name == nil || r.Permissions == nil {
		return badRequest("name, slug, scope and permissions are required")
	}
	if err := checkOneOf("scope", &r.Scope, "account", "project"); err != nil {
		return err
	}
	if !slugFormat.MatchString(r.Slug) {
		return badRequest("slug must have 1 to 64 lower-case letters, digits and hyphens")
	}
	return r.roleSettings.validate(now)
}

func (a *API) createRole(c call, body createRoleRequest) (any, error) {
	if a.roles.contains(func(r *role) bool { return r.Slug == body.Slug }) {
		return nil, badRequest("slug: there is a role of that slug")
	}
	r := &role{
		ID:        uuid.NewString(),
		AccountID: AccountID,
		Slug:      body.Slug,
		Scope:     body.Scope,
		CreatedBy: c.key.CreatedBy,
		CreatedAt: seconds(c.now),
	}
	if err := a.checkRole(r, body.roleSettings); err != nil {
		return nil, err
	}
	body.apply(r, c.now)
	a.roles = append(a.roles, r)
	return withData(r), nil
}

// updateRoleRequest is the body of updateRole.
type updateRoleRequest struct{ roleSettings }

func (r updateRoleRequest) validate(now time.Time) error {
	if r.Name == nil && r.Description == nil && r.Permissions == nil {
		return badRequest("at least one field is required")
	}
	return r.roleSettings.validate(now)
}

func (a *API) updateRole(c call, r *role, body updateRoleRequest) (any, error) {
	if err := a.checkRole(r, body.roleSettings); err != nil {
		return nil, err
	}
	body.apply(r, c.now)
	return withData(r), nil
}

func (a *API) deleteRole(_ call, r *role) (any, error) {
	if a.inUse(r) {
		return nil, badRequest("role is in use by a member or an API key")
	}
	a.roles.remove(func(other *role) bool { return other == r })
	return withMessage("Role deleted"), nil
}

// inUse reports whether a key or a member has the role. Expired and inactive keys count,
// because they can be activated again, and so do pending invitations.
func (a *API) inUse(r *role) bool {
	return a.keys.contains(func(k *apiKey) bool { return !k.revoked && k.RoleID == r.ID }) ||
		a.members.contains(func(m *member) bool { return m.roleID == r.ID })
}

// roleSettings are the fields that can be set when a role is created and changed later.
type roleSettings struct {
	Name        *string  `json:"name"`
	Description *string  `json:"description"`
	Permissions []string `json:"permissions"`
}

// validate requires at least one permission, which is documented for new roles only.
func (s roleSettings) validate(time.Time) error {
	if s.Permissions != nil && len(s.Permissions) == 0 {
		return cmp.Or(checkName(s.Name, 64), badRequest("permissions must have at least one element"))
	}
	return checkName(s.Name, 64)
}

// checkRole returns an error for settings that are invalid for the role. It is documented
// that names are unique in the account; here that includes the names of system roles, and
// case matters.
func (a *API) checkRole(r *role, s roleSettings) error {
	if s.Name != nil && a.roles.contains(func(o *role) bool { return o.Name == *s.Name && o.ID != r.ID }) {
		return badRequest("name: there is a role of that name")
	}
	names := permissionNames(r.Scope)
	for _, p := range s.Permissions {
		if !slices.Contains(names, p) {
			return badRequest("permissions: no permission of %s scope has the name %q", r.Scope, p)
		}
	}
	return nil
}

func (s roleSettings) apply(r *role, now time.Time) {
	if s.Name != nil {
		r.Name = *s.Name
	}
	if s.Description != nil {
		r.Description = *s.Description
	}
	if s.Permissions != nil {
		r.Permissions = unique(s.Permissions)
	}
	r.UpdatedAt = seconds(now)
}

// findRole returns the role whose ID is in the path.
func (a *API) findRole(c call) (*role, error) {
	id, _ := parseID(c.PathValue("id"))
	r, ok := a.role(id)
	if !ok {
		return nil, notFound("role not found")
	}
	return r, nil
}

// findCustomRole returns the role whose ID is in the path, unless it is a system role.
func (a *API) findCustomRole(c call) (*role, error) {
	r, err := a.findRole(c)
	if err != nil {
		return nil, err
	}
	if r.IsSystem {
		return nil, badRequest("system roles are read-only")
	}
	return r, nil
}

// role returns the role with that ID.
func (a *API) role(id string) (*role, bool) {
	return a.roles.find(func(r *role) bool { return r.ID == id })
}

// roleID returns the ID in a request's role_id in canonical form, or "" if it was not sent.
// The role must exist and have that scope.
func (a *API) roleID(sent *string, scope string) (string, error) {
	if sent == nil {
		return "", nil
	}
	id, ok := parseID(*sent)
	if !ok {
		return "", badRequest("role_id must be a UUID")
	}
	r, ok := a.role(id)
	if !ok {
		return "", badRequest("role_id: no such role")
	}
	if r.Scope != scope {
		return "", badRequest("role_id must be a role of %s scope", scope)
	}
	return id, nil
}

// unique returns the elements of s in their order, without duplicates.
func unique(s []string) []string {
	var distinct []string
	for _, element := range s {
		if !slices.Contains(distinct, element) {
			distinct = append(distinct, element)
		}
	}
	return distinct
}
