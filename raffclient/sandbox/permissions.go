package sandbox

import (
	"slices"
	"strings"
)

func permissionRoutes() []route {
	return []route{
		{id: "listPermissions", method: "GET", path: "/api/v1/permissions", handle: (*API).listPermissions},
	}
}

// permission is an entry in the catalogue.
type permission struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Scope       string `json:"scope"`
	Category    string `json:"category"`
}

// listPermissions responds with the whole catalogue, without pages and total.
func (a *API) listPermissions(c call) (any, error) {
	scope, err := c.choice("scope", "account", "project")
	if err != nil {
		return nil, err
	}
	permissions := table[permission](catalogue()).filter(func(p permission) bool { return scope == "" || p.Scope == scope })
	return withData(permissions), nil
}

// catalogue returns all permissions. The 21 permissions of account scope are fully
// documented. Of the 40 of project scope the documentation names 16, those of project, vm
// and vpc, and uses volume.view in an example. The names of the others are from pages that
// also contain wrong names, or are invented in the same style. A client must read the
// catalogue and not rely on any of them.
func catalogue() []permission { return slices.Concat(accountPermissions(), projectPermissions()) }

func accountPermissions() []permission {
	return []permission{
		newPermission("account.projects.view", "View projects in the account"),
		newPermission("account.projects.create", "Create new projects"),
		newPermission("account.projects.manage", "Full project management access"),
		newPermission("account.projects.delete", "Delete projects"),
		newPermission("account.members.view", "View account members"),
		newPermission("account.members.invite", "Invite new members"),
		newPermission("account.members.manage", "Manage member roles"),
		newPermission("account.members.remove", "Remove members from account"),
		newPermission("account.roles.view", "View roles"),
		newPermission("account.roles.create", "Create new roles"),
		newPermission("account.roles.manage", "Modify role permissions"),
		newPermission("account.roles.delete", "Delete roles"),
		newPermission("account.apikeys.view", "View API keys"),
		newPermission("account.apikeys.create", "Create API keys"),
		newPermission("account.apikeys.manage", "Manage API key settings"),
		newPermission("account.apikeys.revoke", "Revoke API keys"),
		newPermission("account.billing.view", "View billing information"),
		newPermission("account.billing.manage", "Manage billing and payments"),
		newPermission("account.settings.view", "View account settings"),
		newPermission("account.settings.manage", "Manage account settings"),
		newPermission("account.audit.view", "View audit logs and security events"),
	}
}

func projectPermissions() []permission {
	return []permission{
		newPermission("project.settings.view", "View project settings"),
		newPermission("project.settings.manage", "Manage project settings"),
		newPermission("project.members.view", "View project members"),
		newPermission("project.members.invite", "Invite project members"),
		newPermission("project.members.manage", "Manage project members"),
		newPermission("project.members.remove", "Remove project members"),
		newPermission("vm.view", "View virtual machines"),
		newPermission("vm.create", "Create virtual machines"),
		newPermission("vm.delete", "Delete virtual machines"),
		newPermission("vm.power", "Start and stop virtual machines"),
		newPermission("vm.manage", "Manage virtual machines"),
		newPermission("vm.console", "Open the console of virtual machines"),
		newPermission("vpc.view", "View VPCs"),
		newPermission("vpc.create", "Create VPCs"),
		newPermission("vpc.delete", "Delete VPCs"),
		newPermission("vpc.manage", "Manage VPC settings and security groups"),
		newPermission("volume.view", "View volumes"),
		newPermission("volume.create", "Create volumes"),
		newPermission("volume.delete", "Delete volumes"),
		newPermission("volume.manage", "Manage volumes"),
		newPermission("snapshot.view", "View snapshots"),
		newPermission("snapshot.create", "Create snapshots"),
		newPermission("snapshot.delete", "Delete snapshots"),
		newPermission("snapshot.manage", "Manage snapshots"),
		newPermission("backup.view", "View backups"),
		newPermission("backup.create", "Create backups"),
		newPermission("backup.delete", "Delete backups"),
		newPermission("backup.restore", "Restore backups"),
		newPermission("ip.view", "View IP addresses"),
		newPermission("ip.reserve", "Reserve IP addresses"),
		newPermission("ip.release", "Release IP addresses"),
		newPermission("ip.manage", "Manage IP addresses"),
		newPermission("security_group.view", "View security groups"),
		newPermission("security_group.create", "Create security groups"),
		newPermission("security_group.delete", "Delete security groups"),
		newPermission("security_group.manage", "Manage security groups"),
		newPermission("ssh_key.view", "View SSH keys"),
		newPermission("ssh_key.create", "Create SSH keys"),
		newPermission("ssh_key.delete", "Delete SSH keys"),
		newPermission("ssh_key.manage", "Manage SSH keys"),
	}
}

// newPermission derives scope and category from the name. The only documented category
// is that of vm.create, vm: the element before the verb.
func newPermission(name, description string) permission {
	elements := strings.Split(name, ".")
	scope := "project"
	if elements[0] == "account" {
		scope = "account"
	}
	return permission{name, description, scope, elements[len(elements)-2]}
}

// permissionNames returns the names of one scope in the catalogue, with exceptions.
func permissionNames(scope string, except ...string) []string {
	excluded := map[string]bool{}
	for _, name := range except {
		excluded[name] = true
	}
	var names []string
	for _, p := range catalogue() {
		if p.Scope == scope && !excluded[p.Name] {
			names = append(names, p.Name)
		}
	}
	return names
}
