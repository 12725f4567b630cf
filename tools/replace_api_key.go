package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func replaceAPIKeyTool() Tool {
	return define(spec{
		name:  "replace_api_key",
		title: "Replace API key",
		description: "Rotate an API key without downtime: create a successor with the same tier, account role and project access, and return its secret, shown this once. " +
			"The old key keeps working; the result says what to do before revoking it.",
		effect:     creates,
		permission: apiKeysCreate,
		sensitive:  "/secret/value",
	}, replaceAPIKey)
}

type replaceAPIKeyInput struct {
	ID        string     `json:"api_key_id" jsonschema:"format=uuid" jsonschema_description:"The old key, from list_api_keys."`
	Name      string     `json:"name,omitempty" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"1 to 128 characters. Default: the old name with the time."`
	ExpiresAt *time.Time `json:"expires_at,omitempty" jsonschema_description:"As in create_api_key. Default: the old key's term, from now."`
}

// Check implements [schema.Checker].
func (in replaceAPIKeyInput) Check() []schema.Fault { return inFuture(in.ExpiresAt) }

type replaceAPIKeyOutput struct {
	summarized
	Secret delivery.Secret `json:"secret"` // before anything that may be long
	confirmed
	APIKey     listedKey     `json:"api_key"` // the successor
	Replaces   replacedKey   `json:"replaces"`
	Access     keyAccess     `json:"access"`      // what the successor can use now
	NotGranted []missingRole `json:"not_granted"` // what the old key can use and the successor cannot yet
	Remaining  []string      `json:"remaining"`   // what is left to do, in this order
	created    keyOutput
	term       string // a sentence about the successor's expiry, if none was requested
	tierNote   string // a sentence, if the successor's tier is not known to be the old key's
	ownNote    string // a sentence, if the old key is or may be the server's own
	keySource  KeySource
}

type replacedKey struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	KeyPrefix string `json:"key_prefix,omitempty"`
}

// keyAccess is what a key can use.
type keyAccess struct {
	RoleID   string        `json:"role_id,omitempty"` // the account role
	RoleName string        `json:"role_name,omitempty"`
	Projects []grantedRole `json:"projects"`
}

// projectRole is a role in a project.
type projectRole struct {
	ProjectID   string `json:"project_id"`
	ProjectName string `json:"project_name,omitempty"`
	RoleID      string `json:"role_id"`
	RoleName    string `json:"role_name,omitempty"`
}

func roleOf(a raffclient.ProjectAccess) projectRole {
	return projectRole{a.ProjectID, a.ProjectName, a.RoleID, a.RoleName}
}

// grantedRole is a role in a project that the successor got.
type grantedRole struct {
	projectRole
	MemberID string `json:"member_id" jsonschema_description:"For update_project_member and remove_project_member. Cannot be found out later."`
}

// missingRole is a role in a project that the successor did not get.
type missingRole struct {
	projectRole
	Problem string `json:"problem"`
	Call    string `json:"call"` // the call that completes it
}

func replaceAPIKey(ctx context.Context, d *deps, in replaceAPIKeyInput) (replaceAPIKeyOutput, error) {
	old, err := d.readKey(ctx, in.ID)
	if err != nil {
		return replaceAPIKeyOutput{}, err
	}
	now, expiresAt := time.Now(), in.ExpiresAt
	if expiresAt == nil {
		if expiresAt, err = successorExpiry(old, now); err != nil {
			return replaceAPIKeyOutput{}, err
		}
	}
	name := in.Name
	if name == "" {
		name = successorName(cmp.Or(old.Name, in.ID), d.stamps.next(now))
	}
	tier, tierNote := successorTier(old.RateLimitTier)
	created, err := d.createAndDeliver(ctx, "replace_api_key", raffclient.CreateAPIKeyRequest{Name: name, RateLimitTier: tier, ExpiresAt: expiresAt, RoleID: old.RoleID})
	if err != nil {
		return replaceAPIKeyOutput{}, err
	}
	o := replaceAPIKeyOutput{
		APIKey:     leanKey(created.APIKey, people{}),
		Secret:     created.Secret,
		confirmed:  created.confirmed,
		Replaces:   replacedKey{in.ID, old.Name, old.KeyPrefix},
		Access:     keyAccess{created.APIKey.RoleID, created.APIKey.RoleName, []grantedRole{}},
		NotGranted: []missingRole{},
		created:    created,
		tierNote:   tierNote,
		keySource:  d.keySource(),
	}
	if in.ExpiresAt == nil {
		o.term = explainTerm(expiresAt, now, created.APIKey)
	}
	if d.isOwn(old) && !d.sandbox {
		o.ownNote = d.whoseKey(old)
	}
	o.grantAll(ctx, d, old.ProjectAccesses)
	o.Remaining = o.remaining()
	return o, nil
}

