package tools

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func roleTools() []Tool {
	return inToolset("roles",
		define(spec{
			name:        "list_roles",
			title:       "List roles",
			description: "List the roles of the account, Raff's own (is_system) and custom ones, with the permissions that each allows. Account roles are for what is administered here, project roles for the resources in a project.",
			effect:      reads,
			permission:  rolesView,
		}, listRoles),
		define(spec{
			name:        "get_role",
			title:       "Get role",
			description: "Get one role with its permissions.",
			effect:      reads,
			permission:  rolesView,
		}, getRole),
		define(spec{
			name:        "create_role",
			title:       "Create role",
			description: "Create a custom role, a named set of permissions that keys and members can be given. Scope and slug cannot be changed later.",
			effect:      creates,
			permission:  rolesCreate,
		}, createRole),
		define(spec{
			name:        "update_role",
			title:       "Update role",
			description: "Change a custom role. The change reaches every member and API key that has the role, at their next request. Roles of Raff's own (is_system) cannot be changed.",
			effect:      updates,
			refuses:     "Raff's own roles (is_system) cannot be changed.",
			permission:  rolesManage,
		}, updateRole),
		define(spec{
			name:        "delete_role",
			title:       "Delete role",
			description: "Delete a custom role for good. Raff refuses while a member or an API key has it.",
			effect:      deletes,
			refuses:     "Raff's own roles (is_system) cannot be deleted, nor can a role that a member or an API key still has.",
			permission:  rolesDelete,
		}, deleteRole),
		define(spec{
			name:        "list_permissions",
			title:       "List permissions",
			description: "List the permissions that exist, which roles are made of. The catalogue is the same for every account.",
			effect:      reads,
		}, listPermissions),
	)
}

type listRolesInput struct {
	Scope string `json:"scope,omitempty" jsonschema:"enum=account,enum=project" jsonschema_description:"Only roles of this scope."`
	listInput
}

func listRoles(ctx context.Context, d *deps, in listRolesInput) (pageOutput[listedRole], error) {
	return list("roles", in.listInput, d.client.Roles(ctx, in.Scope), leanRole)
}

// listedRole is a role in a list.
type listedRole struct {
	ID          string   `json:"id"`
	Name        string   `json:"name,omitempty"`
	Slug        string   `json:"slug,omitempty"`
	Scope       string   `json:"scope,omitempty"`
	System      *bool    `json:"is_system,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Unreadable  []string `json:"unreadable,omitempty"`
}

func leanRole(r raffclient.Role) listedRole {
	return listedRole{r.ID, r.Name, r.Slug, r.Scope, r.System, r.Permissions, r.Unreadable}
}

type roleIDInput struct {
	ID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"The role's ID, from list_roles."`
}

type roleOutput struct {
	summarized
	Role raffclient.Role `json:"role"`
}

func roleText(r raffclient.Role) string {
	return fmt.Sprintf("%s (ID %s)", labeled("role", r.Name), idText(r.ID))
}

func (o roleOutput) summary() string { return describeRole("This is the", o.Role) }

func describeRole(verb string, r raffclient.Role) string {
	return fmt.Sprintf("%s %s, slug %s, scope %s, with %d permissions.", verb, roleText(r), quoted(r.Slug), quoteAtMost(r.Scope, maxShort), len(r.Permissions))
}

// createdRoleOutput is a new role.
type createdRoleOutput struct {
	summarized
	confirmed
	Role raffclient.Role `json:"role"`
}

func (o createdRoleOutput) summary() string {
	return describeRole("Created the", o.Role) + o.doubts("get_role")
}

// changedRoleOutput is a role after a change.
type changedRoleOutput struct {
	summarized
	changed
	Role raffclient.Role `json:"role"`
}

func (o changedRoleOutput) summary() string { return o.sentences(roleText(o.Role), "get_role") }

func getRole(ctx context.Context, d *deps, in roleIDInput) (roleOutput, error) {
	role, err := d.client.GetRole(ctx, in.ID)
	return roleOutput{Role: role}, err
}

type createRoleInput struct {
	Name        string   `json:"name" jsonschema:"minLength=1,maxLength=64"`
	Slug        string   `json:"slug" jsonschema:"minLength=1,maxLength=64,pattern=^[a-z0-9-]+$" jsonschema_description:"Short name of a-z, 0-9 and -, such as custom-operator. Cannot be changed later."`
	Scope       string   `json:"scope" jsonschema:"enum=account,enum=project" jsonschema_description:"Cannot be changed later."`
	Permissions []string `json:"permissions" jsonschema:"minItems=1" jsonschema_description:"Names from list_permissions, of the same scope."`
	Description string   `json:"description,omitempty"`
}

