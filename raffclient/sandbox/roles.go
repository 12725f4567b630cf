package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
)

func roleRoutes() []route {
	return []route{
		{id: "listRoles", method: "GET", path: "/api/v1/roles", permission: "account.roles.view", handle: (*API).listRoles},
		{id: "createRole", method: "POST", path: "/api/v1/roles", permission: "account.roles.create", status: http.StatusCreated, handle: (*API).createRole},
		{id: "getRole", method: "GET", path: "/api/v1/roles/{id}", permission: "account.roles.view", handle: (*API).getRole},
		{id: "updateRole", method: "PATCH", path: "/api/v1/roles/{id}", permission: "account.roles.manage", handle: (*API).updateRole},
		{id: "deleteRole", method: "DELETE", path: "/api/v1/roles/{id}", permission: "account.roles.delete", handle: (*API).deleteRole},
	}
}

// role is a set of permissions, as the API shows it.
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

// Role is what Roles tells of a role.
type Role struct {
	ID, Name, Slug, Scope string
	Permissions           []string
	System                bool
}

// Roles returns all roles, the oldest first.
func (a *API) Roles() []Role {
	a.mu.Lock()
	defer a.mu.Unlock()
	roles := make([]Role, 0, len(a.roles))
	for _, r := range a.roles {
		roles = append(roles, Role{r.ID, r.Name, r.Slug, r.Scope, slices.Clone(r.Permissions), r.IsSystem})
	}
	return roles
}

// listRoles answers without a total. Its order, and that of the other lists, is not
// documented: here it is that of creation, the oldest first.
func (a *API) listRoles(c call) (any, error) {
	scope, err := c.choice("scope", "account", "project")
	if err != nil {
		return nil, err
	}
	var found []*role
	for _, r := range a.roles {
		if scope == "" || r.Scope == scope {
			found = append(found, r)
		}
	}
	roles, err := page(c, found, 50)
	if err != nil {
		return nil, err
	}
	return withData(roles), nil
}

func (a *API) getRole(c call) (any, error) {
	r, err := a.findRole(c)
	if err != nil {
		return nil, err
	}
	return withData(r), nil
}

func (a *API) createRole(c call) (any, error) {
	body, err := decode[struct {
		roleSettings
		Slug  string `json:"slug"`
		Scope string `json:"scope"`
	}](c)
	if err != nil {
		return nil, err
	}
	if body.Name == nil || body.Permissions == nil {
		return nil, badRequest("name, slug, scope and permissions are required")
	}
	if err := oneOf("scope", body.Scope, "account", "project"); err != nil {
		return nil, err
	}
	if err := a.checkSlug(body.Slug); err != nil {
		return nil, err
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

func (a *API) updateRole(c call) (any, error) {
	r, err := a.findCustomRole(c)
	if err != nil {
		return nil, err
	}
	body, err := decode[roleSettings](c)
	if err != nil {
		return nil, err
	}
	if body.Name == nil && body.Description == nil && body.Permissions == nil {
		return nil, badRequest("at least one field is required")
	}
	if err := a.checkRole(r, body); err != nil {
		return nil, err
	}
	body.apply(r, c.now)
	return withData(r), nil
}

func (a *API) deleteRole(c call) (any, error) {
	r, err := a.findCustomRole(c)
	if err != nil {
		return nil, err
	}
	if a.inUse(r) {
		return nil, badRequest("role is in use by a member or an API key")
	}
	a.roles = slices.DeleteFunc(a.roles, func(other *role) bool { return other == r })
	return withMessage("Role deleted"), nil
}

// inUse reports whether a key or a member has the role. A key that is expired or
// inactive may come back, and an invitation may be accepted, so they count.
func (a *API) inUse(r *role) bool {
	return slices.ContainsFunc(a.keys, func(k *apiKey) bool { return !k.revoked && k.RoleID == r.ID }) ||
		slices.ContainsFunc(a.members, func(m *member) bool { return m.roleID == r.ID })
}

// roleSettings are the fields of a request's body that a role can be made with and
// that can be changed later.
type roleSettings struct {
	Name        *string  `json:"name"`
	Description *string  `json:"description"`
	Permissions []string `json:"permissions"`
}

// checkRole refuses settings that do not fit the role. That names are unique in the
// account is documented; here the system roles' are among them, and case counts.
// That no role may be left without permissions is documented for new ones only.
func (a *API) checkRole(r *role, s roleSettings) error {
	if err := checkName(s.Name, 64); err != nil {
		return err
	}
	if s.Name != nil && slices.ContainsFunc(a.roles, func(o *role) bool { return o.Name == *s.Name && o.ID != r.ID }) {
		return badRequest("name: there is a role of that name")
	}
	if s.Permissions != nil && len(s.Permissions) == 0 {
		return badRequest("permissions must have at least one element")
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

var slugFormat = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// checkSlug refuses a slug that has the wrong form or is taken.
func (a *API) checkSlug(slug string) error {
	if !slugFormat.MatchString(slug) {
		return badRequest("slug must have 1 to 64 lower-case letters, digits and hyphens")
	}
	if slices.ContainsFunc(a.roles, func(r *role) bool { return r.Slug == slug }) {
		return badRequest("slug: there is a role of that slug")
	}
	return nil
}

// findRole returns the role that the path names.
func (a *API) findRole(c call) (*role, error) {
	id, _ := parseID(c.PathValue("id"))
	r, ok := a.role(id)
	if !ok {
		return nil, notFound("role not found")
	}
	return r, nil
}

// findCustomRole returns the role that the path names, if it may be changed.
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
	i := slices.IndexFunc(a.roles, func(r *role) bool { return r.ID == id })
	if i < 0 {
		return nil, false
	}
	return a.roles[i], true
}

// roleID returns the ID of the role that a request's role_id means, or "" if there
// is none.
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

// unique returns the elements of s in their order, each once.
func unique(s []string) []string {
	var once []string
	for _, element := range s {
		if !slices.Contains(once, element) {
			once = append(once, element)
		}
	}
	return once
}
