package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
			description: "List the account's API keys, optionally filtered, without their secrets.",
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
			description: "Create an API key with which a program can call the Raff API. " +
				"Returns the key and its secret, which Raff shows only once; or where the secret was delivered, if the administrator chose that. " +
				"A key belongs to the account, not to a person, and works until it expires or is revoked. " +
				"Every call creates another key, even with the same name.",
			effect:     creates,
			permission: apiKeysCreate,
			sensitive:  "/secret/value",
		}, createAPIKey),
		define(spec{
			name:  "update_api_key",
			title: "Update API key",
			description: "Rename an API key, change its rate limit tier or expiry, or deactivate or reactivate it. " +
				"It does not change the key's role. An expiry can be moved, but not removed.",
			effect:     updates,
			permission: apiKeysManage,
		}, updateAPIKey),
		define(spec{
			name:  "regenerate_api_key",
			title: "Regenerate API key",
			description: "Give an API key a new secret, shown only once. The old secret stops working immediately, breaking whatever uses it; replace_api_key avoids that. " +
				"ID, name, role and expiry stay.",
			effect:     replaces,
			permission: apiKeysManage,
			sensitive:  "/secret/value",
		}, regenerateAPIKey),
		define(spec{
			name:        "revoke_api_key",
			title:       "Revoke API key",
			description: "Revoke an API key permanently. Anything that uses it stops working immediately.",
			effect:      deletes,
			permission:  apiKeysRevoke,
		}, revokeAPIKey),
		replaceAPIKeyTool(),
		auditAPIKeysTool(),
	)
}

type keyIDInput struct {
	ID string `json:"api_key_id" jsonschema:"format=uuid" jsonschema_description:"From list_api_keys."`
}

type apiKeyOutput struct {
	summarized
	APIKey  fullKey `json:"api_key"`
	creator string  // a sentence, or ""
}

func (o apiKeyOutput) summary() string {
	k := o.APIKey
	text := fmt.Sprintf("This is the %s.%s", keyText(k.APIKey), expiryText(k.ExpiresAt))
	if k.LastUsedAt == "" {
		text += " It has not been used since it was created or regenerated."
	}
	return text + o.creator
}

func keyText(k raffclient.APIKey) string {
	return fmt.Sprintf("%s (prefix %s, ID %s)", labeled("API key", k.Name), prefixText(k.KeyPrefix), idText(k.ID))
}

// expiryText returns a sentence about when a key expires.
func expiryText(t raffclient.Timestamp) string {
	switch at, known := t.Time(); {
	case t == "":
		return " It never expires."
	case !known:
		return fmt.Sprintf(" When it expires is unknown: Raff's response shows %s.", timeText(t))
	case at.Before(time.Now()):
		return fmt.Sprintf(" It expired at %s.", timeText(t))
	}
	return fmt.Sprintf(" It expires at %s.", timeText(t))
}

func getAPIKey(ctx context.Context, d *deps, in keyIDInput) (apiKeyOutput, error) {
	key, err := d.client.GetAPIKey(ctx, in.ID)
	if err != nil {
		return apiKeyOutput{}, err
	}
	o := apiKeyOutput{APIKey: fullKey{APIKey: key}}
	if key.CreatedBy != "" {
		var by string
		o.APIKey.CreatedByEmail, by = d.creator(ctx, key.CreatedBy)
		o.creator = " It was created by " + by + "."
	}
	return o, nil
}

type updateAPIKeyInput struct {
	keyIDInput
	Name          string     `json:"name,omitempty" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"1 to 128 characters."`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high" jsonschema_description:"high needs approval by Raff's support."`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema_description:"In the future, with time zone: 2027-01-31T00:00:00Z."`
	Active        *bool      `json:"is_active,omitempty"`
}

// Check implements [schema.Checker].
func (in updateAPIKeyInput) Check() []schema.Fault {
	given := in.Name != "" || in.RateLimitTier != "" || in.ExpiresAt != nil || in.Active != nil
	return append(inFuture(in.ExpiresAt), atLeastOne(given, "'name', 'rate_limit_tier', 'expires_at' and 'is_active'")...)
}