func createRole(ctx context.Context, d *deps, in createRoleInput) (createdRoleOutput, error) {
	d.announce("create_role", "creating role", "name", in.Name)
	role, err := d.client.CreateRole(ctx, raffclient.CreateRoleRequest(in))
	if err != nil {
		return createdRoleOutput{}, err
	}
	o := createdRoleOutput{Role: role}
	o.text("name", in.Name, role.Name)
	o.token("slug", in.Slug, role.Slug)
	o.token("scope", in.Scope, role.Scope)
	o.set("permissions", in.Permissions, role.Permissions)
	o.text("description", in.Description, role.Description)
	return o, nil
}

type updateRoleInput struct {
	roleIDInput
	Name        string   `json:"name,omitempty" jsonschema:"minLength=1,maxLength=64"`
	Description *string  `json:"description,omitempty"`
	Permissions []string `json:"permissions,omitempty" jsonschema:"minItems=1" jsonschema_description:"Replaces the whole set: what is left out is taken away from everyone who has the role. Names from list_permissions, of the role's scope."`
}

// Check implements [schema.Checker].
func (in updateRoleInput) Check() []schema.Fault {
	return atLeastOne(in.Name != "" || in.Description != nil || in.Permissions != nil, "'name', 'description' and 'permissions'")
}

func atLeastOne(given bool, properties string) []schema.Fault {
	if given {
		return nil
	}
	return []schema.Fault{{Problem: "at least one of " + properties + " is needed"}}
}

func updateRole(ctx context.Context, d *deps, in updateRoleInput) (changedRoleOutput, error) {
	var o changedRoleOutput
	old, err := d.client.GetRole(ctx, in.ID)
	if err := o.begin(err, rolesView); err != nil {
		return o, err
	}
	if o.Role, err = d.client.UpdateRole(ctx, in.ID, raffclient.UpdateRoleRequest{Name: in.Name, Description: in.Description, Permissions: in.Permissions}); err != nil {
		return o, err
	}
	o.Role.ID = cmp.Or(o.Role.ID, in.ID)
	o.text("name", in.Name, old.Name, o.Role.Name)
	o.optional("description", in.Description, old.Description, o.Role.Description)
	o.set("permissions", in.Permissions, old.Permissions, o.Role.Permissions)
	return o, nil
}

type deleteRoleInput struct {
	roleIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"The role's current name."`
}

// deletedOutput is the output of a tool that deletes, revokes or removes.
type deletedOutput struct {
	summarized
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	text string // the summary
}

func (o deletedOutput) summary() string { return o.text }

// deleted returns the output of a tool that deleted something. format is that of the summary, for
// the noun with the name, and the ID.
func deleted(format, noun, id, name string) deletedOutput {
	return deletedOutput{ID: id, Name: name, text: fmt.Sprintf(format, labeled(noun, name), idText(id))}
}

func deleteRole(ctx context.Context, d *deps, in deleteRoleInput) (deletedOutput, error) {
	role, err := d.client.GetRole(ctx, in.ID)
	if err != nil {
		return deletedOutput{}, withPermission(err, rolesView)
	}
	a := action{"Delete", "role", in.ID, cmp.Or(role.Name, in.ID), "ID " + idText(in.ID), "This cannot be undone.", "get_role"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return deletedOutput{}, err
	}
	return deleted("Deleted %s (ID %s).", "role", in.ID, role.Name), d.client.DeleteRole(ctx, in.ID)
}

type listPermissionsInput struct {
	Scope string `json:"scope,omitempty" jsonschema:"enum=account,enum=project" jsonschema_description:"Only permissions of this scope."`
}

func listPermissions(ctx context.Context, d *deps, in listPermissionsInput) (pageOutput[raffclient.Permission], error) {
	var all []raffclient.Permission
	for p, err := range d.client.Permissions(ctx, in.Scope) {
		if err != nil {
			return pageOutput[raffclient.Permission]{}, err
		}
		all = append(all, p)
	}
	return paginate("permissions", listInput{Limit: len(all)}, all), nil
}
