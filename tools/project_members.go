package tools

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func projectMemberTools() []Tool {
	return []Tool{
		define(spec{
			name:        "list_project_members",
			title:       "List project members",
			description: "List who has a role in a project: people, API keys, and invited people (pending).",
			effect:      reads,
			permission:  projectMembersView,
		}, listProjectMembers),
		define(spec{
			name:        "get_project_member",
			title:       "Get project member",
			description: "Get one project member.",
			effect:      reads,
			permission:  projectMembersView,
		}, getProjectMember),
		define(spec{
			name:        "add_project_member",
			title:       "Add project member",
			description: "Give a role in a project to exactly one of: a user who is an account member; an API key.",
			effect:      creates,
			refuses:     "Raff refuses to add anyone who has a role in the project (list_project_members); update_project_member changes it.",
			permission:  projectMembersManage,
		}, addProjectMember),
		define(spec{
			name:        "update_project_member",
			title:       "Update project member",
			description: "Change a project member's role, or suspend or reactivate them there.",
			effect:      updates,
			permission:  projectMembersManage,
		}, updateProjectMember),
		define(spec{
			name:        "remove_project_member",
			title:       "Remove project member",
			description: "Remove a member from a project. They remain in the account.",
			effect:      deletes,
			permission:  projectMembersManage,
		}, removeProjectMember),
	}
}

type listProjectMembersInput struct {
	projectIDInput
	statusInput
	listInput
}

func listProjectMembers(ctx context.Context, d *deps, in listProjectMembersInput) (pageOutput[listedMember], error) {
	page := memberPage{deps: d, noun: "project members", where: "the project", status: in.Status}
	return page.read(ctx, in.listInput, d.client.ProjectMembers(ctx, in.ID, in.Status))
}

type projectMemberIDInput struct {
	projectIDInput
	MemberID string `json:"member_id" jsonschema:"format=uuid" jsonschema_description:"From list_project_members; not the user ID."`
}

func getProjectMember(ctx context.Context, d *deps, in projectMemberIDInput) (memberOutput, error) {
	member, err := d.client.GetProjectMember(ctx, in.ID, in.MemberID)
	if err != nil {
		return memberOutput{}, err
	}
	return d.describe(ctx, "project member", member), nil
}

type addProjectMemberInput struct {
	projectIDInput
	TargetUserID string `json:"target_user_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"user_id from list_members."`
	APIKeyID     string `json:"api_key_id,omitempty" jsonschema:"format=uuid"`
	RoleID       string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"Project-scope role, from list_roles."`
}

// Check implements [schema.Checker].
func (in addProjectMemberInput) Check() []schema.Fault {
	return exactlyOne("'target_user_id' and 'api_key_id'", in.TargetUserID, in.APIKeyID)
}

func addProjectMember(ctx context.Context, d *deps, in addProjectMemberInput) (addedMemberOutput, error) {
	d.announce(ctx, "add_project_member", "adding project member", "project_id", in.ID, "user_id", in.TargetUserID, "api_key_id", in.APIKeyID, "role_id", in.RoleID)
	member, err := d.client.AddProjectMember(ctx, in.ID, raffclient.AddProjectMemberRequest{TargetUserID: in.TargetUserID, APIKeyID: in.APIKeyID, RoleID: in.RoleID})
	if err != nil {
		return addedMemberOutput{}, err
	}
	o := d.added(ctx, member, in.ID, in.APIKeyID)
	o.token("target_user_id", in.TargetUserID, member.UserID)
	o.token("role_id", in.RoleID, member.RoleID)
	return o, nil
}

type updateProjectMemberInput struct {
	projectMemberIDInput
	changeMemberInput
}

// Check implements [schema.Checker].
func (in updateProjectMemberInput) Check() []schema.Fault { return in.faults() }

func updateProjectMember(ctx context.Context, d *deps, in updateProjectMemberInput) (changedMemberOutput, error) {
	o := changedMemberOutput{noun: "project member", check: "get_project_member"}
	old, err := d.client.GetProjectMember(ctx, in.ID, in.MemberID)
	if err := o.begin(err, projectMembersView); err != nil {
		return o, err
	}
	member, err := d.client.UpdateProjectMember(ctx, in.ID, in.MemberID, raffclient.UpdateMemberRequest(in.changeMemberInput))
	if err != nil {
		return o, err
	}
	o.compare(in.changeMemberInput, in.MemberID, old, member)
	o.nameKey(ctx, d, in.MemberID)
	return o, nil
}

type removeProjectMemberInput struct {
	projectMemberIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"Their e-mail address; the member ID if there is none."`
}

func removeProjectMember(ctx context.Context, d *deps, in removeProjectMemberInput) (deletedOutput, error) {
	member, err := d.client.GetProjectMember(ctx, in.ID, in.MemberID)
	if err != nil {
		return deletedOutput{}, withPermission(err, projectMembersView)
	}
	key, _ := d.currentKeyOf(ctx, in.MemberID)
	shown := leanMember(member, key)
	shown.ID = in.MemberID
	a := action{"Remove", "project member", in.MemberID, cmp.Or(member.Email, in.MemberID), shown.detail(), "They lose access to the project immediately.", "get_project_member"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return deletedOutput{}, err
	}
	again := callText("add_project_member", "project_id", in.ID, "target_user_id", member.UserID, "role_id", member.RoleID)
	switch {
	case key.ID != "":
		again = callText("add_project_member", "project_id", in.ID, "api_key_id", key.ID, "role_id", member.RoleID)
	case member.UserID == "":
		again = ""
	}
	text := fmt.Sprintf("Removed the %s from the project, where the role was %s. Their account role has not changed.", memberText("member", shown), quoted(member.RoleName))
	if again != "" {
		text += " To undo this: " + again + "."
	}
	return deletedOutput{ID: in.MemberID, Name: cmp.Or(member.Email, key.Name), text: text}, d.client.RemoveProjectMember(ctx, in.ID, in.MemberID)
}
