package tools

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

// addedMemberOutput is a new member, and what it can use now.
type addedMemberOutput struct {
	summarized
	confirmed
	AccessUnknown string       `json:"access_unknown,omitempty"`
	Member        listedMember `json:"member"`
	Access        *access      `json:"access,omitempty"` // what the API key can use now
	scope         string       // "account", "project"
	projectID     string
	check         string // the tool that shows the member
	before        string // of a key: a sentence about the account role that it had before
}

func (o addedMemberOutput) summary() string {
	m := o.Member
	who := cmp.Or(m.Email, m.UserID, m.ID)
	text := fmt.Sprintf("Added %s with the %s role %s (member ID %s).", quoted(who), o.scope, quoted(m.RoleName), idText(m.ID))
	switch {
	case m.APIKeyID != "":
		text = fmt.Sprintf("Gave %s the %s role %s (member ID %s).", labeled("API key", cmp.Or(m.APIKeyName, m.APIKeyID)), o.scope, quoted(m.RoleName), idText(m.ID)) +
			o.before + o.accessNow() +
			fmt.Sprintf(" Keep the member ID, which Raff does not show for the key later: it takes the role away again (%s).", o.undo())
	case m.Status == "pending":
		text = fmt.Sprintf("Invited %s with the %s role %s (member ID %s, invitation ID %s). They get the role when they accept.", quoted(who), o.scope, quoted(m.RoleName), idText(m.ID), idText(m.InvitationID))
	}
	return text + o.doubts(o.check)
}

func (o addedMemberOutput) accessNow() string {
	if o.Access == nil {
		return " What else it can use is unknown: " + o.AccessUnknown + "."
	}
	return fmt.Sprintf(" It now has %v.", o.Access)
}

// undo is the call that takes the role away from a key.
func (o addedMemberOutput) undo() string {
	if o.projectID == "" {
		return callText("remove_member", "member_id", o.Member.ID, "confirm_name", o.Member.ID)
	}
	return callText("remove_project_member", "project_id", o.projectID, "member_id", o.Member.ID, "confirm_name", o.Member.ID)
}

// added returns the output of a tool that added a member: an API key, if keyID is not
// empty, to a project or to the account.
func (d *deps) added(ctx context.Context, m raffclient.Member, projectID, keyID string) addedMemberOutput {
	o := addedMemberOutput{scope: "account", projectID: projectID, check: "get_member"}
	if projectID != "" {
		o.scope, o.check = "project", "get_project_member"
	}
	m.InvitedBy = "" // it was this call
	if keyID == "" {
		o.Member = leanMember(m, raffclient.APIKey{})
		return o
	}
	d.rememberKeyMember(projectID, m.ID, raffclient.APIKey{ID: keyID})
	key, err := d.lookUpKey(ctx, keyID)
	o.Member = leanMember(m, key)
	if err != nil {
		o.AccessUnknown = reason(err)
		return o
	}
	d.rememberKeyMember(projectID, m.ID, key)
	now, unknown := d.accessOf(key)
	if o.AccessUnknown = unknown; unknown == "" {
		o.Access = &now
	}
	return o
}

type addMemberInput struct {
	Email        string `json:"email,omitempty" jsonschema:"format=email"`
	TargetUserID string `json:"target_user_id,omitempty" jsonschema:"format=uuid"`
	APIKeyID     string `json:"api_key_id,omitempty" jsonschema:"format=uuid"`
	RoleID       string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"Account-scope role, from list_roles."`
}

// Check adds what JSON Schema cannot express for every client.
func (in addMemberInput) Check() []schema.Fault {
	return exactlyOne("'email', 'target_user_id' and 'api_key_id'", in.Email, in.TargetUserID, in.APIKeyID)
}

func exactlyOne(properties string, values ...string) []schema.Fault {
	n := 0
	for _, v := range values {
		if v != "" {
			n++
		}
	}
	if n == 1 {
		return nil
	}
	return []schema.Fault{{Problem: fmt.Sprintf("exactly one of %s is needed, not %d", properties, n)}}
}

func addMember(ctx context.Context, d *deps, in addMemberInput) (addedMemberOutput, error) {
	before := d.roleBefore(ctx, in.APIKeyID)
	d.announce(ctx, "add_member", "adding member", "email", in.Email, "user_id", in.TargetUserID, "api_key_id", in.APIKeyID, "role_id", in.RoleID)
	member, err := d.client.AddMember(ctx, raffclient.AddMemberRequest(in))
	if err != nil {
		return addedMemberOutput{}, err
	}
	o := d.added(ctx, member, "", in.APIKeyID)
	o.before = before
	o.token("email", in.Email, member.Email)
	o.token("target_user_id", in.TargetUserID, member.UserID)
	o.token("role_id", in.RoleID, member.RoleID)
	return o, nil
}

// roleBefore returns a sentence about the account role of a key that is to get one, or "".
// Raff does not document what becomes of it, so it must be known in order to restore it.
func (d *deps) roleBefore(ctx context.Context, keyID string) string {
	if keyID == "" {
		return ""
	}
	key, err := d.lookUpKey(ctx, keyID)
	if err != nil || key.RoleID == "" {
		return ""
	}
	return fmt.Sprintf(" Before, its account role was %s (role ID %s).", quoted(key.RoleName), idText(key.RoleID))
}
