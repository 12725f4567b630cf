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
			description: "E-mail a person a link to join the account. Until they accept, list_members shows them as pending.",
			effect:      creates,
			refuses:     "Raff refuses to add or invite anyone who is a member or has a pending invitation (list_members).",
			permission:  membersInvite,
		}, createAccountInvitation),
		define(spec{
			name:        "create_project_invitation",
			title:       "Invite to a project",
			description: "E-mail a person a link to join a project. Until they accept, list_project_members shows them as pending.",
			effect:      creates,
			refuses:     "Raff refuses to add or invite anyone who has a role in the project or a pending invitation (list_project_members).",
			permission:  projectMembersInvite,
		}, createProjectInvitation),
		define(spec{
			name:        "cancel_invitation",
			title:       "Cancel invitation",
			description: "Cancel a pending invitation. To resend one, cancel it and invite again.",
			effect:      deletes,
			permission:  membersInvite,
		}, cancelInvitation),
	}
}

type createAccountInvitationInput struct {
	Email  string `json:"email" jsonschema:"format=email"`
	RoleID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"Account-scope role, from list_roles."`
}

type invitationOutput struct {
	summarized
	confirmed
	Invitation newInvitation `json:"invitation"`
	check      string        // the tool that shows the pending member
}

// newInvitation is an invitation that was sent.
type newInvitation struct {
	ID          string               `json:"id"`
	ProjectID   string               `json:"project_id,omitempty"`
	ProjectName string               `json:"project_name,omitempty"`
	Email       string               `json:"email,omitempty"`
	RoleID      string               `json:"role_id,omitempty"`
	RoleName    string               `json:"role_name,omitempty"`
	ExpiresAt   raffclient.Timestamp `json:"expires_at,omitempty"`
}

func (o invitationOutput) summary() string {
	i, where := o.Invitation, "the account"
	if i.ProjectID != "" {
		where = labeled("the project", i.ProjectName)
	}
	return fmt.Sprintf("Invited %s to %s with the role %s (invitation ID %s). They get the role when they accept; the invitation expires at %s.%s", quoted(i.Email), where, quoted(i.RoleName), idText(i.ID), timeText(i.ExpiresAt), o.doubts(o.check))
}

// invited compares the request with the response.
func invited(i raffclient.Invitation, email, roleID, check string) invitationOutput {
	o := invitationOutput{Invitation: newInvitation{i.ID, i.ProjectID, i.ProjectName, i.Email, i.RoleID, i.RoleName, i.ExpiresAt}, check: check}
	o.token("email", email, i.Email)
	o.token("role_id", roleID, i.RoleID)
	return o
}

func createAccountInvitation(ctx context.Context, d *deps, in createAccountInvitationInput) (invitationOutput, error) {
	d.announce(ctx, "create_account_invitation", "creating invitation to the account", "email", in.Email, "role_id", in.RoleID)
	invitation, err := d.client.CreateAccountInvitation(ctx, raffclient.CreateInvitationRequest(in))
	return invited(invitation, in.Email, in.RoleID, "list_members"), err
}

type createProjectInvitationInput struct {
	projectIDInput
	Email  string `json:"email" jsonschema:"format=email"`
	RoleID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"Project-scope role, from list_roles."`
}

func createProjectInvitation(ctx context.Context, d *deps, in createProjectInvitationInput) (invitationOutput, error) {
	d.announce(ctx, "create_project_invitation", "creating invitation to a project", "email", in.Email, "project_id", in.ID, "role_id", in.RoleID)
	invitation, err := d.client.CreateProjectInvitation(ctx, in.ID, raffclient.CreateInvitationRequest{Email: in.Email, RoleID: in.RoleID})
	return invited(invitation, in.Email, in.RoleID, "list_project_members"), err
}

type cancelInvitationInput struct {
	ID          string `json:"invitation_id" jsonschema:"format=uuid" jsonschema_description:"From list_members or list_project_members."`
	ProjectID   string `json:"project_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"Of an invitation to a project."`
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"The invited e-mail address; the invitation ID if it is not listed."`
}

type cancelledOutput struct {
	summarized
	ID    string `json:"id"`
	Email string `json:"email,omitempty"`
}

func (o cancelledOutput) summary() string {
	return fmt.Sprintf("Cancelled the %s (ID %s). Its link no longer works.", labeled("invitation", o.Email), idText(o.ID))
}

func cancelInvitation(ctx context.Context, d *deps, in cancelInvitationInput) (cancelledOutput, error) {
	email, unlisted, err := d.invitee(ctx, in)
	if err != nil {
		return cancelledOutput{}, err
	}
	if email == "" && in.ConfirmName != in.ID {
		return cancelledOutput{}, refusal(fmt.Sprintf("Nothing was changed: for whom the invitation %s is cannot be checked, because %s. "+
			"If it is an invitation to a project, call again with project_id; if it is not listed and the user is sure of the ID, call again with the ID as confirm_name.", idText(in.ID), unlisted))
	}
	a := action{"Cancel", "invitation", in.ID, cmp.Or(email, in.ID), "ID " + idText(in.ID), "Its link stops working immediately. This cannot be undone, but a new invitation can be sent.", "list_members or list_project_members"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return cancelledOutput{}, err
	}
	return cancelledOutput{ID: in.ID, Email: email}, d.client.CancelInvitation(ctx, in.ID)
}

// invitee returns the e-mail address that an invitation went to. The API does not list
// invitations: until they are accepted, they are pending members of the account or of
// a project. If no such member can be found, unlisted is why; that must not prevent
// cancelling the invitation.
func (d *deps) invitee(ctx context.Context, in cancelInvitationInput) (email, unlisted string, err error) {
	where, required, members := "the account", membersView, d.client.Members(ctx, "")
	if in.ProjectID != "" {
		where, required, members = "the project", projectMembersView, d.client.ProjectMembers(ctx, in.ProjectID, "")
	}
	email, err = invitee(members, in.ID)
	for _, kind := range []error{raffclient.ErrForbidden, raffclient.ErrNotFound, raffclient.ErrListIncomplete} {
		if errors.Is(err, kind) {
			return email, fmt.Sprintf("the members of %s cannot be listed, which most likely requires %s: %s", where, required.name, reason(err)), nil
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
