package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func memberTools() []Tool {
	return inToolset("members", slices.Concat(accountMemberTools(), projectMemberTools(), invitationTools())...)
}

func accountMemberTools() []Tool {
	return []Tool{
		define(spec{
			name:        "list_members",
			title:       "List account members",
			description: "List who has a role in the account: users, and those who were invited and have not accepted (status pending, with an invitation_id).",
			effect:      reads,
			permission:  membersView,
		}, listMembers),
		define(spec{
			name:        "get_member",
			title:       "Get account member",
			description: "Get one member of the account.",
			effect:      reads,
			permission:  membersView,
		}, getMember),
		define(spec{
			name:        "add_member",
			title:       "Add account member",
			description: "Give somebody a role in the account: invite a person by e-mail, add a user of Raff at once, or give an API key an account role. Exactly one of email, target_user_id and api_key_id is needed.",
			effect:      creates,
			refuses:     "Nobody can be added or invited who is a member already or has a pending invitation (list_members).",
			permission:  membersInvite,
		}, addMember),
		define(spec{
			name:        "update_member",
			title:       "Update account member",
			description: "Change the role of a member of the account, or suspend or reactivate them. A suspended member keeps the role but cannot sign in.",
			effect:      updates,
			refuses:     "The Owner's role cannot be changed, and somebody must remain who may manage members.",
			permission:  membersManage,
		}, updateMember),
		define(spec{
			name:        "remove_member",
			title:       "Remove account member",
			description: "Remove a member from the account. API keys that the member made keep working: look at them with audit_api_keys. The Owner cannot be removed.",
			effect:      deletes,
			refuses:     "The Owner cannot be removed, nor can the last member who may manage members.",
			permission:  membersRemove,
		}, removeMember),
	}
}

type statusInput struct {
	Status string `json:"status,omitempty" jsonschema:"enum=pending,enum=active,enum=suspended" jsonschema_description:"Only members of this status."`
}

type listMembersInput struct {
	statusInput
	listInput
}

func listMembers(ctx context.Context, d *deps, in listMembersInput) (pageOutput[listedMember], error) {
	return list("members", in.listInput, d.client.Members(ctx, in.Status), leanMember)
}

// listedMember is a member in a list.
type listedMember struct {
	ID           string   `json:"id"`
	Email        string   `json:"email,omitempty"`
	UserID       string   `json:"user_id,omitempty"`
	RoleID       string   `json:"role_id,omitempty"`
	RoleName     string   `json:"role_name,omitempty"`
	Status       string   `json:"status,omitempty"`
	InvitationID string   `json:"invitation_id,omitempty"`
	Unreadable   []string `json:"unreadable,omitempty"`
}

func leanMember(m raffclient.Member) listedMember {
	return listedMember{m.ID, m.Email, m.UserID, m.RoleID, m.RoleName, m.Status, m.InvitationID, m.Unreadable}
}

type memberIDInput struct {
	ID string `json:"member_id" jsonschema:"format=uuid" jsonschema_description:"The member's ID (not the user's), from list_members."`
}

type memberOutput struct {
	summarized
	Member raffclient.Member `json:"member"`
	noun   string            // "member", "project member"
}

func (o memberOutput) summary() string { return describeMember("This is the", o.noun, o.Member) }

func describeMember(verb, noun string, m raffclient.Member) string {
	return fmt.Sprintf("%s %s, role %s, status %s.", verb, memberText(noun, m), quoted(m.RoleName), quoteAtMost(m.Status, maxShort))
}

func memberText(noun string, m raffclient.Member) string {
	return fmt.Sprintf("%s (ID %s)", labeled(noun, m.Email), idText(m.ID))
}

// addedMemberOutput is a new member.
type addedMemberOutput struct {
	summarized
	confirmed
	Member raffclient.Member `json:"member"`
	noun   string            // "member", "project member"
	check  string            // the tool that shows the member
}

func (o addedMemberOutput) summary() string {
	return describeMember("Added the", o.noun, o.Member) + o.doubts(o.check)
}

