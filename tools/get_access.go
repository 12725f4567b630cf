package tools

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func getAccessTool() Tool {
	return define(spec{
		name:        "get_access",
		title:       "Get access",
		description: "Show everything that a person or an API key can use, given exactly one of member_id, email and api_key_id: roles, pending invitations, API keys the person created, and how to off-board them.",
		effect:      reads,
		permission:  membersView,
	}, getAccess)
}

type getAccessInput struct {
	MemberID string `json:"member_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"From list_members."`
	Email    string `json:"email,omitempty" jsonschema:"format=email"`
	APIKeyID string `json:"api_key_id,omitempty" jsonschema:"format=uuid"`
}

// Check adds what JSON Schema cannot express for every client.
func (in getAccessInput) Check() []schema.Fault {
	return exactlyOne("'member_id', 'email' and 'api_key_id'", in.MemberID, in.Email, in.APIKeyID)
}

type getAccessOutput struct {
	summarized
	MemberID     string              `json:"member_id,omitempty"`
	Email        string              `json:"email,omitempty"`
	UserID       string              `json:"user_id,omitempty"`
	APIKeyID     string              `json:"api_key_id,omitempty"`
	APIKeyName   string              `json:"api_key_name,omitempty"`
	AccountRole  string              `json:"account_role,omitempty"`
	Status       string              `json:"status,omitempty"`
	ProjectRoles []roleInProject     `json:"project_roles"`
	APIKeys      []createdKey        `json:"api_keys,omitempty" jsonschema_description:"Keys that the person created."`
	Invitations  []pendingInvitation `json:"invitations,omitempty"`
	Steps        []string            `json:"steps,omitempty"` // what ends the person's access
	Unknown      []string            `json:"unknown,omitempty"`
	text         string
}

// pendingInvitation is an invitation that was not accepted yet.
type pendingInvitation struct {
	ID          string               `json:"invitation_id"`
	ProjectID   string               `json:"project_id,omitempty"`
	ProjectName string               `json:"project_name,omitempty"`
	RoleName    string               `json:"role_name,omitempty"`
	ExpiresAt   raffclient.Timestamp `json:"expires_at,omitempty"`
	email       string
}

func (o getAccessOutput) summary() string { return o.text + unknownText(o.Unknown) }

func getAccess(ctx context.Context, d *deps, in getAccessInput) (getAccessOutput, error) {
	if in.APIKeyID != "" {
		return d.keyAccess(ctx, in.APIKeyID)
	}
	if key, ok := d.keyOf(in.MemberID); ok {
		return d.keyAccess(ctx, key.ID)
	}
	o := getAccessOutput{Email: in.Email, ProjectRoles: []roleInProject{}}
	member, err := d.accountMember(ctx, in)
	switch {
	case err != nil:
		return o, err
	case member.ID == "" && in.MemberID != "":
		return o, refusal("No member of the account has that ID; it may be the ID of a user or of a member of a project. Call again with email, or look the member up with list_members.")
	}
	o.MemberID, o.Email, o.UserID, o.Status = member.ID, cmp.Or(member.Email, in.Email), member.UserID, member.Status
	if leanMember(member, raffclient.APIKey{}).nameless() && member.ID != "" {
		o.AccountRole = member.RoleName
		o.text = fmt.Sprintf("The %s has the account role %s. If it is an API key, call get_access with its api_key_id, which shows what the key can use.", memberText("member", leanMember(member, raffclient.APIKey{})), quoted(member.RoleName))
		return o, nil
	}
	o.lookAt(ctx, d, member)
	return o, nil
}

// accountMember returns the member of the account that is asked for, without an ID if there is none.
func (d *deps) accountMember(ctx context.Context, in getAccessInput) (raffclient.Member, error) {
	for m, err := range d.client.Members(ctx, "") {
		if err != nil || in.MemberID != "" && strings.EqualFold(m.ID, in.MemberID) || in.Email != "" && strings.EqualFold(m.Email, in.Email) {
			return m, err
		}
	}
	return raffclient.Member{}, nil
}

// surveyTime is how long a call reads the members of all projects.
const surveyTime = 30 * time.Second

// lookAt adds what a person has in the account and in projects.
func (o *getAccessOutput) lookAt(ctx context.Context, d *deps, member raffclient.Member) {
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	l := lookup{deps: d}
	add := func(p raffclient.Project, m raffclient.Member) {
		o.UserID = cmp.Or(o.UserID, m.UserID) // a former member may still be in a project
		switch {
		case m.InvitationID != "":
			o.Invitations = append(o.Invitations, pendingInvitation{m.InvitationID, p.ID, p.Name, m.RoleName, m.InvitationExpiresAt, m.Email})
		case p.ID == "":
			o.AccountRole = cmp.Or(m.RoleName, m.RoleID, "unknown")
		default:
			o.ProjectRoles = append(o.ProjectRoles, newRoleInProject(p, m))
		}
	}
	if member.ID != "" {
		add(raffclient.Project{}, member)
	}
	l.inProjects(ctx, func(m raffclient.Member) bool { return samePerson(m, member.UserID, o.Email) }, add)
	if o.UserID != "" {
		o.APIKeys = l.keysBy(ctx, o.UserID)
	} else if len(o.Invitations) == 0 {
		l.note("Which API keys they created is unknown: Raff lists keys by user ID, which is known only for members.")
	}
	o.Unknown = l.unknown
	o.Steps = o.steps()
	o.text = o.person()
}

