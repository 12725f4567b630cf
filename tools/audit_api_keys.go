package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

func auditAPIKeysTool() Tool {
	return define(spec{
		name:  "audit_api_keys",
		title: "Audit API keys",
		description: "Look at every API key of the account and report what an administrator should know, worst first: keys that are too powerful, never expire, expire soon, are expired or inactive, are unused, " +
			"share a name, or were made by somebody who is no longer a member. Each finding says how to fix it.",
		effect:     reads,
		permission: apiKeysView,
	}, auditAPIKeys)
}

type auditAPIKeysInput struct {
	ExpiresWithinDays int `json:"expires_within_days,omitempty" jsonschema:"minimum=1,maximum=3650,default=30" jsonschema_description:"Report keys that expire within so many days."`
	UnusedDays        int `json:"unused_days,omitempty" jsonschema:"minimum=1,maximum=3650,default=90" jsonschema_description:"Report keys that were not used for so many days."`
}

type auditAPIKeysOutput struct {
	summarized
	Keys     int            `json:"keys" jsonschema_description:"How many keys were looked at."`
	Counts   map[string]int `json:"counts" jsonschema_description:"Findings of each kind."`
	Omitted  int            `json:"omitted,omitempty" jsonschema_description:"Findings left out, the least serious; fix the others first and call again."`
	Findings []finding      `json:"findings" jsonschema_description:"The worst first."`
	Unknown  []string       `json:"unknown,omitempty" jsonschema_description:"What could not be judged, and why."`
}

func (o auditAPIKeysOutput) summary() string {
	text := fmt.Sprintf("Looked at %d API keys: %d findings.", o.Keys, len(o.Findings))
	if len(o.Unknown) > 0 {
		text += " Not judged: " + strings.Join(o.Unknown[:min(len(o.Unknown), maxNotesShown)], " ")
		if more := len(o.Unknown) - maxNotesShown; more > 0 {
			text += fmt.Sprintf(" And %d more: see unknown.", more)
		}
	}
	return text
}

// maxNotesShown is the maximum number of elements of Unknown in the summary.
const maxNotesShown = 5

// finding is a problem with a key.
type finding struct {
	Severity  string `json:"severity"` // high, medium, low
	Kind      string `json:"kind"`
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	KeyPrefix string `json:"key_prefix,omitempty"`
	Why       string `json:"why" jsonschema_description:"Why it matters."`
	Fix       string `json:"fix" jsonschema_description:"The call that fixes it, if the user agrees; or what the user has to do instead."`
}

var severities = []string{"high", "medium", "low"}

func auditAPIKeys(ctx context.Context, d *deps, in auditAPIKeysInput) (auditAPIKeysOutput, error) {
	a := audit{
		deps:          d,
		now:           time.Now(),
		expiresWithin: time.Duration(cmp.Or(in.ExpiresWithinDays, 30)) * 24 * time.Hour,
		unusedFor:     time.Duration(cmp.Or(in.UnusedDays, 90)) * 24 * time.Hour,
		names:         map[string]int{},
	}
	var keys []raffclient.APIKey
	for k, err := range d.client.APIKeys(ctx) {
		if err != nil {
			return auditAPIKeysOutput{}, err
		}
		keys = append(keys, k)
		a.names[k.Name]++
	}
	a.readMembers(ctx)
	a.readRoles(ctx)
	o := auditAPIKeysOutput{Findings: []finding{}, Keys: len(keys), Counts: map[string]int{}}
	for _, k := range keys {
		o.Findings = append(o.Findings, a.check(k)...)
	}
	o.Unknown = a.unknown
	slices.SortStableFunc(o.Findings, func(x, y finding) int {
		return slices.Index(severities, x.Severity) - slices.Index(severities, y.Severity)
	})
	for _, f := range o.Findings {
		o.Counts[f.Kind]++
	}
	if n := len(o.Findings) - maxFindings; n > 0 {
		o.Findings, o.Omitted = o.Findings[:maxFindings], n
	}
	return o, nil
}

// maxFindings is the maximum number of findings in a result.
const maxFindings = 250

// audit is the state of an audit.
type audit struct {
	*deps
	now           time.Time
	expiresWithin time.Duration
	unusedFor     time.Duration
	names         map[string]int             // number of keys by name
	members       map[string]bool            // active, by user ID; nil if unknown
	roles         map[string]raffclient.Role // by ID; nil if unknown
	unknown       []string                   // see auditAPIKeysOutput
}

func (a *audit) readMembers(ctx context.Context) {
	members := map[string]bool{}
	for m, err := range a.client.Members(ctx, "") {
		if err != nil {
			a.unknown = append(a.unknown, "Whether the makers of keys are still members is unknown: "+reason(err)+".")
			return
		}
		if m.Status == "active" {
			members[m.UserID] = true
		}
	}
	if len(members) == 0 {
		a.unknown = append(a.unknown, "Whether the makers of keys are still members is unknown: the list of members names nobody who is active.")
		return
	}
	a.members = members
}

func (a *audit) readRoles(ctx context.Context) {
	roles := map[string]raffclient.Role{}
	for r, err := range a.client.Roles(ctx, "account") {
		if err != nil {
			a.unknown = append(a.unknown, "What custom roles allow is unknown, so only the roles Owner and Admin are known to be powerful: "+reason(err)+".")
			return
		}
		roles[r.ID] = r
	}
	a.roles = roles
}

