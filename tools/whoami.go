package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

func whoamiTool() Tool {
	return define(spec{
		name:        "whoami",
		title:       "Show the server's own access",
		description: "Show which API key this server runs with, its account, roles, projects, expiry and rate limit tier, and which tools lack a permission.",
		effect:      reads,
	}, whoami)
}

type whoamiInput struct{}

type whoamiOutput struct {
	summarized
	Sandbox       bool                 `json:"sandbox"`
	KeySource     string               `json:"key_source,omitempty"` // where the server gets its key
	KeyPrefix     string               `json:"key_prefix,omitempty"`
	APIKeyID      string               `json:"api_key_id,omitempty"`
	Name          string               `json:"name,omitempty"`
	AccountID     string               `json:"account_id,omitempty"`
	RoleID        string               `json:"role_id,omitempty"` // of the account role
	RoleName      string               `json:"role_name,omitempty"`
	RateLimitTier string               `json:"rate_limit_tier,omitempty"`
	ExpiresAt     raffclient.Timestamp `json:"expires_at,omitempty"`
	DaysLeft      *int                 `json:"days_left,omitempty"`
	Missing       []missingPermission  `json:"missing_permissions,omitempty"` // what the key lacks, in the account or in every project
	Projects      []ownProject         `json:"projects,omitempty"`
	Unknown       []string             `json:"unknown,omitempty"` // what is not known, and why
	sentences     []string             // of the summary
}

func (o whoamiOutput) summary() string {
	return strings.Join(slices.Concat(o.sentences, o.Unknown), " ")
}

func (o *whoamiOutput) say(format string, args ...any) {
	o.sentences = append(o.sentences, fmt.Sprintf(format, args...))
}

func (o *whoamiOutput) unknown(format string, args ...any) {
	o.Unknown = append(o.Unknown, fmt.Sprintf(format, args...))
}

// missingPermission is a permission that the server's key lacks.
type missingPermission struct {
	Permission string   `json:"permission"`
	Tools      []string `json:"tools"` // the offered tools that need it
}

// ownProject is a project that the server's key has a role in.
type ownProject struct {
	ProjectID   string   `json:"project_id,omitempty"`
	ProjectName string   `json:"project_name,omitempty"`
	RoleName    string   `json:"role_name,omitempty"`
	Missing     []string `json:"missing_permissions,omitempty"`
}

// whoami fails only if the call is cancelled: that something cannot be read is what the
// caller wants to know.
func whoami(ctx context.Context, d *deps, _ whoamiInput) (whoamiOutput, error) {
	o := whoamiOutput{Sandbox: d.sandbox}
	if d.selection != "" {
		o.say("The administrator limited the tools that are offered: %s.", d.selection)
	}
	if err := d.client.LoadKey(ctx); err != nil {
		if ctx.Err() != nil {
			return o, context.Cause(ctx)
		}
		o.say("This server has no usable API key, and every other tool fails. %s", d.explainNoKey(err))
		return o, nil
	}
	if d.sandbox {
		o.say("This is a sandbox: a simulated account in memory, whose keys grant no access to Raff.")
	}
	key, err := d.ownKey(ctx)
	o.KeySource, o.KeyPrefix = d.keySource().Name, d.client.OwnKeyPrefix() // now, because it may have been read again
	if d.sandbox {
		o.KeySource = "the sandbox"
	}
	if ctx.Err() != nil {
		return o, context.Cause(ctx)
	}
	if err != nil {
		o.describeUnread(d, err)
		return o, nil
	}
	o.describeKey(d, key)
	access := d.ownAccess(ctx, key, &o)
	if ctx.Err() != nil {
		return o, context.Cause(ctx)
	}
	o.judge(d, access)
	return o, nil
}

// errUnlisted is why the server's key is not known although the keys could be listed.
type errUnlisted string

func (e errUnlisted) Error() string { return string(e) }

// ownKey returns the server's own key, which can be found only by its prefix among all keys.
func (d *deps) ownKey(ctx context.Context) (raffclient.APIKey, error) {
	var own, possible []raffclient.APIKey
	var failed error
	for k, err := range d.client.APIKeys(ctx) {
		switch {
		case err != nil:
			failed = err
		case d.client.IsOwn(k):
			own = append(own, k)
		case d.client.MayBeOwn(k):
			possible = append(possible, k)
		}
	}
	switch {
	case len(own) == 1:
		return own[0], nil
	case failed != nil:
		return raffclient.APIKey{}, failed
	case len(own) > 1:
		return raffclient.APIKey{}, errUnlisted(fmt.Sprintf("%d keys have its prefix", len(own)))
	case len(possible) == 1:
		return raffclient.APIKey{}, errUnlisted("Raff does not show enough prefixes; it may be the " + keyText(possible[0]))
	case len(possible) > 1:
		return raffclient.APIKey{}, errUnlisted(fmt.Sprintf("Raff does not show enough prefixes; it may be one of %d keys", len(possible)))
	}
	return raffclient.APIKey{}, errUnlisted("Raff lists no key with its prefix")
}

// describeUnread describes a key of which nothing could be read.
func (o *whoamiOutput) describeUnread(d *deps, err error) {
	o.say("This server runs with %s.", ownKeyText("", o.KeyPrefix, "", o.KeySource))
	if errors.Is(err, raffclient.ErrForbidden) && !errors.Is(err, raffclient.ErrBilling) {
		o.addMissing(d.offered, func(p permission) bool { return p == apiKeysView })
	}
	o.unknown("Its name, account, roles, projects, expiry and rate limit tier are unknown. %s", d.explainUnread(err))
}

