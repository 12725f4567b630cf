package sandbox

import "time"

// systemRoles returns the roles that every account has. Owner is among them: the
// documentation counts seven without it, yet speaks of it as one. Of the slugs only
// operator is documented; the permissions of the project roles are those of the
// documented ones that the catalogue has.
func systemRoles(now time.Time) []*role {
	roles := []*role{
		{
			ID:          RoleID("owner"),
			Name:        "Owner",
			Slug:        "owner",
			Description: "Full access to the account and all its projects",
			Scope:       "account",
			Permissions: permissionNames("account"),
		},
		{
			ID:          RoleID("admin"),
			Name:        "Admin",
			Slug:        "admin",
			Description: "Account admin without billing",
			Scope:       "account",
			Permissions: permissionNames("account",
				"account.projects.delete", "account.members.remove", "account.roles.delete",
				"account.apikeys.revoke", "account.billing.view", "account.billing.manage"),
		},
		{
			ID:          RoleID("billing"),
			Name:        "Billing",
			Slug:        "billing",
			Description: "Billing access only",
			Scope:       "account",
			Permissions: []string{"account.billing.view", "account.billing.manage"},
		},
		{
			ID:          RoleID("member"),
			Name:        "Member",
			Slug:        "member",
			Description: "Basic account member",
			Scope:       "account",
			Permissions: []string{"account.settings.view", "account.members.view", "account.projects.view"},
		},
		{
			ID:          RoleID("project-admin"),
			Name:        "Project Admin",
			Slug:        "project-admin",
			Description: "Full project access",
			Scope:       "project",
			Permissions: permissionNames("project"),
		},
		{
			ID:          RoleID("operator"),
			Name:        "Operator",
			Slug:        "operator",
			Description: "Manage resources without delete",
			Scope:       "project",
			Permissions: permissionNames("project", "vm.delete", "vpc.delete", "project.members.remove"),
		},
		{
			ID:          RoleID("project-member"),
			Name:        "Project Member",
			Slug:        "project-member",
			Description: "Basic project access",
			Scope:       "project",
			Permissions: []string{"project.settings.view", "project.members.view", "vm.view", "vm.power", "vpc.view", "volume.view"},
		},
		{
			ID:          RoleID("viewer"),
			Name:        "Viewer",
			Slug:        "viewer",
			Description: "Read-only project access",
			Scope:       "project",
			Permissions: []string{"project.settings.view", "project.members.view", "vm.view", "vpc.view", "volume.view"},
		},
	}
	for _, r := range roles {
		r.IsSystem = true
		r.CreatedAt = seconds(now)
		r.UpdatedAt = seconds(now)
	}
	return roles
}
