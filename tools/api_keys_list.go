package tools

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

type listAPIKeysInput struct {
	Name      string `json:"name,omitempty" jsonschema_description:"Part of the name, case-insensitive."`
	Active    *bool  `json:"active,omitempty" jsonschema_description:"true: keys that work; false: inactive or expired ones."`
	Role      string `json:"role,omitempty" jsonschema_description:"Account role: ID, slug or name."`
	CreatedBy string `json:"created_by,omitempty" jsonschema_description:"User ID or e-mail address of the creator."`
	listInput
}

// Check adds what no JSON Schema that every client reads can express.
func (in listAPIKeysInput) Check() []schema.Fault {
	if in.CreatedBy == "" || isEmail(in.CreatedBy) || raffclient.IsUUID(in.CreatedBy) {
		return nil
	}
	return []schema.Fault{{Property: "created_by", Problem: "'created_by' must be a user ID (a UUID) or an e-mail address"}}
}

// match reports whether k passes the filters. creators are the IDs of the users that
// created_by stands for.
func (in listAPIKeysInput) match(k raffclient.APIKey, creators []string) bool {
	return strings.Contains(strings.ToLower(k.Name), strings.ToLower(in.Name)) &&
		(in.Active == nil || *in.Active == isUsable(k)) &&
		(in.Role == "" || strings.EqualFold(in.Role, k.RoleID) || strings.EqualFold(in.Role, k.RoleSlug) || strings.EqualFold(in.Role, k.RoleName)) &&
		(in.CreatedBy == "" || slices.Contains(creators, strings.ToLower(k.CreatedBy)))
}

// isUsable reports whether k can be used. A key counts as active unless the API says
// otherwise.
func isUsable(k raffclient.APIKey) bool {
	expires, ok := k.ExpiresAt.Time()
	return (k.Active == nil || *k.Active) && (!ok || expires.After(time.Now()))
}

// listedKey is an API key in a list, and in the results of changes: what identifies it, and
// what a reader filters by.
type listedKey struct {
	ID             string               `json:"id"`
	Name           string               `json:"name,omitempty"`
	KeyPrefix      string               `json:"key_prefix,omitempty"`
	Active         *bool                `json:"is_active,omitempty"`
	RoleName       string               `json:"role_name,omitempty"`
	RateLimitTier  string               `json:"rate_limit_tier,omitempty"`
	ExpiresAt      raffclient.Timestamp `json:"expires_at,omitempty"`
	LastUsedAt     raffclient.Timestamp `json:"last_used_at,omitempty"`
	CreatedByEmail string               `json:"created_by_email,omitempty"`
	CreatedBy      string               `json:"created_by,omitempty"`
	Unreadable     []string             `json:"unreadable,omitempty" jsonschema:"-"` // rare: not in the schema
}

// leanKey returns the key as a list shows it. Its creator is named by the e-mail address if
// that is known, otherwise by the user ID.
func leanKey(k raffclient.APIKey, creators people) listedKey {
	lean := listedKey{ID: k.ID, Name: k.Name, KeyPrefix: k.KeyPrefix, Active: k.Active, RoleName: k.RoleName, RateLimitTier: k.RateLimitTier, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, Unreadable: k.Unreadable}
	if lean.CreatedByEmail = creators.email(k.CreatedBy); lean.CreatedByEmail == "" {
		lean.CreatedBy = k.CreatedBy
	}
	return lean
}

type listAPIKeysOutput struct {
	pageOutput[listedKey]
	unknown string // why the e-mail addresses of the creators are unknown, as a clause; "" if they are known
}

func (o listAPIKeysOutput) summary() string {
	text := o.pageOutput.summary()
	if slices.ContainsFunc(o.Items, func(k listedKey) bool { return k.ExpiresAt == "" || k.LastUsedAt == "" }) {
		text += " A key without expires_at never expires; one without last_used_at has not been used since it was created or regenerated."
	}
	switch unnamed := slices.ContainsFunc(o.Items, func(k listedKey) bool { return k.CreatedBy != "" }); {
	case unnamed && o.unknown != "":
		text += " Who created the keys is shown by user ID (created_by), because the e-mail addresses are unknown: " + o.unknown + "."
	case unnamed:
		text += " A creator who is not a member of the account is shown by user ID (created_by)."
	}
	return text
}

func listAPIKeys(ctx context.Context, d *deps, in listAPIKeysInput) (listAPIKeysOutput, error) {
	var creators *people // nil if they were not needed yet
	if isEmail(in.CreatedBy) {
		creators = new(d.readPeople(ctx))
	}
	ids, err := cmp.Or(creators, &people{}).usersOf(in.CreatedBy)
	if err != nil {
		return listAPIKeysOutput{}, err
	}
	var matching []raffclient.APIKey
	for k, err := range d.client.APIKeys(ctx) {
		if err != nil {
			return listAPIKeysOutput{}, err
		}
		if in.match(k, ids) {
			matching = append(matching, k)
		}
	}
	if creators == nil && slices.ContainsFunc(matching, func(k raffclient.APIKey) bool { return k.CreatedBy != "" }) {
		creators = new(d.readPeople(ctx))
	}
	if creators == nil {
		creators = new(people)
	}
	lean := make([]listedKey, len(matching))
	for i, k := range matching {
		lean[i] = leanKey(k, *creators)
	}
	return listAPIKeysOutput{paginate("API keys", in.listInput, lean), creators.unknown}, nil
}

// fullKey is an API key with everything that is known of it.
type fullKey struct {
	raffclient.APIKey
	CreatedByEmail string `json:"created_by_email,omitempty"`
}