// adminPermissions are the permissions with which a key could obtain all others, for itself
// or for somebody else.
var adminPermissions = []string{
	apiKeysCreate.name, apiKeysManage.name, membersInvite.name, membersManage.name,
	rolesCreate.name, rolesManage.name,
}

// check returns the findings about a key.
func (a *audit) check(k raffclient.APIKey) []finding {
	var all []finding
	report := func(severity, kind, why, fix string) {
		if a.isOwn(k) && kind != "duplicate_name" {
			fix = a.whoseKey(k) + " " + a.ownKeySteps(k)
		}
		all = append(all, finding{severity, kind, k.ID, k.Name, k.KeyPrefix, why, fix})
	}
	revoke := callText("revoke_api_key", "api_key_id", k.ID, "confirm_name", cmp.Or(k.Name, k.ID))
	replace, update := callText("replace_api_key", "api_key_id", k.ID), callText("update_api_key", "api_key_id", k.ID)

	if why := a.whyPowerful(k); why != "" {
		report("high", "could_administer", why+" Whoever has its secret can take over the account.",
			"Create a key with a narrower role (list_roles, create_api_key), deploy it, then "+revoke)
	}
	if a.members != nil && k.CreatedBy != "" && !a.members[k.CreatedBy] {
		report("high", "creator_gone", "It was made by somebody who is no longer an active member of the account, and may still have its secret.",
			replace+", with an expires_at, if it is in use; otherwise "+revoke)
	}
	a.checkExpiry(k, revoke, replace, update, report)
	a.checkUse(k, revoke, report)
	if n := a.names[k.Name]; n > 1 {
		report("low", "duplicate_name", fmt.Sprintf("%d keys have this name, so they are easily confused.", n),
			update+", with a name of its own")
	}
	return all
}

// note records something that could not be judged, once.
func (a *audit) note(text string) {
	if !slices.Contains(a.unknown, text) {
		a.unknown = append(a.unknown, text)
	}
}

// whyPowerful returns why k could administer the account, as a sentence, or "" if it is not
// known to be able to.
func (a *audit) whyPowerful(k raffclient.APIKey) string {
	if k.RoleSlug == "owner" || strings.EqualFold(k.RoleName, "Owner") {
		return "It has the role Owner, which may do everything."
	}
	var has []string
	for _, p := range adminPermissions {
		if slices.Contains(a.roles[k.RoleID].Permissions, p) {
			has = append(has, p)
		}
	}
	if len(has) > 0 {
		return fmt.Sprintf("Its role %s has %s.", quoted(k.RoleName), strings.Join(has, ", "))
	}
	if _, known := a.roles[k.RoleID]; known || k.RoleID == "" && k.RoleSlug == "" {
		return ""
	}
	if k.RoleSlug == "admin" {
		return "It has the role Admin."
	}
	if a.roles != nil {
		a.note("What the role of some keys allows is unknown, since it is not among the roles listed: " + quoted(k.RoleName) + ".")
	}
	return ""
}

func (a *audit) checkExpiry(k raffclient.APIKey, revoke, replace, update string, report func(severity, kind, why, fix string)) {
	expires, ok := k.ExpiresAt.Time()
	switch {
	case k.ExpiresAt == "":
		report("medium", "never_expires", "It never expires, so a leaked secret is valid forever.",
			update+", with an expires_at")
	case ok && !expires.After(a.now):
		report("low", "expired", fmt.Sprintf("It expired at %s and still exists.", timeText(k.ExpiresAt)), revoke)
	case ok && expires.Before(a.now.Add(a.expiresWithin)):
		report("medium", "expires_soon", fmt.Sprintf("It expires at %s; whatever uses it stops working then.", timeText(k.ExpiresAt)),
			replace+", with an expires_at")
	case !ok:
		a.note(fmt.Sprintf("When %s (%s) expires is unknown: Raff's response is not a date.", labeled("key", k.Name), idText(k.ID)))
	}
	if k.Active != nil && !*k.Active {
		report("low", "inactive", "It is inactive and still exists; anybody who may manage keys can activate it.", revoke)
	}
}

func (a *audit) checkUse(k raffclient.APIKey, revoke string, report func(severity, kind, why, fix string)) {
	if !isUsable(k) {
		return
	}
	used, ok := k.LastUsedAt.Time()
	switch {
	case k.LastUsedAt == "" && a.isNew(k):
	case k.LastUsedAt == "":
		report("medium", "never_used", fmt.Sprintf("It was created at %s and never used.", timeText(k.CreatedAt)), revoke)
	case ok && used.Before(a.now.Add(-a.unusedFor)):
		report("medium", "unused", fmt.Sprintf("It was last used at %s.", timeText(k.LastUsedAt)), revoke)
	case !ok:
		a.note(fmt.Sprintf("When %s (%s) was last used is unknown: Raff's response is not a date.", labeled("key", k.Name), idText(k.ID)))
	}
}

// isNew reports whether k was created recently, so that it may not have been deployed yet.
func (a *audit) isNew(k raffclient.APIKey) bool {
	at, ok := k.CreatedAt.Time()
	return ok && a.now.Sub(at) < 7*24*time.Hour
}
