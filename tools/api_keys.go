package tools

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func apiKeyTools() []Tool {
	return inToolset("api_keys",
		define(spec{
			name:        "list_api_keys",
			title:       "List API keys",
			description: "List the API keys of the account, optionally filtered, without their secrets: they are told apart by key_prefix.",
			effect:      reads,
			permission:  apiKeysView,
		}, listAPIKeys),
		define(spec{
			name:        "get_api_key",
			title:       "Get API key",
			description: "Get one API key, without its secret.",
			effect:      reads,
			permission:  apiKeysView,
		}, getAPIKey),
		define(spec{
			name:  "create_api_key",
			title: "Create API key",
			description: "Create an API key for the Raff account, for a program to call the Raff API with. " +
				"Returns the key's details and its secret, which Raff shows this once and never again; or, if the administrator chose so, where the secret was put instead. " +
				"A key belongs to the account, not to a person, and lasts until it expires or is revoked. " +
				"Every call makes another key, even with the same name.",
			effect:     creates,
			permission: apiKeysCreate,
			sensitive:  "/secret/value",
		}, createAPIKey),
		define(spec{
			name:  "update_api_key",
			title: "Update API key",
			description: "Rename an API key, change its rate limit tier or its expiry, or switch it off and on again. " +
				"Its role cannot be changed, and a key with an expiry cannot be made to last forever.",
			effect:     updates,
			permission: apiKeysManage,
		}, updateAPIKey),
		define(spec{
			name:  "regenerate_api_key",
			title: "Regenerate API key",
			description: "Give an API key a new secret, shown this once. The old secret stops working immediately, so whatever uses it breaks until it has the new one: " +
				"to rotate a key in use without that, use replace_api_key. ID, name, role and expiry stay.",
			effect:     replaces,
			permission: apiKeysManage,
			sensitive:  "/secret/value",
		}, regenerateAPIKey),
		define(spec{
			name:        "revoke_api_key",
			title:       "Revoke API key",
			description: "Revoke an API key for good. Whatever uses it stops working immediately.",
			effect:      deletes,
			permission:  apiKeysRevoke,
		}, revokeAPIKey),
		replaceAPIKeyTool(),
		auditAPIKeysTool(),
	)
}

type listAPIKeysInput struct {
	Name   string `json:"name,omitempty" jsonschema_description:"Only keys with this in their name, case-insensitive."`
	Active *bool  `json:"active,omitempty" jsonschema_description:"Only keys that work (true), or only those that are switched off or expired (false)."`
	Role   string `json:"role,omitempty" jsonschema_description:"Only keys with this account role: its ID, slug or name."`
	listInput
}

func (in listAPIKeysInput) match(k raffclient.APIKey) bool {
	return strings.Contains(strings.ToLower(k.Name), strings.ToLower(in.Name)) &&
		(in.Active == nil || *in.Active == isUsable(k)) &&
		(in.Role == "" || in.Role == k.RoleID || strings.EqualFold(in.Role, k.RoleSlug) || strings.EqualFold(in.Role, k.RoleName))
}

// isUsable reports whether k is active and has not expired. A key counts as active unless
// the API says otherwise.
func isUsable(k raffclient.APIKey) bool {
	expires, ok := k.ExpiresAt.Time()
	return (k.Active == nil || *k.Active) && (!ok || expires.After(time.Now()))
}

// listedKey is an API key in a list.
type listedKey struct {
	ID            string               `json:"id"`
	Name          string               `json:"name,omitempty"`
	KeyPrefix     string               `json:"key_prefix,omitempty"`
	Active        *bool                `json:"is_active,omitempty"`
	RoleName      string               `json:"role_name,omitempty"`
	RateLimitTier string               `json:"rate_limit_tier,omitempty"`
	ExpiresAt     raffclient.Timestamp `json:"expires_at,omitempty"`
	LastUsedAt    raffclient.Timestamp `json:"last_used_at,omitempty"`
	CreatedBy     string               `json:"created_by,omitempty"`
	Unreadable    []string             `json:"unreadable,omitempty"`
}

func leanKey(k raffclient.APIKey) listedKey {
	return listedKey{k.ID, k.Name, k.KeyPrefix, k.Active, k.RoleName, k.RateLimitTier, k.ExpiresAt, k.LastUsedAt, k.CreatedBy, k.Unreadable}
}

func listAPIKeys(ctx context.Context, d *deps, in listAPIKeysInput) (pageOutput[listedKey], error) {
	var matching []listedKey
	for k, err := range d.client.APIKeys(ctx) {
		if err != nil {
			return pageOutput[listedKey]{}, err
		}
		if in.match(k) {
			matching = append(matching, leanKey(k))
		}
	}
	return paginate("API keys", in.listInput, matching), nil
}

type keyIDInput struct {
	ID string `json:"api_key_id" jsonschema:"format=uuid" jsonschema_description:"The key's ID, from list_api_keys."`
}

type apiKeyOutput struct {
	summarized
	APIKey raffclient.APIKey `json:"api_key"`
}

func (o apiKeyOutput) summary() string { return fmt.Sprintf("This is the %s.", keyText(o.APIKey)) }

func keyText(k raffclient.APIKey) string {
	return fmt.Sprintf("%s (prefix %s, ID %s)", labeled("API key", k.Name), prefixText(k.KeyPrefix), idText(k.ID))
}

func getAPIKey(ctx context.Context, d *deps, in keyIDInput) (apiKeyOutput, error) {
	key, err := d.client.GetAPIKey(ctx, in.ID)
	return apiKeyOutput{APIKey: key}, err
}

