package tools

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

type removeMemberInput struct {
	memberIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"Their e-mail address; the member ID if there is none."`
}

// removedMemberOutput is a former member of the account, and what remains of it.
type removedMemberOutput struct {
	summarized
	ID           string          `json:"id"`
	Name         string          `json:"name,omitempty"`
	APIKeys      []createdKey    `json:"api_keys"`      // created by the person; still exist
	ProjectRoles []roleInProject `json:"project_roles"` // before the removal
	Unknown      []string        `json:"unknown,omitempty"`
	member       listedMember
}

func (o removedMemberOutput) summary() string {
	text := fmt.Sprintf("Removed the %s from the account.", memberText("member", o.member))
	switch {
	case o.member.APIKeyID != "":
		return text + " The key no longer has this account role; it still exists and keeps its project roles: see " + callText("get_access", "api_key_id", o.member.APIKeyID) + "."
	case o.member.UserID == "" && o.member.InvitationID == "":
		return text + " If it was an API key, the key still exists and keeps its project roles."
	case o.member.UserID == "":
		return text + " Their invitation was pending, so they had no access yet."
	}
	text += " They lost access to it immediately."
	if len(o.ProjectRoles) > 0 {
		text += fmt.Sprintf(" Before, they had %s", rolesText(o.ProjectRoles))
		if o.member.Email != "" {
			text += "; check with " + callText("get_access", "email", o.member.Email) + " that none is left"
		}
		text += "."
	}
	if len(o.APIKeys) > 0 || len(o.Unknown) == 0 {
		text += " " + keysText(o.APIKeys)
	}
	return text + keySteps(o.APIKeys) + unknownText(o.Unknown)
}

func removeMember(ctx context.Context, d *deps, in removeMemberInput) (removedMemberOutput, error) {
	member, err := d.client.GetMember(ctx, in.ID)
	if err != nil {
		return removedMemberOutput{}, withPermission(err, membersView)
	}
	key, _ := d.currentKeyOf(ctx, in.ID)
	o := removedMemberOutput{ID: in.ID, Name: cmp.Or(member.Email, key.Name), APIKeys: []createdKey{}, ProjectRoles: []roleInProject{}, member: leanMember(member, key)}
	o.member.ID = in.ID
	a := action{"Remove", "member", in.ID, cmp.Or(member.Email, in.ID), o.member.detail(), "They lose access to the account immediately. API keys that they created keep working.", "get_member"}
	switch {
	case key.ID != "":
		a.consequence = "The API key loses its account role immediately."
	case o.member.UserID == "" && o.member.InvitationID == "":
		a.consequence = "If it is an API key, the key loses its account role immediately."
	}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return o, err
	}
	if member.UserID != "" {
		o.look(ctx, d, member)
	}
	return o, d.client.RemoveMember(ctx, in.ID)
}

// detail distinguishes the member from others, for the question to the user.
func (m listedMember) detail() string {
	text := "ID " + idText(m.ID)
	switch {
	case m.APIKeyID != "":
		text += ", " + labeled("API key", m.APIKeyName)
	case m.nameless():
		text += ", " + keyOrDeleted
	}
	return text
}

// look records what the person has and created. That is read before the removal, because
// nothing leads from a user ID to a project role after it.
func (o *removedMemberOutput) look(ctx context.Context, d *deps, member raffclient.Member) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	l := lookup{deps: d}
	o.APIKeys = l.keysBy(ctx, member.UserID)
	l.inProjects(ctx, func(m raffclient.Member) bool { return samePerson(m, member.UserID, member.Email) }, func(p raffclient.Project, m raffclient.Member) {
		o.ProjectRoles = append(o.ProjectRoles, newRoleInProject(p, m))
	})
	o.Unknown = l.unknown
}