// person says what a person can use, and what off-boarding takes.
func (o *getAccessOutput) person() string {
	who := labeled("member", o.Email)
	var text string
	switch {
	case o.MemberID == "" && len(o.ProjectRoles)+len(o.Invitations) == 0:
		text = fmt.Sprintf("%s is not a member of the account and has no project roles or pending invitations, as far as could be read.", quoted(o.Email))
	case o.MemberID == "":
		text = fmt.Sprintf("%s is not a member of the account.", quoted(o.Email))
	case o.AccountRole != "":
		text = fmt.Sprintf("The %s (member ID %s) has the account role %s, status %s.", who, idText(o.MemberID), quoted(o.AccountRole), quoteAtMost(o.Status, maxShort))
	default:
		text = fmt.Sprintf("%s is invited to the account.", quoted(o.Email))
	}
	if o.isOwner() {
		text += " The Owner can use everything in every project, cannot be removed, and is changed only by Raff's support."
	}
	if n := len(o.ProjectRoles); n > 0 || o.AccountRole != "" && !o.isOwner() {
		text += fmt.Sprintf(" They have %s.", rolesText(o.ProjectRoles))
	}
	if n := len(o.Invitations); n > 0 {
		text += fmt.Sprintf(" They have %s, which they can accept.", counted(n, "pending invitation"))
	}
	if o.UserID != "" && (len(o.APIKeys) > 0 || len(o.Unknown) == 0) {
		text += " " + keysText(o.APIKeys)
	}
	return text + stepsText(o.Steps) + keySteps(o.APIKeys)
}

func (o *getAccessOutput) isOwner() bool { return strings.EqualFold(o.AccountRole, "Owner") }

func stepsText(steps []string) string {
	if len(steps) == 0 {
		return ""
	}
	text := " Off-boarding takes: " + strings.Join(steps[:min(len(steps), shownAtMost)], "; ")
	if more := len(steps) - shownAtMost; more > 0 {
		text += fmt.Sprintf("; and %d more: see steps", more)
	}
	return text + "."
}

// steps are the calls that end a person's own access. The keys that the person created say
// themselves how to fix them.
func (o *getAccessOutput) steps() (steps []string) {
	for _, i := range o.Invitations {
		if i.ProjectID == "" {
			steps = append(steps, callText("cancel_invitation", "invitation_id", i.ID, "confirm_name", cmp.Or(i.email, i.ID)))
			continue
		}
		steps = append(steps, callText("cancel_invitation", "invitation_id", i.ID, "project_id", i.ProjectID, "confirm_name", cmp.Or(i.email, i.ID)))
	}
	switch {
	case o.AccountRole != "" && !o.isOwner():
		steps = append(steps, callText("remove_member", "member_id", o.MemberID, "confirm_name", cmp.Or(o.Email, o.MemberID)))
	case o.AccountRole == "":
		for _, r := range o.ProjectRoles {
			steps = append(steps, callText("remove_project_member", "project_id", r.ProjectID, "member_id", r.MemberID, "confirm_name", cmp.Or(o.Email, r.MemberID)))
		}
	}
	if len(o.ProjectRoles) > 0 && len(steps) > 0 && o.Email != "" {
		steps = append(steps, callText("get_access", "email", o.Email)+", to check that no project role is left")
	}
	return steps
}

// keyAccess returns what an API key can use.
func (d *deps) keyAccess(ctx context.Context, id string) (getAccessOutput, error) {
	key, err := d.client.GetAPIKey(ctx, id)
	if err != nil {
		return getAccessOutput{}, withPermission(err, apiKeysView)
	}
	key.ID = id
	a, unknown := d.accessOf(key)
	o := getAccessOutput{MemberID: d.memberIDOf(id, ""), APIKeyID: id, APIKeyName: key.Name, AccountRole: a.AccountRole, ProjectRoles: a.ProjectRoles}
	text := fmt.Sprintf("The %s has %v.", keyText(key), a)
	if unknown != "" {
		text = fmt.Sprintf("This is the %s.", keyText(key))
		o.Unknown = append(o.Unknown, "What it can use is not fully known: "+unknown+".")
	}
	if strings.EqualFold(key.RoleSlug, "owner") || o.isOwner() {
		text += " The Owner's role gives it everything in every project."
	}
	if !isUsable(key) {
		text += " It does not work now: it is switched off or has expired."
	}
	if key.CreatedBy != "" {
		_, by := d.creator(ctx, key.CreatedBy)
		text += " It was created by " + by + "."
	}
	lacking := 0
	for _, r := range a.ProjectRoles {
		if r.MemberID == "" {
			lacking++
		}
	}
	if lacking > 0 {
		o.Unknown = append(o.Unknown, fmt.Sprintf("The member ID in %s, which remove_project_member needs, is unknown: Raff shows it only to the call that adds the key. In list_project_members the key is one of the members without an e-mail address.", counted(lacking, "project")))
	}
	o.text = text
	return o, nil
}
