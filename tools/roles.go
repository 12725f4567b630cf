package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func roleTools() []Tool {
	return inToolset("roles",
		define(spec{
			name:        "list_roles",
			title:       "List roles",
			description: "List roles, Raff's own (is_system) and custom ones; get_role shows the permissions. Account-scope roles cover administration, project-scope roles the resources of a project.",
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
			description: "Create a custom role: a named set of permissions for members and API keys.",
			effect:      creates,
			permission:  rolesCreate,
		}, createRole),
		define(spec{
			name:        "update_role",
			title:       "Update role",
			description: "Change a custom role, for every member and API key that has it, from their next request on. Raff's own roles (is_system) cannot be changed.",
			effect:      updates,
			refuses:     "Raff's own roles (is_system) cannot be changed.",
			permission:  rolesManage,
		}, updateRole),
		define(spec{
			name:        "delete_role",
			title:       "Delete role",
			description: "Permanently delete a custom role. Raff refuses while a member or an API key has it.",
			effect:      deletes,
			refuses:     "Raff deletes neither its own roles (is_system) nor a role that a member or an API key still has.",
			permission:  rolesDelete,
		}, deleteRole),
		define(spec{
			name:        "list_permissions",
			title:       "List permissions",
			description: "List all permissions that a role can contain.",
			effect:      reads,
		}, listPermissions),
	)
}

type listRolesInput struct {
	Scope string `json:"scope,omitempty" jsonschema:"enum=account,enum=project"`
	listInput
}

func listRoles(ctx context.Context, d *deps, in listRolesInput) (pageOutput[listedRole], error) {
	o, err := list("roles", in.listInput, d.client.Roles(ctx, in.Scope), leanRole)
	if in.Scope != "" {
		o.none = "The account has no roles of scope " + in.Scope + "."
	}
	return o, err
}

// listedRole is a role in a list.
type listedRole struct {
	ID          string   `json:"id"`
	Name        string   `json:"name,omitempty"`
	Slug        string   `json:"slug,omitempty"`
	Scope       string   `json:"scope,omitempty"`
	System      *bool    `json:"is_system,omitempty"`
	Description string   `json:"description,omitempty"`
	Permissions int      `json:"permission_count,omitempty"`
	Unreadable  []string `json:"unreadable,omitempty" jsonschema:"-"` // rare: not in the schema
}

func leanRole(r raffclient.Role) listedRole {
	return listedRole{r.ID, r.Name, r.Slug, r.Scope, r.System, r.Description, len(r.Permissions), r.Unreadable}
}

type roleIDInput struct {
	ID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"From list_roles."`
}

// roleOutput is all about one role.
type roleOutput struct {
	summarized
	CreatedByEmail string          `json:"created_by_email,omitempty"`
	Role           raffclient.Role `json:"role"`
	creator        string          // a sentence
}

func roleText(r raffclient.Role) string {
	return fmt.Sprintf("%s (ID %s)", labeled("role", r.Name), idText(r.ID))
}

func (o roleOutput) summary() string { return describeRole("This is the", o.Role) + o.creator }

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
	Role listedRole `json:"role"`
}

func (o changedRoleOutput) summary() string {
	text := o.sentences(roleText(raffclient.Role{ID: o.Role.ID, Name: o.Role.Name}), "get_role")
	if slices.ContainsFunc(o.Changes, func(c change) bool { return c.Field == "permissions" }) {
		text += " The new permissions apply to everyone who has the role, from their next request on."
	}
	return text
}

func getRole(ctx context.Context, d *deps, in roleIDInput) (roleOutput, error) {
	o := roleOutput{}
	var err error
	if o.Role, err = d.client.GetRole(ctx, in.ID); err == nil && o.Role.CreatedBy != "" {
		var by string
		o.CreatedByEmail, by = d.creator(ctx, o.Role.CreatedBy)
		o.creator = " It was created by " + by + "."
	}
	return o, err
}

type createRoleInput struct {
	Name        string   `json:"name" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"1 to 64 characters."`
	Slug        string   `json:"slug" jsonschema:"minLength=1,maxLength=64,pattern=^[a-z0-9-]+$" jsonschema_description:"1 to 64 of a-z, 0-9 and -. Cannot be changed later."`
	Scope       string   `json:"scope" jsonschema:"enum=account,enum=project" jsonschema_description:"Cannot be changed later."`
	Permissions []string `json:"permissions" jsonschema:"minItems=1" jsonschema_description:"Names of the same scope, from list_permissions."`
	Description string   `json:"description,omitempty"`
}

func createRole(ctx context.Context, d *deps, in createRoleInput) (createdRoleOutput, error) {
	d.announce(ctx, "create_role", "creating role", "name", in.Name)
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
	Name        string   `json:"name,omitempty" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"1 to 64 characters."`
	Description *string  `json:"description,omitempty"`
	Permissions []string `json:"permissions,omitempty" jsonschema:"minItems=1" jsonschema_description:"Replaces the whole set. Names of the role's scope, from list_permissions."`
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
	now, err := d.client.UpdateRole(ctx, in.ID, raffclient.UpdateRoleRequest{Name: in.Name, Description: in.Description, Permissions: in.Permissions})
	if err != nil {
		return o, err
	}
	o.Role = leanRole(now)
	o.Role.ID = cmp.Or(now.ID, in.ID)
	o.text("name", in.Name, old.Name, now.Name)
	o.optional("description", in.Description, old.Description, now.Description)
	o.set("permissions", in.Permissions, old.Permissions, now.Permissions)
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
	return deleted("Deleted %s (ID %s) permanently.", "role", in.ID, role.Name), d.client.DeleteRole(ctx, in.ID)
}

type listPermissionsInput struct {
	Scope string `json:"scope,omitempty" jsonschema:"enum=account,enum=project"`
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