// changedMemberOutput is a member after a change.
type changedMemberOutput struct {
	summarized
	changed
	Member raffclient.Member `json:"member"`
	noun   string            // "member", "project member"
	check  string            // the tool that shows the member
}

func (o changedMemberOutput) summary() string {
	return o.sentences(memberText(o.noun, o.Member), o.check)
}

func getMember(ctx context.Context, d *deps, in memberIDInput) (memberOutput, error) {
	member, err := d.client.GetMember(ctx, in.ID)
	return memberOutput{Member: member, noun: "member"}, err
}

type addMemberInput struct {
	Email        string `json:"email,omitempty" jsonschema:"format=email" jsonschema_description:"Of a person, who is sent an invitation."`
	TargetUserID string `json:"target_user_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"Of a user of Raff, who becomes a member at once."`
	APIKeyID     string `json:"api_key_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"Of an API key, from list_api_keys."`
	RoleID       string `json:"role_id" jsonschema:"format=uuid" jsonschema_description:"ID of an account-scope role, from list_roles."`
}

// Check implements [schema.Checker].
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
	d.announce("add_member", "adding member", "email", in.Email, "user_id", in.TargetUserID, "api_key_id", in.APIKeyID, "role_id", in.RoleID)
	member, err := d.client.AddMember(ctx, raffclient.AddMemberRequest(in))
	if err != nil {
		return addedMemberOutput{}, err
	}
	o := addedMemberOutput{Member: member, noun: "member", check: "get_member"}
	o.token("email", in.Email, member.Email)
	o.token("target_user_id", in.TargetUserID, member.UserID)
	o.token("role_id", in.RoleID, member.RoleID)
	return o, nil
}

type changeMemberInput struct {
	RoleID string `json:"role_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"ID of the new role, from list_roles, of the same scope."`
	Status string `json:"status,omitempty" jsonschema:"enum=active,enum=suspended"`
}

func (in changeMemberInput) faults() []schema.Fault {
	return atLeastOne(in.RoleID != "" || in.Status != "", "'role_id' and 'status'")
}

// compare completes the output of a change of the member with that ID.
func (o *changedMemberOutput) compare(in changeMemberInput, id string, old raffclient.Member) {
	o.Member.ID = cmp.Or(o.Member.ID, id)
	o.named("role_id", in.RoleID, old.RoleID, o.Member.RoleID, old.RoleName, o.Member.RoleName)
	o.token("status", in.Status, old.Status, o.Member.Status)
}

type updateMemberInput struct {
	memberIDInput
	changeMemberInput
}

// Check implements [schema.Checker].
func (in updateMemberInput) Check() []schema.Fault { return in.faults() }

func updateMember(ctx context.Context, d *deps, in updateMemberInput) (changedMemberOutput, error) {
	o := changedMemberOutput{noun: "member", check: "get_member"}
	old, err := d.client.GetMember(ctx, in.ID)
	if err := o.begin(err, membersView); err != nil {
		return o, err
	}
	if o.Member, err = d.client.UpdateMember(ctx, in.ID, raffclient.UpdateMemberRequest(in.changeMemberInput)); err != nil {
		return o, err
	}
	o.compare(in.changeMemberInput, in.ID, old)
	return o, nil
}

type removeMemberInput struct {
	memberIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"The member's e-mail address; the member ID if there is none."`
}

func removeMember(ctx context.Context, d *deps, in removeMemberInput) (deletedOutput, error) {
	member, err := d.client.GetMember(ctx, in.ID)
	if err != nil {
		return deletedOutput{}, withPermission(err, membersView)
	}
	a := action{"Remove", "member", in.ID, cmp.Or(member.Email, in.ID), "ID " + idText(in.ID), "They lose access to the account immediately. API keys that they created keep working.", "get_member"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return deletedOutput{}, err
	}
	return deleted("Removed %s (ID %s) from the account. API keys that they created keep working: look at them with audit_api_keys.", "member", in.ID, cmp.Or(member.Email, in.ID)), d.client.RemoveMember(ctx, in.ID)
}
