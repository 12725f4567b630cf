package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
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
		define(spec{
			name:  "replace_api_key",
			title: "Replace API key",
			description: "Rotate an API key without downtime: create a successor with its tier, account role and project access, and return its secret, which is shown this once. " +
				"The old key is not touched, and the answer says what remains to be done before it can be revoked.",
			effect:     creates,
			permission: apiKeysCreate,
			sensitive:  "/secret/value",
		}, replaceAPIKey),
		define(spec{
			name:  "audit_api_keys",
			title: "Audit API keys",
			description: "Look at every API key of the account and report what an administrator should know, worst first: keys that are too powerful, never expire, expire soon, are expired or inactive, are unused, " +
				"share a name, or were made by somebody who is no longer a member. Each finding says how to fix it.",
			effect:     reads,
			permission: apiKeysView,
		}, auditAPIKeys),
	)
}

// createAPIKeyInput mirrors the API's request body: the conversion in
// createAPIKey keeps the fields equal.
type createAPIKeyInput struct {
	Name          string     `json:"name" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"What the key is for, such as the program that will use it. Need not be unique."`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high,default=standard" jsonschema_description:"standard: 30 requests a second. high: 100, only after Raff's support has approved it."`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema_description:"When the key stops working, in the future, with time zone: 2027-01-31T00:00:00Z. Without it the key never expires."`
	RoleID        string     `json:"role_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"ID of the account-scope role whose permissions the key gets, from list_roles. Without it the key gets no account role."`
}

// Check adds what JSON Schema cannot say.
func (in createAPIKeyInput) Check() []schema.Fault { return inFuture(in.ExpiresAt) }

func inFuture(expiresAt *time.Time) []schema.Fault {
	if expiresAt == nil || expiresAt.After(time.Now()) {
		return nil
	}
	return []schema.Fault{{Property: "expires_at", Problem: "'expires_at' must be in the future; now it is " + time.Now().UTC().Format(time.RFC3339)}}
}

// keyOutput is a key with its secret, or with where that went.
type keyOutput struct {
	APIKey raffclient.APIKey `json:"api_key"`
	Secret delivery.Secret   `json:"secret"`
	confirmed
	verb    string
	prefix  string
	expires bool // an expiry was requested, or the key had one before
	sandbox bool
}

// output makes the output of a key whose secret was handed over.
func (d *deps) output(verb string, key raffclient.APIKeyWithSecret, secret delivery.Secret) keyOutput {
	if d.sandbox {
		secret.Note = "SANDBOX: this key grants no access and is discarded when the server ends. " + secret.Note
	}
	return keyOutput{APIKey: key.APIKey, Secret: secret, verb: verb, prefix: key.Prefix(), sandbox: d.sandbox}
}

func (o keyOutput) delivered() delivery.Secret { return o.Secret }

func (o keyOutput) summary() string {
	k := o.APIKey
	text := fmt.Sprintf("%s %s (prefix %s, ID %s).", o.verb, labeled("API key", k.Name), prefixText(o.prefix), idText(k.ID))
	_, known := k.ExpiresAt.Time()
	switch {
	case known:
		text += fmt.Sprintf(" It expires at %s.", timeText(k.ExpiresAt))
	case k.ExpiresAt != "":
		text += fmt.Sprintf(" When it expires is unknown: Raff's response shows %s.", timeText(k.ExpiresAt))
	case !o.expires:
		text += " It never expires."
	}
	if k.RoleName != "" {
		text += fmt.Sprintf(" Its account role is %s.", quoted(k.RoleName))
	}
	if k.ID == "" {
		text += " Raff's response lacks the key's ID; list_api_keys shows it by its prefix."
	}
	text += o.doubts("get_api_key") + " " + o.Secret.Describe()
	if o.sandbox {
		text = "SANDBOX: this key grants no access. " + text
	}
	return text
}

func createAPIKey(ctx context.Context, d *deps, in createAPIKeyInput) (keyOutput, error) {
	return d.createAndDeliver(ctx, "create_api_key", raffclient.CreateAPIKeyRequest(in))
}

// createAndDeliver creates a key and hands its secret over. No key is left whose secret
// nobody has.
func (d *deps) createAndDeliver(ctx context.Context, tool string, r raffclient.CreateAPIKeyRequest) (keyOutput, error) {
	if err := d.secrets.Ready(ctx); err != nil {
		return keyOutput{}, err
	}
	d.announce(tool, "creating API key", "name", r.Name)
	finished := d.logUnfinished(ctx, "the server ended before Raff answered a request to create an API key: look for a key with this name, and revoke it if it exists, since nobody has its secret", delivery.Key{Name: r.Name})
	key, err := d.client.CreateAPIKey(ctx, r)
	finished()
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		d.revokeNamed(ctx, lost)
	}
	if err != nil {
		return keyOutput{}, err
	}
	named := key.Name
	key.Name = cmp.Or(key.Name, r.Name)
	secret, err := d.deliverNew(ctx, key)
	if err != nil {
		return keyOutput{}, err
	}
	o := d.output("Created", key, secret)
	o.expires = r.ExpiresAt != nil
	o.text("name", r.Name, named)
	o.token("rate_limit_tier", r.RateLimitTier, key.RateLimitTier)
	o.time("expires_at", r.ExpiresAt, key.ExpiresAt)
	o.token("role_id", r.RoleID, key.RoleID)
	return o, nil
}

