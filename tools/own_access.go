package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// verdict is whether a permission is granted.
type verdict int

const (
	unknowable verdict = iota
	permitted
	refused
)

// grants are the permissions that a role allows; nil if they are not known.
type grants []string

// verdict reports whether one of the alternatives in p is granted.
func (g grants) verdict(p permission) verdict {
	switch {
	case g == nil:
		return unknowable
	case slices.ContainsFunc(p.alternatives(), func(name string) bool { return slices.Contains(g, name) }):
		return permitted
	}
	return refused
}

// alternatives returns the names of permissions of which one is enough.
func (p permission) alternatives() []string { return strings.Split(p.name, " or ") }

func (p permission) hasScope(scope string) bool {
	return slices.ContainsFunc(p.alternatives(), func(name string) bool { return strings.HasPrefix(name, scope+".") })
}

// inProjects reports whether a role in a project can grant p.
func (p permission) inProjects() bool { return p.hasScope("project") }

// ownAccess is what the server's own key may do, as far as its roles show.
type ownAccess struct {
	owner           bool // everything, in every project
	account         grants
	projects        []projectGrants
	projectsUnknown bool
}

type projectGrants struct {
	raffclient.ProjectAccess
	grants grants
}

// inAccount reports whether the account role grants p.
func (a ownAccess) inAccount(p permission) verdict {
	switch {
	case a.owner || p.name == "":
		return permitted
	case !p.hasScope("account"):
		return refused
	}
	return a.account.verdict(p)
}

// verdict reports whether p is granted in the account or in at least one project.
func (a ownAccess) verdict(p permission) verdict {
	in := []verdict{a.inAccount(p)}
	if p.inProjects() {
		if a.projectsUnknown {
			in = append(in, unknowable)
		}
		for _, project := range a.projects {
			in = append(in, project.grants.verdict(p))
		}
	}
	for _, v := range []verdict{permitted, unknowable} {
		if slices.Contains(in, v) {
			return v
		}
	}
	return refused
}

// ownAccess returns what the roles of the server's key allow. What cannot be read is noted
// in o.
func (d *deps) ownAccess(ctx context.Context, key raffclient.APIKey, o *whoamiOutput) ownAccess {
	roles, why := d.readRoles(ctx)
	allowed := func(id, name, where string) grants {
		role, ok := roles[id]
		if !ok || role.Permissions == nil {
			o.unknown("What %s allows in %s is unknown: %s.", labeled("the role", name), where, why)
			return nil
		}
		return role.Permissions
	}
	a := ownAccess{projectsUnknown: slices.Contains(key.Unreadable, "project_accesses")}
	if a.projectsUnknown {
		o.unknown("Which projects the key has access to is unknown: Raff's response is not a list.")
	}
	role := roles[key.RoleID]
	a.owner = key.RoleSlug == "owner" && (role.System == nil || *role.System)
	switch {
	case a.owner:
	case hasAccountRole(key):
		a.account = allowed(key.RoleID, key.RoleName, "the account")
	default:
		o.unknown("What a key without an account role may do in the account is not documented.")
	}
	for _, access := range key.ProjectAccesses {
		project := projectGrants{ProjectAccess: access}
		if !a.owner {
			project.grants = allowed(access.RoleID, access.RoleName, labeled("the project", access.ProjectName))
		}
		a.projects = append(a.projects, project)
	}
	return a
}

// readRoles returns the roles by ID, and why one may not be among them.
func (d *deps) readRoles(ctx context.Context) (roles map[string]raffclient.Role, missing string) {
	roles = map[string]raffclient.Role{}
	for r, err := range d.client.Roles(ctx, "") {
		if err != nil {
			return roles, reason(err)
		}
		roles[r.ID] = r
	}
	return roles, "it is not among the roles that Raff lists"
}