type updateAPIKeyInput struct {
	keyIDInput
	Name          string     `json:"name,omitempty" jsonschema:"minLength=1,maxLength=128"`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high" jsonschema_description:"high only after Raff's support has approved it."`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema_description:"When the key stops working, in the future, with time zone: 2027-01-31T00:00:00Z."`
	Active        *bool      `json:"is_active,omitempty" jsonschema_description:"false switches the key off, true on again."`
}

// Check implements [schema.Checker].
func (in updateAPIKeyInput) Check() []schema.Fault {
	given := in.Name != "" || in.RateLimitTier != "" || in.ExpiresAt != nil || in.Active != nil
	return append(inFuture(in.ExpiresAt), atLeastOne(given, "'name', 'rate_limit_tier', 'expires_at' and 'is_active'")...)
}

// changedKeyOutput is the output of a tool that changes a key.
type changedKeyOutput struct {
	summarized
	changed
	APIKey raffclient.APIKey `json:"api_key"`
}

func (o changedKeyOutput) summary() string { return o.sentences(keyText(o.APIKey), "get_api_key") }

func updateAPIKey(ctx context.Context, d *deps, in updateAPIKeyInput) (changedKeyOutput, error) {
	var o changedKeyOutput
	old, err := d.client.GetAPIKey(ctx, in.ID)
	if in.Active != nil && !*in.Active || in.ExpiresAt != nil {
		if err != nil {
			return o, withPermission(err, apiKeysView)
		}
		if err := d.notOwn(old, "deactivate or shorten"); err != nil && in.shortens(old) {
			return o, err
		}
	}
	if err := o.begin(err, apiKeysView); err != nil {
		return o, err
	}
	if o.APIKey, err = d.client.UpdateAPIKey(ctx, in.ID, raffclient.UpdateAPIKeyRequest{Name: in.Name, RateLimitTier: in.RateLimitTier, ExpiresAt: in.ExpiresAt, Active: in.Active}); err != nil {
		return o, err
	}
	o.APIKey.ID = cmp.Or(o.APIKey.ID, in.ID)
	o.text("name", in.Name, old.Name, o.APIKey.Name)
	o.token("rate_limit_tier", in.RateLimitTier, old.RateLimitTier, o.APIKey.RateLimitTier)
	o.time("expires_at", in.ExpiresAt, old.ExpiresAt, o.APIKey.ExpiresAt)
	o.flag("is_active", in.Active, old.Active, o.APIKey.Active)
	return o, nil
}

// shortens reports whether the key would work for a shorter time than it does now. Without
// knowing that, the server's own key cannot be protected.
func (in updateAPIKeyInput) shortens(key raffclient.APIKey) bool {
	until, ok := key.ExpiresAt.Time()
	return in.Active != nil && !*in.Active || in.ExpiresAt != nil && !(ok && in.ExpiresAt.After(until))
}

func (d *deps) readKey(ctx context.Context, id string) (raffclient.APIKey, error) {
	key, err := d.client.GetAPIKey(ctx, id)
	return key, withPermission(err, apiKeysView)
}

type confirmedKeyInput struct {
	keyIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"The key's current name."`
}

// confirmKey reads the key, and returns an error unless the change is confirmed.
func (d *deps) confirmKey(ctx context.Context, in confirmedKeyInput, verb, consequence string) (raffclient.APIKey, error) {
	key, err := d.readKey(ctx, in.ID)
	if err != nil {
		return key, err
	}
	if err := d.notOwn(key, verb); err != nil {
		return key, err
	}
	return key, d.confirm(ctx, action{capitalized(verb), "API key", in.ID, cmp.Or(key.Name, in.ID), prefixText(key.KeyPrefix), consequence, "get_api_key"}, in.ConfirmName)
}

func regenerateAPIKey(ctx context.Context, d *deps, in confirmedKeyInput) (keyOutput, error) {
	old, err := d.confirmKey(ctx, in, "regenerate", "Its old secret stops working immediately, and with it anything that uses it. This cannot be undone.")
	if err != nil {
		return keyOutput{}, err
	}
	if err := d.secrets.Ready(ctx); err != nil {
		return keyOutput{}, err
	}
	d.announce("regenerate_api_key", "regenerating API key", "name", old.Name, "id", in.ID)
	finished := d.logUnfinished(ctx, "the server ended before Raff answered a request to regenerate an API key: its old secret may be void, and nobody has a new one; regenerate it again", delivery.Key{ID: old.ID, Name: old.Name, Prefix: old.KeyPrefix})
	key, err := d.client.RegenerateAPIKey(ctx, old)
	finished()
	if err != nil {
		return keyOutput{}, err
	}
	key.ID, key.Name = cmp.Or(key.ID, in.ID), cmp.Or(key.Name, old.Name)
	secret, err := d.deliverRegenerated(ctx, key)
	if err != nil {
		return keyOutput{}, err
	}
	o := d.output("Regenerated", key, secret)
	if o.expires = old.ExpiresAt != ""; o.expires && key.ExpiresAt == "" {
		o.Unconfirmed = append(o.Unconfirmed, "expires_at")
		o.notes = append(o.notes, "Raff's response does not show the key's expiry, which was "+timeText(old.ExpiresAt)+" before")
	}
	return o, nil
}

func revokeAPIKey(ctx context.Context, d *deps, in confirmedKeyInput) (deletedOutput, error) {
	key, err := d.confirmKey(ctx, in, "revoke", "Anything that uses it stops working immediately. This cannot be undone.")
	if err != nil {
		return deletedOutput{}, err
	}
	key.ID = in.ID
	return deleted("Revoked %s (ID %s).", "API key", in.ID, key.Name), d.client.RevokeAPIKey(ctx, key)
}
