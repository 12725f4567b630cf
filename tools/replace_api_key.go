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
		description: "Rotate an API key without downtime: create a successor with its tier, account role and project access, and return its secret, which is shown this once. " +
			"The old key is not touched, and the answer says what remains to be done before it can be revoked.",
		effect:     creates,
		permission: apiKeysCreate,
		sensitive:  "/secret/value",
	}, replaceAPIKey)
}

type replaceAPIKeyInput struct {
	ID        string     `json:"api_key_id" jsonschema:"format=uuid" jsonschema_description:"ID of the key to replace, from list_api_keys."`
	Name      string     `json:"name,omitempty" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"Of the successor. Default: the old key's name."`
	ExpiresAt *time.Time `json:"expires_at,omitempty" jsonschema_description:"When the successor stops working, in the future, with time zone: 2027-01-31T00:00:00Z. Needed if the old key expires."`
}

// Check implements [schema.Checker].
func (in replaceAPIKeyInput) Check() []schema.Fault { return inFuture(in.ExpiresAt) }

type replaceAPIKeyOutput struct {
	summarized
	confirmed
	APIKey     raffclient.APIKey `json:"api_key" jsonschema_description:"The successor."`
	Secret     delivery.Secret   `json:"secret"`
	Replaces   replacedKey       `json:"replaces"`
	Granted    []grant           `json:"granted" jsonschema_description:"What the successor may do in projects, as the old key may."`
	NotGranted []grant           `json:"not_granted" jsonschema_description:"What it may not do yet, and the call that completes it."`
	Remaining  []string          `json:"remaining" jsonschema_description:"What is left to do, in this order."`
	created    keyOutput
	tierNote   string // see successorTier
	ownNote    string // a sentence if the old key is or may be the server's own, or else ""
	keySource  string
}

type replacedKey struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	KeyPrefix string `json:"key_prefix,omitempty"`
}

// grant is a role in a project that the successor should have.
type grant struct {
	ProjectID   string `json:"project_id"`
	ProjectName string `json:"project_name,omitempty"`
	RoleID      string `json:"role_id"`
	RoleName    string `json:"role_name,omitempty"`
	MemberID    string `json:"member_id,omitempty" jsonschema_description:"To take it away again. Cannot be found out later."`
	Problem     string `json:"problem,omitempty"`
	Call        string `json:"call,omitempty" jsonschema_description:"The call that completes it."`
}

func replaceAPIKey(ctx context.Context, d *deps, in replaceAPIKeyInput) (replaceAPIKeyOutput, error) {
	old, err := d.readKey(ctx, in.ID)
	if err != nil {
		return replaceAPIKeyOutput{}, err
	}
	if old.ExpiresAt != "" && in.ExpiresAt == nil {
		return replaceAPIKeyOutput{}, refusal(fmt.Sprintf("Nothing was created: the %s expires at %s, so its successor needs an expiry of its own. Call again with expires_at.", labeled("key", old.Name), timeText(old.ExpiresAt)))
	}
	tier, tierNote := successorTier(old.RateLimitTier)
	created, err := d.createAndDeliver(ctx, "replace_api_key", raffclient.CreateAPIKeyRequest{Name: cmp.Or(in.Name, old.Name, in.ID), RateLimitTier: tier, ExpiresAt: in.ExpiresAt, RoleID: old.RoleID})
	if err != nil {
		return replaceAPIKeyOutput{}, err
	}
	o := replaceAPIKeyOutput{
		APIKey:     created.APIKey,
		Secret:     created.Secret,
		confirmed:  created.confirmed,
		Replaces:   replacedKey{in.ID, old.Name, old.KeyPrefix},
		Granted:    []grant{},
		NotGranted: []grant{},
		created:    created,
		tierNote:   tierNote,
		keySource:  d.keySource,
	}
	if d.isOwn(old) && !d.sandbox {
		o.ownNote = d.whoseKey(old)
	}
	deadline := time.Now().Add(maxGrantTime)
	for _, access := range old.ProjectAccesses {
		if ctx.Err() != nil || time.Now().After(deadline) {
			o.notGranted(newGrant(access), "It was not tried, because the secret had to be delivered first.")
			continue
		}
		o.grant(ctx, d, access)
	}
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

func newGrant(a raffclient.ProjectAccess) grant {
	return grant{ProjectID: a.ProjectID, ProjectName: a.ProjectName, RoleID: a.RoleID, RoleName: a.RoleName}
}

// grant gives the successor the role that the old key has in a project. A failure is
// only recorded: the secret must be returned.
func (o *replaceAPIKeyOutput) grant(ctx context.Context, d *deps, access raffclient.ProjectAccess) {
	g := newGrant(access)
	if o.APIKey.ID == "" {
		o.notGranted(g, "Raff's response lacks the ID of the new key.")
		return
	}
	d.announce("replace_api_key", "adding project member", "project_id", access.ProjectID, "api_key_id", o.APIKey.ID, "role_id", access.RoleID)
	member, err := d.client.AddProjectMember(ctx, access.ProjectID, raffclient.AddProjectMemberRequest{APIKeyID: o.APIKey.ID, RoleID: access.RoleID})
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok && len(lost.Found) == 1 && (lost.Found[0].Confirmed || lost.Found[0].Recent) {
		member.ID, err = lost.Found[0].ID, nil
	}
	if err == nil {
		g.MemberID = member.ID
		o.Granted = append(o.Granted, g)
		return
	}
	o.notGranted(g, d.explain(spec{name: "add_project_member", effect: creates, permission: projectMembersManage}, err))
}

func (o *replaceAPIKeyOutput) notGranted(g grant, problem string) {
	g.Problem = problem
	g.Call = callText("add_project_member", "project_id", g.ProjectID, "api_key_id", cmp.Or(o.APIKey.ID, "unknown"), "role_id", g.RoleID)
	o.NotGranted = append(o.NotGranted, g)
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
		deploy = fmt.Sprintf("%s Have the user put the new secret where the server gets its key (%s), and wherever else the old key is used, and restart the server.", o.ownNote, o.keySource)
		revoke = "Only then revoke the old key, which this server refuses before it is restarted with the new one: %s."
	}
	return append(steps, deploy,
		fmt.Sprintf("Watch with get_api_key: last_used_at of the new key (%s) changes, that of the old one (%s) no longer does.", prefixText(o.created.prefix), prefixText(o.Replaces.KeyPrefix)),
		fmt.Sprintf(revoke, callText("revoke_api_key", "api_key_id", o.Replaces.ID, "confirm_name", cmp.Or(o.Replaces.Name, o.Replaces.ID))))
}

func (o replaceAPIKeyOutput) delivered() delivery.Secret { return o.Secret }

func (o replaceAPIKeyOutput) summary() string {
	text := o.created.summary() + fmt.Sprintf(" It is the successor of %s (%s), which was not changed.", labeled("key", o.Replaces.Name), prefixText(o.Replaces.KeyPrefix))
	if n := len(o.NotGranted); n > 0 {
		text += fmt.Sprintf(" Of its access to projects, %d of %d grants failed: see not_granted.", n, n+len(o.Granted))
	}
	return text + " What remains: " + strings.Join(o.Remaining, " ")
}
