package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func memberTools() []Tool {
	return inToolset("members", slices.Concat(accountMemberTools(), projectMemberTools(), invitationTools(), []Tool{getAccessTool()})...)
}

func accountMemberTools() []Tool {
	return []Tool{
		define(spec{
			name:        "list_members",
			title:       "List account members",
			description: "List who has an account role: people, API keys, and invited people (pending).",
			effect:      reads,
			permission:  membersView,
		}, listMembers),
		define(spec{
			name:        "get_member",
			title:       "Get account member",
			description: "Get one account member.",
			effect:      reads,
			permission:  membersView,
		}, getMember),
		define(spec{
			name:        "add_member",
			title:       "Add account member",
			description: "Give an account role to exactly one of: a person, invited by e-mail; a Raff user, immediately; an API key, which can have only one account role.",
			effect:      creates,
			refuses:     "Raff refuses to add or invite anyone who is a member or has a pending invitation (list_members), and a key that has an account role (get_api_key).",
			permission:  membersInvite,
		}, addMember),
		define(spec{
			name:        "update_member",
			title:       "Update account member",
			description: "Change an account member's role, or suspend or reactivate them. Suspended members keep their role but cannot sign in. Raff does not document the effect on an API key.",
			effect:      updates,
			refuses:     "The Owner's role cannot be changed, and one member who can manage members must remain.",
			permission:  membersManage,
		}, updateMember),
		define(spec{
			name:        "remove_member",
			title:       "Remove account member",
			description: "Remove a member from the account. API keys that they created keep working; the result lists them. The Owner cannot be removed.",
			effect:      deletes,
			refuses:     "Neither the Owner nor the last member who can manage members can be removed.",
			permission:  membersRemove,
		}, removeMember),
	}
}

type statusInput struct {
	Status string `json:"status,omitempty" jsonschema:"enum=pending,enum=active,enum=suspended"`
}

type listMembersInput struct {
	statusInput
	listInput
}

func listMembers(ctx context.Context, d *deps, in listMembersInput) (pageOutput[listedMember], error) {
	page := memberPage{deps: d, noun: "members", where: "the account", status: in.Status, everyone: in.Status == ""}
	return page.read(ctx, in.listInput, d.client.Members(ctx, in.Status))
}

// listedMember is a member in a list, and in the result of a change.
type listedMember struct {
	ID           string   `json:"id"`
	Email        string   `json:"email,omitempty"`
	UserID       string   `json:"user_id,omitempty"`
	APIKeyID     string   `json:"api_key_id,omitempty"` // if known
	APIKeyName   string   `json:"api_key_name,omitempty"`
	RoleID       string   `json:"role_id,omitempty"`
	RoleName     string   `json:"role_name,omitempty"`
	Status       string   `json:"status,omitempty"`
	InvitationID string   `json:"invitation_id,omitempty"`
	InvitedBy    string   `json:"invited_by,omitempty"`                // e-mail address or user ID
	Unreadable   []string `json:"unreadable,omitempty" jsonschema:"-"` // rare: not in the schema
}

// leanMember returns the member as lists show it. Its InvitedBy is a user ID.
func (d *deps) leanMember(m raffclient.Member) listedMember {
	key, _ := d.keyOf(m.ID)
	return leanMember(m, key)
}

func leanMember(m raffclient.Member, key raffclient.APIKey) listedMember {
	return listedMember{m.ID, m.Email, m.UserID, key.ID, key.Name, m.RoleID, m.RoleName, m.Status, m.InvitationID, m.InvitedBy, m.Unreadable}
}

// keyOrDeleted describes a member that is no person, as far as Raff shows.
const keyOrDeleted = "an API key or a deleted user: Raff does not say which"

// nameless reports whether Raff shows nothing that tells who or what the member is.
func (m listedMember) nameless() bool {
	return m.Email == "" && m.UserID == "" && m.APIKeyID == "" && m.InvitationID == "" && m.Status != "pending"
}

type memberIDInput struct {
	ID string `json:"member_id" jsonschema:"format=uuid" jsonschema_description:"From list_members; not the user ID."`
}

// memberOutput is all about one member.
type memberOutput struct {
	summarized
	InvitedByEmail string            `json:"invited_by_email,omitempty"`
	APIKeyID       string            `json:"api_key_id,omitempty"` // if known
	APIKeyName     string            `json:"api_key_name,omitempty"`
	Member         raffclient.Member `json:"member"`
	noun           string            // "member", "project member"
	inviter        string            // a clause
}