// CheckNull refuses to remove the expiry, which Raff cannot do. If other properties are null
// too, the client writes null for what it does not set.
func (in updateAPIKeyInput) CheckNull(properties []string) []schema.Fault {
	if len(properties) > 1 || properties[0] != "expires_at" {
		return nil
	}
	return []schema.Fault{{Property: "expires_at", Problem: "'expires_at' cannot be null, because Raff has no way to remove the expiry of a key: set a later time, or create a key that never expires (create_api_key without expires_at)"}}
}

// changedKeyOutput is a key after a change.
type changedKeyOutput struct {
	summarized
	changed
	APIKey listedKey `json:"api_key"`
	key    raffclient.APIKey
}

func (o changedKeyOutput) summary() string {
	text := o.sentences(keyText(o.key), "get_api_key")
	if slices.ContainsFunc(o.Changes, func(c change) bool { return c.Field == "expires_at" && c.From == nil }) {
		text += " The expiry cannot be removed again, only moved."
	}
	return text
}

func updateAPIKey(ctx context.Context, d *deps, in updateAPIKeyInput) (changedKeyOutput, error) {
	var o changedKeyOutput
	old, err := d.client.GetAPIKey(ctx, in.ID)
	if in.Active != nil && !*in.Active || in.ExpiresAt != nil {
		if err != nil {
			return o, withPermission(err, apiKeysView)
		}
		if err := d.notOwn(ctx, old, "deactivate or shorten"); err != nil && in.shortens(old) {
			return o, err
		}
	}
	if err := o.begin(err, apiKeysView); err != nil {
		return o, err
	}
	key, err := d.client.UpdateAPIKey(ctx, in.ID, raffclient.UpdateAPIKeyRequest{Name: in.Name, RateLimitTier: in.RateLimitTier, ExpiresAt: in.ExpiresAt, Active: in.Active})
	if err != nil {
		return o, err
	}
	key.ID = cmp.Or(key.ID, in.ID)
	o.key, o.APIKey = key, leanKey(key, people{})
	o.text("name", in.Name, old.Name, key.Name)
	o.token("rate_limit_tier", in.RateLimitTier, old.RateLimitTier, key.RateLimitTier)
	o.time("expires_at", in.ExpiresAt, old.ExpiresAt, key.ExpiresAt)
	o.flag("is_active", in.Active, old.Active, key.Active)
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
	d.noteKey(ctx, key)
	if err := d.notOwn(ctx, key, verb); err != nil {
		return key, err
	}
	return key, d.confirm(ctx, action{capitalized(verb), "API key", in.ID, cmp.Or(key.Name, in.ID), prefixText(key.KeyPrefix), consequence, "get_api_key"}, in.ConfirmName)
}

func regenerateAPIKey(ctx context.Context, d *deps, in confirmedKeyInput) (keyOutput, error) {
	if err := d.method(ctx).Check(ctx); err != nil { // before a person is asked in vain
		return keyOutput{}, err
	}
	old, err := d.confirmKey(ctx, in, "regenerate", "Its old secret stops working immediately, and with it anything that uses it. This cannot be undone."+d.destinationOf(ctx))
	if err != nil {
		return keyOutput{}, err
	}
	if err := d.method(ctx).Ready(ctx); err != nil {
		return keyOutput{}, err
	}
	d.announce(ctx, "regenerate_api_key", "regenerating API key", "name", old.Name, "id", in.ID)
	finished := d.logUnfinished(ctx, "the server ended before Raff answered a request to regenerate an API key: its old secret may no longer work, and nobody has a new one; regenerate it again", delivery.Key{ID: old.ID, Name: old.Name, Prefix: old.KeyPrefix})
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
	text := fmt.Sprintf("Revoked the %s. Anything that uses it no longer works, and it cannot be restored.", keyText(key))
	return deletedOutput{ID: in.ID, Name: key.Name, text: text}, d.client.RevokeAPIKey(ctx, key)
}
