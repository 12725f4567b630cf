package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

func invitationTools() []Tool {
	return []Tool{
		define(spec{
			name:        "create_account_invitation",
			title:       "Invite to the account",
			description: "Send somebody an e-mail with a link by which they become a member of the account. Until then they are listed by list_members with status pending.",
			effect:      creates,
			refuses:     "Nobody can be added or invited who is a member already or has a pending invitation (list_members).",
			permission:  membersInvite,
		}, createAccountInvitation),
		define(spec{
			name:        "create_project_invitation",
			title:       "Invite to a project",
			description: "Send somebody an e-mail with a link by which they become a member of a project. Until then they are listed by list_project_members with status pending.",
			effect:      creates,
			refuses:     "Nobody can be added or invited who has a role in the project already (list_project_members).",
			permission:  projectMembersInvite,
		}, createProjectInvitation),
		define(spec{
			name:        "cancel_invitation",
			title:       "Cancel invitation",
			description: "Cancel a pending invitation to the account or to a project: its link is no longer valid. To send it again, cancel it and invite again.",
			effect:      deletes,
			permission:  membersInvite,
		}, cancelInvitation),
	}
}

type createAccountInvitationInput struct {
	Email  string `json:"email" jsonschema:"format=email" jsonschema_description:"Of somebody who is no member yet."`
	RoleID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"ID of an account-scope role, from list_roles."`
}

type invitationOutput struct {
	summarized
	confirmed
	Invitation raffclient.Invitation `json:"invitation"`
	check      string                // the tool that shows the pending member
}

func (o invitationOutput) summary() string {
	i := o.Invitation
	return fmt.Sprintf("Invited %s (invitation ID %s) as %s; the invitation expires at %s.%s", quoted(i.Email), idText(i.ID), quoted(i.RoleName), timeText(i.ExpiresAt), o.doubts(o.check))
}

// newInvitation returns the output for an invitation: the response, compared with the
// request.
func newInvitation(i raffclient.Invitation, email, roleID, check string) invitationOutput {
	o := invitationOutput{Invitation: i, check: check}
	o.token("email", email, i.Email)
	o.token("role_id", roleID, i.RoleID)
	return o
}

func createAccountInvitation(ctx context.Context, d *deps, in createAccountInvitationInput) (invitationOutput, error) {
	d.announce("create_account_invitation", "creating invitation to the account", "email", in.Email, "role_id", in.RoleID)
	invitation, err := d.client.CreateAccountInvitation(ctx, raffclient.CreateInvitationRequest(in))
	return newInvitation(invitation, in.Email, in.RoleID, "list_members"), err
}

type createProjectInvitationInput struct {
	projectIDInput
	Email  string `json:"email" jsonschema:"format=email" jsonschema_description:"Of somebody who is no member of the project yet."`
	RoleID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"ID of a project-scope role, from list_roles."`
}

func createProjectInvitation(ctx context.Context, d *deps, in createProjectInvitationInput) (invitationOutput, error) {
	d.announce("create_project_invitation", "creating invitation to a project", "email", in.Email, "project_id", in.ID, "role_id", in.RoleID)
	invitation, err := d.client.CreateProjectInvitation(ctx, in.ID, raffclient.CreateInvitationRequest{Email: in.Email, RoleID: in.RoleID})
	return newInvitation(invitation, in.Email, in.RoleID, "list_project_members"), err
}

type cancelInvitationInput struct {
	ID          string `json:"invitation_id" jsonschema:"format=uuid" jsonschema_description:"invitation_id of a pending member, from list_members or list_project_members."`
	ProjectID   string `json:"project_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"The project, if the invitation is to a project: its members are then searched for the invitation."`
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"E-mail address of the invited person; the invitation's ID if it is not listed."`
}

type cancelledOutput struct {
	summarized
	ID    string `json:"id"`
	Email string `json:"email,omitempty"`
}

func (o cancelledOutput) summary() string {
	return fmt.Sprintf("Cancelled the %s (ID %s); its link is no longer valid.", labeled("invitation", o.Email), idText(o.ID))
}

func cancelInvitation(ctx context.Context, d *deps, in cancelInvitationInput) (cancelledOutput, error) {
	email, unlisted, err := d.invitedEmail(ctx, in)
	if err != nil {
		return cancelledOutput{}, err
	}
	if email == "" && in.ConfirmName != in.ID {
		return cancelledOutput{}, refusal(fmt.Sprintf("Nothing was changed: whose invitation %s is cannot be checked: %s. "+
			"If it is an invitation to a project, call again with project_id. If it cannot be listed, and the user is sure of the ID, call again with the ID as confirm_name.", idText(in.ID), unlisted))
	}
	a := action{"Cancel", "invitation", in.ID, cmp.Or(email, in.ID), "ID " + idText(in.ID), "Its link stops working immediately. This cannot be undone, but a new invitation can be sent.", "list_members or list_project_members"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return cancelledOutput{}, err
	}
	return cancelledOutput{ID: in.ID, Email: email}, d.client.CancelInvitation(ctx, in.ID)
}

// invitedEmail returns the e-mail address of an invitation. The API does not list
// invitations: until they are accepted, they are pending members of the account or of a
// project. If no such member can be found, unlisted is the reason; it is not an error,
// because the invitation can be cancelled nevertheless.
func (d *deps) invitedEmail(ctx context.Context, in cancelInvitationInput) (email, unlisted string, err error) {
	where, required, members := "the account", membersView, d.client.Members(ctx, "")
	if in.ProjectID != "" {
		where, required, members = "the project", projectMembersView, d.client.ProjectMembers(ctx, in.ProjectID, "")
	}
	email, err = invitee(members, in.ID)
	for _, kind := range []error{raffclient.ErrForbidden, raffclient.ErrNotFound, raffclient.ErrListIncomplete} {
		if errors.Is(err, kind) {
			return email, fmt.Sprintf("the members of %s cannot be listed, which most likely takes %s: %s", where, required.name, reason(err)), nil
		}
	}
	if err == nil && email == "" {
		unlisted = "no pending member of " + where + " with that invitation ID and an e-mail address is listed"
	}
	return email, unlisted, withPermission(err, required)
}

// invitee returns the e-mail address of the member with that invitation, or "" if there
// is none.
func invitee(members iter.Seq2[raffclient.Member, error], id string) (string, error) {
	for m, err := range members {
		if err != nil || strings.EqualFold(m.InvitationID, id) {
			return m.Email, err
		}
	}
	return "", nil
}