func (o memberOutput) summary() string {
	m := o.Member
	text := fmt.Sprintf("This is the %s: role %s, status %s%s.", memberText(o.noun, leanMember(m, raffclient.APIKey{ID: o.APIKeyID, Name: o.APIKeyName})), quoted(m.RoleName), quoteAtMost(m.Status, maxShort), o.inviter)
	if m.InvitationID != "" {
		text += fmt.Sprintf(" The invitation expires at %s.", timeText(m.InvitationExpiresAt))
	}
	return text
}

// describe returns the output of a tool that shows the member.
func (d *deps) describe(ctx context.Context, noun string, m raffclient.Member) memberOutput {
	o := memberOutput{Member: m, noun: noun}
	key, _ := d.currentKeyOf(ctx, m.ID)
	o.APIKeyID, o.APIKeyName = key.ID, key.Name
	if m.InvitedBy != "" {
		var text string
		o.InvitedByEmail, text = d.creator(ctx, m.InvitedBy)
		o.inviter = ", invited or added by " + text
	}
	return o
}

func memberText(noun string, m listedMember) string {
	text := "ID " + idText(m.ID)
	switch {
	case m.APIKeyID != "":
		text += ", " + labeled("API key", m.APIKeyName)
	case m.nameless():
		text += ", " + keyOrDeleted
	case m.Email == "" && m.UserID != "":
		text += ", user ID " + idText(m.UserID)
	}
	return fmt.Sprintf("%s (%s)", labeled(noun, m.Email), text)
}

// changedMemberOutput is a member after a change.
type changedMemberOutput struct {
	summarized
	changed
	Member listedMember `json:"member"`
	noun   string       // "member", "project member"
	check  string       // the tool that shows the member
	note   string       // a sentence
}

func (o changedMemberOutput) summary() string {
	return o.sentences(memberText(o.noun, o.Member), o.check) + o.note
}

func getMember(ctx context.Context, d *deps, in memberIDInput) (memberOutput, error) {
	member, err := d.client.GetMember(ctx, in.ID)
	if err != nil {
		return memberOutput{}, err
	}
	return d.describe(ctx, "member", member), nil
}

type changeMemberInput struct {
	RoleID string `json:"role_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"New role of the same scope, from list_roles."`
	Status string `json:"status,omitempty" jsonschema:"enum=active,enum=suspended"`
}

func (in changeMemberInput) faults() []schema.Fault {
	return atLeastOne(in.RoleID != "" || in.Status != "", "'role_id' and 'status'")
}

// compare completes the output of a change of the member with that ID.
func (o *changedMemberOutput) compare(in changeMemberInput, id string, old, now raffclient.Member) {
	o.Member = leanMember(now, raffclient.APIKey{})
	o.Member.ID = cmp.Or(now.ID, id)
	o.Member.InvitedBy = "" // as before; only lists look for the e-mail address
	o.named("role_id", in.RoleID, old.RoleID, now.RoleID, old.RoleName, now.RoleName)
	o.token("status", in.Status, old.Status, now.Status)
}

// nameKey names the API key that the member is, if that is known.
func (o *changedMemberOutput) nameKey(ctx context.Context, d *deps, id string) (raffclient.APIKey, bool) {
	key, known := d.currentKeyOf(ctx, id)
	o.Member.APIKeyID, o.Member.APIKeyName = key.ID, key.Name
	return key, known
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
	member, err := d.client.UpdateMember(ctx, in.ID, raffclient.UpdateMemberRequest(in.changeMemberInput))
	if err != nil {
		return o, err
	}
	o.compare(in.changeMemberInput, in.ID, old, member)
	key, known := o.nameKey(ctx, d, in.ID)
	switch {
	case in.RoleID == "":
	case known:
		o.note = " " + keyRoleNote(key, in.RoleID)
	case o.Member.nameless():
		o.note = " If the member is an API key, check the key's account role with get_api_key: Raff does not document that changing the member changes the key."
	}
	return o, nil
}

// keyRoleNote says which account role a key has after a change of the member that it is.
func keyRoleNote(key raffclient.APIKey, wanted string) string {
	switch {
	case key.RoleID == "":
		return "Which account role the key has now is unknown; check with get_api_key: Raff does not document that changing the member changes the key."
	case strings.EqualFold(key.RoleID, wanted):
		return fmt.Sprintf("The key's account role is now %s.", quoted(key.RoleName))
	}
	return fmt.Sprintf("But the key's account role is still %s, so the key has not changed. A key with another role can be created with create_api_key.", quoted(key.RoleName))
}
