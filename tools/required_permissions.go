package tools

// permission is a permission that the API requires of a key, as far as is known.
type permission struct {
	name    string // "account.apikeys.view"
	holders string // who has it by default
}

const (
	ownerAdmin       = "the roles Owner and Admin"
	ownerAdminMember = "the roles Owner, Admin and Member"
	onlyOwner        = "the role Owner alone, not by Admin"
	projectViewers   = "Owner and, in the project, by the roles Project Admin, Operator, Project Member and Viewer"
	projectAdmins    = "Owner and, in the project, by the roles Project Admin and Operator"
)

var (
	apiKeysView   = permission{"account.apikeys.view", ownerAdmin}
	apiKeysCreate = permission{"account.apikeys.create", ownerAdmin}
	apiKeysManage = permission{"account.apikeys.manage", ownerAdmin}
	apiKeysRevoke = permission{"account.apikeys.revoke", onlyOwner}

	rolesView   = permission{"account.roles.view", ownerAdmin}
	rolesCreate = permission{"account.roles.create", ownerAdmin}
	rolesManage = permission{"account.roles.manage", ownerAdmin}
	rolesDelete = permission{"account.roles.delete", onlyOwner}

	projectsView   = permission{"account.projects.view", ownerAdminMember}
	projectsCreate = permission{"account.projects.create", ownerAdmin}
	projectsManage = permission{"account.projects.manage", ownerAdmin}
	projectsDelete = permission{"account.projects.delete", onlyOwner}

	membersView   = permission{"account.members.view", ownerAdminMember}
	membersInvite = permission{"account.members.invite", ownerAdmin}
	membersManage = permission{"account.members.manage", ownerAdmin}
	membersRemove = permission{"account.members.remove", onlyOwner}

	projectMembersView   = permission{"project.members.view", projectViewers}
	projectMembersManage = permission{"project.members.manage", projectAdmins}
	projectMembersInvite = permission{"project.members.invite or account.members.invite", "the roles Owner and Admin and, in the project, by Project Admin"}
)

// permissionError is an error of a request that requires another permission than the
// tool itself.
type permissionError struct {
	error
	permission permission
}

func (e permissionError) Unwrap() error { return e.error }

// withPermission returns err with the permission that the failed request requires, or nil
// if err is nil.
func withPermission(err error, p permission) error {
	if err == nil {
		return nil
	}
	return permissionError{err, p}
}
