package tools

import (
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

type createAccountInvitationInput struct {
	Email  string `json:"email" jsonschema:"format=email" jsonschema_description:"Of somebody who is no member yet."`
	RoleID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"ID of an account-scope role, from list_roles."`
}

type invitationOutput struct {
	Invitation raffclient.Invitation `json:"invitation"`
}

func (o invitationOutput) summary() string {
	i := o.Invitation
	return fmt.Sprintf("Invited %s (invitation ID %s) as %s; the invitation expires at %s.", orNone(i.Email), orNone(i.ID), orNone(i.RoleName), orNone(string(i.ExpiresAt)))
}

func createAccountInvitation(ctx context.Context, e *env, in createAccountInvitationInput) (invitationOutput, error) {
	invitation, err := e.client.CreateAccountInvitation(ctx, raffclient.CreateInvitationRequest(in))
	return invitationOutput{invitation}, err
}

type createProjectInvitationInput struct {
	projectIDInput
	Email  string `json:"email" jsonschema:"format=email" jsonschema_description:"Of somebody who is no member of the project yet."`
	RoleID string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"ID of a project-scope role, from list_roles."`
}

func createProjectInvitation(ctx context.Context, e *env, in createProjectInvitationInput) (invitationOutput, error) {
	invitation, err := e.client.CreateProjectInvitation(ctx, in.ID, raffclient.CreateInvitationRequest{Email: in.Email, RoleID: in.RoleID})
	return invitationOutput{invitation}, err
}

type cancelInvitationInput struct {
	ID string `json:"id" jsonschema:"format=uuid" jsonschema_description:"invitation_id of a pending member, from list_members or list_project_members."`
}

type cancelledOutput struct {
	ID string `json:"id"`
}

func (o cancelledOutput) summary() string {
	return fmt.Sprintf("Cancelled the invitation with ID %s; its link is worthless now.", o.ID)
}

func cancelInvitation(ctx context.Context, e *env, in cancelInvitationInput) (cancelledOutput, error) {
	return cancelledOutput(in), e.client.CancelInvitation(ctx, in.ID)
}