// revokeNamed revokes, once the call is over, a key whose answer named it but lacked
// the secret, if the call was cancelled or its client has gone. A key that was only
// found may be somebody else's; the client's log names it.
func (d *deps) revokeNamed(call context.Context, lost *raffclient.OutcomeError) {
	stdio.OnUndelivered(call, func(ctx context.Context, why stdio.Reason) {
		if why == stdio.ErrorResponse {
			return
		}
		for _, m := range lost.Found {
			if m.Confirmed && m.Recent {
				d.revokeUnread(ctx, raffclient.APIKeyWithSecret{APIKey: raffclient.APIKey{ID: m.ID, Name: m.Name, KeyPrefix: m.Prefix, CreatedAt: m.CreatedAt}})
			}
		}
	})
}

// revokeUnread revokes a key that nobody will ever know the secret of, since
// the call that made it was cancelled or its client has gone. Where that is
// refused, the log names the key.
func (d *deps) revokeUnread(ctx context.Context, key raffclient.APIKeyWithSecret) {
	log := d.log.With("id", key.ID, "name", key.Name, "prefix", key.Prefix())
	err := d.client.RevokeCreatedAPIKey(ctx, key)
	if err != nil {
		log.Error("a key was made for a call that was cancelled or whose client has gone, and it could not be revoked; nobody has its secret: revoke it", "error", err)
		return
	}
	log.Warn("a key was made for a call that was cancelled or whose client has gone; it was revoked")
}

type listAPIKeysInput struct {
	Name   string `json:"name,omitempty" jsonschema_description:"Only keys with this in their name, case-insensitive."`
	Active *bool  `json:"active,omitempty" jsonschema_description:"Only keys that work (true), or only those that are switched off or expired (false)."`
	Role   string `json:"role,omitempty" jsonschema_description:"Only keys with this account role: its ID, slug or name."`
	Scope  string `json:"scope,omitempty" jsonschema:"enum=public" jsonschema_description:"All keys are public; changes nothing."`
	listInput
}

func (in listAPIKeysInput) match(k raffclient.APIKey) bool {
	return strings.Contains(strings.ToLower(k.Name), strings.ToLower(in.Name)) &&
		(in.Active == nil || *in.Active == works(k)) &&
		(in.Role == "" || in.Role == k.RoleID || strings.EqualFold(in.Role, k.RoleSlug) || strings.EqualFold(in.Role, k.RoleName))
}

// works reports whether k can be used. A key that is not said to be inactive is
// active.
func works(k raffclient.APIKey) bool {
	expires, ok := k.ExpiresAt.Time()
	return (k.Active == nil || *k.Active) && (!ok || expires.After(time.Now()))
}

func listAPIKeys(ctx context.Context, d *deps, in listAPIKeysInput) (pageOutput[raffclient.APIKey], error) {
	var matching []raffclient.APIKey
	for k, err := range d.client.APIKeys(ctx) {
		if err != nil {
			return pageOutput[raffclient.APIKey]{}, err
		}
		if in.match(k) {
			matching = append(matching, k)
		}
	}
	return paginate("API keys", in.listInput, matching), nil
}

type keyIDInput struct {
	ID string `json:"id" jsonschema:"format=uuid" jsonschema_description:"The key's ID, from list_api_keys."`
}

type apiKeyOutput struct {
	APIKey raffclient.APIKey `json:"api_key"`
}

func (o apiKeyOutput) sentence(verb string) string {
	k := o.APIKey
	return fmt.Sprintf("%s %s (prefix %s, ID %s).", verb, labeled("API key", k.Name), prefixText(k.KeyPrefix), idText(k.ID))
}

func (o apiKeyOutput) summary() string { return o.sentence("This is the") }

func getAPIKey(ctx context.Context, d *deps, in keyIDInput) (apiKeyOutput, error) {
	key, err := d.client.GetAPIKey(ctx, in.ID)
	return apiKeyOutput{key}, err
}

type updateAPIKeyInput struct {
	keyIDInput
	Name          string     `json:"name,omitempty" jsonschema:"minLength=1,maxLength=128"`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high" jsonschema_description:"high only after Raff's support has approved it."`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema_description:"When the key stops working, in the future, with time zone: 2027-01-31T00:00:00Z."`
	Active        *bool      `json:"is_active,omitempty" jsonschema_description:"false switches the key off, true on again."`
}

// Check adds what JSON Schema cannot say to every client.
func (in updateAPIKeyInput) Check() []schema.Fault {
	given := in.Name != "" || in.RateLimitTier != "" || in.ExpiresAt != nil || in.Active != nil
	return append(inFuture(in.ExpiresAt), atLeastOne(given, "'name', 'rate_limit_tier', 'expires_at' and 'is_active'")...)
}