// explainUnread says why the server's own key could not be read, and what to do about it.
func (d *deps) explainUnread(err error) string {
	failed, ok := errors.AsType[*raffclient.Error](err)
	switch {
	case !ok, errors.Is(err, raffclient.ErrInvalid), errors.Is(err, raffclient.ErrConflict):
		return capitalized(reason(err)) + "."
	case errors.Is(err, raffclient.ErrForbidden) && !errors.Is(err, raffclient.ErrBilling):
		return fmt.Sprintf("A key finds itself only in the list of all keys, and it most likely lacks %s%s, which by default is held by %s. Which other tools lack a permission shows when they are called.",
			apiKeysView.name, apiMessage(failed), apiKeysView.holders)
	}
	return d.explainError(spec{}, failed)
}

func ownKeyText(name, prefix, id, source string) string {
	var details []string
	if prefix != "" {
		details = append(details, "prefix "+prefixText(prefix))
	}
	if id != "" {
		details = append(details, "ID "+idText(id))
	}
	text := labeled("the API key", name)
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text + " from " + source
}

// describeKey describes the key itself.
func (o *whoamiOutput) describeKey(d *deps, k raffclient.APIKey) {
	if o.KeyPrefix == "" {
		o.KeyPrefix = k.KeyPrefix
	}
	o.APIKeyID, o.Name, o.AccountID = k.ID, k.Name, k.AccountID
	o.RoleID, o.RoleName = k.RoleID, k.RoleName
	o.RateLimitTier, o.ExpiresAt = k.RateLimitTier, k.ExpiresAt
	account, role, tier := "", "no account role", ""
	if k.AccountID != "" {
		account = " It belongs to the account " + idText(k.AccountID) + "."
	}
	if hasAccountRole(k) {
		role = labeled("the account role", k.RoleName)
	}
	if k.RateLimitTier != "" {
		tier = " Its rate limit tier is " + quoteAtMost(k.RateLimitTier, maxShort) + "."
	}
	o.say("This server runs with %s.%s It has %s.%s", ownKeyText(k.Name, o.KeyPrefix, k.ID, o.KeySource), account, role, tier)
	o.describeExpiry(d, k)
}

func hasAccountRole(k raffclient.APIKey) bool {
	return k.RoleID != "" || k.RoleName != "" || k.RoleSlug != ""
}

// ownExpiryWarning is how long before the expiry of the server's key whoami says how to
// replace it.
const ownExpiryWarning = 30

func (o *whoamiOutput) describeExpiry(d *deps, k raffclient.APIKey) {
	at, ok := k.ExpiresAt.Time()
	switch {
	case k.ExpiresAt != "" && !ok:
		o.unknown("When the key expires is unknown: Raff's response is not a date.")
	case !ok:
		o.say("It never expires.")
	default:
		days := int(time.Until(at) / (24 * time.Hour))
		o.DaysLeft = &days
		o.say("It expires at %s: %d days are left.", timeText(k.ExpiresAt), days)
		switch {
		case days >= ownExpiryWarning:
		case d.offers("replace_api_key"):
			o.say("%s", d.ownKeySteps(k))
		default:
			o.say("Give the server another key before then.")
		}
	}
}

// judge says which of the offered tools lack a permission.
func (o *whoamiOutput) judge(d *deps, a ownAccess) {
	o.addMissing(d.offered, func(p permission) bool { return a.verdict(p) == refused })
	for _, project := range a.projects {
		var missing []string
		for _, t := range d.offered {
			if a.inAccount(t.permission) != permitted && t.permission.inProjects() && project.grants.verdict(t.permission) == refused {
				missing = append(missing, t.permission.name)
			}
		}
		access := project.ProjectAccess
		o.Projects = append(o.Projects, ownProject{access.ProjectID, access.ProjectName, access.RoleName, distinct(missing)})
	}
	judged := !slices.ContainsFunc(d.offered, func(t Tool) bool { return a.verdict(t.permission) == unknowable })
	switch {
	case a.owner:
		o.say("The role Owner may use all tools, in every project.")
	case len(o.Projects) > 0:
		o.say("It has roles in projects too: see projects, with what is missing in each.")
	}
	switch {
	case len(o.Missing) > 0:
		o.say("%s", missingText(o.Missing))
	case judged && !a.owner:
		o.say("It has the permissions for all tools.")
	}
}

// addMissing adds the offered tools whose permission is missing.
func (o *whoamiOutput) addMissing(offered []Tool, missing func(permission) bool) {
	for _, t := range offered {
		if t.permission.name == "" || !missing(t.permission) {
			continue
		}
		i := slices.IndexFunc(o.Missing, func(m missingPermission) bool { return m.Permission == t.permission.name })
		if i < 0 {
			i = len(o.Missing)
			o.Missing = append(o.Missing, missingPermission{Permission: t.permission.name})
		}
		o.Missing[i].Tools = append(o.Missing[i].Tools, t.Name)
	}
}

func missingText(missing []missingPermission) string {
	var list []string
	for _, m := range missing {
		list = append(list, fmt.Sprintf("%s (%s)", strings.Join(m.Tools, ", "), m.Permission))
	}
	return fmt.Sprintf("These tools lack a permission: %s. If the user needs one of them, ask them to run the server with a key that has the permission.", strings.Join(list, "; "))
}
