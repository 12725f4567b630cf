package sandbox

import "time"

// systemRoles returns the roles that every account has, including Owner: the
// documentation counts seven roles without it, but calls it a role. Of the slugs only operator
// is documented. Each role has the documented number of permissions. Their names are
// fully documented for the account roles and for Project Admin, which has all 40.
// Operator (29) lacks vm.delete, vpc.delete, project.members.remove and "destructive
// ones" of the other categories, so it has project.members.manage. Project Member (11)
// and Viewer (9) have read permissions, and Project Member has vm.power. The rest is
// chosen to match these numbers.
func systemRoles(now time.Time) []*role {
	roles := append(systemAccountRoles(), systemProjectRoles()...)
	for _, r := range roles {
		r.IsSystem = true
		r.CreatedAt = seconds(now)
		r.UpdatedAt = seconds(now)
	}
	return roles
}

func systemAccountRoles() []*role {
	return []*role{
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
	}
}

func systemProjectRoles() []*role {
	return []*role{
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
			Permissions: permissionNames("project",
				"project.settings.manage", "project.members.remove", "vm.delete", "vpc.delete", "volume.delete", "snapshot.delete",
				"backup.delete", "backup.restore", "ip.release", "security_group.delete", "ssh_key.delete"),
		},
		{
			ID:          RoleID("project-member"),
			Name:        "Project Member",
			Slug:        "project-member",
			Description: "Basic project access",
			Scope:       "project",
			Permissions: append(projectReads(), "vm.power", "ssh_key.view"),
		},
		{
			ID:          RoleID("viewer"),
			Name:        "Viewer",
			Slug:        "viewer",
			Description: "Read-only project access",
			Scope:       "project",
			Permissions: projectReads(),
		},
	}
}

// projectReads returns the permissions of the role Viewer.
func projectReads() []string {
	return []string{
		"project.settings.view", "project.members.view", "vm.view", "vpc.view", "volume.view",
		"snapshot.view", "backup.view", "ip.view", "security_group.view",
	}
}