// changedKeyOutput is a key after a change.
type changedKeyOutput struct {
	apiKeyOutput
	confirmed
}

func (o changedKeyOutput) summary() string {
	return o.sentence(o.lead("Changed the")) + o.doubts("get_api_key")
}

func updateAPIKey(ctx context.Context, d *deps, in updateAPIKeyInput) (changedKeyOutput, error) {
	if in.Active != nil && !*in.Active || in.ExpiresAt != nil {
		key, err := d.lookAtKey(ctx, in.ID)
		if err != nil {
			return changedKeyOutput{}, err
		}
		if err := d.notOwn(key, "deactivate or shorten"); err != nil && in.shortens(key) {
			return changedKeyOutput{}, err
		}
	}
	key, err := d.client.UpdateAPIKey(ctx, in.ID, raffclient.UpdateAPIKeyRequest{Name: in.Name, RateLimitTier: in.RateLimitTier, ExpiresAt: in.ExpiresAt, Active: in.Active})
	if err != nil {
		return changedKeyOutput{}, err
	}
	o := changedKeyOutput{apiKeyOutput: apiKeyOutput{key}}
	o.APIKey.ID = cmp.Or(key.ID, in.ID)
	o.text("name", in.Name, key.Name)
	o.token("rate_limit_tier", in.RateLimitTier, key.RateLimitTier)
	o.time("expires_at", in.ExpiresAt, key.ExpiresAt)
	o.flag("is_active", in.Active, key.Active)
	return o, nil
}

// shortens reports whether the key would work for a shorter time than it does now.
func (in updateAPIKeyInput) shortens(key raffclient.APIKey) bool {
	until, ok := key.ExpiresAt.Time()
	return in.Active != nil && !*in.Active || in.ExpiresAt != nil && !(ok && in.ExpiresAt.After(until))
}

func (d *deps) lookAtKey(ctx context.Context, id string) (raffclient.APIKey, error) {
	key, err := d.client.GetAPIKey(ctx, id)
	return key, withPermission(err, apiKeysView)
}

// notOwn refuses to lock the server out.
func (d *deps) notOwn(key raffclient.APIKey, verb string) error {
	switch {
	case d.client.MayBeOwn(key):
		return refusal(fmt.Sprintf("Nothing was changed: Raff does not show the prefix of %s, so it cannot be ruled out that it is the one that this server itself runs with, which the server does not %s. Ask the user to %[2]s it in the Raff dashboard.", labeled("the key", key.Name), verb))
	case d.client.IsOwn(key):
		return refusal(fmt.Sprintf("Nothing was changed: %s (%s) is the one that this server itself runs with, and the server does not %s its own key. %s", labeled("key", key.Name), prefixText(key.KeyPrefix), verb, d.ownKeySteps(key)))
	}
	return nil
}

// isOwn reports whether key is, or may be, the one that the server itself runs with.
func (d *deps) isOwn(key raffclient.APIKey) bool {
	return d.client.IsOwn(key) || d.client.MayBeOwn(key)
}

// whoseKey says that key is the server's own, or may be.
func (d *deps) whoseKey(key raffclient.APIKey) string {
	if d.client.IsOwn(key) {
		return "This is the key that the server itself runs with."
	}
	return "Raff does not show enough of this key's prefix, so it may be the one that the server itself runs with."
}

// ownKeySteps says what can be done about the server's own key, which the server
// neither revokes nor regenerates nor restricts.
func (d *deps) ownKeySteps(key raffclient.APIKey) string {
	if d.sandbox {
		return "In the sandbox there is nothing to do about it: every start of the server makes a new account and a new key."
	}
	return fmt.Sprintf("To retire it, create a successor (%s, with an expires_at), have the user put its secret where the server gets its key (%s) and restart the server; only then revoke the old key, which the restarted server can do.",
		callText("replace_api_key", "id", key.ID), d.keySource)
}

type confirmedKeyInput struct {
	keyIDInput
	confirmInput
}

// confirmKey returns the key as it is now, once it is sure that it is the one.
func (d *deps) confirmKey(ctx context.Context, in confirmedKeyInput, verb, consequence string) (raffclient.APIKey, error) {
	key, err := d.lookAtKey(ctx, in.ID)
	if err != nil {
		return key, err
	}
	if err := d.notOwn(key, verb); err != nil {
		return key, err
	}
	return key, d.confirm(ctx, action{capitalized(verb), "API key", in.ID, cmp.Or(key.Name, in.ID), consequence}, in.ConfirmName)
}

func regenerateAPIKey(ctx context.Context, d *deps, in confirmedKeyInput) (keyOutput, error) {
	old, err := d.confirmKey(ctx, in, "regenerate", "It gets a new secret. The old one stops working immediately, and this cannot be undone.")
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
	key, err := d.confirmKey(ctx, in, "revoke", "It is revoked for good. Whatever uses it stops working immediately, and this cannot be undone.")
	if err != nil {
		return deletedOutput{}, err
	}
	key.ID = in.ID
	return deletedOutput{in.ID, key.Name, "Revoked %s (ID %s).", "API key"}, d.client.RevokeAPIKey(ctx, key)
}
