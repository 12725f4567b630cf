package tools

import (
	"cmp"
	"context"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func projectMemberTools() []Tool {
	return []Tool{
		define(spec{
			name:        "list_project_members",
			title:       "List project members",
			description: "List who has a role in a project, those who were invited and have not accepted included.",
			effect:      reads,
			permission:  projectMembersView,
		}, listProjectMembers),
		define(spec{
			name:        "get_project_member",
			title:       "Get project member",
			description: "Get one member of a project.",
			effect:      reads,
			permission:  projectMembersView,
		}, getProjectMember),
		define(spec{
			name:        "add_project_member",
			title:       "Add project member",
			description: "Give a member of the account, or an API key, a role in a project. Exactly one of target_user_id and api_key_id is needed. Keep the member's ID of the answer: for an API key it cannot be found out later.",
			effect:      creates,
			refuses:     "Nobody can be added or invited who has a role in the project already (list_project_members).",
			permission:  projectMembersManage,
		}, addProjectMember),
		define(spec{
			name:        "update_project_member",
			title:       "Update project member",
			description: "Change the role of a member of a project, or suspend or reactivate them there.",
			effect:      updates,
			permission:  projectMembersManage,
		}, updateProjectMember),
		define(spec{
			name:        "remove_project_member",
			title:       "Remove project member",
			description: "Take away what a member may do in a project. In the account the member stays.",
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
	return list("project members", in.listInput, d.client.ProjectMembers(ctx, in.ID, in.Status), leanMember)
}

type projectMemberIDInput struct {
	projectIDInput
	MemberID string `json:"member_id" jsonschema:"format=uuid" jsonschema_description:"The member's ID (not the user's), from list_project_members."`
}

func getProjectMember(ctx context.Context, d *deps, in projectMemberIDInput) (memberOutput, error) {
	member, err := d.client.GetProjectMember(ctx, in.ID, in.MemberID)
	return memberOutput{Member: member, noun: "project member"}, err
}

type addProjectMemberInput struct {
	projectIDInput
	TargetUserID string `json:"target_user_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"user_id of a member of the account, from list_members."`
	APIKeyID     string `json:"api_key_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"Of an API key, from list_api_keys."`
	RoleID       string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"ID of a project-scope role, from list_roles."`
}

// Check implements [schema.Checker].
func (in addProjectMemberInput) Check() []schema.Fault {
	return exactlyOne("'target_user_id' and 'api_key_id'", in.TargetUserID, in.APIKeyID)
}

func addProjectMember(ctx context.Context, d *deps, in addProjectMemberInput) (addedMemberOutput, error) {
	d.announce("add_project_member", "adding project member", "project_id", in.ID, "user_id", in.TargetUserID, "api_key_id", in.APIKeyID, "role_id", in.RoleID)
	member, err := d.client.AddProjectMember(ctx, in.ID, raffclient.AddProjectMemberRequest{TargetUserID: in.TargetUserID, APIKeyID: in.APIKeyID, RoleID: in.RoleID})
	if err != nil {
		return addedMemberOutput{}, err
	}
	o := addedMemberOutput{Member: member, noun: "project member", check: "get_project_member"}
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
	if o.Member, err = d.client.UpdateProjectMember(ctx, in.ID, in.MemberID, raffclient.UpdateMemberRequest(in.changeMemberInput)); err != nil {
		return o, err
	}
	o.compare(in.changeMemberInput, in.MemberID, old)
	return o, nil
}

type removeProjectMemberInput struct {
	projectMemberIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"The member's e-mail address; the member ID if there is none."`
}

func removeProjectMember(ctx context.Context, d *deps, in removeProjectMemberInput) (deletedOutput, error) {
	member, err := d.client.GetProjectMember(ctx, in.ID, in.MemberID)
	if err != nil {
		return deletedOutput{}, withPermission(err, projectMembersView)
	}
	a := action{"Remove", "project member", in.MemberID, cmp.Or(member.Email, in.MemberID), "ID " + idText(in.MemberID), "They lose access to the project immediately.", "get_project_member"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return deletedOutput{}, err
	}
	return deleted("Removed %s (ID %s) from the project.", "member", in.MemberID, cmp.Or(member.Email, in.MemberID)), d.client.RemoveProjectMember(ctx, in.ID, in.MemberID)
}