// successorTier returns the tier for the successor, and a note if it may differ from that
// of the old key. Raff creates keys only with the tiers "standard" and "high", but older
// keys may have another, such as "unlimited". They can be replaced, too.
func successorTier(old string) (tier, note string) {
	switch old {
	case "standard", "high":
		return old, ""
	case "":
		return "", "Raff does not show the rate limit tier of the old key, so the successor has the default: standard, 30 requests per second. If the old key has a higher tier, ask Raff's support."
	}
	return "standard", fmt.Sprintf("The old key has the rate limit tier %s, which no new key can have, so the successor has standard: 30 requests per second. If that is too low for where the key is used, ask Raff's support for a higher tier before deploying it.", quoteAtMost(old, maxShort))
}

// maxGrantTime is the time after which no further grant is attempted, because the result
// with the secret waits for the grants.
const maxGrantTime = 10 * time.Second

// grantAll gives the successor the roles that the old key has in projects.
func (o *replaceAPIKeyOutput) grantAll(ctx context.Context, d *deps, accesses []raffclient.ProjectAccess) {
	until := time.Now().Add(maxGrantTime)
	for _, access := range accesses {
		if ctx.Err() != nil || time.Now().After(until) {
			o.notGranted(access, "It was not tried, because the secret had to be delivered first.")
			continue
		}
		o.grant(ctx, d, access)
	}
}

// grant gives the successor the role that the old key has in a project. A failure is
// only recorded: the secret must be returned.
func (o *replaceAPIKeyOutput) grant(ctx context.Context, d *deps, access raffclient.ProjectAccess) {
	if o.APIKey.ID == "" {
		o.notGranted(access, "Raff's response lacks the ID of the new key.")
		return
	}
	d.announce(ctx, "replace_api_key", "adding project member", "project_id", access.ProjectID, "api_key_id", o.APIKey.ID, "role_id", access.RoleID)
	member, err := d.client.AddProjectMember(ctx, access.ProjectID, raffclient.AddProjectMemberRequest{APIKeyID: o.APIKey.ID, RoleID: access.RoleID})
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok && len(lost.Found) == 1 && (lost.Found[0].Confirmed || lost.Found[0].Recent) {
		member, err = raffclient.Member{ID: lost.Found[0].ID}, nil
	}
	if err != nil {
		o.notGranted(access, d.explain(spec{name: "add_project_member", effect: creates, permission: projectMembersManage}, err))
		return
	}
	d.rememberKeyMember(access.ProjectID, member.ID, o.created.APIKey)
	role := roleOf(access)
	if got := member.RoleID; got != "" && !strings.EqualFold(got, role.RoleID) {
		o.different("project_accesses", fmt.Sprintf(" (role %s in project %s)", idText(role.RoleID), idText(role.ProjectID)), "role "+idText(got))
		role.RoleID, role.RoleName = got, member.RoleName
	}
	o.Access.Projects = append(o.Access.Projects, grantedRole{role, member.ID})
}

func (o *replaceAPIKeyOutput) notGranted(access raffclient.ProjectAccess, problem string) {
	call := callText("add_project_member", "project_id", access.ProjectID, "api_key_id", cmp.Or(o.APIKey.ID, "unknown"), "role_id", access.RoleID)
	o.NotGranted = append(o.NotGranted, missingRole{roleOf(access), problem, call})
}

func (o *replaceAPIKeyOutput) remaining() (steps []string) {
	if len(o.NotGranted) > 0 {
		steps = append(steps, "Give the new key the project access that is in not_granted, as far as get_api_key does not show it already.")
	}
	if o.tierNote != "" {
		steps = append(steps, o.tierNote)
	}
	deploy, revoke := "Deploy the new secret wherever the old key is used.", "Only then revoke the old key: %s."
	if o.ownNote != "" {
		deploy = fmt.Sprintf("%s Put the new secret where the server gets its key (%s), and wherever else the old key is used%s.", o.ownNote, o.keySource.Name, o.keySource.andRestart())
		revoke = "Only then revoke the old key, which this server refuses as long as that is its own: %s."
	}
	return append(steps, deploy,
		fmt.Sprintf("Watch with get_api_key: last_used_at of the new key (%s) changes, that of the old one (%s) no longer does.", prefixText(o.created.prefix), prefixText(o.Replaces.KeyPrefix)),
		fmt.Sprintf(revoke, callText("revoke_api_key", "api_key_id", o.Replaces.ID, "confirm_name", cmp.Or(o.Replaces.Name, o.Replaces.ID))))
}

func (o replaceAPIKeyOutput) delivered() delivery.Secret { return o.Secret }

func (o replaceAPIKeyOutput) summary() string {
	o.created.confirmed = o.confirmed
	text := o.created.summary() + fmt.Sprintf(" It is the successor of %s (%s), which was not changed.", labeled("key", o.Replaces.Name), prefixText(o.Replaces.KeyPrefix))
	if o.term != "" {
		text += " " + o.term
	}
	granted, missing := len(o.Access.Projects), len(o.NotGranted)
	switch {
	case missing > 0:
		text += fmt.Sprintf(" Of its access to projects, %d of %d grants failed: see not_granted.", missing, missing+granted)
	case granted > 0:
		text += fmt.Sprintf(" It has access to %s.", counted(granted, "project"))
	}
	return text + " What remains: " + strings.Join(o.Remaining, " ")
}
